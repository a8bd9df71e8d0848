#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

/// Two numbers side by side, as every 64-bit processor works on them at once. Compilers find out by themselves only where nothing
/// is compared, and never where numbers are added up, as another order is another sum. Thread: pure.
namespace analysis {

using Lanes [[gnu::vector_size(2 * sizeof(double))]] = double;
using LaneMask [[gnu::vector_size(2 * sizeof(double))]] = std::int64_t;  ///< of a comparison: -1 where it holds, else 0
inline constexpr std::size_t kLanes = 2;

[[nodiscard]] inline Lanes load(const double* values) {
  Lanes lanes;
  std::memcpy(&lanes, values, sizeof lanes);
  return lanes;
}

/// Of two of which one is NaN, the second.
[[nodiscard]] inline Lanes lower_of(Lanes a, Lanes b) { return a < b ? a : b; }
[[nodiscard]] inline Lanes higher_of(Lanes a, Lanes b) { return a > b ? a : b; }

inline constexpr auto are_finite = [](Lanes lanes) -> LaneMask { return lanes - lanes == Lanes{}; };

/// Calls use(lanes, 0 or 1) for all values in turns, at the end with NaN where there are no more.
template <class Use>
void in_lanes(std::span<const double> values, Use&& use) {
  std::size_t i = 0;
  for (; i + 2 * kLanes <= values.size(); i += 2 * kLanes) {
    use(load(values.data() + i), 0);
    use(load(values.data() + i + kLanes), 1);
  }
  for (; i < values.size(); ++i) use(Lanes{values[i], std::numeric_limits<double>::quiet_NaN()}, 0);
}

/// Of values that count, with the sum of their distances from some value; the sum has an order of its own.
struct Totals {
  std::int64_t n = 0;
  double sum = 0;
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
};
/// @param counts  a LaneMask of Lanes; NaN never counts
template <class Counts>
[[nodiscard]] Totals totals_of(std::span<const double> values, double from, Counts&& counts) {
  const Totals none;
  const Lanes middle{from, from};
  LaneMask n[2]{};
  Lanes sum[2]{};
  Lanes low[2]{{none.low, none.low}, {none.low, none.low}};
  Lanes high[2]{{none.high, none.high}, {none.high, none.high}};
  in_lanes(values, [&](Lanes lanes, std::size_t k) {
    const LaneMask there = counts(lanes);
    n[k] -= there;
    sum[k] += there ? lanes - middle : Lanes{};
    low[k] = lower_of(there ? lanes : low[k], low[k]);
    high[k] = higher_of(there ? lanes : high[k], high[k]);
  });
  n[0] += n[1];
  sum[0] += sum[1];
  low[0] = lower_of(low[0], low[1]);
  high[0] = higher_of(high[0], high[1]);
  return {n[0][0] + n[0][1], sum[0][0] + sum[0][1], std::min(low[0][0], low[0][1]), std::max(high[0][0], high[0][1])};
}

/// Of two spans of one size, in an order of its own.
[[nodiscard]] inline double sum_of_products(std::span<const double> a, std::span<const double> b) {
  Lanes sum[2]{};
  std::size_t i = 0;
  for (; i + 2 * kLanes <= a.size(); i += 2 * kLanes) {
    sum[0] += load(a.data() + i) * load(b.data() + i);
    sum[1] += load(a.data() + i + kLanes) * load(b.data() + i + kLanes);
  }
  sum[0] += sum[1];
  double all = sum[0][0] + sum[0][1];
  for (; i < a.size(); ++i) all += a[i] * b[i];
  return all;
}

}  // namespace analysis
