#pragma once

#include <cmath>
#include <limits>
#include <span>

#include "mth5/time.hpp"

namespace analysis {

/// The least and the most that a channel can show, in the units of the caller. Not known: none of the two is finite.
struct ClipLimits {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  double step = 0;  ///< of the converter: a sample within one of a limit has reached it; 0 = not known

  [[nodiscard]] bool reached_by(double value) const { return value <= low + step || value >= high - step; }
  [[nodiscard]] bool known() const { return std::isfinite(low) && std::isfinite(high); }
};

/// Samples of one channel in a row, in the units of the caller. Thread: a value; `values` belongs to the caller.
struct Block {
  mth5::UtcNanos start;            ///< of values[0]
  double rate = 0;                 ///< Hz, > 0
  std::span<const double> values;  ///< NaN: there is none
  ClipLimits limits = {};

  /// Of the sample that would follow the last.
  [[nodiscard]] mth5::UtcNanos end() const { return mth5::sample_time(start, rate, static_cast<std::int64_t>(values.size())); }
};

/// True if samples that start at `start` go on where others ended: what lies between is less than half a sample.
[[nodiscard]] inline bool goes_on(mth5::UtcNanos end, mth5::UtcNanos start, double rate) {
  return std::abs(mth5::samples_between(end, start, rate)) < 0.5;
}

}  // namespace analysis
