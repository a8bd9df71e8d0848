#include "analysis/measures/measures.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "mth5/error.hpp"

namespace {

using analysis::Block;
using analysis::Histogram;
using analysis::Measures;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const mth5::UtcNanos kStart{std::chrono::seconds{1'777'593'600}};

Measures of(const std::vector<double>& values, double rate = 1) {
  Measures measures;
  measures.add({kStart, rate, values});
  return measures;
}

std::vector<double> noise(std::size_t n, double deviation, unsigned seed = 1) {
  std::mt19937 random{seed};
  std::normal_distribution<double> normal{0, deviation};
  std::vector<double> values(n);
  for (auto& value : values) value = normal(random);
  return values;
}

TEST(Measures, KnowNothingOfNothing) {
  const Measures none = of({});
  EXPECT_FALSE(none.start());
  EXPECT_TRUE(std::isnan(none.percent()));
  EXPECT_TRUE(std::isnan(none.histogram().median()));
  EXPECT_TRUE(std::isnan(none.histogram().rail_share()));
  EXPECT_EQ(none.repeats().longest().n, 0);
  EXPECT_EQ(none.repeats().clipped(), 0);
  EXPECT_TRUE(std::isnan(none.envelope().drift_per_hour()));
  const Measures gone = of(std::vector(100, kNaN));
  EXPECT_EQ(gone.percent(), 0);
  EXPECT_EQ(gone.repeats().last().n, 0);
  EXPECT_TRUE(gone.envelope().cells().empty());
}

TEST(Measures, KnowHowFarALimitIs) {
  auto values = noise(500, 1);
  values[100] = 8;
  values[101] = -2;
  Measures all;
  all.add({.start = kStart, .rate = 1, .values = values, .limits = {-100, 16}});
  EXPECT_EQ(all.at_limits(), 0);
  EXPECT_NEAR(all.headroom_db(), 20 * std::log10(2), 1e-12) << "that of the nearer side";
  Measures later;
  values[200] = 16;
  values[201] = 17;
  later.add({.start = kStart + std::chrono::seconds{500}, .rate = 1, .values = values, .limits = {-100, 16}});
  all.merge(later);
  Measures same;
  same.load(all.save());
  EXPECT_EQ(same.at_limits(), 2);
  EXPECT_EQ(same.clipped(), 2);
  EXPECT_EQ(same.headroom_db(), 0) << "nothing is left";
  EXPECT_TRUE(std::isnan(of(values).headroom_db())) << "no limit is known";
  Measures above;  // of a field that lies on one side of zero, as a total field does
  above.add({.start = kStart, .rate = 1, .values = std::vector{50.0, 60.0}, .limits = {20, 120}});
  EXPECT_NEAR(above.headroom_db(), 20 * std::log10(2), 1e-12);
}

TEST(Measures, StandWhatNoConverterSends) {
  auto values = noise(500, 1);
  values[100] = std::numeric_limits<double>::infinity();
  values[101] = -std::numeric_limits<double>::infinity();
  values[102] = std::numeric_limits<double>::max();
  values[103] = std::numeric_limits<double>::lowest();
  values[104] = 5e-324;
  const auto all = of(values, 256);
  EXPECT_EQ(all.histogram().count(), 498);
  EXPECT_EQ(all.statistics().count(), 500);
  const auto again = of(std::vector{1e300, -1e300, 0.0, kNaN});
  EXPECT_LT(std::abs(again.histogram().median()), 2e297);
}

TEST(Measures, SayNoToWhatTheyDidNotSave) {
  auto saved = of(noise(100, 1)).save();
  Measures other;
  other.load(saved);
  EXPECT_EQ(other.statistics().count(), 100);
  saved["version"] = 0;
  EXPECT_THROW(other.load(saved), mth5::FormatError);
  EXPECT_THROW(other.load(nlohmann::json::array()), mth5::FormatError);
  saved = of(noise(100, 1)).save();
  saved["repeats"].erase("top");
  EXPECT_THROW(other.load(saved), mth5::FormatError);
}

TEST(Measures, CountWhatIsMissingBetweenBlocksAndInThem) {
  Measures measures;
  const std::vector<double> ten(10, 1.0);
  std::vector<double> half(10, kNaN);
  half[0] = half[1] = half[2] = half[3] = half[4] = 1;
  measures.add({kStart, 1, ten});
  measures.add({kStart + std::chrono::seconds{20}, 1, half});
  EXPECT_EQ(measures.percent(), 50);
  EXPECT_EQ(measures.repeats().longest().n, 10) << "a gap ends the row";
}

TEST(Histogram, OfAConstantIsAllAtTheRail) {
  for (const double value : {0.0, 33.37, -1e12, 5e-324}) {
    const auto all = of(std::vector(1000, value));
    EXPECT_DOUBLE_EQ(all.histogram().median(), value);
    EXPECT_EQ(all.histogram().rail_share(), 1);
  }
}

TEST(Histogram, HasTheMedianWhateverAFewSamplesDo) {
  auto values = noise(60'000, 3);
  for (auto& value : values) value = std::round(30'000 + 2000 * value);
  auto sorted = values;
  std::nth_element(sorted.begin(), sorted.begin() + 30'000, sorted.end());
  const double median = sorted[30'000];
  for (const double outlier : {2147483647.0, -2147483648.0, 2e8, 1e300}) {
    SCOPED_TRACE(outlier);
    auto bad = values;
    bad[40'000] = outlier;
    EXPECT_NEAR(of(bad).histogram().median(), median, 32) << "as without it";
    for (std::size_t i = 0; i < 200; ++i) bad[i * 250] = outlier / static_cast<double>(i + 1);
    EXPECT_NEAR(of(bad).histogram().median(), median, 64) << "nor do two hundred, all of them others";
  }
}

TEST(Histogram, HasAsManyValuesAsItHasBinsExactly) {
  std::vector<double> values;
  for (int i = 0; i < 1023; ++i) values.push_back(8'000'000 + 0.25 * (i * 367 % 1023));
  values.push_back(2147483647);
  EXPECT_EQ(of(values).histogram().median(), 8'000'000 + 0.25 * 511.5);
  EXPECT_EQ(of(values).histogram().quantile(1), 2147483647);
}

TEST(Histogram, HasWhatRestsOnTheSupplyAndNotABellCurve) {
  auto values = noise(10'000, 1);
  EXPECT_LT(of(values).histogram().rail_share(), 0.001);
  for (std::size_t i = 0; i < 500; ++i) values[i * 7] = 40;
  EXPECT_NEAR(of(values).histogram().rail_share(), 0.05, 1e-12);
}

TEST(Repeats, TellAStuckChannelSinceWhen) {
  auto values = noise(300, 5);
  for (std::size_t i = 200; i < 300; ++i) values[i] = 0;
  const auto all = of(values);
  EXPECT_EQ(all.repeats().last().n, 100);
  EXPECT_EQ(all.repeats().last().start, kStart + std::chrono::seconds{200});
  EXPECT_EQ(all.repeats().longest().n, 100);
}

TEST(Repeats, TellALimitFromASlowSignalThatTurns) {
  std::vector<double> slow(5000);
  std::vector<double> cut(5000);
  for (std::size_t i = 0; i < slow.size(); ++i) {
    const double sine = std::sin(2 * std::numbers::pi * static_cast<double>(i) / 1000);
    slow[i] = std::round(100 * sine);  // rests at +-100 for many samples
    cut[i] = std::clamp(std::round(1000 * std::sin(0.5 * static_cast<double>(i))), -700.0, 700.0);  // runs into its limits
  }
  EXPECT_GT(of(slow).repeats().longest().n, 20);
  EXPECT_EQ(of(slow).repeats().clipped(), 0);
  EXPECT_GT(of(cut).repeats().clipped(), 1500);
}

TEST(Repeats, TellALimitFromAPlugThatWasOut) {
  auto values = noise(600, 1);
  for (auto& value : values) value += 23'000;
  const auto out = [&](std::size_t from, std::size_t to, double at) {
    for (std::size_t i = from; i < to; ++i) values[i] = at;
  };
  out(100, 115, 0);
  EXPECT_EQ(of(values).repeats().clipped(), 0) << "15 s, five minutes ago";
  EXPECT_FALSE(of(values).repeats().off());
  out(560, 600, 0);
  const auto whole = of(values);
  EXPECT_EQ(whole.repeats().clipped(), 0);
  ASSERT_TRUE(whole.repeats().off());
  EXPECT_EQ(whole.repeats().off()->start, kStart + std::chrono::seconds{560});
  for (const std::size_t cut : {50U, 107U, 300U, 561U, 580U}) {
    Measures parts = of({values.begin(), values.begin() + static_cast<std::ptrdiff_t>(cut)});
    Measures later;
    later.add({kStart + std::chrono::seconds{cut}, 1, std::span{values}.subspan(cut)});
    parts.merge(later);
    Measures loaded;
    loaded.load(parts.save());
    EXPECT_EQ(loaded.repeats().clipped(), 0) << cut;
    ASSERT_TRUE(loaded.repeats().off()) << cut;
    EXPECT_EQ(loaded.repeats().off()->n, 40) << cut;
  }
  out(560, 563, 0);
  for (std::size_t i = 563; i < 600; ++i) values[i] = 23'000 + 0.1 * static_cast<double>(i);
  EXPECT_EQ(of(values).repeats().clipped(), 3) << "shorter than any plug is out: a stroke of lightning";
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 20 == 0 ? 3 : i % 20 == 1 ? 3.5 : i % 40 < 20 ? 500 : -500;
  EXPECT_EQ(of(values).repeats().clipped(), 540) << "from one limit to the other";
  const auto wave = noise(600, 1);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = std::min(8.0, 10 * std::sin(static_cast<double>(i) / 20) + 0.1 * wave[i]);
  EXPECT_GT(of(values).repeats().clipped(), 100) << "it comes near to its limit before";
}

TEST(Spikes, AreFoundOneByOneAndNoiseIsNone) {
  auto values = noise(20'000, 1);
  EXPECT_EQ(of(values).spikes().count(), 0);
  for (const std::size_t at : {100U, 1000U, 1001U, 5000U, 19'000U}) values[at] += 40;
  values[7000] -= 60;
  const auto all = of(values);
  EXPECT_EQ(all.spikes().count(), 5) << "two beside each other are one";
  ASSERT_TRUE(all.spikes().worst());
  EXPECT_EQ(all.spikes().worst()->time, kStart + std::chrono::seconds{7000});
  EXPECT_NEAR(all.spikes().worst()->height, -60, 4);
}

TEST(Spikes, AreWiderAtFastRates) {
  auto values = noise(40'000, 1);
  for (std::size_t i = 0; i < 8; ++i) values[9000 + i] += 50;  // 8 ms
  EXPECT_EQ(of(values, 1000).spikes().count(), 1);
  EXPECT_EQ(of(values, 1).spikes().count(), 0) << "8 s are no spike";
}

TEST(Jumps, StayWhereSpikesAndRampsDoNot) {
  for (const double rate : {1.0, 4.0, 64.0}) {
    SCOPED_TRACE(rate);
    const auto n = static_cast<std::size_t>(200 * rate);
    auto values = noise(n, 1);
    const auto at = [&](double seconds) { return static_cast<std::size_t>(seconds * rate); };
    EXPECT_EQ(of(values, rate).jumps().count(), 0);
    values[at(30)] += 1000;
    for (std::size_t i = at(60); i < n; ++i) values[i] += 3 * static_cast<double>(i - at(60)) / rate;
    EXPECT_EQ(of(values, rate).jumps().count(), 0) << "a spike and a ramp";
    for (std::size_t i = at(120); i < n; ++i) values[i] += 80;
    const auto all = of(values, rate);
    EXPECT_EQ(all.jumps().count(), 1);
    ASSERT_TRUE(all.jumps().last());
    EXPECT_NEAR(all.jumps().last()->height, 80, 8);
    EXPECT_LE(std::abs(std::chrono::duration<double>(all.jumps().last()->time - kStart).count() - 120), 1);
  }
}

TEST(Envelope, ShowsEveryOneSampleSpikeHoweverLongItGets) {
  std::vector<double> values(200'000, 0.0);
  values[123'456] = 9;
  values[77] = -4;
  const auto all = of(values, 2).envelope();
  EXPECT_LE(all.cells().size(), 1024U);
  EXPECT_EQ(all.cell_length(), std::chrono::seconds{128});
  std::int64_t n = 0;
  int high = 0;
  int low = 0;
  for (const auto& [number, cell] : all.cells()) {
    n += cell.n;
    high += cell.max == 9 ? 1 : 0;
    low += cell.min == -4 ? 1 : 0;
  }
  EXPECT_EQ(n, 200'000);
  EXPECT_EQ(high, 1);
  EXPECT_EQ(low, 1);
}

TEST(Envelope, DriftIsThatOfTheMostWhateverSpikesSay) {
  auto values = noise(7200, 0.5);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += 12.0 * static_cast<double>(i) / 3600;
  for (std::size_t i = 0; i < 300; ++i) values[6000 + i] = 4000;
  EXPECT_NEAR(of(values).envelope().drift_per_hour(), 12, 0.5);
}

}  // namespace
