#pragma once

#include <cstdint>
#include <numbers>
#include <random>

#include <cmath>

namespace daq::simulate {

/// Random numbers that are the same for the same seed with every standard library: only the engine is taken from it, because
/// the results of std::normal_distribution and its like are not specified. Thread: one.
class Random {
 public:
  /// @param stream  separates the users of one seed from each other
  Random(std::uint64_t seed, std::uint64_t stream) : engine_{seed * 0x9e3779b97f4a7c15u + stream} {}

  /// 0 <= x < 1
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  /// 0 <= n < limit; limit is small, so the bias of the remainder does not matter
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
  bool chance(double probability) { return probability > 0 && uniform() < probability; }
  /// Mean 0, standard deviation 1 (Box-Muller).
  double gaussian() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace daq::simulate
