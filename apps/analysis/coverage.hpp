#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "mth5/time.hpp"

/// Which times a set of runs covers, each time counted once. Thread: pure.
namespace analysis {

/// n samples from `start` on.
struct Extent {
  mth5::UtcNanos start, end;  ///< of the first sample, and of the one that would follow the last, both by the clock of the run
  std::int64_t n = 0;
  double sample_rate = 0;  ///< Hz, by its clock at the end: what lies behind is counted by it
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

/// How many samples are missing between two extents, of which the second begins next behind the first, where somebody counted
/// them; else the times tell. @param apart  so many it is by the times; < 0: they overlap
using Counted = std::function<std::optional<std::int64_t>(std::size_t before, std::size_t after, std::int64_t apart)>;

/// Runs may come in any order, overlap, lie one in the other, or be the same twice. What lies between two runs is counted in
/// whole samples, rounded to the nearest: half a sample of drift between two runs is no gap, and does not add up over many.
[[nodiscard]] Coverage unite(std::span<const Extent> extents, const Counted& counted = {});

}  // namespace analysis
