#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mth5/file.hpp"

namespace support {

/// A file with the tables of layout 2 of /Acquisition (libmth5/doc/acquisition.md), written by hand: readers are tested against
/// the page and not against the recorder. Survey TEST. Thread: one; the process must hold no reader of a file that is not closed.
class AcquisitionFile {
 public:
  struct Stream {
    std::int64_t source = 0;
    std::string name, station;
    double rate = 1;
    std::vector<mth5::ChannelSpec> channels = {};  ///< none: ex and ey
  };

  AcquisitionFile(const std::filesystem::path& path, std::vector<Stream> streams);

  static mth5::UtcNanos start() { return mth5::UtcNanos{std::chrono::seconds{1'777'593'600}}; }  // 2026-05-01

  /// A run of a stream from start() + after on. @returns its index for append()
  std::size_t add_run(std::size_t stream, const std::string& id, std::chrono::nanoseconds after);
  /// n samples: 1, 2, 3, … in every channel of a stream with ex and ey, going on where the run is.
  void append(std::size_t run, std::int64_t n);

  struct StreamRow {
    std::int64_t decoded = 0, stored = 0, buffered = 0, dropped = 0, recovered = 0, visible = 0, clipped = 0;
  };
  struct SourceRow {
    std::int64_t in = 0, decoded = 0, pending = 0, skipped = 0, frames = 0;
  };
  /// One durable commit: a row of `commits`, one of each ledger per stream and source.
  void commit(std::int64_t session, mth5::UtcNanos time, const std::vector<SourceRow>& sources,
              const std::vector<StreamRow>& streams, double disk_full_in = std::numeric_limits<double>::quiet_NaN());
  /// A row that belongs to the next commit.
  void reason(std::string_view kind, std::int64_t index, std::string_view reason, std::int64_t count);
  void gap(std::size_t stream, std::string_view component, std::chrono::nanoseconds after, std::int64_t samples,
           std::string_view reason, std::string_view before, std::string_view behind, bool filled);
  void anchor(std::string_view run, std::int64_t sample, mth5::UtcNanos utc, std::string_view kind, double residual, double ppm,
              bool locked, std::size_t stream = 0);
  [[nodiscard]] mth5::File& file() { return file_; }
  [[nodiscard]] mth5::RunId id_of(std::size_t run) const { return runs_.at(run); }

 private:
  mth5::File file_;
  std::vector<Stream> streams_;
  mth5::TableId sources_, streams_table_, commits_, source_ledger_, stream_ledger_, reasons_, gaps_;
  std::vector<mth5::TableId> clocks_;  ///< by stream
  std::vector<mth5::RunId> runs_;
  std::int64_t sequence_ = 1;  ///< of the next commit
};

}  // namespace support
