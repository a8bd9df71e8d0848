#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <spdlog/logger.h>

#include "acquisition/config/config.hpp"
#include "acquisition/stream/streams.hpp"
#include "mth5/time.hpp"

/// What a recorder finds of one that died (power cut, kill) in its directory. Thread: one, before the recorder runs.
namespace daq::recorder {

/// A file to go on in, recovered and closed.
struct Resume {
  struct Run {
    std::string station, id;
    double sample_rate = 0;
    std::vector<std::string> components;  ///< sorted
    mth5::UtcNanos next;                  ///< time of the sample that did not come any more
    std::int64_t n_samples = 0;
  };
  /// What the ledgers of all sessions know of a stream.
  struct Stream {
    std::string name;
    std::int64_t in_file = 0;  ///< samples of its runs, without fill
    std::int64_t counted = 0;  ///< samples that the ledger knows of, recovered ones included
  };
  std::filesystem::path path;
  std::int64_t session = 0;   ///< one more than the last
  std::int64_t sequence = 0;  ///< of the last commit in the ledger
  std::size_t n_streams = 0;  ///< rows of the table of streams
  std::vector<Run> runs;      ///< all, in the order of the file
  std::vector<Stream> streams;

  /// The last run in time that a stream of this station, rate and channels may have written; nullptr if there is none.
  [[nodiscard]] const Run* last_run(const stream::Stream& stream) const;
  /// Samples of a stream that are in the file and that no ledger knows of: durable only by chance when the writer crashed.
  [[nodiscard]] std::uint64_t recovered(const std::string& stream) const;
};

/// Recovers the files of this configuration's survey and stations whose writers died, the newest 20, with a line in the log for
/// all that was done. A file that cannot be recovered stays as it is, and costs a line.
/// @returns the newest of them, if a recording can go on in it: it is whole, made for the same stations, sources and file
/// version,
///          and no closed file of these stations is newer
[[nodiscard]] std::optional<Resume> recover_files(const config::Config& config, spdlog::logger& log);

}  // namespace daq::recorder
