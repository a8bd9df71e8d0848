#pragma once

#include <vector>

namespace daq::simulate {

/// Weights of 0 or more by which the sum of the columns comes nearest to `target` (least squares). All columns are as long as it.
[[nodiscard]] std::vector<double> fit_nonnegative(const std::vector<std::vector<double>>& columns,
                                                  const std::vector<double>& target);

}  // namespace daq::simulate
