#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "mth5/time.hpp"

/// Which times a set of runs covers, each time counted once. Thread: pure.
namespace analysis {

/// n samples from `start` on.
struct Extent {
  mth5::UtcNanos start;
  std::int64_t n = 0;
};

/// Times that no run covers, between two that some do.
struct Hole {
  mth5::UtcNanos start;  ///< of the first missing sample
  std::int64_t samples = 0;
  std::size_t before = 0, after = 0;  ///< indexes of the extents at its edges
};

struct Coverage {
  /// Per extent: so many of its first samples are at times that an extent with an earlier start covers already.
  std::vector<std::int64_t> taken;
  std::vector<Hole> holes;         ///< in order of time; all of them end before the last sample
  std::vector<std::size_t> order;  ///< extents with samples, in order of start
};

/// Runs may come in any order, overlap, lie one in the other, or be the same twice. What lies between two runs is counted in
/// whole samples, rounded to the nearest: half a sample of drift between two runs is no gap, and does not add up over many.
/// @param sample_rate  Hz, > 0
[[nodiscard]] Coverage unite(std::span<const Extent> extents, double sample_rate);

}  // namespace analysis
