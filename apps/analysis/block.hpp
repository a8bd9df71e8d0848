#pragma once

#include <cmath>
#include <span>

#include "mth5/time.hpp"

namespace analysis {

/// Samples of one channel in a row, in the units of the caller. Thread: a value; `values` belongs to the caller.
struct Block {
  mth5::UtcNanos start;            ///< of values[0]
  double rate = 0;                 ///< Hz, > 0
  std::span<const double> values;  ///< NaN: there is none

  /// Of the sample that would follow the last.
  [[nodiscard]] mth5::UtcNanos end() const { return mth5::sample_time(start, rate, static_cast<std::int64_t>(values.size())); }
};

/// True if samples that start at `start` go on where others ended: what lies between is less than half a sample.
[[nodiscard]] inline bool goes_on(mth5::UtcNanos end, mth5::UtcNanos start, double rate) {
  return std::abs(mth5::samples_between(end, start, rate)) < 0.5;
}

}  // namespace analysis
