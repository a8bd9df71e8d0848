#include "analysis/spectra/tenth.hpp"

#include <cmath>
#include <numbers>
#include <vector>

namespace analysis {

std::span<const double> low_pass() {
  static const std::vector<double> taps = [] {
    constexpr double kBeta = 7.857;  // 80 dB
    std::vector<double> made;
    double sum = 0;
    for (std::int64_t i = -kReach; i <= kReach; ++i) {
      const double x = static_cast<double>(i) / static_cast<double>(kReach + 1);
      const double window = std::cyl_bessel_i(0.0, kBeta * std::sqrt(1 - x * x)) / std::cyl_bessel_i(0.0, kBeta);
      const double turn = std::numbers::pi * static_cast<double>(i) / static_cast<double>(kTenth);
      made.push_back(window * (i == 0 ? 1.0 : std::sin(turn) / turn));
      sum += made.back();
    }
    for (auto& tap : made) tap /= sum;
    return made;
  }();
  return taps;
}

}  // namespace analysis
