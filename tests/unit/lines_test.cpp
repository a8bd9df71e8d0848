#include "analysis/spectra/lines.hpp"

#include <cmath>
#include <numbers>
#include <optional>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/history.hpp"
#include "analysis/spectra/spectrum.hpp"
#include "analysis/verdict/verdict.hpp"

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

/// Means of seconds at a site beside a pipeline: noise that is stronger the slower it is, and a rectifier that is on for so long.
class Pipeline {
 public:
  explicit Pipeline(double height) : height_{height} {}
  double at(double second, double period, double on) {
    slow_ = 0.99 * slow_ + noise_(random_);
    return slow_ + 0.3 * noise_(random_) + (std::fmod(second, period) < on ? height_ : 0);
  }

 private:
  double height_, slow_ = 0;
  std::mt19937 random_{3};
  std::normal_distribution<double> noise_;
};

std::optional<double> pulses_in_an_hour(double height, double period, double on) {
  Pipeline pipeline{height};
  std::vector<double> values(3600);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = pipeline.at(static_cast<double>(i), period, on);
  analysis::Spectrum spectrum{256};
  spectrum.add({kStart, 1, values});
  return analysis::pulses_of(spectrum.density(), spectrum.step());
}

TEST(Pulses, AreKnownByTheirHarmonics) {
  EXPECT_NEAR(pulses_in_an_hour(6, 12, 6).value_or(0), 12, 0.02) << "which has no even ones";
  EXPECT_NEAR(pulses_in_an_hour(6, 15, 12).value_or(0), 15, 0.02);
  EXPECT_NEAR(pulses_in_an_hour(6, 7.5, 2).value_or(0), 7.5, 0.02);
  EXPECT_EQ(pulses_in_an_hour(0, 12, 6), std::nullopt);
  std::vector<double> wave(3600);
  std::mt19937 random{4};
  std::normal_distribution<double> noise;
  for (std::size_t i = 0; i < wave.size(); ++i)
    wave[i] = noise(random) + 5 * std::sin(2 * std::numbers::pi * static_cast<double>(i) / 20);
  analysis::Spectrum spectrum{256};
  spectrum.add({kStart, 1, wave});
  EXPECT_EQ(analysis::narrow_lines(spectrum.density(), spectrum.step()).size(), 1U);
  EXPECT_EQ(analysis::pulses_of(spectrum.density(), spectrum.step()), std::nullopt) << "a wave of the sky has no harmonics";
}

TEST(Pulses, OfAChannelAreAFindingOfItsLastHour) {
  analysis::History history;
  Pipeline pipeline{6};
  std::vector<double> values(8 * 60);
  const auto verdict = [&] {
    const analysis::ChannelFacts facts{"MT1", "ex", "digital counts", mth5::Kind::Electric};
    const auto found = analysis::judge(std::vector{analysis::subject_of(facts, history.recent(), history.hour(), history)});
    return found.empty() ? "" : found.front().sentence(kStart);
  };
  const auto add = [&](int from, int to, double on) {
    for (int minute = from; minute < to; ++minute) {
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = pipeline.at(minute * 60 + static_cast<double>(i) / 8, 12, on);
      history.add({kStart + minutes{minute}, 8, values});
    }
  };
  add(0, 20, 4);
  EXPECT_EQ(verdict(), "") << "of half an hour at least";
  add(20, 45, 4);
  EXPECT_EQ(verdict(), "MT1 ex: pulses every 12 s");
  add(45, 125, 0);
  EXPECT_EQ(verdict(), "") << "it was switched off more than an hour ago";
}

TEST(Pulses, AreToldByTheirPeriodAndNotByLess) {
  for (const int period : {8, 12, 15}) {
    analysis::History history;
    Pipeline pipeline{6};
    std::vector<double> values(8 * 60);
    for (int minute = 0; minute < 60; ++minute) {
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = pipeline.at(minute * 60 + static_cast<double>(i) / 8, period, period / 4.0);
      history.add({kStart + minutes{minute}, 8, values});
    }
    const analysis::ChannelFacts facts{"MT1", "ex", "digital counts", mth5::Kind::Electric};
    const auto found = analysis::judge(std::vector{analysis::subject_of(facts, history.recent(), history.hour(), history)});
    ASSERT_FALSE(found.empty()) << period;
    EXPECT_EQ(found.front().sentence(kStart), "MT1 ex: pulses every " + std::to_string(period) + " s");
  }
}

}  // namespace
