#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <string>
#include <vector>

/// A station on a good day, sample by sample. Thread: a value.
namespace support {

/// Natural-looking field of two electric and three magnetic channels: processes of all periods from a second to a day with a red
/// spectrum, the electric field with half a decade less slope, a day's variation, sunrise on the electrodes, a storm with a
/// sudden commencement, noise of the instruments, resolution of the converter. mV and nT.
class Site {
 public:
  static constexpr std::array kNames{"ex", "ey", "hx", "hy", "hz"};

  /// @param storm_at  s since the beginning; it lasts 12 h
  Site(unsigned seed, double rate, double storm_at = 1e18) : random_{seed}, rate_{rate}, storm_at_{storm_at} {
    for (auto& offset : offset_) offset = 20 * normal_(random_);
  }

  [[nodiscard]] std::array<double, 5> next() {
    const double t = static_cast<double>(n_++) / rate_;
    const bool storm = t >= storm_at_ && t < storm_at_ + 43'200;
    strength_ += ((storm ? 12.0 : 1.0) - strength_) / (600 * rate_);  // it comes and goes within minutes
    std::array<double, 2> h{};
    std::array<double, 2> e{};
    for (std::size_t k = 0; k < kPeriods; ++k) {
      const double period = std::pow(10.0, static_cast<double>(k)) * 2;
      const double keep = std::exp(-1 / (period * rate_));
      const double size = std::pow(10.0, 0.9 * static_cast<double>(k)) * 0.004;
      for (std::size_t c = 0; c < 2; ++c) {
        auto& state = state_[c][k];
        state = keep * state + std::sqrt(1 - keep * keep) * normal_(random_);
        h[c] += strength_ * size * state;
        e[1 - c] += (c == 0 ? -1 : 1) * strength_ * size * state * 0.5 / std::sqrt(period);
      }
    }
    const double day = std::sin(2 * std::numbers::pi * t / 86'400);
    const double commencement = t > storm_at_ ? 40 * (1 - std::exp(-(t - storm_at_) / 90)) : 0;
    const double sunrise = 1.5 * std::tanh(4 * day);
    std::array<double, 5> all{offset_[0] + e[0] + 0.3 * day + sunrise, offset_[1] + e[1] - 0.2 * day + 0.5 * sunrise,
                              22'000 + h[0] + 25 * day + commencement, h[1] + 15 * day + 0.2 * commencement,
                              41'000 + 0.4 * h[0] - 0.3 * h[1] + 10 * day};
    for (std::size_t c = 0; c < all.size(); ++c) {
      const double noise = c < 2 ? 0.002 : 0.012;
      const double resolved = c < 2 ? 0.001 : 0.001;
      all[c] = resolved * std::round((all[c] + noise * normal_(random_)) / resolved);
    }
    return all;
  }

 private:
  static constexpr std::size_t kPeriods = 5;
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  double rate_, storm_at_;
  double strength_ = 1;
  std::int64_t n_ = 0;
  std::array<double, 2> offset_{};
  std::array<std::array<double, kPeriods>, 2> state_{};
};

}  // namespace support
