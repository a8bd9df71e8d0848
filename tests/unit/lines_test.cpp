#include "analysis/spectra/lines.hpp"

#include <cmath>
#include <numbers>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/history.hpp"

namespace {

using std::chrono::minutes;
using testing::IsEmpty;

const mth5::UtcNanos kStart{std::chrono::sys_days{std::chrono::year{2026} / 5 / 1}};

/// A spectrum of steps of a quarter of a hertz to 64 Hz, that falls by 20 dB a decade, with the scatter of 150 segments.
std::vector<double> background() {
  std::mt19937 random{1};
  std::normal_distribution<double> scatter{1, 0.08};
  std::vector<double> density(257);
  for (std::size_t i = 0; i < density.size(); ++i) density[i] = scatter(random) / std::pow(1 + static_cast<double>(i), 2);
  return density;
}

/// As a Hann window shows it.
void add_line(std::vector<double>& density, double hz, double times) {
  const auto middle = static_cast<std::size_t>(std::lround(hz * 4));
  const double floor = density[middle];
  for (std::size_t i = middle - 2; i <= middle + 2; ++i) {
    const double x = static_cast<double>(i) - hz * 4;
    const double sinc = std::abs(x) < 1e-9 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
    const double hann = std::abs(1 - x * x) < 1e-9 ? 0.5 : sinc / (1 - x * x);
    density[i] += times * floor * hann * hann;
  }
}

TEST(Lines, AreNarrowAndNoneOfTheGrid) {
  auto density = background();
  EXPECT_THAT(analysis::narrow_lines(density, 0.25), IsEmpty());
  add_line(density, 16.7, 20);
  add_line(density, 50.02, 1000);
  add_line(density, 60, 1000);
  for (std::size_t i = 0; i < density.size(); ++i)  // of the cavity between earth and ionosphere
    density[i] *= 1 + 8 * std::exp(-std::pow((static_cast<double>(i) / 4 - 30) / 2, 2));
  const auto found = analysis::narrow_lines(density, 0.25);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found[0].hz, 16.7, 0.05);
  EXPECT_NEAR(found[0].db, 10 * std::log10(20), 1.5);
  EXPECT_THAT(analysis::narrow_lines(density, 0), IsEmpty());
  EXPECT_THAT(analysis::narrow_lines(std::vector<double>(5, 1), 0.25), IsEmpty());
}

TEST(Lines, StayForTwoHours) {
  analysis::SteadyLines steady;
  auto with = background();
  add_line(with, 16.7, 20);
  auto both = with;
  add_line(both, 30.3, 20);
  int part = 0;
  for (; part < 24; ++part) steady.add(part % 3 == 0 ? background() : both, 0.25, kStart + minutes{5 * part});
  EXPECT_THAT(steady.lines(), IsEmpty()) << "not of two hours yet";
  for (; part < 26; ++part) steady.add(both, 0.25, kStart + minutes{5 * part});
  ASSERT_EQ(steady.lines().size(), 2U);
  EXPECT_EQ(steady.lines()[0].since, kStart + minutes{5});
  for (; part < 30; ++part) steady.add(with, 0.25, kStart + minutes{5 * part});
  ASSERT_EQ(steady.lines().size(), 1U) << "one has gone";
  EXPECT_NEAR(steady.lines()[0].hz, 16.7, 0.05);
}

TEST(Lines, OfAChannelAreKnownByItsHistory) {
  analysis::History history;
  std::mt19937 random{2};
  std::normal_distribution<double> noise;
  std::vector<double> values(64 * 60);
  for (int minute = 0; minute < 135; ++minute) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double seconds = minute * 60 + static_cast<double>(i) / 64;
      values[i] = noise(random) + 0.5 * std::sin(2 * std::numbers::pi * 16.7 * seconds);
    }
    history.add({kStart + minutes{minute}, 64, values});
  }
  ASSERT_EQ(history.lines().size(), 1U);
  EXPECT_NEAR(history.lines()[0].hz, 16.7, 0.05);
  EXPECT_EQ(history.mains(), std::nullopt) << "64 Hz has no room for 50 Hz and what is beside it";
}

}  // namespace
