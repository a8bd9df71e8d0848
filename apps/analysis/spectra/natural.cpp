#include "analysis/spectra/natural.hpp"

#include <array>
#include <cmath>

namespace analysis {

namespace {

struct Row {
  double hz, low, high;
};
constexpr std::array<Row, 13> kNatural{{{1e-4, 30, 1000},
                                        {1e-3, 2, 100},
                                        {1e-2, 0.1, 5},
                                        {3e-2, 0.03, 1},
                                        {0.1, 5e-3, 0.2},
                                        {0.3, 1.5e-3, 0.05},
                                        {1, 3e-4, 0.02},
                                        {3, 1e-4, 5e-3},  // the dead band
                                        {5, 1e-4, 5e-3},
                                        {8, 3e-4, 2e-3},  // the first Schumann resonance
                                        {20, 2e-4, 1.5e-3},
                                        {100, 1e-4, 1e-3},
                                        {1000, 1e-5, 3e-4}}};
constexpr double kConducting = 10, kResisting = 1000;  ///< ohm m

/// On a straight line between two rows, both axes logarithmic.
double between(double hz, const Row& a, const Row& b, double at_a, double at_b) {
  const double share = std::log(hz / a.hz) / std::log(b.hz / a.hz);
  return at_a * std::pow(at_b / at_a, share);
}

}  // namespace

std::optional<UsualRange> natural_magnetic(double hz) {
  for (std::size_t i = 1; i < kNatural.size(); ++i) {
    const auto& a = kNatural.at(i - 1);
    const auto& b = kNatural.at(i);
    if (hz >= a.hz && hz <= b.hz) return UsualRange{between(hz, a, b, a.low, b.low), between(hz, a, b, a.high, b.high)};
  }
  return std::nullopt;
}

std::optional<UsualRange> natural_electric(double hz) {
  auto range = natural_magnetic(hz);
  if (range) {
    range->low *= std::sqrt(5 * kConducting * hz);
    range->high *= std::sqrt(5 * kResisting * hz);
  }
  return range;
}

}  // namespace analysis
