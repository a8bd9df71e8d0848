#include "analysis/coverage.hpp"

#include <algorithm>
#include <cmath>

namespace analysis {

namespace {

/// Beyond what a file can hold, and far from the edge of int64.
constexpr double kMostSamples = 4e18;

std::int64_t whole(double samples) { return std::llround(std::clamp(samples, -kMostSamples, kMostSamples)); }

}  // namespace

Coverage unite(std::span<const Extent> extents, const Counted& counted) {
  Coverage found;
  found.taken.assign(extents.size(), 0);
  for (std::size_t i = 0; i < extents.size(); ++i)
    if (extents[i].n > 0) found.order.push_back(i);
  std::stable_sort(found.order.begin(), found.order.end(),
                   [&](std::size_t a, std::size_t b) { return extents[a].start < extents[b].start; });
  if (found.order.empty()) return found;

  // Starts ascend, so what comes next can only touch the farthest end so far, never a hole before it.
  std::size_t farthest = found.order.front();
  auto covered_to = extents[farthest].end;
  for (const auto i : std::span{found.order}.subspan(1)) {
    const auto& extent = extents[i];
    auto apart = whole(mth5::samples_between(covered_to, extent.start, extents[farthest].sample_rate));
    if (counted) apart = counted(farthest, i, apart).value_or(apart);
    if (apart > 0) found.holes.push_back({covered_to, apart, farthest, i});
    if (apart < 0) found.taken[i] = std::min(extent.n, -apart);
    if (extent.end <= covered_to) continue;
    covered_to = extent.end;
    farthest = i;
  }
  return found;
}

}  // namespace analysis
