#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <random>
#include <set>

#include "support/timeline.hpp"

// What follows from where frames lie, with times that are exact. The clock: timeline_clock_test; clocks that are set:
// clock_step_test.
namespace {

using namespace daq::timing;
using test::kStart;
using test::Line;
using test::nanos;
using test::number;
using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

constexpr double kWild = 2e9;  // seconds behind kStart, about

TEST(Timeline, GivesContiguousFramesOfABatchAsOneBlock) {
  Line f;
  f.push({{0}, {1}, {2}}).push({{3}, {4}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1 2", "+@3: 3 4"));
  EXPECT_EQ(f.timeline.counters().gaps, 0u);
}

TEST(Timeline, HoldsTheFirstFrameUntilTheNextConfirmsIt) {
  Line f;
  f.push({{0}});
  EXPECT_THAT(f.notes.lines, IsEmpty());
  EXPECT_EQ(f.timeline.counters().pending, 1u);
  EXPECT_EQ(f.timeline.last_time(), kStart);
  f.push({{1}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0", "+@1: 1"));
  EXPECT_EQ(f.timeline.last_time(), kStart + 1s);
}

TEST(Timeline, KnowsNoTimeBeforeTheFirstFrame) { EXPECT_EQ(Line{}.timeline.last_time(), std::nullopt); }

TEST(Timeline, KeepsTheAxisThroughJitter) {
  Line f;
  f.push({{0}, {1.4}, {1.6}, {3.2}, {4}});
  EXPECT_THAT(f.notes.runs, testing::SizeIs(1));
  EXPECT_EQ(f.notes.runs[0].values, (std::vector<double>{0, 1, 2, 3, 4}));
  EXPECT_EQ(f.timeline.last_time(), kStart + 4s);
}

TEST(Timeline, BeginsANewRunBehindAGap) {
  Line f;
  f.push({{0}, {1}, {5}, {6}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=3 no-data", "run@5: 5 6"));
  EXPECT_EQ(f.timeline.counters().missing, 3u);
  EXPECT_EQ(f.timeline.counters().gaps, 1u);
}

TEST(Timeline, GivesOutWhatItHoldsBehindAGapAtTheEnd) {
  Line f;
  f.push({{0}, {1}, {5}}).finish();
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=3 no-data", "run@5: 5"));
}

TEST(Timeline, TellsWhyDataAreMissing) {
  Line f;
  f.push({{0}, {1}, {3, 1, true}, {4}});
  f.timeline.disconnected();
  f.push({{7, 1, true}});
  f.timeline.disconnected();  // behind what is held: of no meaning for the gap before it
  f.push({{8}, {10}, {11}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=1 bad-data", "run@3: 3 4", "gap@5 n=2 disconnected", "run@7: 7",
                                         "+@8: 8", "gap@9 n=1 no-data", "run@10: 10 11"));
}

TEST(Timeline, ForgetsAReasonThatCostNothing) {
  Line f;
  f.push({{0}, {1, 1, true}});
  f.timeline.disconnected();
  f.push({{2}, {5}, {6}});
  EXPECT_THAT(f.notes.lines, testing::Contains("gap@3 n=2 no-data"));
}

TEST(Timeline, FillsShortGapsAndNoLongerOnes) {
  Options options;
  options.fill_up_to = 3s;
  Line f{options};
  f.push({{0}, {1}, {5}, {6}, {11}, {12}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=3 no-data filled", "+@2: nan nan nan 5", "+@6: 6",
                                         "gap@7 n=4 no-data", "run@11: 11 12"));
  EXPECT_EQ(f.timeline.counters().filled, 3u);
  EXPECT_EQ(f.timeline.counters().missing, 7u);
  EXPECT_EQ(f.timeline.counters().passed, 6u);
}

TEST(Timeline, DoesNotFillWhereTheGridHasMoved) {
  Options options;
  options.fill_up_to = 10s;
  options.tolerance_samples = 0.1;
  Line f{options};
  f.push({{0}, {1}, {4.3}, {5.3}});
  EXPECT_EQ(f.notes.runs.size(), 2u);
  EXPECT_EQ(f.timeline.counters().filled, 0u);
}

TEST(Timeline, SaysThatTheClockWasSetWhereNothingFitsBetween) {
  Options options;
  options.tolerance_samples = 0.1;
  Line f{options};
  f.push({{0}, {1}, {2.3}, {3.3}, {4.3}}).finish();
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=0 clock-step", "run@2: 2 3 4"));
}

/// Each frame was a gap or a wild time: of 10,000 samples thousands of runs, and hundreds dropped.
TEST(Timeline, LosesNothingToAToleranceThatIsLessThanTheTimesScatter) {
  Options options;
  options.tolerance_samples = 0.05;
  for (const double most : {0.02, 0.1, 0.2, 0.3})
    for (unsigned seed = 0; seed < 20; ++seed) {
      Line f{options};
      f.notes.quiet = true;
      std::mt19937 random{seed};
      std::uniform_real_distribution<double> jitter{-most, most};
      for (int i = 0; i < 500; ++i) f.push({{i + jitter(random)}});
      f.finish();
      EXPECT_EQ(f.dropped(Drop::BadTime) + f.dropped(Drop::Backward) + f.dropped(Drop::Duplicate), 0u) << most << " " << seed;
      EXPECT_EQ(f.timeline.counters().passed, 500u) << most << " " << seed;
      EXPECT_EQ(f.timeline.counters().missing, 0u) << most << " " << seed;
      EXPECT_LE(f.timeline.counters().gaps, 3u) << most << " " << seed << ": before it is known how they scatter";
    }
}

TEST(Timeline, DropsAWildFirstFrame) {
  Line f;
  f.push({{kWild}, {0}, {1}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1"));
  EXPECT_EQ(f.dropped(Drop::BadTime), 1u);
}

TEST(Timeline, DropsAFrameWithAWildTimeWhereThereIsNoRoomForIt) {
  Line f;
  f.push({{0}, {1}, {kWild}, {2}, {3}, {kWild}, {kWild}, {4}, {5}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "+@2: 2 3", "+@4: 4 5"));
  EXPECT_EQ(f.dropped(Drop::BadTime), 2u);
  EXPECT_EQ(f.dropped(Drop::Duplicate), 1u);
  EXPECT_EQ(f.timeline.counters().gaps, 0u);
}

TEST(Timeline, PutsFramesWithWildTimesWhereTheirNumberSays) {
  for (const double wild : {kWild, -kWild, 5000.0, -40.0}) {
    Line f;
    f.push({{0}, {1}, {wild}, {3}, {4}});
    if (wild != 5000) f.push({{wild}, {wild + 1}, {7}});  // two that could be behind a gap are believed
    EXPECT_THAT(f.notes.runs, testing::SizeIs(1)) << wild;
    EXPECT_EQ(f.notes.runs[0].values[2], wild);
    EXPECT_EQ(f.notes.runs[0].values.back(), wild != 5000 ? 7 : 4);
    EXPECT_EQ(f.dropped(), 0u);
    EXPECT_EQ(f.notes.stored(), f.timeline.counters().decoded);
  }
}

TEST(Timeline, PutsTwoWildTimesThatContradictEachOtherWhereTheirNumberSays) {
  Line f;
  f.push({{0}, {1}, {5000}, {4000}, {4}, {5}});
  EXPECT_EQ(f.notes.runs.at(0).values, (std::vector<double>{0, 1, 5000, 4000, 4, 5}));
}

TEST(Timeline, DropsWildTimesThatContradictEachOtherBeforeAGap) {
  Line f;
  f.push({{0}, {1}, {5000}, {4000}, {9}, {10}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=7 bad-data", "run@9: 9 10"));
  EXPECT_EQ(f.dropped(Drop::BadTime), 2u);
}

TEST(Timeline, BelievesTwoFramesThatAgree) {
  Line f;
  f.push({{0}, {1}, {5000}, {6000}}).finish();
  EXPECT_THAT(f.notes.lines,
              ElementsAre("run@0: 0 1", "gap@2 n=4998 no-data", "run@5000: 5000", "gap@5001 n=999 no-data", "run@6000: 6000"));
}

/// Of 60 samples one is lost and the one behind the next has a wild time, or the next one itself, or that behind the gap.
TEST(Timeline, AWildTimeBesideAGapCostsItselfOnly) {
  for (const double wild : {3.0, 17.0, 30.0, 90.0, 5000.0, -7.0, -5000.0, 1e6})
    for (const int lost : {1, 2, 40, 200})
      for (int at = -2; at < 4; ++at) {         // which of those behind the gap, or before it, has it
        if (wild == 30 && lost > 10) continue;  // might be a sample that alone was not lost, or that came late
        SCOPED_TRACE(testing::Message{} << "wild " << wild << ", lost " << lost << ", at " << at);
        Line f;
        for (int i = 0; i < 60; ++i) {
          const double time = i < 20 ? i : i + lost;
          f.push({{.time = i == 20 + at ? wild : time, .value = time}});
        }
        f.finish();
        std::vector<bool> seen(60 + 200);
        for (const auto& run : f.notes.runs)
          for (std::size_t i = 0; i < run.values.size(); ++i) {
            const auto value = run.values[i];
            EXPECT_EQ(run.utc(i, 1), kStart + test::nanos(value)) << value;
            seen.at(std::size_t(value)) = true;
          }
        for (int i = 0; i < 60; ++i) {
          EXPECT_TRUE(i == 20 + at || seen.at(std::size_t(i < 20 ? i : i + lost))) << i;
        }
        EXPECT_EQ(f.notes.stored() + f.dropped(), 60u);
        EXPECT_LE(f.dropped(), 1u);
        EXPECT_LE(f.notes.runs.size(), at <= 0 ? 2u : 3u) << "a gap, and one more where the wild time is not stored by count";
      }
}

/// Also where it is that of the next one, or seems to have changed places with it.
TEST(Timeline, AWildTimeALittleAheadIsNeverStoredThere) {
  for (const int off : {1, 2, 3, 4})
    for (const int lost : {0, 1, 2, 5, 40})
      for (int at = 0; at < 3; ++at) {  // which of those behind the gap has it
        SCOPED_TRACE(testing::Message{} << "off " << off << ", lost " << lost << ", at " << at);
        Line f;
        for (int i = 0; i < 100; ++i) {
          const double time = i < 50 ? i : i + lost;
          f.push({{.time = time + (i == 50 + at ? off : 0), .value = time}});
        }
        f.finish();
        EXPECT_EQ(f.notes.stored() + f.dropped(), 100u);
        EXPECT_LE(f.dropped(), lost > 0 ? 1u : 0u);
        EXPECT_EQ(f.timeline.counters().missing, static_cast<std::uint64_t>(lost) + f.dropped());
        for (const auto& run : f.notes.runs)
          for (std::size_t i = 0; i < run.values.size(); ++i)
            EXPECT_EQ(run.utc(i, 1), kStart + test::nanos(run.values[i])) << run.values[i];
      }
}

TEST(Timeline, AWildTimeAmongOthersBelievesNone) {
  Line f;
  for (int i = 0; i < 100; ++i) {
    const double wild = i == 56 ? -100 : i == 57 ? -10 : i == 58 ? 1 : i == 60 ? 3600 : i == 62 ? -1 : 0;
    f.push({{.time = i + wild, .value = static_cast<double>(i)}});
  }
  f.finish();
  ASSERT_EQ(f.notes.runs.size(), 1u);
  EXPECT_EQ(f.dropped(), 0u);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(f.notes.runs[0].values.at(i), static_cast<double>(i));
}

TEST(Timeline, AWildTimeBeforeAllOthersBeginsNoRun) {
  Line f;
  f.push({{-86400}, {0}, {1}, {2}}).finish();
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1 2"));
  EXPECT_EQ(f.dropped(Drop::BadTime), 1u);
}

TEST(Timeline, SamplesThatAreFarFromOneAnotherAreKept) {
  Line f;
  for (int i = 0; i < 50; ++i) f.push({{i * 100.0}});
  f.finish();
  EXPECT_EQ(f.dropped(), 0u);
  EXPECT_EQ(f.notes.runs.size(), 50u);
}

TEST(Timeline, TellsRepeatedFramesFromAClockThatWentBack) {
  Options options;
  options.tolerance_samples = 0.2;
  Line f{options};
  f.push({{0}, {1}, {2}, {1}, {0.5}, {-1}, {-1e6}, {3}});
  EXPECT_THAT(f.notes.lines,
              ElementsAre("run@0: 0 1 2", "+@3: 3", "gap@4 n=0 out-of-order", "run@1: 1", "gap@2 n=0 out-of-order", "run@-1: -1"))
      << "what is late goes to its own time";
  EXPECT_EQ(f.dropped(Drop::Duplicate), 1u);
  EXPECT_EQ(f.dropped(Drop::Backward), 1u) << "a wild time is not late";
}

TEST(Timeline, ALateFrameGoesToItsOwnTime) {
  Line f;
  for (int t = 0; t < 200; ++t)
    if (t != 50) f.push({{static_cast<double>(t)}}).push(t == 53 ? std::vector<Line::Frame>{{50}} : std::vector<Line::Frame>{});
  f.finish();
  EXPECT_EQ(f.dropped(), 0u);
  EXPECT_EQ(f.notes.stored(), 200u);
  for (const auto& run : f.notes.runs)
    for (std::size_t i = 0; i < run.values.size(); ++i)
      EXPECT_EQ(run.utc(i, 1), kStart + test::nanos(run.values[i])) << run.values[i];
  for (const auto& gap : f.notes.gaps) EXPECT_NE(gap.reason, daq::ledger::GapReason::ClockStep) << "no clock was set";
}

TEST(Timeline, SortsNeighboursThatChangePlacesAllAlong) {
  for (const bool together : {true, false}) {
    Line f;
    std::vector<Line::Frame> frames;
    for (int t = 0; t < 200; ++t) frames.push_back({static_cast<double>(t ^ 1)});
    if (together)
      f.push(frames);
    else
      for (const auto& frame : frames) f.push({frame});
    f.finish();
    ASSERT_EQ(f.notes.runs.size(), 1u);
    EXPECT_EQ(f.dropped(), 0u);
    for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(f.notes.runs[0].values.at(i), static_cast<double>(i));
  }
}

TEST(Timeline, AClockThatStandsStillCostsNoSample) {
  {
    Line f;  // for a hundred seconds; what comes behind them lies where their number says
    for (double t = 0; t < 20; ++t) f.push({{t}});
    for (double i = 0; i < 100; ++i) f.push({{.time = 19, .value = 1000 + i}});
    for (double t = 120; t < 160; ++t) f.push({{t}});
    f.finish();
    EXPECT_EQ(f.dropped(), 0u);
    EXPECT_EQ(f.notes.stored(), 160u);
    EXPECT_EQ(f.notes.runs.size(), 1u);
    EXPECT_EQ(f.timeline.counters().missing, 0u);
  }
  {
    Line f;  // from the beginning to the end
    for (double i = 0; i < 200; ++i) f.push({{.time = 0, .value = i}});
    f.finish();
    EXPECT_EQ(f.dropped(), 0u);
    EXPECT_EQ(f.notes.stored(), 200u);
  }
  {
    Line f;  // one second twice, with two values: the second one has that time too
    for (double t = 0; t < 50; ++t) f.push({{t}});
    f.push({{.time = 49, .value = 777}});
    for (double t = 50; t < 100; ++t) f.push({{t}});
    f.finish();
    EXPECT_EQ(f.dropped(), 0u);
    EXPECT_EQ(f.notes.stored(), 101u);
    for (const auto& run : f.notes.runs)
      for (std::size_t i = 0; i < run.values.size(); ++i)
        EXPECT_EQ(run.utc(i, 1), kStart + test::nanos(run.values[i] == 777 ? 49 : run.values[i]));
  }
}

TEST(Timeline, DropsADuplicateOfWhatIsHeld) {
  Line f;
  f.push({{0}, {1}, {5}}).push({{5}}).push({{6}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=3 no-data", "run@5: 5", "+@6: 6"));
  EXPECT_EQ(f.dropped(Drop::Duplicate), 1u);
}

TEST(Timeline, ARepeatedOldFrameSaysNothingAboutTheHeldOne) {
  Line f;
  f.push({{0}, {1}, {5}, {1}, {6}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=3 no-data", "run@5: 5", "+@6: 6"));
  EXPECT_EQ(f.dropped(Drop::Duplicate), 1u);
}

TEST(Timeline, ALongBlockInReverseOrderKeepsEveryTime) {
  for (const int block : {5, 16, 20, 25, 60}) {
    SCOPED_TRACE(block);
    Line line;
    for (int i = 0; i < 300; ++i) line.push({{i >= 100 && i < 100 + block ? 2 * 100.0 + block - 1 - i : i}});
    line.finish();
    EXPECT_EQ(line.dropped(), 0u);
    EXPECT_EQ(line.notes.stored(), 300u);
    for (const auto& run : line.notes.runs)
      for (std::size_t i = 0; i < run.values.size(); ++i) {
        const auto right = kStart + nanos(run.values[i]);
        EXPECT_LT(std::chrono::abs(run.utc(i, 1) - right), 1ms) << run.values[i];
        EXPECT_LT(std::chrono::abs(run.axis(i, 1) - right), 1ms) << run.values[i];
      }
  }
}

TEST(Timeline, KeepsWhatComesFasterThanItsRateFromTheBeginning) {
  for (const double spacing : {0.0, 0.1, 0.2, 0.25, 0.6}) {  // in samples; 0: ten in each whole one
    SCOPED_TRACE(spacing);
    Line line;
    for (int i = 0; i < 400; ++i) line.push({{.time = spacing > 0 ? i * spacing : i / 10, .value = i}});
    line.finish();
    EXPECT_EQ(line.dropped(), 0u);
    EXPECT_EQ(line.notes.stored(), 400u);
    if (spacing == 0) continue;  // several to a time
    for (const auto& run : line.notes.runs)
      EXPECT_LT(std::chrono::abs(run.start - (kStart + nanos(run.values.front() * spacing))), 1ms) << run.values.front();
  }
}

TEST(Timeline, PutsTwoFramesThatChangedPlacesInOrder) {
  Line f;
  f.push({{0}, {1}, {3}, {2}, {4}}).push({{6}}).push({{5}}).push({{7}});
  EXPECT_EQ(f.notes.runs.at(0).values, (std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(f.notes.runs.size(), 1u);
  EXPECT_EQ(f.dropped(), 0u);
}

/// Frames of four samples in this order, each with its number and its time.
void expect_each_once(const std::vector<int>& order, std::uint64_t modulus, bool by_sample) {
  daq::timing::Options options;
  options.sample_rate = 20;
  options.counter_modulus = modulus;
  options.samples_per_count = by_sample ? 1 : 0;
  Line line{options};
  for (const int frame : order) {
    const auto number = static_cast<std::uint64_t>(by_sample ? 4 * frame : frame);
    line.push({{.time = 4.0 * frame, .n = 4, .counter = modulus > 0 ? number % modulus : number}});
  }
  line.finish();
  EXPECT_EQ(line.dropped(), 0u);
  EXPECT_EQ(line.notes.stored(), 4 * order.size());
  std::set<double> values;
  for (const auto& run : line.notes.runs)
    for (std::size_t i = 0; i < run.values.size(); ++i) {
      EXPECT_EQ(run.axis(i, 20), kStart + nanos(run.values[i] / 20));
      EXPECT_TRUE(values.insert(run.values[i]).second) << run.values[i];
    }
}

TEST(Timeline, CountedFramesThatChangePlacesBesideAGapAreStoredAtTheirTimes) {
  const std::vector<std::vector<int>> turned{{34, 33, 36}, {34, 33, 35}, {32, 30, 33}, {35, 33, 34, 36}, {35, 34, 33, 37}};
  for (const auto& behind : turned) {
    SCOPED_TRACE(testing::PrintToString(behind));
    std::vector<int> order(30);
    std::iota(order.begin(), order.end(), 0);
    order.insert(order.end(), behind.begin(), behind.end());
    for (int frame = behind.back() + 1; frame < 50; ++frame) order.push_back(frame);
    expect_each_once(order, 65536, false);
  }
}

TEST(Timeline, CountedFramesAreStoredOnceAtTheirTimesHoweverANetworkLosesAndTurnsThem) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random{seed};
    const double reach = 1 + seed % 4;
    std::vector<std::pair<double, int>> sent;
    for (int frame = 0; frame < 150; ++frame) {
      if (random() % 100 < 10) frame += static_cast<int>(random() % 4);  // they are lost
      sent.emplace_back(frame + (random() % 100 < 15 ? reach + 0.5 : 0), frame);
    }
    std::sort(sent.begin(), sent.end());
    std::vector<int> order;
    for (const auto& [at, frame] : sent) order.push_back(frame);
    expect_each_once(order, std::array<std::uint64_t, 3>{65536, 256, 0}[seed / 4 % 3], seed % 8 >= 4);
  }
}

TEST(Timeline, MakesOneExactGapOfAFullRing) {
  Line f;
  f.push_each(0, 9);
  f.notes.refuse = true;
  f.push_each(10, 14).push({{15}, {16}});
  f.notes.refuse = false;
  f.push({{17}, {18}});
  const auto& lines = f.notes.lines;
  EXPECT_EQ(lines.at(lines.size() - 2), "gap@10 n=7 ring-full");
  EXPECT_EQ(lines.back(), "run@17: 17 18");
  EXPECT_EQ(f.dropped(Drop::RingFull), 7u);
  EXPECT_EQ(f.timeline.counters().missing, 7u);
  EXPECT_EQ(f.timeline.counters().gaps, 1u);
}

TEST(Timeline, NeverFillsWhatTheRingLost) {
  Options options;
  options.fill_up_to = 100s;
  Line f{options};
  f.push({{0}, {1}, {5}});
  f.notes.refuse = true;
  f.push({{6}});  // confirms 5: the fill and both samples are refused
  f.notes.refuse = false;
  f.push({{9}, {10}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=7 ring-full", "run@9: 9 10"));
  EXPECT_EQ(f.timeline.counters().filled, 0u);
  EXPECT_EQ(f.dropped(Drop::RingFull), 2u);
}

TEST(Timeline, TellsALossAtTheVeryBeginningAndAtTheEnd) {
  Line f;
  f.notes.refuse = true;
  f.push({{0}, {1}});
  f.notes.refuse = false;
  f.push({{2}});
  f.notes.refuse = true;
  f.push({{3}}).finish();
  EXPECT_THAT(f.notes.lines, ElementsAre("gap@0 n=2 ring-full", "run@2: 2"));
  EXPECT_EQ(f.notes.announced, "gap@3 n=1 ring-full");
  EXPECT_EQ(f.timeline.counters().gaps, 2u);
  EXPECT_EQ(f.timeline.counters().missing, 3u);
  f.finish();
  EXPECT_EQ(f.timeline.counters().gaps, 2u) << "told once";
}

TEST(Timeline, CountsWhatTheRingLostWhileTheClockWasSetBack) {
  Line f;
  f.push_each(0, 99);
  f.notes.refuse = true;
  for (double t = 100; t < 110; ++t) f.push({{t}});
  for (double t = 50; t < 60; ++t) f.push({{.time = t, .value = 1000 + t}});
  f.notes.refuse = false;
  f.push({{.time = 60, .value = 1060}});
  EXPECT_EQ(f.notes.lines.at(f.notes.lines.size() - 2), "gap@100 n=20 ring-full");
  EXPECT_EQ(f.notes.lines.back(), "run@60: 1060");
}

TEST(Timeline, TakesTheNewPartOfAnOverlappingBlock) {
  Options options;
  options.sample_rate = 10;
  Line f{options};
  f.push({{0, 10}, {10, 10}, {15, 10}, {3, 10}, {30, 10}, {35, 10}});
  EXPECT_EQ(f.timeline.counters().passed, 40u);
  EXPECT_EQ(f.dropped(Drop::Duplicate), 5u + 10u + 5u);
  EXPECT_THAT(f.notes.lines, testing::Contains("gap@25 n=5 no-data"));
  EXPECT_EQ(f.notes.runs.back().values.back(), 44);
}

TEST(Timeline, StaysExactAtARateWithoutAWholePeriod) {
  Options options;
  options.sample_rate = 3;
  Line f{options};
  for (double t = 0; t < 3000; t += 3) f.push({{t}, {t + 1}, {t + 2}});
  EXPECT_EQ(f.timeline.last_time(), mth5::sample_time(kStart, 3, 2999));
  EXPECT_EQ(f.notes.runs.at(0).values.size(), 3000u);
  EXPECT_EQ(f.notes.gaps.size(), 0u);
}

TEST(Timeline, BeginsAnewBehindItsEnd) {
  Line f;
  f.push_each(0, 9).finish();
  f.push({{15}, {16}}).finish();
  EXPECT_THAT(f.notes.lines, testing::Contains("gap@10 n=5 no-data"));
  EXPECT_EQ(f.notes.runs.size(), 2u);
}

}  // namespace
