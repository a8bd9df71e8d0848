#include <cmath>
#include <numbers>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/measures/state.hpp"
#include "analysis/spectra/cross_spectra.hpp"
#include "mth5/error.hpp"

namespace {

using analysis::CrossSpectra;

const mth5::UtcNanos kStart{std::chrono::seconds{1'777'593'600}};

struct Sine {
  double hz, amplitude;
};

std::vector<double> signal(double rate, std::size_t n, double noise, const std::vector<Sine>& sines, unsigned seed = 1) {
  std::mt19937 random{seed};
  std::normal_distribution<double> normal{0, noise > 0 ? noise : 1};
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (noise > 0) values[i] = normal(random);
    for (const auto& [hz, amplitude] : sines)
      values[i] += amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate);
  }
  return values;
}

CrossSpectra of(const std::vector<double>& values, double rate, std::size_t segment, std::size_t stages = 1) {
  CrossSpectra spectra{1, segment, stages};
  spectra.add({kStart, rate, {values}});
  return spectra;
}

TEST(CrossSpectra, OfTheStagesAgreeWhereTheyMeet) {
  // White noise of 1 unit^2 / Hz one-sided at 100 Hz.
  const auto spectra = of(signal(100, 600'000, std::sqrt(50.0), {}), 100, 256, 3);
  for (std::size_t s = 0; s < 3; ++s) {
    const auto [low, high] = spectra.band(s);
    EXPECT_GT(spectra.segments(0, 0, s), 30);
    const auto density = spectra.density(0, s);
    double sum = 0;
    int n = 0;
    for (std::size_t k = 0; k < density.size(); ++k) {
      const double hz = static_cast<double>(k) * spectra.step(s);
      if (hz < low || hz > high) continue;
      sum += density[k];
      ++n;
    }
    EXPECT_NEAR(sum / n, 1, 0.08) << "stage " << s;
    if (s > 0) {
      EXPECT_NEAR(spectra.band(s).second, spectra.band(s - 1).first, 1e-9);
    }
  }
}

TEST(CrossSpectra, LetNothingThroughFromAboveATenthOfTheRate) {
  // 16.3 Hz would show at 3.7 Hz of 10 Hz.
  const auto spectra = of(signal(100, 100'000, 0, {{16.3, 1}}), 100, 256, 2);
  const auto density = spectra.density(0, 1);
  const double power = std::accumulate(density.begin(), density.end(), 0.0) * spectra.step(1);
  EXPECT_LT(power, 0.5 * 1e-8);
}

TEST(Coherence, OfIndependentNoiseIsAsMeasured) {
  // Table of monitor-summary 4.2: mean of the coherence without correction, and what is left with it.
  for (const std::size_t segments : {16U, 32U, 64U}) {
    double left = 0;
    int lines = 0;
    for (unsigned seed = 0; seed < 12; ++seed) {
      const std::size_t n = 128 * (segments + 1) / 2;
      const auto a = signal(1, n, 1, {}, 2 * seed + 1);
      const auto b = signal(1, n, 1, {}, 2 * seed + 2);
      CrossSpectra spectra{2, 128};
      spectra.add({mth5::UtcNanos{std::chrono::seconds{1'777'664'000}}, 1, {a, b}});
      ASSERT_GE(spectra.segments(0, 1), static_cast<std::int64_t>(segments) - 1);
      for (const double value : spectra.coherence(0, 1)) left += value, ++lines;
    }
    EXPECT_LT(left / lines, 0.6 / static_cast<double>(segments)) << segments;
  }
  CrossSpectra few{2, 128};
  const auto a = signal(1, 1000, 1, {});
  few.add({kStart, 1, {a, a}});
  EXPECT_TRUE(few.coherence(0, 1).empty()) << "of so few segments nothing can be said";
}

TEST(CrossSpectra, SayNoToWhatDoesNotFit) {
  EXPECT_THROW(CrossSpectra(1, 15), mth5::StateError);
  EXPECT_THROW(CrossSpectra(0, 64), mth5::StateError);
  const auto a = signal(1, 1000, 1, {});
  CrossSpectra two{2, 64};
  EXPECT_THROW(two.add({kStart, 1, {a}}), mth5::StateError);
  auto one = of(a, 1, 64);
  two.add({kStart, 1, {a, a}});
  EXPECT_THROW(one.merge(two), mth5::StateError);
  auto saved = one.save();
  saved["stages"][0]["counts"] = std::vector<int>{1, 2, 3};
  EXPECT_THROW(two.load(saved), mth5::FormatError);
  saved = one.save();
  saved["segment"] = 3;
  EXPECT_THROW(two.load(saved), mth5::FormatError);
}

}  // namespace
