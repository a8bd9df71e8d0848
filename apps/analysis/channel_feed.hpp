#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "analysis/block.hpp"
#include "analysis/series.hpp"

namespace analysis {

/// The samples of a channel that grows, over the runs and files of its series, each once: what is filled is NaN, what is missing
/// is a gap between two blocks. Goes on in the next file after a roll-over, and in a file that lost its last samples in a crash.
/// Thread: that of the reader.
class ChannelFeed {
 public:
  /// @param back   how much is read the first time, and behind a longer pause, back from the last sample
  /// @param most   samples that are read then at most
  /// @param first  of those, the newest that the first update reads; older() reads the rest
  ChannelFeed(std::string component, std::chrono::nanoseconds back, std::int64_t most, std::int64_t first = INT64_MAX);

  /// Reads what is new since the update before.
  /// @param series   of this channel, of one station and rate; its parts in order of time, all of `file`
  /// @param current  that of the run that grows; what is later is of a clock that was ahead, and left out
  /// @param take     gets each block, good until it returns: in order of time, but where the clock was set back
  /// @param at_once  samples that this update reads at most
  /// @returns whether nothing is left for the next one
  /// @throws mth5::FileError, mth5::FormatError as Reader::read(); the next update goes on where this one came to
  bool update(const mth5::Reader& file, const Series& series, const Series::Part& current,
              const std::function<void(const Block&)>& take, std::int64_t at_once = INT64_MAX);

  /// Samples in a row before the oldest that was given.
  struct Older {
    Block block;  ///< its values are those of the caller
    bool joined;  ///< they end where what was given begins: in the same run, without one between
  };
  /// The next older samples, of those that the first update left. nullopt: there are none any more.
  /// @param at_once  samples at most    @param values  room for them    @throws as update()
  [[nodiscard]] std::optional<Older> older(const mth5::Reader& file, const Series& series, std::int64_t at_once,
                                           std::vector<double>& values);
  /// older() gives nothing any more.
  void leave_older() { older_left_ = 0; }
  /// Whether older() has nothing more to give, as far as it knows.
  [[nodiscard]] bool is_whole() const { return any_ && older_left_ == 0; }

  /// Behind the newest sample that was given; nullopt: there is none.
  [[nodiscard]] std::optional<mth5::UtcNanos> end() const { return any_ ? std::optional{end_} : std::nullopt; }
  [[nodiscard]] std::int64_t samples_read() const { return samples_read_; }  ///< so far

 private:
  using Run = std::tuple<std::string, std::string, mth5::UtcNanos>;  ///< file's uuid, run, start
  void give(Block block, bool follows, const std::function<void(const Block&)>& take);

  std::string component_;
  std::chrono::nanoseconds back_;
  std::int64_t most_, first_;
  bool any_ = false;
  Run oldest_run_;                    ///< of the oldest sample that was given, and
  std::int64_t oldest_ = 0;           ///< its index
  mth5::UtcNanos reaches_to_{};       ///< older() gives nothing before
  std::int64_t older_left_ = 0;       ///< samples that it may give
  mth5::UtcNanos end_{};              ///< behind the last sample
  Run newest_;                        ///< that sample is of it
  std::map<Run, std::int64_t> done_;  ///< samples of a run that need no look any more; of runs of the file at hand
  std::int64_t samples_read_ = 0;
};

}  // namespace analysis
