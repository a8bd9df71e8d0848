#include "acquisition/simulate/earth.hpp"

#include "acquisition/simulate/fit.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

namespace daq::simulate {

namespace {

using Complex = std::complex<double>;
constexpr double kMu0 = 4e-7 * std::numbers::pi;

std::optional<double> number(std::string_view& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !(value > 0) || !std::isfinite(value)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

}  // namespace

Complex Earth::impedance(double frequency_hz) const {
  const Complex omega{0, 2 * std::numbers::pi * frequency_hz};
  Complex z = std::sqrt(omega * kMu0 * resistivity_ohm_m);  // in ohm
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    const Complex own = std::sqrt(omega * kMu0 * layer->resistivity_ohm_m);
    const Complex t = std::tanh(std::sqrt(omega * kMu0 / layer->resistivity_ohm_m) * layer->thickness_m);
    z = own * (z + own * t) / (own + z * t);
  }
  return z / kMu0 * 1e-3;  // V/m per T is 1e6 mV/km per 1e9 nT
}

std::optional<Earth> parse_earth(std::string_view text) {
  Earth earth;
  for (;;) {
    const auto resistivity = number(text);
    if (!resistivity) return std::nullopt;
    if (text.empty()) {
      earth.resistivity_ohm_m = *resistivity;
      return earth;
    }
    if (!text.starts_with(':') || earth.layers.size() == 10) return std::nullopt;
    text.remove_prefix(1);
    const auto thickness = number(text);
    if (!thickness || !text.starts_with("m:")) return std::nullopt;
    text.remove_prefix(2);
    earth.layers.push_back({*resistivity, *thickness});
  }
}

EarthFilter::EarthFilter(const Earth& earth, double rate_hz) {
  // Poles from beyond the Nyquist frequency down to periods of a month, three in a factor of ten.
  constexpr double kRatio = 2.15443469;
  constexpr double kLongestS = 3e6;
  std::vector<double> poles, frequencies;
  for (double p = 20 * rate_hz; p > 2 * std::numbers::pi / kLongestS; p /= kRatio) poles.push_back(p);
  for (double f = rate_hz / 2; f > 3 / kLongestS; f /= 1.3) frequencies.push_back(f);
  std::vector<std::vector<double>> columns;
  std::vector<double> target;
  for (const double f : frequencies) {
    const auto z = earth.impedance(f);
    target.push_back(z.real() / std::abs(z));
    target.push_back(z.imag() / std::abs(z));
  }
  for (const double p : poles) {
    auto& column = columns.emplace_back();
    const double scale = std::abs(earth.impedance(p / (2 * std::numbers::pi)));  // so that all weights are near 1
    for (const double f : frequencies) {
      const Complex s{0, 2 * std::numbers::pi * f};
      const Complex h = s / (s + p) * scale / std::abs(earth.impedance(f));
      column.push_back(h.real());
      column.push_back(h.imag());
    }
  }
  const auto weights = fit_nonnegative(columns, target);
  for (std::size_t k = 0; k < poles.size(); ++k) {
    if (weights[k] == 0) continue;
    const double half = poles[k] / (2 * rate_hz);  // bilinear
    stages_.push_back({.weight = weights[k] * std::abs(earth.impedance(poles[k] / (2 * std::numbers::pi))),
                       .a = 1 / (1 + half),
                       .b = (1 - half) / (1 + half)});
  }
}

double EarthFilter::next(double b_nt) {
  const double step = first_ ? 0 : b_nt - before_;
  first_ = false;
  before_ = b_nt;
  double e = 0;
  for (auto& stage : stages_) {
    stage.y = stage.a * step + stage.b * stage.y;
    e += stage.weight * stage.y;
  }
  return e;
}

}  // namespace daq::simulate
