#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace analysis {

/// The middle one, of an even number the upper of the two in the middle. Changes the order; not of nothing.
template <class T>
[[nodiscard]] T upper_median(std::vector<T>& values) {
  const auto half = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), half, values.end());
  return *half;
}

/// The middle one, or the mean of the two in the middle; NaN of nothing. Changes the order.
[[nodiscard]] inline double median(std::span<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto half = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), half, values.end());
  return values.size() % 2 == 1 ? *half : 0.5 * (*half + *std::max_element(values.begin(), half));
}

}  // namespace analysis
