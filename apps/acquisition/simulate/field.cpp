#include "acquisition/simulate/field.hpp"

#include <chrono>
#include <cmath>
#include <numbers>

namespace daq::simulate {

namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;

/// |E/B| over a half-space (Cagniard): mV/km per nT at a period in s, for a resistivity in ohm m.
double impedance(double resistivity_ohm_m, double period_s) { return std::sqrt(5 * resistivity_ohm_m / period_s); }

/// One step of a first-order process of unit variance.
double step(double value, double keep, Random& random) { return keep * value + std::sqrt(1 - keep * keep) * random.gaussian(); }

}  // namespace

NaturalField::NaturalField(double rate_hz, std::uint64_t seed) : rate_hz_{rate_hz}, random_{seed, 1} {
  for (double time_constant_s = 1; time_constant_s < 300'000; time_constant_s *= 4) {
    Process process{};
    process.keep = std::exp(-1 / (time_constant_s * rate_hz));
    process.sigma_nt = 0.03 * std::pow(time_constant_s, 0.6);
    process.ex_per_by = impedance(100, time_constant_s * kTwoPi);
    process.ey_per_bx = -impedance(30, time_constant_s * kTwoPi);
    process.x = random_.gaussian();  // begins in its steady state
    process.y = random_.gaussian();
    processes_.push_back(process);
  }
}

NaturalField::Sample NaturalField::next(mth5::UtcNanos time) {
  Sample sample{};
  for (auto& process : processes_) {
    process.x = step(process.x, process.keep, random_);
    process.y = step(process.y, process.keep, random_);
    const double bx = process.sigma_nt * process.x;
    const double by = process.sigma_nt * process.y;
    sample.bx += bx;
    sample.by += by;
    sample.ex += process.ex_per_by * by;
    sample.ey += process.ey_per_bx * bx;
  }
  sample.bz = 0.2 * sample.bx + 0.1 * sample.by;  // a tipper

  const double day = std::chrono::duration<double, std::ratio<86400>>(time.time_since_epoch()).count();
  const double daily = std::sin(kTwoPi * day) + 0.5 * std::sin(2 * kTwoPi * day + 1);
  sample.bx += 15 * daily;
  sample.by += 10 * std::sin(kTwoPi * day + 2);
  sample.bz += 8 * daily;

  constexpr double kMainsKeepS = 100;
  mains_offset_hz_ = 0.02 * step(mains_offset_hz_ / 0.02, std::exp(-1 / (kMainsKeepS * rate_hz_)), random_);
  mains_phase_ = std::fmod(mains_phase_ + kTwoPi * (50 + mains_offset_hz_) / rate_hz_, kTwoPi);
  const double mains = std::sin(mains_phase_);
  sample.bx += 0.01 * mains;
  sample.by += 0.02 * mains;
  sample.ex += 0.1 * mains;
  sample.ey += 0.05 * mains;

  constexpr double kSpikesPerHour = 2;
  for (double* field : {&sample.ex, &sample.ey})
    if (random_.chance(kSpikesPerHour / 3600 / rate_hz_))
      *field += (random_.below(2) == 0 ? -1 : 1) * (5 + 45 * random_.uniform());
  return sample;
}

}  // namespace daq::simulate
