#include "acquisition/timing/timeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <numeric>
#include <string>

namespace {

using namespace daq::timing;
using daq::decode::Batch;
using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

const mth5::UtcNanos kStart = *mth5::from_calendar(2020, 10, 4, 0, 0, 0);
constexpr int kWild = 2'000'000'000;  // seconds behind kStart, about

std::string number(double value) { return std::isnan(value) ? "nan" : std::to_string(std::llround(value)); }

/// Writes down what it is told, as text: "run@0: 0 1 2", "+@3: 3", "gap@4 n=2 no-data filled". Times in samples since kStart.
class Notes final : public Sink {
 public:
  explicit Notes(double rate) : rate_{rate} {}
  bool samples(const Block& block) override {
    if (refuse) return false;
    if (block.gap) lines.push_back(text(*block.gap));
    std::string line = (block.new_run ? "run@" : "+@") + index(block.start) + ":";
    for (std::int64_t i = 0; i < block.n; ++i) {
      line += " " + number(block.values[2 * i]);
      EXPECT_EQ(number(block.values[2 * i]), number(block.values[2 * i + 1]));
    }
    lines.push_back(line);
    return true;
  }
  void gap(const Gap& gap) override { announced = text(gap); }
  void anchor(const Anchor&) override {}
  std::string text(const Gap& gap) const {
    return "gap@" + index(gap.start) + " n=" + std::to_string(gap.n_samples) + " " + std::string{to_string(gap.reason)} +
           (gap.filled ? " filled" : "");
  }

  bool refuse = false;
  std::string announced;  ///< with nothing behind it
  std::vector<std::string> lines;

 private:
  [[nodiscard]] std::string index(mth5::UtcNanos t) const {
    const double samples = mth5::samples_between(kStart, t, rate_);
    EXPECT_NEAR(samples, std::round(samples), 1e-6) << "the axis stays on the grid of the run";
    return number(samples);
  }
  double rate_;
};

struct Fixture {
  Options options;
  Notes notes;
  Timeline timeline;

  explicit Fixture(const Options& o = {}) : options{o}, notes{o.sample_rate}, timeline{o, 2, notes} {}

  struct Frame {
    double time;  ///< samples since kStart; the values are the same, counted on
    std::uint32_t n = 1;
    bool after_skip = false;
  };
  /// Frames of one batch.
  Fixture& push(const std::vector<Frame>& frames) {
    Batch batch;
    for (const auto& frame : frames) {
      const auto offset = std::chrono::nanoseconds{std::llround(frame.time / options.sample_rate * 1e9)};
      batch.frames.push_back(
          {.n_samples = frame.n, .first = batch.samples.size(), .time = kStart + offset, .after_skip = frame.after_skip});
      for (std::uint32_t i = 0; i < frame.n; ++i)
        for (int c = 0; c < 2; ++c) batch.samples.push_back(std::round(frame.time) + i);
    }
    for (const auto& frame : batch.frames) timeline.push(frame, batch.samples.data() + frame.first);
    timeline.end_of_batch();
    check();
    return *this;
  }
  /// Each in a batch of its own.
  Fixture& push_each(double from, double to) {
    for (double t = from; t <= to; ++t) push({{t}});
    return *this;
  }
  Fixture& finish() {
    timeline.finish();
    check();
    return *this;
  }
  std::uint64_t dropped(Drop reason) const { return timeline.counters().dropped[static_cast<std::size_t>(reason)]; }
  void check() const {
    const auto& c = timeline.counters();
    EXPECT_EQ(c.decoded, std::accumulate(c.dropped.begin(), c.dropped.end(), c.passed + c.pending));
  }
};

TEST(Timeline, GivesContiguousFramesOfABatchAsOneBlock) {
  Fixture f;
  f.push({{0}, {1}, {2}}).push({{3}, {4}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1 2", "+@3: 3 4"));
  EXPECT_EQ(f.timeline.counters().gaps, 0u);
}

TEST(Timeline, HoldsTheFirstFrameUntilTheNextConfirmsIt) {
  Fixture f;
  f.push({{0}});
  EXPECT_THAT(f.notes.lines, IsEmpty());
  EXPECT_EQ(f.timeline.counters().pending, 1u);
  EXPECT_EQ(f.timeline.last_time(), kStart);
  f.push({{1}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0", "+@1: 1"));
  EXPECT_EQ(f.timeline.last_time(), kStart + 1s);
}

TEST(Timeline, KnowsNoTimeBeforeTheFirstFrame) { EXPECT_EQ(Fixture{}.timeline.last_time(), std::nullopt); }

TEST(Timeline, KeepsTheAxisThroughJitter) {
  Fixture f;
  f.push({{0}, {1.4}, {1.6}, {3.5}, {4}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1 2 4 4"));
  EXPECT_EQ(f.timeline.last_time(), kStart + 4s);
}

TEST(Timeline, BeginsANewRunBehindAGap) {
  Fixture f;
  f.push({{0}, {1}, {5}, {6}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=3 no-data", "run@5: 5 6"));
  EXPECT_EQ(f.timeline.counters().missing, 3u);
  EXPECT_EQ(f.timeline.counters().gaps, 1u);
}

TEST(Timeline, GivesOutWhatItHoldsBehindAGapAtTheEnd) {
  Fixture f;
  f.push({{0}, {1}, {5}}).finish();
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=3 no-data", "run@5: 5"));
  EXPECT_EQ(f.timeline.counters().pending, 0u);
}

TEST(Timeline, TellsWhyDataAreMissing) {
  Fixture f;
  f.push({{0}, {1}, {3, 1, true}, {4}});
  f.timeline.disconnected();
  f.push({{7, 1, true}});
  f.timeline.disconnected();  // behind what is held: of no meaning for the gap before it
  f.push({{8}, {10}, {11}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=1 bad-data", "run@3: 3 4", "gap@5 n=2 disconnected", "run@7: 7",
                                         "+@8: 8", "gap@9 n=1 no-data", "run@10: 10 11"));
}

TEST(Timeline, ForgetsAReasonThatCostNothing) {
  Fixture f;
  f.push({{0}, {1, 1, true}});
  f.timeline.disconnected();
  f.push({{2}, {5}, {6}});
  EXPECT_THAT(f.notes.lines, testing::Contains("gap@3 n=2 no-data"));
}

TEST(Timeline, FillsShortGapsAndNoLongerOnes) {
  Options options;
  options.fill_up_to = 3s;
  Fixture f{options};
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
  Fixture f{options};
  const std::vector<double> values(8, 0);
  struct Count final : Sink {
    int runs = 0, filled = 0;
    bool samples(const Block& block) override {
      runs += block.new_run;
      filled += block.gap && block.gap->filled;
      return true;
    }
    void gap(const Gap&) override {}
    void anchor(const Anchor&) override {}
  } count;
  Timeline timeline{options, 2, count};
  std::size_t first = 0;
  for (const auto t : {0ms, 1000ms, 4300ms, 5300ms}) {
    timeline.push({.n_samples = 1, .time = kStart + t}, values.data() + first);
    first += 2;
  }
  timeline.end_of_batch();
  EXPECT_EQ(count.runs, 2);
  EXPECT_EQ(count.filled, 0);
}

TEST(Timeline, DropsAWildFirstFrame) {
  Fixture f;
  f.push({{double{kWild}}, {0}, {1}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1"));
  EXPECT_EQ(f.dropped(Drop::BadTime), 1u);
}

TEST(Timeline, DropsOneWildTimeInARun) {
  Fixture f;
  f.push({{0}, {1}, {double{kWild}}, {2}, {3}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "+@2: 2 3"));
  EXPECT_EQ(f.dropped(Drop::BadTime), 1u);
  EXPECT_EQ(f.timeline.counters().gaps, 0u);
}

TEST(Timeline, DropsTheSameWildTimeTwice) {
  Fixture f;
  f.push({{0}, {1}, {double{kWild}}, {double{kWild}}, {2}, {3}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "+@2: 2 3"));
  EXPECT_EQ(f.dropped(Drop::BadTime), 1u);
  EXPECT_EQ(f.dropped(Drop::Duplicate), 1u);
}

TEST(Timeline, DropsTwoWildTimesThatContradictEachOther) {
  Fixture f;
  f.push({{0}, {1}, {5000}, {4000}, {4, 1}, {5}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=2 bad-data", "run@4: 4 5"));
  EXPECT_EQ(f.dropped(Drop::BadTime), 2u);
}

TEST(Timeline, BelievesTwoFramesThatAgree) {
  Fixture f;
  f.push({{0}, {1}, {5000}, {6000}}).finish();
  EXPECT_THAT(f.notes.lines,
              ElementsAre("run@0: 0 1", "gap@2 n=4998 no-data", "run@5000: 5000", "gap@5001 n=999 no-data", "run@6000: 6000"));
}

TEST(Timeline, TellsRepeatedFramesFromAClockThatWentBack) {
  Options options;
  options.tolerance_samples = 0.2;
  Fixture f{options};
  f.push({{0}, {1}, {2}, {1}, {0.5}, {-1}, {3}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1 2", "+@3: 3"));
  EXPECT_EQ(f.dropped(Drop::Duplicate), 1u);
  EXPECT_EQ(f.dropped(Drop::Backward), 2u);
}

TEST(Timeline, DropsADuplicateOfWhatIsHeld) {
  Fixture f;
  f.push({{0}, {1}, {5}}).push({{5}}).push({{6}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=3 no-data", "run@5: 5", "+@6: 6"));
  EXPECT_EQ(f.dropped(Drop::Duplicate), 1u);
}

TEST(Timeline, ARepeatedOldFrameSaysNothingAboutTheHeldOne) {
  Fixture f;
  f.push({{0}, {1}, {5}, {1}, {6}});
  EXPECT_THAT(f.notes.lines, ElementsAre("run@0: 0 1", "gap@2 n=3 no-data", "run@5: 5", "+@6: 6"));
  EXPECT_EQ(f.dropped(Drop::Duplicate), 1u);
}

TEST(Timeline, GoesOnWhenAClockThatWentBackHasCaughtUp) {
  Fixture f;
  f.push_each(0, 100).push_each(98, 110);
  EXPECT_EQ(f.dropped(Drop::Duplicate), 3u);
  EXPECT_EQ(f.timeline.counters().passed, 111u);
  EXPECT_EQ(f.timeline.counters().gaps, 0u);
}

TEST(Timeline, BelievesAClockThatStaysBackForTenMinutes) {
  for (const double step : {-2000.0, 700.0}) {  // before the run, inside of it
    Fixture f;
    f.push_each(0, 1400).push_each(step, step + 602);
    EXPECT_EQ(f.notes.lines.at(f.notes.lines.size() - 4), "gap@1401 n=0 clock-step") << step;
    EXPECT_EQ(f.notes.lines.at(f.notes.lines.size() - 3), "run@" + number(step + 600) + ": " + number(step + 600));
    EXPECT_EQ(f.dropped(Drop::Backward) + f.dropped(Drop::Duplicate), 600u);
    EXPECT_EQ(f.timeline.counters().passed, 1401u + 3u);
    EXPECT_EQ(f.timeline.counters().gaps, 1u);
  }
}

TEST(Timeline, DoesNotBelieveAClockThatStaysBackUnevenly) {
  Fixture f;
  f.push_each(0, 2000).push_each(100, 500).push_each(502, 1000);
  EXPECT_EQ(f.timeline.counters().passed, 2001u);
  EXPECT_EQ(f.dropped(Drop::Duplicate), 900u);
}

TEST(Timeline, ComesBackFromAYearThatTwoFramesAgreedOn) {
  Fixture f;
  const double wild = kWild;
  f.push({{0}, {1}, {wild}, {wild + 1}}).push_each(2, 603);
  EXPECT_EQ(f.notes.lines.back(), "+@603: 603");
  EXPECT_EQ(f.dropped(Drop::Backward), 600u);
  EXPECT_EQ(f.timeline.counters().passed, 2u + 2u + 2u);
}

TEST(Timeline, MakesOneExactGapOfAFullRing) {
  Fixture f;
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
  Fixture f{options};
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
  Fixture f;
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

TEST(Timeline, TakesTheNewPartOfAnOverlappingBlock) {
  Options options;
  options.sample_rate = 10;
  Fixture f{options};
  f.push({{0, 10}, {10, 10}, {15, 10}, {3, 10}, {30, 10}, {35, 10}});
  EXPECT_EQ(f.timeline.counters().passed, 40u);
  EXPECT_EQ(f.dropped(Drop::Duplicate), 5u + 10u + 5u);
  EXPECT_THAT(f.notes.lines, testing::Contains("gap@25 n=5 no-data"));
  EXPECT_EQ(f.notes.lines.back(), "+@40: 40 41 42 43 44");
}

TEST(Timeline, StaysExactAtARateWithoutAWholePeriod) {
  Options options;
  options.sample_rate = 3;
  Fixture f{options};
  for (double t = 0; t < 3000; t += 3) f.push({{t}, {t + 1}, {t + 2}});
  EXPECT_EQ(f.timeline.last_time(), mth5::sample_time(kStart, 3, 2999));
  EXPECT_EQ(f.timeline.counters().passed, 3000u);
}

TEST(Timeline, NamesItsReasons) {
  EXPECT_EQ(to_string(Drop::Duplicate), "duplicate");
  EXPECT_EQ(to_string(Drop::Backward), "backward");
  EXPECT_EQ(to_string(Drop::BadTime), "bad-time");
  EXPECT_EQ(to_string(Drop::RingFull), "ring-full");
  EXPECT_EQ(to_string(GapReason::NoData), "no-data");
  EXPECT_EQ(to_string(GapReason::Disconnected), "disconnected");
  EXPECT_EQ(to_string(GapReason::BadData), "bad-data");
  EXPECT_EQ(to_string(GapReason::ClockStep), "clock-step");
  EXPECT_EQ(to_string(GapReason::RingFull), "ring-full");
}

}  // namespace
