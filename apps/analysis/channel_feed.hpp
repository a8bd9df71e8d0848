#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>

#include "analysis/block.hpp"
#include "analysis/series.hpp"

namespace analysis {

/// The samples of a channel that grows, over the runs and files of its series, each once: what is filled is NaN, what is missing
/// is a gap between two blocks. Goes on in the next file after a roll-over, and in a file that lost its last samples in a crash.
/// Thread: that of the reader.
class ChannelFeed {
 public:
  /// @param back  how much is read the first time, and behind a longer pause, back from the last sample
  /// @param most  samples that are read then at most
  ChannelFeed(std::string component, std::chrono::nanoseconds back, std::int64_t most);

  /// Reads what is new since the update before.
  /// @param series   of this channel, of one station and rate; its parts in order of time, all of `file`
  /// @param current  that of the run that grows; what is later is of a clock that was ahead, and left out
  /// @param take     gets each block, good until it returns: in order of time, but where the clock was set back
  /// @throws mth5::FileError, mth5::FormatError as Reader::read(); the next update goes on where this one came to
  void update(const mth5::Reader& file, const Series& series, const Series::Part& current,
              const std::function<void(const Block&)>& take);

  [[nodiscard]] std::int64_t samples_read() const { return samples_read_; }  ///< so far

 private:
  using Run = std::tuple<std::string, std::string, mth5::UtcNanos>;  ///< file's uuid, run, start
  void give(Block block, bool follows, const std::function<void(const Block&)>& take);

  std::string component_;
  std::chrono::nanoseconds back_;
  std::int64_t most_;
  bool any_ = false;
  mth5::UtcNanos end_{};              ///< behind the last sample
  Run newest_;                        ///< that sample is of it
  std::map<Run, std::int64_t> done_;  ///< samples of a run that need no look any more; of runs of the file at hand
  std::int64_t samples_read_ = 0;
};

}  // namespace analysis
