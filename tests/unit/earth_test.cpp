#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <tuple>
#include <utility>
#include <vector>

#include "acquisition/simulate/earth.hpp"
#include "acquisition/simulate/field.hpp"

namespace {

using namespace daq::simulate;

constexpr double kDegree = std::numbers::pi / 180;

TEST(Earth, IsReadAsLayersOverAHalfSpace) {
  EXPECT_EQ(parse_earth("100")->resistivity_ohm_m, 100);
  const auto earth = parse_earth("100:500m:10");
  ASSERT_TRUE(earth);
  ASSERT_EQ(earth->layers.size(), 1u);
  EXPECT_EQ(earth->layers[0].resistivity_ohm_m, 100);
  EXPECT_EQ(earth->layers[0].thickness_m, 500);
  EXPECT_EQ(earth->resistivity_ohm_m, 10);
  for (const char* wrong :
       {"", "0", "-1", "100:", "100:500", "100:500m", "100:500m:", "100:500:10", "100m", "inf", "100:500m:10x"})
    EXPECT_FALSE(parse_earth(wrong)) << wrong;
}

TEST(Earth, HasTheImpedanceOfCagniard) {
  const auto half_space = Earth{}.impedance(0.01);
  EXPECT_NEAR(0.2 * 100 * std::norm(half_space), 100, 1e-6) << "0.2 T |Z|^2";
  EXPECT_NEAR(std::arg(half_space), 45 * kDegree, 1e-9);
  // Short periods see the upper layer, long ones the half space below; a phase above 45 degrees says that it conducts better.
  const auto layered = *parse_earth("100:5000m:1");
  EXPECT_NEAR(0.2 / 100 * std::norm(layered.impedance(100)), 100, 5);
  EXPECT_NEAR(0.2 * 1e5 * std::norm(layered.impedance(1e-5)), 1, 0.1);
  EXPECT_GT(std::arg(layered.impedance(0.1)), 55 * kDegree);
}

TEST(EarthFilter, MakesOfASineWhatTheImpedanceSays) {
  for (const char* text : {"100", "100:500m:10", "10:2000m:1000", "300:20000m:10"}) {
    const auto earth = *parse_earth(text);
    for (const double samples : {20.0, 50.0, 200.0}) {
      EarthFilter filter{earth, 1};
      std::complex<double> sum = 0;
      const int n = static_cast<int>(samples) * 20;
      for (int i = 0; i < 3 * n; ++i) {
        const double phase = 2 * std::numbers::pi * i / samples;
        const double e = filter.next(std::cos(phase));
        if (i >= 2 * n) sum += e * std::polar(1.0, -phase);
      }
      const auto ratio = 2.0 * sum / static_cast<double>(n) / earth.impedance(1 / samples);
      EXPECT_NEAR(std::abs(ratio), 1, 0.01) << text << " " << samples;
      EXPECT_NEAR(std::arg(ratio), 0, 0.5 * kDegree) << text << " " << samples;
    }
  }
}

/// The power in a band of 10 % round a frequency, by sums over the series.
double density(const std::vector<double>& series, double rate_hz, double frequency_hz) {
  double power = 0;
  constexpr int kLines = 16;
  const auto n = static_cast<double>(series.size());
  for (int k = 0; k < kLines; ++k) {
    const double f = frequency_hz * (0.95 + 0.1 * k / kLines);
    std::complex<double> sum = 0;
    const auto turn = std::polar(1.0, -2 * std::numbers::pi * f / rate_hz);
    std::complex<double> at = 1;
    for (std::size_t i = 0; i < series.size(); ++i, at *= turn)
      sum += series[i] * (0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / n)) * at;
    power += 2 * std::norm(sum) / (0.375 * n * rate_hz) / kLines;
  }
  return std::sqrt(power);
}

TEST(NaturalField, HasTheSpectrumOfAMiddlingDay) {
  const std::tuple<double, int, std::vector<std::pair<double, double>>> cases[] = {
      {1, 40'000, {{0.01, 0.7}, {0.03, 0.17}, {0.1, 0.032}}}, {64, 20'000, {{1, 0.0024}, {3, 0.0009}, {8, 0.00077}}}};
  for (const auto& [rate, n, expected] : cases) {
    NaturalField field{rate, 3};
    std::vector<double> bx;
    for (int i = 0; i < n; ++i) bx.push_back(field.next(mth5::UtcNanos{}).bx);  // the time stands: no daily variation
    for (const auto& [frequency, asd] : expected) {
      EXPECT_GT(density(bx, rate, frequency), asd / 1.6) << frequency;
      EXPECT_LT(density(bx, rate, frequency), asd * 1.6) << frequency;
    }
  }
}

}  // namespace
