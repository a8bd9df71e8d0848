#include <cmath>
#include <limits>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/sensor.hpp"
#include "analysis/spectra/field_scale.hpp"
#include "analysis/spectra/natural.hpp"
#include "analysis/spectra/reference.hpp"
#include "view/keys.hpp"
#include "view/page.hpp"

namespace {

using analysis::ChannelFacts;
using analysis::Frames;
using analysis::SideBySide;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using view::Page;
using view::StationSpectra;

const mth5::UtcNanos kStart{seconds{1'777'664'000}};

std::vector<double> noise(unsigned seed, std::size_t n, double deviation = 1) {
  std::mt19937 random{seed};
  std::normal_distribution<double> normal{0, deviation};
  std::vector<double> values(n);
  for (auto& value : values) value = normal(random);
  return values;
}

analysis::Block block(const std::vector<double>& values, double rate, std::size_t first, std::size_t n) {
  return {mth5::sample_time(kStart, rate, static_cast<std::int64_t>(first)), rate, std::span{values}.subspan(first, n)};
}

TEST(SideBySide, PutsChannelsThatAreCutDifferentlyTogether) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random{seed};
    const std::vector<std::vector<double>> channels{noise(1, 3000), noise(2, 3000)};
    std::vector<std::vector<double>> expected(2, std::vector<double>(3000, NAN));
    std::vector<std::vector<double>> got = expected;
    SideBySide side{2, 8};
    const auto give = [&](const Frames& frames) {
      ASSERT_EQ(frames.channels.size(), 2U);
      const auto first = static_cast<std::size_t>(std::llround(mth5::samples_between(kStart, frames.start, 8)));
      for (std::size_t c = 0; c < 2; ++c)
        for (std::size_t i = 0; i < frames.channels[c].size(); ++i) {
          EXPECT_TRUE(std::isnan(got[c][first + i])) << "each once";
          got[c][first + i] = frames.channels[c][i];
        }
    };
    std::vector<std::size_t> at(2);
    while (at[0] < 3000 || at[1] < 3000) {
      for (std::size_t c = 0; c < 2; ++c) {
        if (at[c] > at[1 - c] + 200) continue;  // within the minute that is waited for
        const std::size_t n = std::min<std::size_t>(3000 - at[c], random() % 150);
        if (random() % 8 != 0) {
          ASSERT_TRUE(side.add(c, block(channels[c], 8, at[c], n)));
          std::copy_n(channels[c].begin() + static_cast<std::ptrdiff_t>(at[c]), n,
                      expected[c].begin() + static_cast<std::ptrdiff_t>(at[c]));
        }
        at[c] += n;
      }
      side.take(give);
    }
    // The end: what one of both has not come to is not given out.
    std::int64_t until = 3000;
    for (std::size_t c = 0; c < 2; ++c) {
      std::int64_t last = 0;
      for (std::int64_t i = 0; i < 3000; ++i)
        if (!std::isnan(expected[c][static_cast<std::size_t>(i)])) last = i + 1;
      until = std::min(until, last);
    }
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t i = 0; i < static_cast<std::size_t>(until); ++i)
        ASSERT_TRUE(got[c][i] == expected[c][i] || (std::isnan(got[c][i]) && std::isnan(expected[c][i]))) << seed << ": " << i;
  }
}

TEST(SideBySide, WaitsAMinuteForAChannelAndSaysThatAClockWasSet) {
  const auto values = noise(1, 1000);
  SideBySide side{2, 1};
  std::size_t seen = 0;
  const auto give = [&](const Frames& frames) { seen += frames.channels[0].size(); };
  EXPECT_TRUE(side.add(0, block(values, 1, 0, 50)));
  EXPECT_TRUE(side.add(1, block(values, 1, 0, 10)));
  side.take(give);
  EXPECT_EQ(seen, 10U);
  EXPECT_TRUE(side.add(0, block(values, 1, 50, 100)));
  side.take(give);
  EXPECT_EQ(seen, 150U) << "the other does not come";
  EXPECT_FALSE(side.add(0, block(values, 1, 20, 10)));
}

TEST(NaturalField, IsThatOfTheTableAndStraightBetween) {
  EXPECT_DOUBLE_EQ(analysis::natural_magnetic(1e-3)->high, 100);
  EXPECT_DOUBLE_EQ(analysis::natural_magnetic(4)->low, 1e-4);
  EXPECT_NEAR(analysis::natural_magnetic(std::sqrt(1e-3 * 1e-2))->low, std::sqrt(2 * 0.1), 1e-9);
  EXPECT_FALSE(analysis::natural_magnetic(1e-5));
  EXPECT_FALSE(analysis::natural_electric(2000));
  EXPECT_NEAR(analysis::natural_electric(1e-2)->high, std::sqrt(5 * 1000 * 1e-2) * 5, 1e-9);
}

/// A station of hx, hy in nT and ex with a dipole of 50 m in mV: hy is white noise of 1 nT^2/Hz, ex of 4 mV^2/Hz and follows it.
std::shared_ptr<StationSpectra> station(std::size_t n, double rate = 64) {
  auto made = std::make_shared<StationSpectra>("S1", rate, std::vector<std::string>{"hx", "hy", "ex"});
  const double deviation = std::sqrt(rate / 2);
  const auto hy = noise(2, n, deviation);
  auto ex = hy;
  for (auto& value : ex) value *= 2;
  made->add({"S1", "hx", "nanotesla", mth5::Kind::Magnetic}, block(noise(1, n, deviation), rate, 0, n));
  made->add({"S1", "hy", "nanotesla", mth5::Kind::Magnetic}, block(hy, rate, 0, n));
  made->add({"S1", "ex", "mV", mth5::Kind::Electric, 50}, block(ex, rate, 0, n));
  made->update();
  return made;
}

TEST(Spectra, OfAllDecadesAreOneCurve) {
  const auto made = station(64 * 3000);
  for (std::size_t channel = 0; channel < 3; ++channel)
    for (const auto& point : view::banded_spectrum(made->spectra(), channel, 0.1, 30, 12, false)) {
      ASSERT_GT(point.lines, 0);
      EXPECT_NEAR(point.mean, channel == 2 ? 4 : 1, 4 * point.scatter() * (channel == 2 ? 4 : 1));
      EXPECT_GE(point.max, point.mean);
    }
  EXPECT_NEAR(made->seconds(), 3000, 1e-6);
  EXPECT_GT(view::mean_coherence(made->spectra(), 2, 1, 0.1, 1).value(), 0.999);
  EXPECT_LT(view::mean_coherence(made->spectra(), 2, 0, 0.1, 1).value(), 0.1);
  EXPECT_FALSE(view::mean_coherence(made->spectra(), 2, 1, 0.001, 0.002)) << "not enough data yet";
}

TEST(Spectra, AreOfTheLastHoursOnly) {
  StationSpectra made{"S1", 1, {"hx"}};
  const auto values = noise(1, 20'000);
  for (std::size_t at = 0; at < values.size(); at += 100) {
    made.add({"S1", "hx", "nanotesla", mth5::Kind::Magnetic}, block(values, 1, at, 100));
    made.update();
    if (at > 7200) {
      EXPECT_GE(made.seconds(), 3600 - 100);
      EXPECT_LE(made.seconds(), 7200 + 100);
      EXPECT_GT(made.spectra().segments(0, 0), 3600 / 128 - 4);
    }
  }
}

Page page_of(const std::shared_ptr<StationSpectra>& spectra) {
  Page page;
  page.look =
      analysis::Snapshot{.time = kStart, .file = "a.h5", .state = mth5::FileState::Live, .file_bytes = 0, .stations = {"S1"}};
  page.spectra = {spectra};
  return page;
}

std::string drawn(const Page& page, const view::Ui& ui) { return view::draw(24, 80, page, page, ui).text(); }

TEST(Spectra, AreDrawnWithUnitsAxesAndTheTypicalRange) {
  const auto page = page_of(station(64 * 600));
  view::Ui ui{.view = 2, .glyphs = view::Glyphs::Ascii, .channel = 1};
  const auto text = drawn(page, ui);
  EXPECT_THAT(text, HasSubstr(" >hy  nT^2/Hz  of the last 10 min  dim: typical range\n"));
  EXPECT_THAT(text, HasSubstr("|1 Hz"));
  EXPECT_THAT(text, HasSubstr("|10 Hz"));
  EXPECT_THAT(text, HasSubstr(" 1e+0 "));
  ui.reference = false;
  EXPECT_THAT(drawn(page, ui), Not(HasSubstr("typical")));
  ui.channel = 2;
  EXPECT_THAT(drawn(page, ui), HasSubstr(" >ex  (mV/km)^2/Hz"));
  // 2 mV over 50 m are 40 mV/km: 1600 (mV/km)^2/Hz, in the decade from 1e+3 to 1e+4.
  EXPECT_THAT(drawn(page, ui), HasSubstr(" 1e+3 "));
  EXPECT_EQ(view::press(U'l', page, ui, kStart), view::Action::Draw);
  EXPECT_THAT(drawn(page, ui), HasSubstr("|10 Hz     |15 Hz")) << "a linear axis, up to 32 Hz";
  EXPECT_THAT(drawn(page, ui), Not(HasSubstr("|1 Hz")));
  // At 64 Hz the grid of 50 Hz comes to lie at 14 Hz, that of 60 Hz at 4 Hz, of 32 Hz on 69 columns.
  const auto linear = drawn(page, ui);
  ASSERT_NE(linear.find("a60"), std::string::npos) << linear;
  EXPECT_NEAR(static_cast<double>(linear.find("a50") - linear.find("a60")), 69 * 10 / 32.0, 1);
  ui.filter = "no such";
  EXPECT_THAT(drawn(page, ui), HasSubstr("no channel has /no such in its name"));
}

TEST(Spectra, AreHeldAgainstTheCurvesOfTheSite) {
  analysis::Reference own;
  own.magnetic = {{{0.1, 1e-3}, {10, 1e-5}}, {{0.1, 1e-1}, {10, 1e-3}}};
  own.noise["hx"] = {{0.1, 1e-2}, {10, 1e-4}};
  const ChannelFacts hx{"S1", "hx", "nanotesla", mth5::Kind::Magnetic}, ex{"S1", "ex", "mV/km", mth5::Kind::Electric};
  const auto range = analysis::usual_range(&own, hx, analysis::field_scale(hx), 1);
  ASSERT_TRUE(range);
  EXPECT_NEAR(range->low, 1e-4, 1e-12);
  EXPECT_NEAR(range->high, 1e-2, 1e-10);
  EXPECT_FALSE(analysis::usual_range(&own, hx, analysis::field_scale(hx), 20)) << "of the site, and of nothing else";
  EXPECT_EQ(analysis::usual_range(nullptr, hx, analysis::field_scale(hx), 1)->high, analysis::natural_magnetic(1)->high);
  EXPECT_EQ(analysis::usual_range(&own, ex, analysis::field_scale(ex), 1)->high, analysis::natural_electric(1)->high);
  const ChannelFacts counts{"S1", "hx", "digital counts", mth5::Kind::Magnetic};
  EXPECT_FALSE(analysis::usual_range(&own, counts, analysis::field_scale(counts), 1)) << "of such units nobody knows";
  EXPECT_NEAR(analysis::sensor_noise(&own, hx, 1).value_or(0), 1e-3, 1e-12);
  EXPECT_FALSE(analysis::sensor_noise(&own, ex, 1));
  auto page = page_of(station(64 * 600));
  const view::Ui ui{.view = 2, .glyphs = view::Glyphs::Ascii, .channel = 1};
  const auto typical = drawn(page, ui);
  page.reference = std::make_shared<const analysis::Reference>(own);
  EXPECT_NE(drawn(page, ui), typical);
  EXPECT_THAT(drawn(page, ui), Not(HasSubstr("sensor noise"))) << "hx has one, and hy none";
}

TEST(Spectra, HaveTheNoiseOfTheirSensor) {
  const auto made = std::make_shared<StationSpectra>("S1", 64, std::vector<std::string>{"hx"});
  const auto values = noise(1, 64 * 600, std::sqrt(32));
  analysis::ChannelFacts facts{"S1", "hx", "nanotesla", mth5::Kind::Magnetic};
  facts.noise = {{0.1, 1e-2}, {10, 1e-4}};
  made->add(facts, block(values, 64, 0, values.size()));
  made->update();
  view::Ui ui{.view = 2, .glyphs = view::Glyphs::Ascii};
  const auto page = page_of(made);
  EXPECT_THAT(drawn(page, ui), HasSubstr("S: sensor noise"));
  // A line in the plot: from 1e-4 nT^2/Hz at 0.1 Hz to 1e-8 at 10 Hz, and none beyond.
  const auto screen = view::draw(24, 80, page, page, ui);
  int last = 0, marks = 0, last_column = 0;
  for (int column = 10; column < 79; ++column)
    for (int row = view::kTop + 1; row < 22; ++row)
      if (screen.at(row, column).glyph == U'S') {
        EXPECT_GE(row, last) << "it falls";
        last = row, ++marks, last_column = column;
      }
  EXPECT_GT(marks, 5);
  EXPECT_LT(last_column, 70) << "10 Hz of 32";
  ui.reference = false;
  EXPECT_THAT(drawn(page, ui), Not(HasSubstr("sensor noise")));
  EXPECT_FALSE(analysis::noise_at(facts.noise, 0.09));
  EXPECT_FALSE(analysis::noise_at(facts.noise, 10.1));
  EXPECT_FALSE(analysis::noise_at({}, 1));
  EXPECT_DOUBLE_EQ(analysis::noise_at(facts.noise, 0.1).value(), 1e-2);
  EXPECT_DOUBLE_EQ(analysis::noise_at(facts.noise, 1).value(), 1e-3);
  EXPECT_DOUBLE_EQ(analysis::noise_at(facts.noise, 10).value(), 1e-4);
}

TEST(Spectra, AreInPhysicalUnitsOrAsStoredAndSayWhatWasCutOff) {
  const auto made = std::make_shared<StationSpectra>("S1", 64, std::vector<std::string>{"hx"}, "sr64");
  const auto values = noise(1, 64 * 600, 1e3 * std::sqrt(32));
  analysis::ChannelFacts facts{"S1", "hx", "digital counts", mth5::Kind::Magnetic};
  facts.stream = "sr64";
  facts.gain = 1e3;
  facts.physical_units = "nanotesla";
  made->add(facts, block(values, 64, 0, values.size()));
  made->update();
  EXPECT_EQ(analysis::field_scale(facts).factor, 1e-3);
  EXPECT_EQ(analysis::field_scale(facts).units, "nT^2/Hz");
  EXPECT_EQ(analysis::field_scale(facts, false).factor, 1);
  view::Ui ui{.view = 2, .glyphs = view::Glyphs::Ascii};
  auto page = page_of(made);
  EXPECT_THAT(drawn(page, ui), HasSubstr(">hx  nT^2/Hz  of the last"));
  EXPECT_THAT(drawn(page, ui), HasSubstr("typical range"));
  EXPECT_THAT(drawn(page, ui), Not(HasSubstr("CUT OFF")));
  EXPECT_EQ(view::press(U'u', page, ui, kStart), view::Action::Draw);
  EXPECT_THAT(drawn(page, ui), Not(HasSubstr("nT^2/Hz")));
  EXPECT_THAT(drawn(page, ui), HasSubstr("1e+6")) << "a million times as much";
  page.look->channels = {{.index = 0,
                          .station = "S1",
                          .run = "sr64_0001",
                          .component = "hx",
                          .units = "digital counts",
                          .sample_rate = 64,
                          .n_samples = 1,
                          .new_samples = {},
                          .end = {},
                          .age_s = 0,
                          .last = 0,
                          .window = {},
                          .clipped = 1234}};
  EXPECT_THAT(drawn(page, ui), HasSubstr("1,234 samples CUT OFF"));
}

TEST(Spectra, SayWhenThereIsNotEnoughData) {
  const view::Ui ui{.view = 2};
  EXPECT_THAT(drawn(page_of(station(200)), ui), HasSubstr("not enough data yet: a spectrum takes 256 samples in a row"));
  Page none = page_of(nullptr);
  none.spectra.clear();
  EXPECT_THAT(drawn(none, ui), HasSubstr("no electric or magnetic samples yet"));
  const auto constant = std::make_shared<StationSpectra>("S1", 1, std::vector<std::string>{"hx"});
  const std::vector<double> same(2000, 5.0);
  constant->add({"S1", "hx", "nanotesla", mth5::Kind::Magnetic}, block(same, 1, 0, 2000));
  constant->update();
  EXPECT_THAT(drawn(page_of(constant), ui), HasSubstr("all samples are the same: there is no spectrum"));
}

TEST(Quality, HasEachFigureBesideItsLimits) {
  auto page = page_of(station(64 * 3000));
  const auto beside = std::make_shared<StationSpectra>("S1", 1, std::vector<std::string>{"bx"}, "b1");
  beside->describe({"S1", "bx", "nanotesla", mth5::Kind::Magnetic});
  page.spectra.insert(page.spectra.begin(), beside);  // has nothing to go with
  analysis::Subject hx{analysis::Scope::Field, "S1", "hx"};
  hx.figures = {{"present", {100.0}}, {"mains_db", {45.0}}, {"spikes_per_h", {3.0}}};
  analysis::Subject ex{analysis::Scope::Electric, "S1", "ex"};
  ex.figures = {{"present", {90.0}}, {"dc_mV", {600.0}}, {"stuck_s", {61.0}}};
  page.subjects = {hx, ex};
  const auto text = drawn(page, {.view = 4});
  EXPECT_THAT(text, HasSubstr(" channel   there%    clip%  line dB spikes/h  jumps/h     mV/h    SP mV  stuck s\n"
                              " ! / X     <99/95   >0/0.1   >40/60      >10       >1      >10 >100/500      >60\n"
                              " hx           100        -      !45        3        -        -        -        0\n"
                              " ex           X90        -        -        -        -        -     X600      X61\n"));
  page.subjects[0].figures["spikes_per_h"].counted_s = 905;
  EXPECT_THAT(drawn(page, {.view = 4}), HasSubstr("line dB  spi/15m  jumps/h ")) << "of less than an hour it is a count";
  for (int i = 0; i < 30; ++i) page.subjects.push_back({analysis::Scope::Field, "S1", "h" + std::to_string(i)});
  const auto first = drawn(page, {.view = 4}), second = drawn(page, {.view = 4, .scroll = 100});
  EXPECT_THAT(first, HasSubstr(" more v"));
  EXPECT_THAT(first, Not(HasSubstr("\n h29 ")));
  EXPECT_THAT(second, HasSubstr("\n h29 "));
  EXPECT_THAT(text, HasSubstr("                hx      hy   not enough data yet\n ex              -       -\n"));
}

}  // namespace
