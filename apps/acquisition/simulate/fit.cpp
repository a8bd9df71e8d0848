#include "acquisition/simulate/fit.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace daq::simulate {

/// By coordinate descent on the normal equations, which needs no library and ends.
std::vector<double> fit_nonnegative(const std::vector<std::vector<double>>& columns, const std::vector<double>& target) {
  const std::size_t n = columns.size();
  std::vector<std::vector<double>> product(n, std::vector<double>(n, 0));
  std::vector<double> along(n, 0);
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t i = 0; i < target.size(); ++i) {
      along[k] += columns[k][i] * target[i];
      for (std::size_t j = 0; j <= k; ++j) product[k][j] += columns[k][i] * columns[j][i];
    }
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t j = 0; j < k; ++j) product[j][k] = product[k][j];
  std::vector<double> weights(n, 0);
  constexpr int kRounds = 3000;
  constexpr double kEnough = 1e-9;
  for (int round = 0; round < kRounds; ++round) {
    double largest = 0;
    for (std::size_t k = 0; k < n; ++k) {
      if (product[k][k] == 0) continue;
      const double wanted = std::max(0.0, weights[k] + along[k] / product[k][k]);
      const double step = wanted - weights[k];
      if (step == 0) continue;
      weights[k] = wanted;
      for (std::size_t j = 0; j < n; ++j) along[j] -= step * product[k][j];
      largest = std::max(largest, std::abs(step));
    }
    if (largest < kEnough) break;
  }
  return weights;
}

}  // namespace daq::simulate
