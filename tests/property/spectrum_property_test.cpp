#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/spectra/mains.hpp"
#include "analysis/spectra/spectrum.hpp"
#include "support/python.hpp"
#include "support/support.hpp"

namespace {

using analysis::Spectrum;

const mth5::UtcNanos kStart{std::chrono::seconds{1'777'664'000}};
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<double> series(unsigned seed, std::size_t n) {
  std::mt19937 random{seed};
  std::normal_distribution<double> noise;
  std::vector<double> values(n);
  double slow = 0;
  for (std::size_t i = 0; i < n; ++i) values[i] = 1000 + (slow = 0.9 * slow + noise(random)) + std::sin(0.3 * double(i));
  return values;
}

void add(Spectrum& spectrum, const std::vector<double>& values, double rate, std::size_t first, std::size_t end) {
  spectrum.add(
      {mth5::sample_time(kStart, rate, static_cast<std::int64_t>(first)), rate, std::span{values}.subspan(first, end - first)});
}

/// Stretches without a gap, in samples.
using Stretches = std::vector<std::pair<std::size_t, std::size_t>>;

/// Equal to the mean of scipy's over the stretches, each by its number of segments.
void expect_scipys(const Spectrum& ours, const std::vector<double>& values, const Stretches& stretches, double rate,
                   std::size_t segment) {
  const support::TempDir dir;
  std::vector<std::string> arguments{(dir / "x").string(), std::to_string(rate), std::to_string(segment)};
  for (const auto& [first, end] : stretches) arguments.insert(arguments.end(), {std::to_string(first), std::to_string(end)});
  support::write_doubles(dir / "x", values);
  const auto right = support::python("property/spectrum_reference.py", arguments);
  EXPECT_EQ(ours.segments(), right["segments"]);
  const auto expected = right["density"].get<std::vector<double>>();
  const auto density = ours.density();
  ASSERT_EQ(density.size(), expected.size());
  // The line at 0 is what the window lets through of the mean that was taken out.
  for (std::size_t k = 1; k < expected.size(); ++k) EXPECT_LE(std::abs(density[k] - expected[k]), 1e-9 * expected[k]) << k;
  EXPECT_DOUBLE_EQ(ours.step(), rate / static_cast<double>(segment));
}

TEST(Spectrum, IsThatOfScipyHoweverTheSamplesAreCut) {
  for (const double rate : {1.0, 64.0, 250.0}) {
    SCOPED_TRACE(rate);
    const auto values = series(3, 5000);
    Spectrum ours{256};
    std::mt19937 random{7};
    for (std::size_t at = 0; at < values.size();) {
      const std::size_t end = std::min(values.size(), at + 1 + random() % 700);
      add(ours, values, rate, at, end);
      at = end;
    }
    expect_scipys(ours, values, {{0, 5000}}, rate, 256);
  }
}

TEST(Spectrum, LeavesOutWhatTouchesAGap) {
  const auto values = series(4, 6000);
  const Stretches stretches{{0, 700}, {730, 2000}, {2031, 4500}, {4530, 6000}};
  Spectrum ours{128};
  for (const auto& [first, end] : stretches) add(ours, values, 64, first, end);
  expect_scipys(ours, values, stretches, 64, 128);

  // A sample without a value costs the segments that it is in, and no other.
  auto holed = values;
  holed[640] = kNaN;
  Spectrum without{128};
  add(without, holed, 64, 0, 1280);
  EXPECT_EQ(without.segments(), 19 - 2);
  expect_scipys(without, holed, {{0, 640}, {704, 1280}}, 64, 128);
}

TEST(Spectrum, OfLessThanASegmentIsNone) {
  Spectrum ours{128};
  EXPECT_TRUE(ours.density().empty());
  EXPECT_EQ(ours.step(), 0);
  add(ours, series(1, 127), 64, 0, 127);
  EXPECT_TRUE(ours.density().empty());
}

TEST(Mains, IsThatOfScipyInTwoHertz) {
  constexpr double kRate = 256;
  for (const double hz : {49.9, 50.0, 60.1}) {
    SCOPED_TRACE(hz);
    auto values = series(5, 100'000);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += 20 * std::sin(2 * std::numbers::pi * hz * double(i) / kRate);
    Spectrum ours{analysis::mains_segment(kRate)};
    add(ours, values, kRate, 0, values.size());
    const support::TempDir dir;
    support::write_doubles(dir / "x", values);
    const auto grid = std::to_string(std::round(hz / 10) * 10);
    const auto right = support::python("property/mains_reference.py", {(dir / "x").string(), std::to_string(kRate),
                                                                       std::to_string(analysis::mains_segment(kRate)), grid});
    EXPECT_NEAR(analysis::mains_db(ours.density(), ours.step()).value(), right["level"].get<double>(), 0.05);
  }
}

}  // namespace
