#include "analysis/verdict/verdict.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <numbers>
#include <random>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/spectra/mains.hpp"
#include "analysis/spectra/spectrum.hpp"
#include "analysis/verdict/steady.hpp"
#include "analysis/verdict/subjects.hpp"
#include "support/site.hpp"
#include "support/support.hpp"

namespace {

using analysis::Figure;
using analysis::Scope;
using analysis::Severity;
using analysis::Subject;
using analysis::Verdict;
using support::Site;
using testing::HasSubstr;
using testing::IsEmpty;

const mth5::UtcNanos kStart{std::chrono::seconds{1'777'593'600}};  // 2026-05-01
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// What may happen to a sample: its channel, time since the beginning and value.
using Fault = std::function<void(std::size_t channel, double seconds, double& value)>;

/// Measures a site as a report does, and judges it.
class Watch {
 public:
  Watch(unsigned seed, double rate, Fault fault = {}, double storm_at = 1e18)
      : site_{seed, rate, storm_at}, rate_{rate}, fault_{std::move(fault)} {}

  void go_on(double seconds) {
    const auto n = static_cast<std::size_t>(std::llround(seconds * rate_));
    std::array<std::vector<double>, 5> values;
    for (auto& channel : values) channel.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const auto all = site_.next();
      for (std::size_t c = 0; c < all.size(); ++c) {
        values[c][i] = all[c];
        if (fault_) fault_(c, seconds_ + static_cast<double>(i) / rate_, values[c][i]);
      }
    }
    const auto start = mth5::sample_time(kStart, rate_, std::llround(seconds_ * rate_));
    for (std::size_t c = 0; c < values.size(); ++c) {
      measures_[c].add({start, rate_, values[c]});
      spectra_[c].add({start, rate_, values[c]});
      history_[c].add({start, rate_, values[c]});
    }
    seconds_ += seconds;
  }
  /// The report begins here.
  void forget() {
    measures_ = {};
    spectra_ = spectra();
  }

  /// Over the time of the report.
  [[nodiscard]] Verdict judge() const {
    return of_all([&](const analysis::ChannelFacts& facts, std::size_t c) {
      return analysis::subject_of(facts, measures_[c], analysis::mains_db(spectra_[c].density(), spectra_[c].step()));
    });
  }
  /// As one who looks at the recording while it goes on.
  [[nodiscard]] Verdict now_judged() {
    return of_all([&](const analysis::ChannelFacts& facts, std::size_t c) {
      return analysis::subject_of(facts, history_[c].recent(), history_[c].hour(), history_[c]);
    });
  }
  [[nodiscard]] mth5::UtcNanos now() const { return mth5::sample_time(kStart, rate_, std::llround(seconds_ * rate_)); }

 private:
  template <class Of>
  [[nodiscard]] Verdict of_all(const Of& of) const {
    std::vector<Subject> subjects;
    for (std::size_t c = 0; c < measures_.size(); ++c)
      subjects.push_back(of(
          {"MT1", Site::kNames[c], c < 2 ? "milliVolt" : "nanoTesla", c < 2 ? mth5::Kind::Electric : mth5::Kind::Magnetic}, c));
    analysis::compare(subjects);
    return analysis::judge(subjects);
  }
  [[nodiscard]] std::vector<analysis::Spectrum> spectra() const {
    return std::vector<analysis::Spectrum>(5, analysis::Spectrum{analysis::mains_segment(rate_)});
  }

  Site site_;
  double rate_;
  Fault fault_;
  double seconds_ = 0;
  std::array<analysis::Measures, 5> measures_;
  std::vector<analysis::Spectrum> spectra_ = spectra();
  std::array<analysis::History, 5> history_;
};

std::string names(const Verdict& verdict) {
  std::string all;
  for (const auto& finding : verdict) all += (all.empty() ? "" : ", ") + finding.name + ":" + std::string{finding.rule->name};
  return all;
}

/// More, and longer: site_nightly.sh.
unsigned sites() {
  const char* text = std::getenv("MTH5_SITES");
  return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : 0;
}

TEST(Verdict, OfAGoodSiteStaysGoodWithStormSunriseAndTheVariationOfTheDay) {
  const bool long_run = sites() > 0;
  for (unsigned seed = 1; seed <= (long_run ? sites() : 1); ++seed) {
    SCOPED_TRACE(seed);
    Watch site{seed, 1, {}, 50 * 3600.0 + seed * 1000};
    for (int hour = 0; hour < (long_run ? 168 : 30); ++hour) {  // reports of up to a day
      if (hour % 24 == 0) site.forget();
      site.go_on(3600);
      ASSERT_EQ(names(site.judge()), "") << mth5::to_iso(site.now()) << " " << analysis::to_text(site.judge(), site.now());
      ASSERT_EQ(names(site.now_judged()), "") << analysis::headline(site.now_judged(), site.now());
    }
  }
}

TEST(Verdict, OfAGoodSiteStaysGoodAtAFastRateFromTheFirstMinuteOn) {
  const bool long_run = sites() > 0;
  for (unsigned seed = 1; seed <= (long_run ? sites() : 1); ++seed) {
    SCOPED_TRACE(seed);
    Watch site{seed + 100, long_run ? 64.0 : 128.0, {}, 3600.0 * (long_run ? seed % 12 + 1 : 0.5)};
    for (int part = 0; part < (long_run ? 147 : 8); ++part) {  // a day and a minute
      site.go_on(part < 3 ? 20 : 600);
      ASSERT_EQ(names(site.judge()), "") << mth5::to_iso(site.now()) << " " << analysis::to_text(site.judge(), site.now());
      ASSERT_EQ(names(site.now_judged()), "") << analysis::headline(site.now_judged(), site.now());
    }
  }
}

TEST(Verdict, NamesWhatHappensToAChannel) {
  struct Case {
    const char* expected;
    double rate, seconds;  ///< how long it goes on, after an hour and a half without
    Fault fault;
  };
  constexpr double kFrom = 5400;
  const auto of = [](std::size_t wanted, auto change) {
    return Fault{[=](std::size_t channel, double seconds, double& value) {
      if (channel == wanted && seconds >= kFrom) change(seconds - kFrom, value);
    }};
  };
  const auto step = [](double each, double seconds) { return each * (1 + std::floor(seconds / 600)); };
  std::vector<Case> cases{
      {"ey:stuck", 1, 130, of(1, [](double, double& value) { value = 0; })},
      {"hz:stuck", 32, 130, of(4, [](double, double& value) { value = 41'000; })},
      {"ex:jumps", 1, 3600, of(0, [&](double seconds, double& value) { value += step(3, seconds); })},
      {"ey:spikes", 32, 600, of(1, [](double seconds, double& value) { value += std::fmod(seconds, 10) < 0.02 ? 20 : 0; })},
      {"ex:drift", 1, 10'800, of(0, [](double seconds, double& value) { value += 40 * seconds / 3600; })},
      {"ex:dc", 1, 6300, of(0, [](double, double& value) { value += 300; })},
      {"hx:clipped", 32, 600,
       of(2,
          [](double seconds, double& value) {
            value = std::clamp(22'000 + 500 * std::sin(2 * std::numbers::pi * 3.1 * seconds), 21'700.0, 22'300.0);
          })},
  };
  for (const double period : {40.0, 200.0})  // slow against the rate: no step is small, or rows are longer than a minute
    for (const double rate : {1.0, 4.0})
      cases.push_back({"hx:clipped", rate, 1200, of(2, [period](double seconds, double& value) {
                         const double noise = std::fmod(std::sqrt(2) * std::round(4 * seconds), 1);
                         const double swing = 600 * std::sin(2 * std::numbers::pi * seconds / period);
                         value = std::clamp(22'000 + std::round(swing + 6 * noise), 21'700.0, 22'300.0);
                       })});
  for (const auto& [expected, rate, seconds, fault] : cases) {
    SCOPED_TRACE(expected);
    Watch site{7, rate, fault};
    site.go_on(kFrom);
    EXPECT_EQ(names(site.judge()), "") << "nothing has happened yet";
    site.go_on(seconds);
    EXPECT_THAT(names(site.judge()), HasSubstr(expected));
    EXPECT_THAT(names(site.now_judged()), HasSubstr(expected));
  }
  Watch site{7, 256, [](std::size_t channel, double seconds, double& value) {
               if (channel == 0) value += 2 * std::sin(2 * std::numbers::pi * 50.02 * seconds);
             }};
  site.go_on(100);
  EXPECT_EQ(names(site.judge()), "ex:mains");
  EXPECT_EQ(names(site.now_judged()), "ex:mains");
}

TEST(Verdict, CallsWhatLiesAtAKnownLimitCutOffAndNotStuck) {
  std::vector<double> values(3000);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = i < 1000 ? std::round(500 * std::sin(0.3 * static_cast<double>(i * i))) : 7999;
  const analysis::ClipLimits limits{-8000, 8000, 1};
  analysis::History history;
  history.add({kStart, 1, values, limits});
  analysis::ChannelFacts facts{"MT1", "hx", "nanoTesla", mth5::Kind::Magnetic};
  facts.limits = limits;
  const auto recent = history.recent();
  EXPECT_EQ(recent.at_limits(), recent.statistics().count()) << "one step below it is at it";
  const std::vector subjects{analysis::subject_of(facts, recent, history.hour(), history)};
  EXPECT_EQ(names(analysis::judge(subjects)), "hx:clipped");
  auto unlimited = facts;
  unlimited.limits = {};
  analysis::History without;
  without.add({kStart, 1, values});
  const std::vector stuck{analysis::subject_of(unlimited, without.recent(), without.hour(), without)};
  EXPECT_EQ(names(analysis::judge(stuck)), "hx:stuck");
}

TEST(Verdict, CallsAPluggedOutChannelOffAndNotClipped) {
  for (const double rate : {1.0, 32.0}) {
    double at = 0;
    Watch site{7, rate, [&at](std::size_t channel, double seconds, double& value) {
                 if (channel == 2 && seconds >= 700 && seconds < 715) value = at;
                 if (channel == 2 && seconds >= 1400) value = at;
               }};
    site.go_on(714.5);
    const auto off = site.now_judged();
    EXPECT_EQ(names(off), "hx:off");
    EXPECT_THAT(
        analysis::headline(off, site.now()),
        testing::MatchesRegex("CRITICAL MT1 hx: exactly 0 for 1[45] s since 00:11 UTC: check plug and cable of the sensor"));
    site.go_on(300);
    EXPECT_EQ(names(site.now_judged()), "") << "it is in again: nothing was cut off";
    EXPECT_EQ(names(site.judge()), "");
    site.go_on(385.5);
    at = 22'050;
    site.go_on(40);
    EXPECT_EQ(names(site.now_judged()), "") << "at a value that no field has had: stuck after a minute, and not cut off now";
    site.go_on(25);
    EXPECT_EQ(names(site.now_judged()), "hx:stuck");
  }
}

TEST(Verdict, KnowsNoiseThatBeganOfOneChannelFromAStorm) {
  for (const double rate : {1.0, 16.0}) {
    const auto noisy = [rate](bool all) {
      Watch site{9, rate, [all](std::size_t channel, double seconds, double& value) {
                   if (seconds >= 4000 && (all || channel == 1)) value += 40 * std::sin(seconds * seconds);
                 }};
      site.go_on(4000);
      EXPECT_EQ(names(site.now_judged()), "");
      site.go_on(620);
      return names(site.now_judged());
    };
    EXPECT_THAT(noisy(false), HasSubstr("ey:noise"));
    EXPECT_THAT(noisy(true), testing::Not(HasSubstr("noise")));
  }
}

TEST(Verdict, BelievesNoValueThatNothingHas) {
  for (const double wrong : {1e308, -1e31, double{INFINITY}}) {
    Watch site{7, 1, [wrong](std::size_t channel, double seconds, double& value) {
                 if (channel == 2 && seconds == 70) value = wrong;
               }};
    site.go_on(100);
    EXPECT_THAT(names(site.judge()), HasSubstr("hx:values")) << wrong;
    EXPECT_THAT(names(site.now_judged()), HasSubstr("hx:values")) << wrong;
    EXPECT_THAT(analysis::to_text(site.judge(), site.now()), HasSubstr("infinite values, or larger than any instrument has"));
    site.go_on(1500);
    EXPECT_THAT(names(site.now_judged()), HasSubstr("hx:values")) << "for an hour";
  }
}

TEST(Verdict, KnowsAClockThatRunsAwayAndItsAxis) {
  const std::vector<analysis::ClockSummary> clocks{
      {.stream = "a", .source = "gps", .ppm = -140, .axis_error_s = 1.5, .locked = true, .station = "S1", .sample_rate = 8},
      {.stream = "b", .source = "gps", .ppm = kNaN, .axis_error_s = 9, .locked = true, .station = "S2", .sample_rate = 8}};
  Subject stream{Scope::Stream, "S1", "8 Hz"};
  add_clock(stream, 8, clocks);
  EXPECT_EQ(names(analysis::judge(std::vector{stream})), "8 Hz:rate, 8 Hz:axis");
  EXPECT_THAT(analysis::to_text(analysis::judge(std::vector{stream}), kStart), HasSubstr("clock is off by 140 ppm"));
  Subject other{Scope::Stream, "S1", "1 Hz"};
  add_clock(other, 1, clocks);
  EXPECT_TRUE(other.figures.empty()) << "of another rate";
}

TEST(Verdict, OnARecordingThatGoesOnForgetsWhatIsMendedAndKnowsSinceWhen) {
  Watch site{7, 1, [](std::size_t channel, double seconds, double& value) {
               if (channel == 3 && seconds >= 1000 && seconds < 1400) value = 7;
               if (channel == 1 && seconds >= 10'000) value = 7;
               if (channel == 2 && seconds < 6000 && std::fmod(seconds, 20) == 5) value += 50;
             }};
  site.go_on(1200);
  const auto stuck = site.now_judged();
  ASSERT_EQ(names(stuck), "hy:stuck, hx:spikes");
  EXPECT_EQ(stuck[0].since, kStart + std::chrono::seconds{1000});
  EXPECT_NEAR(stuck[0].value, 200, 1);
  EXPECT_THAT(analysis::headline(stuck, site.now()),
              "CRITICAL MT1 hy: stuck at one value for 3 min 20 s since 00:16 UTC: check sensor and cable; leave out a channel "
              "that is not used (and 1 more)");
  site.go_on(210);
  EXPECT_EQ(names(site.now_judged()), "hx:spikes") << "it moves again";
  EXPECT_EQ(names(site.judge()), "hy:stuck, hx:spikes") << "a report of all that was has it";
  site.go_on(8590);
  EXPECT_EQ(names(site.now_judged()), "") << "it was more than an hour ago";
  for (int part = 0; part < 3; ++part) {
    site.go_on(3600);
    ASSERT_EQ(names(site.now_judged()), "ey:stuck");
    EXPECT_EQ(site.now_judged()[0].since, kStart + std::chrono::seconds{10'000}) << "longer ago than what is kept";
  }
}

TEST(History, BeginsAgainWhereTheClockWasSetBackAndForgetsAcrossAPause) {
  analysis::History history;
  const std::vector<double> values(300, 1.0);
  const auto at = [&](int s) { history.add({kStart + std::chrono::seconds{s}, 1, values}); };
  at(0);
  at(300);
  EXPECT_EQ(history.recent().statistics().count(), 600);
  EXPECT_EQ(history.start(), kStart);
  at(-90'000);
  EXPECT_EQ(history.hour().statistics().count(), 300);
  EXPECT_EQ(history.start(), kStart - std::chrono::seconds{90'000});
  at(0);
  EXPECT_EQ(history.recent().statistics().count(), 300) << "of the last ten minutes";
  EXPECT_EQ(history.hour().statistics().count(), 300) << "of the last hour";
  EXPECT_EQ(history.mains(), std::nullopt);
}

TEST(History, OfOlderSamplesIsThatOfAllInOrder) {
  constexpr double kRate = 128;
  std::mt19937 random{11};
  std::normal_distribution<double> noise{0, 1};
  std::vector<double> values(static_cast<std::size_t>(kRate * 3000));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = noise(random) + std::sin(2 * 3.14159265358979 * 50 * static_cast<double>(i) / kRate);
  values[values.size() - 100'000] = 1000;
  std::fill(values.end() - 220'000, values.end() - 210'000, 7.0);
  const auto block = [&](std::size_t from, std::size_t to) {
    return analysis::Block{mth5::sample_time(kStart + std::chrono::seconds{17}, kRate, static_cast<std::int64_t>(from)), kRate,
                           std::span{values}.subspan(from, to - from)};
  };
  const std::size_t hole = values.size() / 2, behind = hole + 5000;
  analysis::History in_order, back;
  in_order.add(block(0, hole));
  in_order.add(block(behind, values.size()));
  std::size_t oldest = values.size() - 9000, newest = values.size() - 3000;
  back.add(block(oldest, newest));
  while (oldest > 0) {
    if (newest < values.size()) {  // others come meanwhile
      back.add(block(newest, newest + 100));
      newest += 100;
    }
    const auto least = oldest > hole ? behind : 0;
    const auto from = std::max(least, oldest - std::min<std::size_t>(oldest, 1 + random() % 20'000));
    back.add_older(block(from, oldest));
    oldest = from == behind ? hole : from;
  }
  back.add(block(newest, values.size()));
  back.add_older(block(0, 100));  // is there already
  EXPECT_EQ(back.start(), in_order.start());
  for (const auto of : {&analysis::History::recent, &analysis::History::hour}) {
    const auto a = (back.*of)(), b = (in_order.*of)();
    EXPECT_EQ(a.start(), b.start());
    EXPECT_EQ(a.end(), b.end());
    EXPECT_EQ(a.statistics().count(), b.statistics().count());
    EXPECT_NEAR(a.statistics().mean(), b.statistics().mean(), 1e-9);
    EXPECT_NEAR(a.statistics().std(), b.statistics().std(), 1e-9);
    EXPECT_EQ(a.spikes().count(), b.spikes().count());
    EXPECT_EQ(a.jumps().count(), b.jumps().count());
    EXPECT_EQ(a.repeats().longest().n, b.repeats().longest().n);
    EXPECT_EQ(a.histogram().median(), b.histogram().median());
  }
  EXPECT_EQ(back.rows().longest().start, in_order.rows().longest().start);
  EXPECT_EQ(back.rows().longest().n, 10'000);
  ASSERT_TRUE(in_order.mains());
  EXPECT_NEAR(back.mains().value(), in_order.mains().value(), 0.5) << "of the same minutes, but for segments at seams";
}

TEST(Verdict, TakesARowOfEqualSamplesForAFaultOnlyWhereItIsNoChance) {
  const auto verdict = [](double rate, const std::vector<double>& values) {
    analysis::Measures measures;
    measures.add({kStart, rate, values});
    return names(
        analysis::judge(std::vector{analysis::subject_of({"MT1", "hx", "nanoTesla", mth5::Kind::Magnetic}, measures, {})}));
  };
  std::vector<double> coarse;  // steps of 13 nT, and noise of 3 nT: minutes in each
  std::mt19937 random{5};
  std::normal_distribution<double> noise{0, 3};
  for (int i = 0; i < 7200; ++i) coarse.push_back(13 * std::round((30 * std::sin(i / 1800.0) + noise(random)) / 13));
  EXPECT_EQ(verdict(1, coarse), "");
  std::vector<double> slow;  // one a minute: three equal ones are three minutes
  for (int i = 0; i < 200; ++i) slow.push_back(20'000 + i / 3);
  EXPECT_EQ(verdict(1 / 60.0, slow), "");
  std::vector<double> quiet;  // three at the top by chance
  for (int i = 0; i < 120; ++i) quiet.push_back(20'000 + i % 7 + 0.5 * (i % 2));
  quiet[50] = quiet[51] = quiet[52] = 20'012;
  EXPECT_EQ(verdict(1, quiet), "");
  EXPECT_EQ(verdict(1, std::vector(61, 0.0)), "hx:stuck");
  EXPECT_EQ(verdict(1, std::vector(59, 0.0)), "");
  EXPECT_EQ(verdict(1, std::vector(1799, 5.0)), "") << "nobody knows how fine it is";
  EXPECT_EQ(verdict(1, std::vector(1800, 5.0)), "hx:stuck");
  std::vector<double> steps;  // minutes in each value, and then half an hour in one
  for (const std::size_t n : {70U, 300U, 400U, 120U, 61U, 1900U})
    steps.insert(steps.end(), n, steps.empty() ? 20.0 : steps.back() + 1);
  EXPECT_EQ(verdict(1, steps), "") << "less than five times the longest other";
  steps.insert(steps.end(), 101, steps.back());
  EXPECT_EQ(verdict(1, steps), "hx:stuck");
}

TEST(Verdict, KnowsByTheOthersThatAChannelWhichNeverMovedIsStuck) {
  const auto verdict = [](double step, const std::string& stream = "") {
    std::vector<Subject> subjects;
    for (const std::string name : {"hx", "hy"}) {
      analysis::Measures measures;
      std::vector<double> values(100, 5.0);
      for (std::size_t i = 0; i < values.size() && name == "hy"; ++i)
        values[i] = step * std::round(std::sin(0.1 * static_cast<double>(i)) / step);
      measures.add({kStart, 1, values});
      analysis::ChannelFacts facts{"MT1", name, "nanoTesla", mth5::Kind::Magnetic};
      facts.stream = name == "hx" ? stream : "";
      subjects.push_back(analysis::subject_of(facts, measures, {}));
    }
    analysis::compare(subjects);
    return names(analysis::judge(subjects));
  };
  EXPECT_EQ(verdict(0.001), "hx:stuck");
  EXPECT_EQ(verdict(0.001, "b1"), "") << "the other is another instrument: what this one resolves it does not say";
  EXPECT_EQ(verdict(0.5), "") << "the other is as coarse";
}

TEST(Verdict, TakesAStepForNoDrift) {
  constexpr double kStep = 5400;
  Watch site{7, 1, [](std::size_t channel, double seconds, double& value) {
               if (channel == 0 && seconds >= kStep) value += 60;
             }};
  site.go_on(kStep);
  for (int i = 0; i < 7; ++i) {  // through all of the hour that the figures are of
    site.go_on(600);
    EXPECT_EQ(names(site.now_judged()), "") << i << " " << analysis::headline(site.now_judged(), site.now());
    EXPECT_EQ(names(site.judge()), "") << i << " " << analysis::headline(site.judge(), site.now());
  }
  Watch drifts{7, 1, [](std::size_t channel, double seconds, double& value) {
                 if (channel == 0) value += 40 * seconds / 3600 + (seconds >= kStep ? 60 : 0);
               }};
  drifts.go_on(kStep + 600);
  EXPECT_THAT(names(drifts.judge()), HasSubstr("ex:drift")) << "before the step";
  drifts.go_on(8400);
  EXPECT_THAT(names(drifts.judge()), HasSubstr("ex:drift")) << "behind it";
  EXPECT_THAT(names(drifts.now_judged()), HasSubstr("ex:drift"));
}

/// Judges a minute and a bit of channels that are dead from their first sample on, or move.
class DeadStation {
 public:
  void dead(const std::string& name, mth5::Kind kind, double value, std::vector<std::pair<double, double>> noise = {}) {
    add({.station = "MT1", .component = name, .units = "counts", .kind = kind, .noise = std::move(noise)},
        std::vector<double>(70, value));
  }
  void moving(const std::string& name, mth5::Kind kind, double step) {
    std::vector<double> values(70);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = step * std::round(std::sin(0.1 * static_cast<double>(i)) / step);
    add({.station = "MT1", .component = name, .units = "counts", .kind = kind}, values);
  }
  std::string judged() {
    analysis::compare(subjects_);
    return names(analysis::judge(std::exchange(subjects_, {})));
  }

 private:
  void add(const analysis::ChannelFacts& facts, const std::vector<double>& values) {
    analysis::Measures measures;
    measures.add({kStart, 1, values});
    analysis::History history;
    history.add({kStart, 1, values});
    subjects_.push_back(analysis::subject_of(facts, measures, {}));
    const auto live = analysis::subject_of(facts, history.recent(), history.hour(), history);
    EXPECT_EQ(live.unmoved.has_value(), subjects_.back().unmoved.has_value());
    EXPECT_EQ(live.still_at, subjects_.back().still_at);
    EXPECT_EQ(live.figures.contains("stuck_s"), subjects_.back().figures.contains("stuck_s"));
  }

  std::vector<Subject> subjects_;
};

TEST(Verdict, NamesAllChannelsThatAreDeadAtOnceWithinAMinute) {
  constexpr auto kElectric = mth5::Kind::Electric, kMagnetic = mth5::Kind::Magnetic;
  DeadStation site;
  for (const auto* name : {"hx", "hy"}) site.dead(name, kMagnetic, 2'147'483'647.0);
  for (const auto* name : {"ex", "ey"}) site.dead(name, kElectric, 2'147'483'647.0);
  EXPECT_EQ(site.judged(), "hx:stuck, hy:stuck, ex:stuck, ey:stuck");
  for (const auto* name : {"e1", "e2"}) site.dead(name, kElectric, -1234.567);
  EXPECT_EQ(site.judged(), "e1:stuck, e2:stuck") << "electrodes alone";
  for (const auto* name : {"e1", "e2"}) site.dead(name, kElectric, -1234.567);
  site.moving("bx", kMagnetic, 0.001);
  EXPECT_EQ(site.judged(), "e1:stuck, e2:stuck") << "beside a sensor that moves";
  for (const auto* name : {"bx", "by"}) site.dead(name, kMagnetic, 12'345.6, {{0.1, 0.4}, {0.4, 0.3}});
  EXPECT_EQ(site.judged(), "bx:stuck, by:stuck") << "their own noise of 0.19 would move the last digit";
  for (const auto* name : {"bx", "by", "bz"}) site.dead(name, kMagnetic, 12'345.6);
  site.moving("e1", kElectric, 0.001);
  EXPECT_EQ(site.judged(), "bx:stuck, by:stuck, bz:stuck") << "no field is the same in three directions";
}

TEST(Verdict, TakesACoarseMagnetometerForNoDeadOne) {
  constexpr auto kElectric = mth5::Kind::Electric, kMagnetic = mth5::Kind::Magnetic;
  DeadStation site;
  const auto three = [&] {
    for (const auto* name : {"bx", "by", "bz"}) site.dead(name, kMagnetic, 12'345.6 + 13 * name[1]);
  };
  three();
  EXPECT_EQ(site.judged(), "") << "alone";
  for (const auto* name : {"b1", "b2"}) site.dead(name, kMagnetic, 12'345.6);
  EXPECT_EQ(site.judged(), "") << "two of the same field";
  three();
  site.moving("ex", kElectric, 0.001);
  EXPECT_EQ(site.judged(), "") << "beside an electrode that moves";
  for (const auto* name : {"bx", "by"}) site.dead(name, kMagnetic, 12'345.6, {{0.1, 0.2}, {0.4, 0.15}, {3, 1.0}});
  EXPECT_EQ(site.judged(), "") << "its noise of 0.095 stays within the last digit";
  site.dead("bx", kMagnetic, 12'345.6);
  site.dead("ex", kElectric, 5);
  site.moving("ey", kElectric, 0.5);
  EXPECT_EQ(site.judged(), "") << "another is as coarse";
  site.dead("ex", kElectric, 5);
  EXPECT_EQ(site.judged(), "") << "one alone tells nothing";
}

Subject subject(Scope scope, const std::string& name, const std::map<std::string, Figure, std::less<>>& figures) {
  return {scope, scope == Scope::File ? "" : "MT1", name, figures};
}

TEST(Verdict, SaysWhichElectrodeIsOpenAndSinceWhen) {
  // Four dipoles; that of e3 opens at 10:32, and is beside the supply from then on.
  std::vector<Subject> subjects;
  const auto begin = kStart + std::chrono::hours{10};
  for (const int number : {1, 2, 3, 4}) {
    analysis::Measures measures;
    Site site{static_cast<unsigned>(number), 1};
    std::vector<double> values(3600);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = site.next()[0];
      if (number == 3 && i >= 32 * 60) values[i] = 2400 + 0.01 * static_cast<double>(i % 7);
    }
    measures.add({begin, 1, values});
    subjects.push_back(
        analysis::subject_of({"MT1", "e" + std::to_string(number), "milliVolt", mth5::Kind::Electric}, measures, {}));
  }
  analysis::compare(subjects);
  const auto verdict = analysis::judge(subjects);
  ASSERT_EQ(names(verdict), "e3:open") << "and no word of what follows from it";
  EXPECT_EQ(verdict[0].severity, Severity::Critical);
  ASSERT_TRUE(verdict[0].since);
  EXPECT_LE(std::abs((*verdict[0].since - begin - std::chrono::minutes{32}).count()), 4'000'000'000);
  EXPECT_THAT(analysis::to_text(verdict, begin + std::chrono::hours{1}),
              testing::MatchesRegex("CRITICAL MT1 e3: electrode or cable open, level [0-9.]+ times that of the others since "
                                    "10:3[12] UTC: check the cable and the electrode\n"));
}

TEST(Verdict, TakesALargeSelfPotentialBesideSmallOnesForNoOpenElectrode) {
  const auto verdict = [](const std::vector<double>& levels, const std::string& units) {
    std::vector<Subject> subjects;
    for (const double level : levels) {
      analysis::Measures measures;
      std::vector<double> values(600);
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = level * (1 + 1e-3 * std::sin(static_cast<double>(i)));
      measures.add({kStart, 1, values});
      subjects.push_back(
          analysis::subject_of({"MT1", "e" + std::to_string(subjects.size()), units, mth5::Kind::Electric}, measures, {}));
    }
    analysis::compare(subjects);
    return names(analysis::judge(subjects));
  };
  EXPECT_EQ(verdict({0.5, 0.3, 60.0, 0.1}, "milliVolt"), "");
  EXPECT_EQ(verdict({5, 3, 60'000, 1}, "digital counts"), "");
  EXPECT_EQ(verdict({5e5, 3e5, 6e8, 1e5}, "digital counts"), "e2:open");
  EXPECT_EQ(verdict({0.3, 600.0}, "milliVolt"), "e1:dc") << "of two, nobody knows which";
}

TEST(Verdict, PutsTheWorstFirst) {
  const std::vector<Subject> subjects{
      subject(Scope::Electric, "ex", {{"spikes_per_h", {20}}, {"mains_db", {41}}}),
      subject(Scope::Field, "hx", {{"mains_db", {61}}}),
      subject(Scope::Stream, "1 Hz", {{"silent_s", {65, kStart + std::chrono::seconds{5}}}}),
      subject(Scope::Station, "", {{"battery_V", {11.8}}}),
      subject(Scope::File, "a.h5", {{"disk_days", {30}}, {"writer_died", {0}}}),
      subject(Scope::Field, "t", {{"jumps_per_h", {9}}}),
  };
  const auto verdict = analysis::judge(subjects);
  EXPECT_EQ(names(verdict), "1 Hz:silent, hx:mains, :battery, ex:mains, ex:spikes") << "jumps are of electric channels only";
  const auto now = kStart + std::chrono::seconds{70};
  EXPECT_EQ(analysis::to_text(verdict, now),
            "CRITICAL MT1 1 Hz: no data for 1 min 5 s since 00:00 UTC: check instrument, cable and power\n"
            "CRITICAL MT1 hx: power line 61.0 dB above the noise: look for a power line, an electric fence, a bad earth\n"
            "WARNING  MT1: battery at 11.80 V: change the battery, check the charger\n"
            "WARNING  MT1 ex: power line 41.0 dB above the noise: look for a power line, an electric fence, a bad earth\n"
            "WARNING  MT1 ex: spikes, 20.0 an hour: look for a fence, lightning, a loose contact\n");
  EXPECT_THAT(verdict[0].sentence(now + std::chrono::hours{30}), HasSubstr("since 2026-05-01 00:00 UTC"));
  EXPECT_EQ(analysis::to_text({}, now), "GOOD\n");
  const auto object = analysis::to_json(verdict, now);
  EXPECT_EQ(object["state"], "critical");
  EXPECT_EQ(object["findings"].size(), 5U);
  EXPECT_EQ(object["findings"][1]["channel"], "hx");
  EXPECT_EQ(object["findings"][1]["file"], nullptr);
  EXPECT_EQ(object["findings"][0]["since"], "2026-05-01T00:00:05Z");
  EXPECT_EQ(analysis::to_json({}, now).dump(), R"({"state":"good","findings":[]})");
}

TEST(Verdict, OfChannelsIsSteadyFromLookToLook) {
  analysis::SteadyVerdict steady;
  const auto at = [&](int second, std::vector<std::pair<const char*, double>> figures) {
    Subject ex = subject(Scope::Electric, "ex", {});
    for (const auto& [name, value] : figures) ex.figures[name] = {value};
    const std::vector all{ex, subject(Scope::Station, "", {{"battery_V", {second == 200 ? 11.0 : 13.0}}})};
    return names(steady.of(analysis::judge(all), kStart + std::chrono::seconds{second}));
  };
  EXPECT_EQ(at(0, {{"mains_db", 45}}), "ex:mains") << "nothing was known before";
  EXPECT_EQ(at(5, {}), "") << "it is still the beginning";
  EXPECT_EQ(at(100, {{"mains_db", 45}}), "");
  EXPECT_EQ(at(105, {}), "") << "one outlier";
  EXPECT_EQ(at(110, {{"mains_db", 45}}), "");
  EXPECT_EQ(at(115, {{"mains_db", 65}}), "");
  EXPECT_EQ(at(120, {{"mains_db", 65}}), "ex:mains") << "for ten seconds";
  EXPECT_EQ(at(125, {}), "ex:mains");
  EXPECT_EQ(at(130, {{"dc_mV", 150}}), "ex:mains") << "what is over is so for a while; what is new is not yet";
  EXPECT_EQ(at(135, {{"stuck_s", 61}}), "ex:stuck") << "at once, and it explains the rest";
  EXPECT_EQ(at(144, {}), "ex:mains");
  EXPECT_EQ(at(145, {}), "") << "for twenty-five seconds";
  EXPECT_EQ(at(200, {}), ":battery") << "of no channel: at once";
  EXPECT_EQ(at(201, {}), "");
  EXPECT_EQ(at(100, {{"mains_db", 45}}), "ex:mains") << "the clock was set back: as at the beginning";
}

TEST(Verdict, OfARecordingThatEndedOrIsReplayedFastIsThatOfItsOwnTime) {
  using Pace = analysis::SteadyVerdict::Pace;
  analysis::SteadyVerdict steady;
  const auto at = [&](int second, double dc_mV, Pace pace) {
    const std::vector all{subject(Scope::Electric, "ex", {{"dc_mV", {dc_mV}}})};
    return names(steady.of(analysis::judge(all), kStart + std::chrono::seconds{second}, pace));
  };
  EXPECT_EQ(at(0, 10, Pace::Replay), "");
  EXPECT_EQ(at(100, 899, Pace::Replay), "ex:dc") << "nobody looked for a hundred seconds";
  EXPECT_EQ(at(200, 10, Pace::Replay), "");
  EXPECT_EQ(at(205, 899, Pace::Replay), "") << "it may be a moment";
  EXPECT_EQ(at(206, 899, Pace::Ended), "ex:dc") << "no look will tell any more";
  EXPECT_EQ(at(206, 899, Pace::Ended), "ex:dc");
  EXPECT_EQ(at(207, 10, Pace::Ended), "") << "as a look at the closed file says";
}

TEST(Verdict, RemembersForAnHourWhatIsOver) {
  analysis::SteadyVerdict steady;
  const auto at = [&](int second, std::vector<std::pair<const char*, double>> figures) {
    Subject ex = subject(Scope::Electric, "ex", {});
    for (const auto& [name, value] : figures) ex.figures[name] = {value};
    const auto now = kStart + std::chrono::seconds{second};
    (void)steady.of(analysis::judge(std::vector{ex}), now);
    std::string all;
    for (const auto& past : steady.past({})) all += (all.empty() ? "" : "; ") + past.sentence(now);
    return all;
  };
  EXPECT_EQ(at(0, {}), "");
  for (int second = 600; second <= 780; second += 5) EXPECT_EQ(at(second, {{"stuck_s", 61 + second - 600.0}}), "") << "it is so";
  EXPECT_EQ(at(785, {}), "MT1 ex: stuck at one value for 4 min 1 s, 00:10 to 00:13 UTC");
  for (int second = 1200; second <= 1203; ++second) (void)at(second, {{"stuck_s", 61}});
  EXPECT_EQ(at(1210, {}), "MT1 ex: stuck at one value for 4 min 1 s, 00:10 to 00:13 UTC") << "three seconds are a moment";
  for (int second = 2000; second <= 2100; second += 5) (void)at(second, {{"mains_db", 45}, {"spikes_per_h", 30}});
  for (int second = 2105; second <= 2200; second += 5) (void)at(second, {});
  EXPECT_EQ(at(2205, {}),
            "MT1 ex: power line 45.0 dB above the noise, 00:33 to 00:35 UTC; MT1 ex: stuck at one value for 4 min 1 s, 00:10 to "
            "00:13 UTC")
      << "spikes are of the last hour anyway";
  EXPECT_EQ(at(4380, {}), "MT1 ex: power line 45.0 dB above the noise, 00:33 to 00:35 UTC") << "for an hour";
  EXPECT_EQ(at(100, {}), "") << "the clock was set back";
}

TEST(Verdict, KnowsOfTheHourBeforeItsFirstLookWhatWasStuckOrOpen) {
  constexpr auto kElectric = mth5::Kind::Electric;
  std::mt19937 random{3};
  std::normal_distribution<double> noise{0, 1};
  std::vector<Subject> subjects;
  for (const std::string name : {"e1", "e2", "e3"}) {
    analysis::History history;
    std::vector<double> values(3000);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = 10 + noise(random);
      if (name == "e1" && i >= 600 && i < 780) values[i] = 12.5;
      if (name == "e3" && i >= 1200 && i < 1380) values[i] = 24'000 + 2000 * noise(random);
    }
    history.add({kStart, 1, values});
    subjects.push_back(analysis::subject_of({"MT1", name, "milliVolt", kElectric}, history.recent(), history.hour(), history));
  }
  analysis::compare(subjects);
  std::vector<std::string> all;
  for (const auto& past : analysis::SteadyVerdict{}.past(analysis::past_of(subjects)))
    all.push_back(past.sentence(kStart + std::chrono::seconds{3000}));
  EXPECT_THAT(all, testing::ElementsAre(
                       testing::MatchesRegex("MT1 e3: electrode or cable open, level 2[0-9]{3} times that of the others, "
                                             "00:(19|20) to 00:2[23] UTC"),
                       "MT1 e1: stuck at one value for 3 min, 00:10 to 00:13 UTC"));
  EXPECT_THAT(names(analysis::judge(subjects)), testing::Not(testing::AnyOf(HasSubstr("open"), HasSubstr("stuck"))));
}

TEST(Verdict, KnowsOfTwoElectrodesTheOneAtMoreThanAnySelfPotential) {
  const auto verdict = [](double one, double other) {
    std::vector<Subject> subjects;
    for (const auto& [name, level] : {std::pair{"ex", one}, {"ey", other}}) {
      analysis::History history;
      std::vector<double> values(600);
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = level + std::sin(0.3 * static_cast<double>(i));
      history.add({kStart, 1, values});
      subjects.push_back(
          analysis::subject_of({"MT1", name, "milliVolt", mth5::Kind::Electric}, history.recent(), history.hour(), history));
    }
    analysis::compare(subjects);
    return names(analysis::judge(subjects));
  };
  EXPECT_EQ(verdict(9000, 60), "ex:open");
  EXPECT_EQ(verdict(900, 20), "ex:dc") << "a bad electrode may be at so much";
  EXPECT_EQ(verdict(9000, 400), "ex:dc, ey:dc");
}

TEST(Verdict, TellsSinceWhenALevelJumps) {
  Watch site{7, 1, [](std::size_t channel, double seconds, double& value) {
               if (channel == 0) value += 5 * std::floor(std::min(seconds, 3200.0) / 800);
             }};
  site.go_on(3590);
  const auto verdict = site.now_judged();
  ASSERT_THAT(names(verdict), HasSubstr("ex:jumps"));
  EXPECT_THAT(analysis::to_text(verdict, site.now()), HasSubstr("level jumps, 4 in 59 min since 00:13 UTC"))
      << "not the last one";
}

TEST(Verdict, OfCompletenessDoesNotFlapAtItsLimits) {
  analysis::SteadyVerdict steady;
  const auto at = [&](int second, double percent) {
    const std::vector all{subject(Scope::Stream, "1 Hz", {{"completeness", {percent}}})};
    const auto verdict = steady.of(analysis::judge(all), kStart + std::chrono::seconds{second});
    if (verdict.empty()) return std::string{"good"};
    EXPECT_EQ(verdict.size(), 1U);
    EXPECT_EQ(verdict[0].limit, verdict[0].severity == analysis::Severity::Critical ? 95 : 99);
    return std::string{analysis::to_string(verdict[0].severity)};
  };
  EXPECT_EQ(at(0, 99.5), "good");
  EXPECT_EQ(at(100, 98.9), "good") << "a moment";
  EXPECT_EQ(at(105, 99.1), "good");
  EXPECT_EQ(at(110, 98.9), "good");
  EXPECT_EQ(at(120, 98.9), "warning");
  EXPECT_EQ(at(130, 99.1), "warning");
  EXPECT_EQ(at(140, 94.9), "warning");
  EXPECT_EQ(at(145, 95.1), "warning");
  EXPECT_EQ(at(150, 94.9), "warning");
  EXPECT_EQ(at(160, 94.9), "critical") << "for ten seconds";
  EXPECT_EQ(at(170, 95.1), "critical");
  EXPECT_EQ(at(180, 94.9), "critical");
  EXPECT_EQ(at(190, 95.1), "critical");
  EXPECT_EQ(at(204, 95.1), "critical");
  EXPECT_EQ(at(205, 95.1), "warning") << "for twenty-five";
  EXPECT_EQ(at(229, 99.1), "warning");
  EXPECT_EQ(at(230, 99.1), "good");
}

TEST(Verdict, KnowsNothingWrongWithWhatIsNotKnown) {
  EXPECT_THAT(analysis::judge(std::vector{subject(Scope::Electric, "ex", {{"mains_db", {kNaN}}, {"present", {kNaN}}})}),
              IsEmpty());
  analysis::Measures nothing;
  nothing.add({kStart, 1, std::vector(600, kNaN)});
  EXPECT_TRUE(analysis::subject_of({"MT1", "ex", "milliVolt", mth5::Kind::Electric}, nothing, {}).figures.empty());
}

TEST(Verdict, SaysTheDateWhereItIsNotTodaysAndCountsInWholeNumbers) {
  const auto sentence = [](std::string_view name, double value, mth5::UtcNanos since, mth5::UtcNanos now) {
    const auto all = analysis::rules();
    const auto rule = std::find_if(all.begin(), all.end(), [&](const analysis::Rule& one) { return one.name == name; });
    return analysis::Finding{&*rule, analysis::Severity::Warning, "MT1", "", value, since}.sentence(now);
  };
  using std::chrono::minutes;  // kStart is 00:00
  EXPECT_THAT(sentence("gps", 7'200, kStart - minutes{20}, kStart + minutes{10}),
              testing::EndsWith("since 2026-04-30 23:40 UTC"));
  EXPECT_THAT(sentence("gps", 7'200, kStart + minutes{1}, kStart + minutes{23 * 60}), testing::EndsWith("since 00:01 UTC"));
  EXPECT_THAT(sentence("gaps", 79, kStart, kStart), HasSubstr("gaps, 79, the last"));
  EXPECT_THAT(sentence("battery", 12.985, kStart, kStart), HasSubstr("battery at 12.98 V"));
  EXPECT_THAT(sentence("battery", 11.4, kStart, kStart), HasSubstr("battery at 11.40 V"));
}

TEST(Verdict, SaysOfLessThanAnHourInWhichTimeItCounted) {
  const auto verdict = [](double seconds) {
    const Subject one{
        Scope::Electric, "MT1", "ex", {{"spikes_per_h", {12, {}, seconds < 3600 ? std::optional{seconds} : std::nullopt}}}};
    return analysis::judge(std::vector{one});
  };
  EXPECT_EQ(verdict(905)[0].sentence(kStart), "MT1 ex: spikes, 12 in 15 min");
  EXPECT_EQ(analysis::to_json(verdict(905), kStart)["findings"][0]["counted_s"], 905.0);
  EXPECT_EQ(verdict(3600)[0].sentence(kStart), "MT1 ex: spikes, 12.0 an hour");
  EXPECT_TRUE(analysis::to_json(verdict(3600), kStart)["findings"][0]["counted_s"].is_null());
  analysis::Measures measures;
  const auto counted = [&](std::size_t first, std::size_t end) {
    std::vector<double> values(end - first);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(0.1 * static_cast<double>(first + i));
    measures.add({mth5::sample_time(kStart, 1, static_cast<std::int64_t>(first)), 1, values});
    const auto subject = analysis::subject_of({"MT1", "hx", "nanoTesla", mth5::Kind::Magnetic}, measures, {});
    EXPECT_EQ(subject.figures.at("jumps_per_h").counted_s, subject.figures.at("spikes_per_h").counted_s);
    return subject.figures.at("spikes_per_h").counted_s;
  };
  EXPECT_EQ(counted(0, 1200), 1200.0);
  EXPECT_EQ(counted(1200, 3600), std::nullopt);
}

TEST(Verdict, StripsWhatNamesMayHold) {
  const std::vector<Subject> subjects{subject(Scope::Electric, "e\x1b[2Jx", {{"stuck_s", {90}}})};
  EXPECT_THAT(analysis::to_text(analysis::judge(subjects), kStart), testing::Not(HasSubstr("\x1b")));
}

TEST(Rules, HaveOneNameEachAndCanBeFollowed) {
  std::set<std::string_view> known;
  for (const auto& rule : analysis::rules()) {
    EXPECT_TRUE(known.insert(rule.name).second) << rule.name;
    EXPECT_FALSE(rule.sentence.empty() || rule.advice.empty()) << rule.name;
    if (!std::isnan(rule.warning) && !std::isnan(rule.critical)) {
      EXPECT_EQ(rule.critical > rule.warning, rule.above) << rule.name;
    }
  }
}

/// A limit as the manual has it: "0.1", "60".
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

TEST(Rules, StandInTheManualWithTheirLimits) {
  const auto page = support::read_text(support::source() / "apps/mth5-summary/mth5-summary.1");
  const std::map<Scope, std::string> of{
      {Scope::File, "file"},     {Scope::Station, "station"},           {Scope::Stream, "station and sample rate"},
      {Scope::Source, "source"}, {Scope::Electric, "electric channel"}, {Scope::Field, "electric or magnetic channel"}};
  std::size_t last = 0;
  for (const auto& rule : analysis::rules()) {
    const bool is_state = rule.is_state();
    std::string limits = !is_state ? "" : std::isnan(rule.critical) ? "warning" : "critical";
    for (const auto& [word, limit] : {std::pair{"warning", rule.warning}, std::pair{"critical", rule.critical}})
      if (!std::isnan(limit) && !is_state)
        limits += (limits.empty() ? "" : ", ") + std::string{word} + (rule.above ? " above " : " below ") + number(limit) +
                  (rule.unit.empty() ? "" : " ") + std::string{rule.unit};
    if (limits.empty()) limits = "no limit";
    std::string sentence{rule.sentence};
    if (const auto at = sentence.find("{value}"); at != std::string::npos) sentence.replace(at, 7, "...");
    const std::string row =
        ".TP\n.B " + std::string{rule.name} + "\n" + of.at(rule.scope) + "; " + limits + ": " + sentence + "\n";
    const auto at = page.find(row);
    EXPECT_NE(at, std::string::npos) << "mth5-summary.1 lacks\n" << row;
    EXPECT_TRUE(at >= last) << rule.name << " is not where it is in the table";
    last = at;
  }
}

}  // namespace
