#pragma once

#include <algorithm>
#include <array>
#include <cmath>
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

inline constexpr auto is_finite = [](double value) { return std::isfinite(value); };

/// Of values that count, with the sum of their distances from some value; the sum has an order of its own.
struct Totals {
  std::int64_t n = 0;
  double sum = 0;
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
};
/// @param counts  whether a value does; every finite one does, and NaN never
template <class Counts>
[[nodiscard]] Totals totals_of(std::span<const double> values, double from, Counts&& counts) {
  constexpr std::size_t kStep = 2 * kLanes;
  const std::size_t whole = values.size() - values.size() % kStep;
  Totals all;
  const Lanes middle = Lanes{} + from;
  Lanes sum[2]{};
  Lanes low[2]{Lanes{} + all.low, Lanes{} + all.low};
  Lanes high[2]{Lanes{} + all.high, Lanes{} + all.high};
  const auto add = [&](Lanes lanes, std::size_t k) {
    sum[k] += lanes - middle;
    low[k] = lower_of(lanes, low[k]);
    high[k] = higher_of(lanes, high[k]);
  };
  for (std::size_t i = 0; i < whole; i += kStep) {
    add(load(values.data() + i), 0);
    add(load(values.data() + i + kLanes), 1);
  }
  for (std::size_t i = whole; i < values.size(); ++i) {
    sum[0][0] += values[i] - from;
    all.low = std::min(all.low, values[i]);
    all.high = std::max(all.high, values[i]);
  }
  sum[0] += sum[1];
  all.sum = sum[0][0] + sum[0][1];
  if (std::isfinite(all.sum)) {  // then all of the values are, as most often: none of them needs a look of its own
    const Lanes lowest = lower_of(low[0], low[1]), highest = higher_of(high[0], high[1]);
    all.low = std::min({all.low, lowest[0], lowest[1]});
    all.high = std::max({all.high, highest[0], highest[1]});
    all.n = static_cast<std::int64_t>(values.size());
    return all;
  }
  Totals some;
  std::array<double, kStep> sums{};  // in the same order
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!counts(values[i])) continue;
    ++some.n;
    sums[i < whole ? i % kStep : 0] += values[i] - from;
    some.low = std::min(some.low, values[i]);
    some.high = std::max(some.high, values[i]);
  }
  some.sum = (sums[0] + sums[2]) + (sums[1] + sums[3]);
  return some;
}

/// Of the distances of values that count from a value that is given as the sum of two, in an order of its own.
/// @param counts  as of totals_of()
template <class Counts>
[[nodiscard]] double sum_of_squares(std::span<const double> values, double from, double middle, Counts&& counts) {
  constexpr std::size_t kStep = 2 * kLanes;
  const std::size_t whole = values.size() - values.size() % kStep;
  const Lanes first = Lanes{} + from;
  const Lanes second = Lanes{} + middle;
  Lanes sum[2]{};
  const auto square = [](const auto& off) { return off * off; };
  for (std::size_t i = 0; i < whole; i += kStep) {
    sum[0] += square(load(values.data() + i) - first - second);
    sum[1] += square(load(values.data() + i + kLanes) - first - second);
  }
  for (std::size_t i = whole; i < values.size(); ++i) sum[0][0] += square(values[i] - from - middle);
  sum[0] += sum[1];
  const double all = sum[0][0] + sum[0][1];
  if (std::isfinite(all)) return all;
  std::array<double, kStep> sums{};
  for (std::size_t i = 0; i < values.size(); ++i)
    if (counts(values[i])) sums[i < whole ? i % kStep : 0] += square(values[i] - from - middle);
  return (sums[0] + sums[2]) + (sums[1] + sums[3]);
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
