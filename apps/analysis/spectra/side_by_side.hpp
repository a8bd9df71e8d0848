#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "analysis/block.hpp"
#include "analysis/spectra/cross_spectra.hpp"

namespace analysis {

/// Puts the samples of channels that come one channel after the other side by side. What one lacks is NaN; where all lack
/// something there is a gap between two frames. Thread: a value.
class SideBySide {
 public:
  /// @param rate  Hz, of all
  SideBySide(std::size_t channels, double rate) : rate_{rate}, pending_(channels), ends_(channels) {}

  /// Samples after those of this channel so far. @returns false: they are of times before, as the clock was set; begin anew
  [[nodiscard]] bool add(std::size_t channel, const Block& block);
  /// Gives out what all channels have come to: in order of time, good until it returns. One that stays behind by more than a
  /// minute is not waited for.
  void take(const std::function<void(const Frames&)>& give);

 private:
  struct Piece {
    std::int64_t first;  ///< number of its first sample since 1970
    std::vector<double> values;
    [[nodiscard]] std::int64_t end() const { return first + static_cast<std::int64_t>(values.size()); }
  };
  struct End {
    bool any = false;
    std::int64_t number = 0;  ///< behind its last sample
    mth5::UtcNanos time{};
  };
  double rate_;
  std::int64_t next_ = INT64_MIN;  ///< what lies before was given out
  std::vector<std::deque<Piece>> pending_;
  std::vector<End> ends_;
};

}  // namespace analysis
