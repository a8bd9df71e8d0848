#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string_view>

#include "acquisition/decode/calendar.hpp"
#include "support/timeline.hpp"

// Clocks that are set, go wrong for a while, or say what they said before.
namespace {

using namespace daq::timing;
using daq::decode::TimeKind;
using test::kStart;
using test::Line;
using test::nanos;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using namespace std::chrono_literals;

constexpr double kRollover = 1024.0 * 7 * 86400;

/// Seconds of an instrument at 1 Hz; value = the number of the sample, arrival = when it is taken and 50 ms more.
struct Seconds {
  Line& line;
  double sample = 0;
  double offset = 0;  ///< of its clock
  double flow = 0;    ///< of arrivals against samples
  TimeKind kind = TimeKind::Gps;
  void run(int n) {
    for (int i = 0; i < n; ++i, ++sample)
      line.push({{.time = sample + offset, .value = sample, .arrival = sample + flow + 0.05, .kind = kind}});
  }
};

std::vector<double> all_values(const Line& line) {
  std::vector<double> values;
  for (const auto& run : line.notes.runs) values.insert(values.end(), run.values.begin(), run.values.end());
  return values;
}
std::vector<double> counted_to(double n) {
  std::vector<double> values;
  for (double i = 0; i < n; ++i) values.push_back(i);
  return values;
}

TEST(ClockStep, OneOrTwoWildTimesCostNothing) {
  for (const int wild : {1, 2})
    for (const double offset : {kRollover, -kRollover, -3600.0, 5e8}) {
      Line line;
      Seconds seconds{line};
      seconds.run(100);
      seconds.offset = offset;
      seconds.run(wild);
      seconds.offset = 0;
      seconds.run(1000);
      line.finish();
      EXPECT_EQ(all_values(line), counted_to(1100 + wild)) << wild << " " << offset;
      EXPECT_THAT(line.notes.runs, SizeIs(1));
      EXPECT_EQ(line.dropped(), 0u);
    }
}

TEST(ClockStep, ThreeThatAgreeMakeARunAndNothingBehindThemIsLost) {
  Options replay;
  replay.live = false;
  for (const auto& options : {Options{}, replay}) {
    Line line{options};
    Seconds seconds{line};
    seconds.run(60);
    seconds.offset = kRollover;
    seconds.run(3);
    seconds.offset = 0;
    seconds.run(400);
    line.finish();
    EXPECT_EQ(all_values(line), counted_to(463));
    ASSERT_THAT(line.notes.runs, SizeIs(3));
    EXPECT_THAT(line.notes.runs[1].values, ElementsAre(60, 61, 62));
    EXPECT_EQ(line.notes.runs[2].start, kStart + 63s);
    for (const auto& gap : line.notes.gaps) EXPECT_EQ(to_string(gap.reason), "clock-step");
    EXPECT_EQ(line.timeline.counters().missing, 0u);
  }
}

TEST(ClockStep, AClockThatGoesBackIsToldAndCostsNothing) {
  // A receiver that gets the 18 leap seconds with the almanac, 12.5 minutes after its start.
  for (const double step : {-18.0, -1.0, -2.0, -3600.0}) {
    Line line;
    Seconds seconds{line};
    seconds.run(300);
    seconds.offset = step;
    seconds.run(600);
    line.finish();
    EXPECT_EQ(all_values(line), counted_to(900)) << step;
    ASSERT_THAT(line.notes.runs, SizeIs(2)) << step;
    EXPECT_EQ(line.notes.runs[1].start, kStart + 300s + test::nanos(step));
    ASSERT_THAT(line.notes.gaps, SizeIs(1));
    EXPECT_EQ(line.notes.gaps[0].reason, GapReason::ClockStep);
    EXPECT_EQ(line.notes.gaps[0].n_samples, 0);
  }
}

TEST(ClockStep, AClockSetForwardWhileLinesGoOnIsNoGap) {
  // Year 2000 until GPS sets it to 2013, and by a few seconds. Where no arrivals help, years are a step, seconds a gap.
  for (const double step : {412939780.0, 18.0, 3600.0, 3.0})
    for (const bool live : {true, false}) {
      Options options;
      options.live = live;
      Line line{options};
      Seconds seconds{line};
      seconds.run(5);
      seconds.offset = step;
      seconds.run(30);
      line.finish();
      EXPECT_EQ(all_values(line), counted_to(35));
      ASSERT_THAT(line.notes.gaps, SizeIs(1)) << step << live;
      const bool told = live || step > 366 * 86400.0;
      EXPECT_EQ(to_string(line.notes.gaps[0].reason), told ? "clock-step" : "no-data") << step << live;
      EXPECT_EQ(line.notes.gaps[0].n_samples, told ? 0 : step) << step << live;
    }
}

TEST(ClockStep, APauseIsAGapHoweverFramesArrive) {
  for (const char* how : {"even", "stalled before", "burst behind", "whole minutes at once"}) {
    Line line;
    double arrival = 0;
    const auto put = [&](double sample) {
      arrival = std::max(arrival, sample + 0.05);
      if (how == std::string{"stalled before"} && sample >= 190 && sample < 250) arrival = 250.05;
      if (how == std::string{"burst behind"} && sample >= 250 && sample < 290) arrival = 290.05;
      if (how == std::string{"whole minutes at once"}) arrival = std::ceil((sample + 0.05) / 60) * 60;
      line.push({{.time = sample, .value = sample, .arrival = arrival}});
    };
    for (double s = 0; s < 200; ++s) put(s);
    for (double s = 220; s < 400; ++s) put(s);
    line.finish();
    ASSERT_THAT(line.notes.gaps, SizeIs(1)) << how;
    EXPECT_EQ(line.notes.gaps[0].reason, GapReason::NoData) << how;
    EXPECT_EQ(line.notes.gaps[0].n_samples, 20) << how;
  }
}

TEST(ClockStep, BehindALongSilenceTheNewTimesAreRightAtOnce) {
  for (const double silence : {3600.0, 10 * 3600.0, 40 * 86400.0})
    for (const double ppm : {150.0, -150.0, 10.0}) {
      SCOPED_TRACE(testing::Message{} << silence << " s, " << ppm << " ppm");
      Options options;
      options.sample_rate = 10;
      options.live = false;
      Line line{options};
      line.notes.quiet = true;
      const auto time = [&](double i) {  // s, to a microsecond
        return std::round((i / 10 * (1 + ppm * 1e-6) + (i >= 3000 ? silence : 0)) * 1e6) / 1e6;
      };
      for (double i = 0; i < 6000; ++i) line.push({{.time = time(i) * 10, .value = i}});
      line.finish();
      ASSERT_THAT(line.notes.runs, SizeIs(2));
      EXPECT_EQ(line.dropped(), 0u);
      EXPECT_NEAR(static_cast<double>(line.timeline.counters().missing), silence * 10 * (1 - ppm * 1e-6), 1 + silence * 1e-6);
      const auto& behind = line.notes.runs[1];
      for (std::size_t i = 0; i < behind.values.size(); ++i)
        ASSERT_NEAR(seconds_between(kStart, behind.utc(i, 10)), time(behind.values[i]), 1e-3) << i;
    }
}

TEST(ClockStep, ALineThatIsLostSoonAfterTheStartIsAGapWhereTimesAreCutToASample) {
  for (const int lost : {2, 3, 4, 10}) {
    Line line;
    for (int i = 0; i < 60; ++i)
      if (i != lost) line.push({{.time = static_cast<double>(i), .value = i, .arrival = i + 0.05, .step = 1s}});
    line.finish();
    ASSERT_THAT(line.notes.gaps, SizeIs(1)) << lost;
    EXPECT_EQ(line.notes.gaps[0].n_samples, 1);
    EXPECT_EQ(line.notes.gaps[0].start, kStart + lost * 1s);
  }
}

TEST(ClockStep, ARateThatTheTimesContradictSteadilyIsTold) {
  struct Case {
    double rate, told, step;
  };
  for (const auto& [hz, told, step] : {Case{10, 5, 0}, Case{10, 5, 1}, Case{1, 10, 0}, Case{1, 10, 1}, Case{10, 10, 0},
                                       Case{10, 10, 1}, Case{10, 10.01, 0}, Case{256, 128, 0}}) {
    SCOPED_TRACE(testing::Message{} << hz << " Hz, comes at " << told << ", step " << step);
    Options options;
    options.sample_rate = hz;
    options.live = false;
    Line line{options};
    line.notes.quiet = true;
    for (int i = 0; i < 1000; ++i) {
      const double time = (i + 0.3) / told;
      line.push({{.time = (step > 0 ? std::floor(time / step) * step : time) * hz, .value = i, .step = nanos(step)}});
      if (i < 50) {
        EXPECT_FALSE(line.timeline.other_rate());
      }
    }
    const bool other = std::abs(told - hz) > 0.1 * hz;
    EXPECT_EQ(line.timeline.other_rate().has_value(), other);
    if (other) {
      EXPECT_NEAR(line.timeline.other_rate().value_or(0), told, 0.02 * told);
    }
    line.finish();
    EXPECT_EQ(line.dropped(), 0u);
  }
}

TEST(ClockStep, ABacklogSentAtFullSpeedHasItsGaps) {
  Line line;  // live, but an hour of lines comes within a second
  double arrival = 3600;
  for (double s = 0; s < 3600; ++s) {
    if (s == 1800) s += 100;
    line.push({{.time = s, .value = s, .arrival = arrival += 1e-4}});
  }
  line.finish();
  ASSERT_THAT(line.notes.gaps, SizeIs(1));
  EXPECT_EQ(line.notes.gaps[0].reason, GapReason::NoData);
  EXPECT_EQ(line.notes.gaps[0].n_samples, 100);
}

TEST(ClockStep, AFreeRunningClockThatJumpsToLock) {
  Options options;
  options.sample_rate = 10;
  options.live = false;  // not even arrivals help
  Line line{options};
  for (int i = 0; i < 3000; ++i)
    line.push({{.time = i * (1 - 20e-6) + (i >= 2000 ? 7.04 : 0),
                .value = static_cast<double>(i),
                .kind = i >= 2000 ? TimeKind::Gps : TimeKind::Device}});
  line.finish();
  EXPECT_EQ(all_values(line), counted_to(3000));
  ASSERT_THAT(line.notes.gaps, SizeIs(1));
  EXPECT_EQ(line.notes.gaps[0].reason, GapReason::ClockStep);
  EXPECT_EQ(line.notes.gaps[0].n_samples, 0);
  ASSERT_THAT(line.notes.runs, SizeIs(2));
  EXPECT_EQ(line.notes.runs[1].anchors.back().kind, TimeKind::Gps);
  EXPECT_EQ(line.notes.runs[0].anchors.back().kind, TimeKind::Device);
}

TEST(ClockStep, ALeapSecondCostsNoSampleWhateverTheReceiverMakesOfIt) {
  // 2016-12-31 (IERS Bulletin C 52). Times as receivers told them: with a second 60, with 59 twice, with 00 twice.
  struct Case {
    const char* name;
    std::vector<mth5::UtcNanos> around;
  };
  const auto at = [](int second) { return *daq::decode::from_calendar(2016, 12, 31, 23, 59, second); };
  const auto next = *mth5::parse_time("2017-01-01T00:00:00");
  for (const auto& [name, around] :
       {Case{"60", {at(59), at(60), next}}, Case{"59 59", {at(59), at(59), next}}, Case{"00 00", {at(59), next, next}}}) {
    Line line;
    std::vector<mth5::UtcNanos> times;
    for (int s = 50; s > 0; --s) times.push_back(at(59) - s * 1s);
    times.insert(times.end(), around.begin(), around.end());
    for (int s = 1; s < 50; ++s) times.push_back(next + s * 1s);
    double sample = 0;
    for (const auto t : times) {
      line.push({{.time = seconds_between(kStart, t), .value = sample, .arrival = sample}});
      ++sample;
    }
    line.finish();
    EXPECT_EQ(all_values(line), counted_to(102)) << name;
    ASSERT_THAT(line.notes.runs, SizeIs(2)) << name;
    EXPECT_EQ(line.notes.gaps.at(0).reason, GapReason::ClockStep);
    EXPECT_EQ(line.notes.gaps.at(0).n_samples, 0);
    const auto& last = line.notes.runs[1];
    EXPECT_EQ(last.axis(last.values.size() - 1, 1), next + 49s) << name << ": right behind it";
    EXPECT_EQ(line.notes.runs[0].start, at(59) - 50s);
  }
}

TEST(ClockStep, ARolloverOfTheGpsWeekThatIsConfiguredIsNone) {
  Options options;
  options.not_before = mth5::parse_time("2012-01-01");
  Line line{options};
  const auto rollover = *mth5::parse_time("2019-04-07");
  for (double s = -100; s < 100; ++s)
    line.push({{.time = seconds_between(kStart, rollover) + s - (s >= 0 ? kRollover : 0), .value = s + 100}});
  line.finish();
  ASSERT_THAT(line.notes.runs, SizeIs(1));
  EXPECT_EQ(line.notes.runs[0].start, rollover - 100s);
  EXPECT_EQ(all_values(line), counted_to(200));
}

TEST(ClockStep, TheHostsClockIsSetAtBoot) {
  for (const TimeKind kind : {TimeKind::Host, TimeKind::None}) {
    Options options;
    options.sample_rate = 10;
    Line line{options};
    const double boot = seconds_between(kStart, *mth5::parse_time("1970-01-01T00:00:20"));
    for (int i = 0; i < 1000; ++i) {
      const double t = i / 10.0 + (i >= 300 ? 0 : boot);
      line.push({{.time = t * 10, .value = static_cast<double>(i), .arrival = t, .kind = kind}});
    }
    line.finish();
    EXPECT_EQ(all_values(line), counted_to(1000));
    ASSERT_THAT(line.notes.gaps, SizeIs(1));
    EXPECT_EQ(line.notes.gaps[0].reason, GapReason::ClockStep);
    EXPECT_EQ(line.notes.gaps[0].n_samples, 0);
    ASSERT_THAT(line.notes.runs, SizeIs(2));
    EXPECT_NEAR(seconds_between(kStart, line.notes.runs[1].start), 30, 0.2);
  }
}

TEST(ClockStep, AStepOfTheHostsClockIsNoneOfTheInstrument) {
  Line line;
  Seconds seconds{line};
  seconds.flow = -1.6e9;
  seconds.run(20);
  seconds.flow = 0;
  seconds.run(600);
  seconds.sample += 30;
  seconds.run(20);
  line.finish();
  EXPECT_THAT(line.notes.runs, SizeIs(2));
  EXPECT_EQ(line.notes.gaps.at(0).reason, GapReason::NoData);
  EXPECT_EQ(line.notes.gaps.at(0).n_samples, 30);
}

TEST(ClockStep, ARepeatedHourIsStoredOnce) {
  for (const double ppm : {0.0, 50.0, -50.0}) {
    Options options;
    options.sample_rate = 4;
    Line line{options};
    line.notes.quiet = true;
    const auto send = [&](int from, int to) {
      for (int i = from; i < to; ++i)
        line.push({{.time = i * (1 - ppm * 1e-6), .value = static_cast<double>(i), .kind = TimeKind::Device}});
    };
    send(0, 20000);
    send(20000 - 14400, 20400);
    line.finish();
    EXPECT_EQ(all_values(line), counted_to(20400)) << ppm;
    EXPECT_EQ(line.dropped(Drop::Duplicate), 14400u);
    EXPECT_THAT(line.notes.runs, SizeIs(1));
  }
}

TEST(ClockStep, WhatIsSentLaterGoesToItsFreeTimes) {
  Line line;
  const auto send = [&](double from, double to) {
    for (double s = from; s < to; ++s) line.push({{s}});
  };
  send(0, 100);
  send(200, 300);
  send(50, 350);  // all of it again, and what was missing
  line.finish();
  EXPECT_EQ(line.notes.stored(), 350u);
  EXPECT_EQ(line.dropped(Drop::Duplicate), 50u + 100u);
  ASSERT_THAT(line.notes.runs, SizeIs(4));
  EXPECT_EQ(line.notes.runs[2].start, kStart + 100s);
  EXPECT_EQ(line.notes.runs[2].values.size(), 100u);
  EXPECT_EQ(line.notes.runs[3].start, kStart + 300s);
  EXPECT_EQ(line.timeline.counters().missing, 100u) << "of the first gap; nothing is missing behind what came later";
}

TEST(ClockStep, NewValuesAtTakenTimesAreNoDuplicates) {
  Line line;
  for (double s = 0; s < 100; ++s) line.push({{.time = s, .value = s}});
  for (double s = 40; s < 140; ++s) line.push({{.time = s, .value = s + 60}});
  line.finish();
  EXPECT_EQ(all_values(line), counted_to(200));
  EXPECT_EQ(line.dropped(), 0u);
}

TEST(ClockStep, WaitsForAClockThatWentBackAsLongAsItIsTold) {
  Options options;
  options.accept_step_after = 60s;
  Line line{options};
  Seconds seconds{line};
  seconds.run(100);
  seconds.offset = -1000;
  seconds.run(50);
  EXPECT_EQ(line.timeline.counters().pending, 50u);
  seconds.run(20);
  EXPECT_EQ(line.timeline.counters().pending, 0u);
  line.finish();
  EXPECT_EQ(all_values(line), counted_to(170));
}

TEST(ClockStep, WhatACounterMissesIsToldAlsoWhereTheClockIsSetAtTheSameFrame) {
  for (const double step : {0.0, 0.005, -0.005, -0.1, -0.9, -3600.0}) {
    SCOPED_TRACE(step);
    Options options;
    options.sample_rate = 256;
    options.counter_modulus = std::uint64_t{1} << 32;
    options.live = false;
    Line line{options};
    line.notes.quiet = true;
    for (int frame = 0; frame < 400; ++frame) {
      if (frame == 200) frame += 10;
      line.push({{.time = frame * 16 + (frame > 200 ? step * 256 : 0),
                  .n = 16,
                  .value = frame * 16,
                  .counter = static_cast<std::uint64_t>(100 + frame * 16)}});
    }
    line.finish();
    EXPECT_EQ(line.dropped(), 0u);
    ASSERT_THAT(line.notes.gaps, SizeIs(1));
    const auto& gap = line.notes.gaps[0];
    EXPECT_EQ(gap.n_samples, 160);
    EXPECT_EQ(to_string(gap.reason), step != 0 ? "clock-step" : "no-data");
    EXPECT_EQ(line.notes.runs.at(1).start, kStart + nanos(210.0 / 16 + step));
  }
}

/// A board with a counter whose GPS does not know the time: 0, or the last that it knew, in every frame.
TEST(ClockStep, ATimeThatStandsSaysNothingAndTheCounterAll) {
  Options options;
  options.sample_rate = 256;
  options.counter_modulus = std::uint64_t{1} << 32;
  options.live = false;
  constexpr int kPer = 32, kFrames = 800;
  for (const double stands_at : {-1e9, 0.0})  // s since kStart: in the seventies; where it stops
    for (const int from : {0, 200})
      for (const int n : {1, 2, 3, 5, 15, 100, 300})
        for (const int lost : {0, 3}) {
          SCOPED_TRACE(testing::Message() << n << " frames from " << from << ", " << lost << " lost");
          Line line{options};
          line.notes.quiet = true;
          for (int frame = 0; frame < kFrames; ++frame) {
            if (lost > 0 && frame == from + n + 50) frame += lost;
            const bool stands = frame >= from && frame < from + n;
            const double stood = stands_at < 0 ? stands_at * 256 : std::max(0, from - 1) * kPer;
            line.push({{.time = stands ? stood : frame * kPer,
                        .n = kPer,
                        .value = frame * kPer,
                        .counter = static_cast<std::uint64_t>(100 + frame * kPer)}});
          }
          line.finish();
          EXPECT_EQ(line.dropped() + line.notes.stored() + static_cast<std::size_t>(lost) * kPer, std::size_t{kFrames} * kPer);
          EXPECT_EQ(line.timeline.counters().missing, static_cast<std::uint64_t>(lost) * kPer);
          EXPECT_LE(line.dropped(), from == 0 && n == 1 ? std::uint64_t{kPer} : 0) << "only a wild first time costs its frame";
          EXPECT_LE(line.notes.runs.size(), 1u + (from == 0 ? 1 : 0) + (lost > 0 ? 1 : 0));
          const auto& last = line.notes.runs.back();
          EXPECT_EQ(last.utc(last.values.size() - 1, 256), kStart + nanos((kFrames * kPer - 1) / 256.0));
        }
}

/// The second of its PPS in a field of microseconds.
TEST(ClockStep, WholeSecondsBesideACounterCostNoSampleOfTheFirst) {
  for (const double hz : {256.0, 4000.0}) {
    Options options;
    options.sample_rate = hz;
    options.counter_modulus = std::uint64_t{1} << 32;
    options.live = false;
    Line line{options};
    line.notes.quiet = true;
    const int per = hz > 1000 ? 200 : 32;
    const double phase = 0.3;  // s
    for (int sample = 0; sample < 20 * hz; sample += per)
      line.push({{.time = std::floor(sample / hz + phase) * hz,
                  .n = static_cast<std::uint32_t>(per),
                  .value = sample,
                  .counter = static_cast<std::uint64_t>(sample)}});
    line.finish();
    EXPECT_EQ(line.dropped(), 0u) << hz;
    ASSERT_EQ(line.notes.runs.size(), 1u) << hz;
    const auto& run = line.notes.runs[0];
    EXPECT_LE(std::abs(seconds_between(kStart + nanos(phase), run.utc(0, hz))), per / hz) << "to the frame that begins a second";
  }
}

TEST(ClockStep, WhatHappensWhileAClockThatWentBackWaitsCostsNothing) {
  Options options;
  options.accept_step_after = 60s;
  for (const char* what : {"swap", "two steps", "three steps", "many steps", "there and back with a loss", "there and back"}) {
    SCOPED_TRACE(what);
    const std::string_view is{what};
    Line line{options};
    line.notes.quiet = true;
    const auto offset = [&](int i) {
      double back = i >= 100 ? 3600 : 0;
      if (is == "two steps" && i >= 150) back += 60.5;
      if (is == "three steps") back += i >= 150 ? 7.3 : 0, back += i >= 155 ? 0.7 : 0;
      if (is == "many steps" && i >= 100) back += std::min(i - 100, 150) / 2 * 50.25;
      if (is.starts_with("there and back") && i >= 150) back = 0;
      return -back;
    };
    std::vector<int> order;
    for (int i = 0; i < 400; ++i)
      if (i != 150 || is != "there and back with a loss") order.push_back(i);
    if (is == "swap") std::swap(order[150], order[151]);
    for (const int i : order) line.push({{.time = i + offset(i), .value = i, .arrival = i + 0.05}});
    line.finish();
    EXPECT_EQ(line.dropped(), 0u);
    EXPECT_EQ(line.notes.stored(), order.size());
    const bool by_count = is == "there and back";  // so many samples are missing just there
    for (const auto& run : line.notes.runs)
      for (std::size_t k = 0; k < run.values.size(); ++k) {
        const int i = static_cast<int>(run.values[k]);
        EXPECT_EQ(run.utc(k, 1), kStart + nanos(i + (by_count ? 0 : offset(i)))) << i;
      }
    EXPECT_EQ(line.timeline.counters().missing, is == "there and back with a loss" ? 1u : 0u);
    EXPECT_EQ(is != "swap" || line.notes.runs.size() == 2, true) << "neighbours that change places are sorted";
  }
}

TEST(ClockStep, AClockThatIsWildAllTheTimeIsBounded) {
  Line line;
  line.notes.quiet = true;
  std::mt19937_64 random{7};
  for (int i = 0; i < 20000; ++i)
    line.push({{.time = std::uniform_real_distribution{-1e9, 1e9}(random), .value = static_cast<double>(i)}});
  EXPECT_LE(line.timeline.counters().pending, 32u);
  line.finish();
}

TEST(ClockStep, IsBelievedAtTheEndOfTheRecordingAlsoOfFewFrames) {
  for (const double step : {-1.0, -2.0, -18.0, -40.0, 7200.0, 3000 * 86400.0})
    for (const int n : {1, 2}) {
      SCOPED_TRACE(testing::Message{} << "step " << step << ", frames " << n);
      Line line;
      for (int i = 0; i < 50 + n; ++i) line.push({{.time = i < 50 ? i : i + step, .value = i}});
      line.finish();
      EXPECT_EQ(line.dropped(), 0u);
      const bool told = n == 2 || step < 86400;  // a single one days ahead may as well be a wild time
      const auto& last = line.notes.runs.back();
      EXPECT_EQ(last.values.back(), 49 + n);
      EXPECT_EQ(last.utc(last.values.size() - 1, 1), kStart + nanos(49 + n + (told ? step : 0)));
      EXPECT_EQ(line.notes.runs.size(), told ? 2u : 1u);
    }
}

TEST(ClockStep, TimesThatRunBackwardToTheEndAreKept) {
  Line line;
  for (int i = 0; i < 100; ++i) line.push({{.time = i < 50 ? i : 200.0 - i, .value = i}});
  line.finish();
  EXPECT_EQ(line.dropped(), 0u);
  EXPECT_EQ(line.notes.stored(), 100u);
  for (const auto& run : line.notes.runs)
    for (std::size_t i = 0; i < run.values.size(); ++i) {
      const double value = run.values[i];
      EXPECT_EQ(run.utc(i, 1), kStart + nanos(value < 50 ? value : 200 - value)) << value;
    }
}

TEST(ClockStep, UnsetClockBeforeTheFirstFix) {
  // LEMI-424, first second with a clock of its own, the next with GPS.
  Line line;
  line.push({{.time = -6.5e8, .value = 0, .arrival = 0}});
  Seconds seconds{line, 1};
  seconds.run(10);
  line.finish();
  EXPECT_THAT(line.notes.runs, SizeIs(1));
  EXPECT_EQ(line.dropped(Drop::Backward) + line.dropped(Drop::BadTime), 1u);
}

}  // namespace
