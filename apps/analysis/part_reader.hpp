#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <optional>
#include <span>
#include <vector>

#include "analysis/cache.hpp"
#include "analysis/filled.hpp"
#include "analysis/piece.hpp"
#include "analysis/series.hpp"
#include "analysis/spectra/spectrogram.hpp"
#include "analysis/workers.hpp"

namespace analysis {

/// Told how many samples are done with since the last time.
using Passed = std::function<void(std::int64_t samples)>;

/// Samples of a channel in parts of the memory that are used again and again.
class Buffers {
 public:
  [[nodiscard]] std::vector<double> take() {
    if (free_.empty()) return {};
    auto buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }
  void give_back(std::vector<double> buffer) { free_.push_back(std::move(buffer)); }

 private:
  std::vector<std::vector<double>> free_;
};

/// Reads a channel of a run and measures it piece by piece, or takes the pieces that the cache knows. Pieces end at the hours of
/// UTC, or of slow channels at the days, whatever the time of a report is, so that others of the same samples find them.
/// Measures are made by workers: samples are read by this thread, as HDF5 reads one thing at a time. Thread: that of
/// the reader.
class PartReader {
 public:
  struct What {
    const mth5::Reader& file;
    const Series::Part& part;
    std::size_t channel;  ///< in file.channels()
    const Ranges& filled;
    std::optional<double> fill;
    ClipLimits limits;
    double rate;   ///< Hz; 0 = not known
    bool quality;  ///< measures all, else the statistics
  };
  struct Tools {
    Cache& cache;
    Buffers& buffers;
    Workers& workers;
    const Passed& passed;  ///< may be empty
  };
  /// @param whole  gets all pieces, in order    @param spectrogram  needs every sample; nullptr: there is none to be made
  PartReader(What what, Tools tools, Piece& whole, Spectrogram* spectrogram);
  PartReader(const PartReader&) = delete;
  PartReader& operator=(const PartReader&) = delete;

  /// Samples [first, end); then all of them are in `whole`. @throws as Reader::read(): what was read before is in it too
  void read(std::int64_t first, std::int64_t end);
  /// Samples [first, end), of which only the statistics count.
  void read_statistics(std::int64_t first, std::int64_t end, Statistics& statistics);

 private:
  /// A piece that workers may still be at, with its samples.
  struct Waiting {
    Waiting() = default;
    Waiting(Waiting&&) = default;
    Waiting& operator=(Waiting&&) = delete;
    ~Waiting() {
      if (piece.valid()) piece.wait();
      if (drawn.valid()) drawn.wait();
    }

    std::vector<double> samples;
    Cache::Key key;
    bool keep = false;  ///< is new, and to be kept
    std::future<Piece> piece;
    std::shared_future<void> drawn;  ///< in the spectrogram; not valid: is not to be
  };

  [[nodiscard]] std::int64_t piece_end(std::int64_t first, std::int64_t end) const;
  [[nodiscard]] Cache::Key key_of(std::int64_t first, std::int64_t end) const;
  [[nodiscard]] std::int64_t index_at(mth5::UtcNanos time) const;
  [[nodiscard]] bool is_whole(std::int64_t first, std::int64_t end) const;
  void read_block(std::int64_t first, std::span<double> block) const;
  void add(std::int64_t first, std::int64_t end);
  void push(Waiting waiting, std::int64_t samples);
  void take_oldest();

  What what_;
  Tools tools_;
  Piece& whole_;
  Spectrogram* spectrogram_;
  Cache::Channel kept_;
  std::deque<Waiting> waiting_;     ///< in order of time
  std::shared_future<void> drawn_;  ///< the newest
};

}  // namespace analysis
