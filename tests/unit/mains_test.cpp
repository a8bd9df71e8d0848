#include "analysis/spectra/mains.hpp"

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/spectra/spectrum.hpp"

namespace {

const mth5::UtcNanos kStart{std::chrono::seconds{1'777'593'600}};

struct Sine {
  double hz, amplitude;
};

analysis::Spectrum spectrum_of(double rate, std::size_t n, double noise, const std::vector<Sine>& sines, unsigned seed = 1) {
  std::mt19937 random{seed};
  std::normal_distribution<double> normal{0, noise};
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    values[i] = normal(random);
    for (const auto& [hz, amplitude] : sines)
      values[i] += amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate);
  }
  analysis::Spectrum spectrum{analysis::mains_segment(rate)};
  spectrum.add({kStart, rate, values});
  return spectrum;
}

std::optional<double> level(const analysis::Spectrum& spectrum) {
  return analysis::mains_db(spectrum.density(), spectrum.step());
}

TEST(Mains, StandsAboveTheNoiseByItsPowerWhereverItLies) {
  constexpr double kNoise = 0.1;
  constexpr double kAmplitude = 2;
  for (const double rate : {128.0, 256.0, 1000.0})
    for (const double hz : {49.8, 50.0, 50.1, 50.2, 60.0, 59.9}) {
      SCOPED_TRACE(std::to_string(rate) + " " + std::to_string(hz));
      const double density = kNoise * kNoise / (rate / 2);
      const double band = 2;  // Hz
      const auto segment = analysis::mains_segment(rate);
      const auto found = level(spectrum_of(rate, 40 * segment, kNoise, {{hz, kAmplitude}, {3 * hz, 0.5}}));
      ASSERT_TRUE(found);
      EXPECT_NEAR(*found, 10 * std::log10(kAmplitude * kAmplitude / 2 / (density * band)), 0.35);
    }
}

TEST(Mains, IsNotSeenInNoiseNorBesideTheGrid) {
  for (unsigned seed = 0; seed < 10; ++seed) EXPECT_LT(level(spectrum_of(256, 40'000, 1, {}, seed)), 5) << seed;
  EXPECT_LT(level(spectrum_of(256, 40'000, 0.1, {{50.6, 1}})), 5);
}

TEST(Mains, CannotBeKnownAtRatesBelowNorOfLessThanASegment) {
  for (const double rate : {1.0, 10.0, 64.0}) {
    EXPECT_FALSE(level(spectrum_of(rate, 5000, 1, {}))) << rate;
    EXPECT_FALSE(analysis::knows_mains(rate)) << rate;
  }
  EXPECT_FALSE(level(spectrum_of(256, 1023, 1, {{50, 10}})));
  EXPECT_TRUE(level(spectrum_of(256, 1024, 1, {{50, 10}})));
  EXPECT_TRUE(analysis::knows_mains(128));
  EXPECT_EQ(analysis::mains_segment(256), 1024U);
  EXPECT_EQ(analysis::mains_segment(1), 256U);
  EXPECT_EQ(analysis::mains_segment(24'000), 65'536U);
}

}  // namespace
