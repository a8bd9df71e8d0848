#include "acquisition/simulate/field.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <complex>
#include <numbers>
#include <utility>

#include "acquisition/simulate/fit.hpp"

namespace daq::simulate {

namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kTwoPi = 2 * kPi;

/// Horizontal magnetic field of a middling day, nT/sqrt(Hz): between the quiet and the active of what textbooks draw.
constexpr std::array<std::pair<double, double>, 12> kSpectrum{{{1e-4, 173},
                                                               {1e-3, 14},
                                                               {1e-2, 0.7},
                                                               {3e-2, 0.17},
                                                               {0.1, 0.032},
                                                               {0.3, 0.0087},
                                                               {1, 0.0024},
                                                               {4, 0.0007},
                                                               {8, 0.00077},
                                                               {20, 0.00055},
                                                               {100, 0.0003},
                                                               {1000, 0.00005}}};
constexpr std::array kSchumannHz{7.8, 14.3, 20.8, 27.3, 33.8};

double spectrum(double frequency_hz) {
  std::size_t i = 1;
  while (i + 1 < kSpectrum.size() && frequency_hz > kSpectrum[i].first) ++i;
  const auto& [f0, a0] = kSpectrum[i - 1];
  const auto& [f1, a1] = kSpectrum[i];
  return a0 * std::pow(a1 / a0, std::log(frequency_hz / f0) / std::log(f1 / f0));
}

/// One step of a first-order process of unit variance.
double step(double value, double keep, Random& random) { return keep * value + std::sqrt(1 - keep * keep) * random.gaussian(); }

/// |1 / (1 - b1 z - b2 z^2)|^2, z = exp(-i omega): what the process makes of the power of noise.
double power(double b1, double b2, double frequency_hz, double rate_hz) {
  const std::complex<double> z = std::polar(1.0, -kTwoPi * frequency_hz / rate_hz);
  return 1 / std::norm(1.0 - b1 * z - b2 * z * z);
}

}  // namespace

NaturalField::NaturalField(double rate_hz, std::uint64_t seed, const Earth& earth)
    : rate_hz_{rate_hz}, random_{seed, 1}, x_by_y_{earth, rate_hz}, y_by_x_{earth, rate_hz} {
  // Corners of double low passes, two in a factor of ten; resonances; and a floor.
  constexpr double kRatio = 3.16227766;
  std::vector<std::pair<double, double>> poles;
  for (double f = rate_hz / 4; f > 1e-5; f /= kRatio) {
    const double keep = std::exp(-kTwoPi * f / rate_hz);
    poles.emplace_back(2 * keep, -keep * keep);
  }
  for (const double f : kSchumannHz) {
    constexpr double kQuality = 5;
    if (f > 0.4 * rate_hz) break;
    const double radius = std::exp(-kPi * f / kQuality / rate_hz);
    poles.emplace_back(2 * radius * std::cos(kTwoPi * f / rate_hz), -radius * radius);
  }
  poles.emplace_back(0, 0);
  std::vector<double> frequencies;
  for (double f = rate_hz / 2.1; f > 2e-5; f /= 1.2) frequencies.push_back(f);
  std::vector<std::vector<double>> columns;
  std::vector<double> largest;
  for (const auto& [b1, b2] : poles) {
    auto& column = columns.emplace_back();
    double most = 0;
    for (const double f : frequencies) {
      const double asd = spectrum(f);
      column.push_back(2 / rate_hz * power(b1, b2, f, rate_hz) / (asd * asd));
      most = std::max(most, column.back());
    }
    for (double& value : column) value /= most;  // so that all weights are near 1
    largest.push_back(most);
  }
  const auto weights = fit_nonnegative(columns, std::vector<double>(frequencies.size(), 1.0));
  for (std::size_t k = 0; k < poles.size(); ++k)
    if (weights[k] > 0) processes_.push_back({std::sqrt(weights[k] / largest[k]), poles[k].first, poles[k].second});
}

NaturalField::Sample NaturalField::next(mth5::UtcNanos time) {
  Sample sample{};
  for (auto& process : processes_) {
    const auto advance = [&](double& now, double& before) {
      const double value = process.gain * random_.gaussian() + process.b1 * now + process.b2 * before;
      before = std::exchange(now, value);
      return value;
    };
    sample.bx += advance(process.x1, process.x2);
    sample.by += advance(process.y1, process.y2);
  }
  const double day = std::chrono::duration<double, std::ratio<86400>>(time.time_since_epoch()).count();
  const double daily = std::sin(kTwoPi * day) + 0.5 * std::sin(2 * kTwoPi * day + 1);
  sample.bx += 15 * daily;
  sample.by += 10 * std::sin(kTwoPi * day + 2);
  sample.ex = x_by_y_.next(sample.by);
  sample.ey = -y_by_x_.next(sample.bx);
  sample.bz = 0.2 * sample.bx + 0.1 * sample.by;  // a tipper

  constexpr double kDriftS = 2 * 86400, kDriftMvPerKm = 3;
  const double drift_keep = std::exp(-1 / (kDriftS * rate_hz_));
  drift_x_ = step(drift_x_, drift_keep, random_);
  drift_y_ = step(drift_y_, drift_keep, random_);
  sample.ex += kDriftMvPerKm * drift_x_;
  sample.ey += kDriftMvPerKm * drift_y_;

  constexpr double kMainsKeepS = 100;
  mains_offset_hz_ = 0.02 * step(mains_offset_hz_ / 0.02, std::exp(-1 / (kMainsKeepS * rate_hz_)), random_);
  mains_phase_ = std::fmod(mains_phase_ + kTwoPi * (50 + mains_offset_hz_) / rate_hz_, kTwoPi);
  double mains = 0;
  for (const int harmonic : {1, 3, 5, 7, 9}) {
    constexpr double kThroughFilter = 0.01;  // of what is beyond the Nyquist frequency
    const double left = 50 * harmonic < rate_hz_ / 2 ? 1 : kThroughFilter;
    mains += left * std::sin(harmonic * mains_phase_) / (harmonic * harmonic);
  }
  sample.bx += 0.01 * mains;
  sample.by += 0.02 * mains;
  sample.ex += 0.1 * mains;
  sample.ey += 0.05 * mains;

  constexpr double kSpikesPerDay =
      3;  // some in each hour would be in most windows of a robust estimate, which finds no earth then
  for (double* field : {&sample.ex, &sample.ey})
    if (random_.chance(kSpikesPerDay / 86400 / rate_hz_))
      *field += (random_.below(2) == 0 ? -1 : 1) * (5 + 45 * random_.uniform());
  return sample;
}

}  // namespace daq::simulate
