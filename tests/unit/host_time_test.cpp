#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <random>

#include "support/timeline.hpp"

// Instruments without a clock: times are those of arrival, counters say the rest.
namespace {

using namespace daq::timing;
using daq::decode::TimeKind;
using test::kStart;
using test::Line;
using test::nanos;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

constexpr double kDelay = 0.012;  ///< s
constexpr double kMean = 0.05;    ///< s, of the exponential jitter

/// A free-running board whose frames arrive late by `kDelay` and a jitter that is never negative.
struct Board {
  double rate = 10;
  double ppm = 50;
  std::uint32_t per_frame = 1;
  TimeKind kind = TimeKind::Host;
  std::function<double(std::mt19937_64&)> jitter = [](std::mt19937_64& r) { return std::uniform_real_distribution{0.0, 0.2}(r); };
  std::mt19937_64 random{1};
  std::int64_t next = 0;
  double last_arrival = 0;
  bool counts = false;
  std::uint64_t modulus = 0;

  [[nodiscard]] double true_time(std::int64_t sample) const { return static_cast<double>(sample) / (rate * (1 + ppm * 1e-6)); }
  [[nodiscard]] Line::Frame frame() {
    const auto sample = next;
    next += per_frame;
    // A line keeps the order of what goes through it.
    last_arrival = std::max(last_arrival, true_time(sample + per_frame - 1) + kDelay + jitter(random));
    return {.time = last_arrival * rate,
            .n = per_frame,
            .value = static_cast<double>(sample),
            .counter = counts ? std::optional{modulus > 0 ? static_cast<std::uint64_t>(sample) % modulus
                                                          : static_cast<std::uint64_t>(sample)}
                              : std::nullopt,
            .arrival = last_arrival,
            .kind = kind};
  }
  void run(Line& line, double seconds) {
    const auto end = next + static_cast<std::int64_t>(seconds * rate);
    while (next < end) line.push({frame()});
  }
  [[nodiscard]] Options options() const {
    Options o;
    o.sample_rate = rate;
    o.delay = nanos(kDelay);
    o.counter_modulus = modulus;
    return o;
  }
  /// Of what the clock says of the next sample, s.
  [[nodiscard]] double error(const Line& line) const {
    const auto& clock = line.timeline.clock();
    return seconds_between(kStart + nanos(true_time(next)), clock.utc(clock.position()));
  }
};

TEST(HostTime, WhereTheHostsClockIsSetNothingIsMissingAndEachPartHasItsOwnTimes) {
  for (const double step : {0.3, 0.7, 5.0, 3600.0, -0.2, -5.0, 1.7e9}) {
    SCOPED_TRACE(step);
    Board board;
    Line line{board.options()};
    line.notes.quiet = true;
    board.run(line, 60);
    line.timeline.host_clock_was_set();
    const auto first = board.next;
    for (int i = 0; i < 600; ++i) {
      auto frame = board.frame();
      frame.time += step * board.rate;
      frame.arrival += step;
      line.push({frame});
    }
    line.finish();
    EXPECT_EQ(line.dropped(), 0u);
    ASSERT_EQ(line.notes.runs.size(), 2u);
    ASSERT_THAT(line.notes.gaps, SizeIs(1));
    EXPECT_EQ(line.notes.gaps[0].reason, GapReason::ClockStep);
    EXPECT_EQ(line.notes.gaps[0].n_samples, 0);
    const auto off = [&](std::size_t run, std::size_t i) {
      return seconds_between(kStart, line.notes.runs[run].utc(i, board.rate)) -
             board.true_time(static_cast<std::int64_t>(line.notes.runs[run].values[i]));
    };
    EXPECT_EQ(line.notes.runs[1].values[0], static_cast<double>(first));
    EXPECT_NEAR(off(0, 0), 0, 0.02);
    EXPECT_NEAR(off(0, 599), 0, 0.02);
    EXPECT_NEAR(off(1, 0), step, 0.02);
    EXPECT_NEAR(off(1, 599), step, 0.02);
  }
}

TEST(HostTime, IsRightToAMillisecondAfterTenMinutes) {
  double worst = 0, worst_ppm = 0;
  for (int law = 0; law < 2; ++law)
    for (unsigned seed = 1; seed <= 100; ++seed)
      for (const double ppm : {50.0, -50.0}) {
        Board board{.ppm = ppm, .random = std::mt19937_64{seed}};
        if (law == 1) board.jitter = [](std::mt19937_64& r) { return std::exponential_distribution{1 / kMean}(r); };
        LowerEnvelope envelope{1200, 100e-6};
        // The envelope alone: what the timeline does with frames is the same for all seeds.
        for (; board.next < 6000;) {
          const auto sample = static_cast<double>(board.next);
          const auto frame = board.frame();
          envelope.add(sample / board.rate, frame.arrival - kDelay - sample / board.rate);
        }
        const auto& line = envelope.line();
        const double truth = board.true_time(board.next - 1) - static_cast<double>(board.next - 1) / board.rate;
        worst = std::max(worst, std::abs(line.y - truth));
        worst_ppm = std::max(worst_ppm, std::abs(-line.slope * 1e6 - ppm));
        ASSERT_LE(std::abs(line.y - truth), 1e-3) << "seed " << seed << " law " << law << " " << ppm << " ppm";
      }
  RecordProperty("worst_us", static_cast<int>(worst * 1e6));
  EXPECT_LE(worst_ppm, 5);
}

TEST(HostTime, SaysFromTheBeginningHowWellTheLineIsKnown) {
  for (const double hz : {1.0, 10.0})
    for (int law = 0; law < 3; ++law)
      for (unsigned seed = 1; seed <= 40; ++seed) {
        Board board{.rate = hz, .random = std::mt19937_64{seed}};
        if (law == 1) board.jitter = [](std::mt19937_64& r) { return std::exponential_distribution{1 / kMean}(r); };
        if (law == 2) board.jitter = [](std::mt19937_64& r) { return std::uniform_real_distribution{0.0, 0.02}(r); };
        LowerEnvelope envelope{1200, 100e-6};
        for (const double until : {60.0, 120.0, 300.0, 600.0}) {
          while (static_cast<double>(board.next) < until * hz) {
            const auto sample = static_cast<double>(board.next);
            envelope.add(sample / hz, board.frame().arrival - kDelay - sample / hz);
          }
          const auto& line = envelope.line();
          const double truth = board.true_time(board.next - 1) - static_cast<double>(board.next - 1) / hz;
          const double true_slope = 1 / (1 + board.ppm * 1e-6) - 1;
          ASSERT_LE(std::abs(line.y - truth), 3.5 * line.y_sigma)
              << hz << " Hz, seed " << seed << ", law " << law << ", " << until;
          ASSERT_LE(std::abs(line.slope - true_slope), 3.5 * line.slope_sigma)
              << hz << " Hz, seed " << seed << ", law " << law << ", " << until;
        }
      }
}

TEST(HostTime, ItsFirstAnchorIsThereFromTheBeginningAndSaysHowWellItIsKnown) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    Board board{.random = std::mt19937_64{seed}};
    Line line{board.options()};
    line.notes.quiet = true;
    for (const double until : {1.0, 12.0, 40.0, 100.0, 300.0, 900.0}) {  // whenever it is killed
      board.run(line, until - static_cast<double>(board.next) / board.rate);
      ASSERT_THAT(line.notes.runs, SizeIs(1));
      const auto& run = line.notes.runs[0];
      ASSERT_FALSE(run.anchors.empty()) << until;
      const auto& first = run.anchors[0];
      EXPECT_EQ(first.sample, 0);
      EXPECT_GT(first.uncertainty_s, 0);
      EXPECT_LE(first.uncertainty_s, 0.11) << until;
      EXPECT_LE(std::abs(seconds_between(kStart + nanos(board.true_time(0)), first.utc)), 4 * first.uncertainty_s) << until;
    }
    EXPECT_LT(line.notes.runs[0].anchors[0].uncertainty_s, 0.01);
    EXPECT_TRUE(line.notes.runs[0].anchors[0].locked);
  }
}

TEST(HostTime, IsNotLockedBeforeTheDriftIsKnown) {
  for (const double hz : {1.0, 10.0, 100.0})
    for (unsigned seed = 1; seed <= 20; ++seed) {
      Board board{.rate = hz, .random = std::mt19937_64{seed}};
      board.jitter = [](std::mt19937_64& r) { return std::exponential_distribution{1 / kMean}(r); };
      Line line{board.options()};
      line.notes.quiet = true;
      const auto& clock = line.timeline.clock();
      while (!clock.locked() && board.next < static_cast<std::int64_t>(1200 * hz)) line.push({board.frame()});
      ASSERT_TRUE(clock.locked()) << hz << " Hz, seed " << seed;
      EXPECT_LE(std::abs(clock.ppm() - board.ppm), 150) << hz << " Hz, seed " << seed << ": three times what is not known";
      EXPECT_LE(clock.uncertainty_s(), 0.011);
      if (hz >= 100) continue;  // a queue of so many has a delay that none of them is without
      EXPECT_LE(std::abs(board.error(line)), 3.5 * clock.uncertainty_s()) << hz << " Hz, seed " << seed;
    }
}

TEST(HostTime, HasAnchorsAlsoWhereItNeverLocks) {
  Board board{.rate = 1};
  board.jitter = [](std::mt19937_64& r) { return std::uniform_real_distribution{0.0, 0.9}(r); };
  Line line{board.options()};
  line.notes.quiet = true;
  board.run(line, 650);
  ASSERT_THAT(line.notes.runs, SizeIs(1)) << "which goes on";
  const auto& anchors = line.notes.runs[0].anchors;
  ASSERT_FALSE(anchors.empty());
  EXPECT_FALSE(anchors.front().locked);
  EXPECT_GE(anchors.front().uncertainty_s, 0.01);
  line.finish();
}

TEST(HostTime, MakesOneRunWhoseAnchorsAreRight) {
  for (const std::uint32_t per_frame : {1u, 5u})
    for (const double ppm : {50.0, -50.0}) {
      Board board{.rate = per_frame * 10.0, .ppm = ppm, .per_frame = per_frame};
      Line line{board.options()};
      line.notes.quiet = true;
      board.run(line, 900);
      line.finish();
      EXPECT_THAT(line.notes.runs, SizeIs(1));
      EXPECT_EQ(line.dropped(), 0u);
      EXPECT_THAT(line.notes.gaps, SizeIs(0));
      EXPECT_LE(std::abs(board.error(line)), 1e-3);
      const auto& anchors = line.notes.runs[0].anchors;
      ASSERT_FALSE(anchors.empty());
      EXPECT_EQ(anchors.front().sample, 0);
      EXPECT_TRUE(anchors.front().locked) << "the first anchor waits until something is known";
      EXPECT_EQ(anchors.front().kind, TimeKind::Host);
      for (std::size_t i = 0; i < line.notes.runs[0].values.size(); i += 100) {
        const auto truth = kStart + nanos(board.true_time(static_cast<std::int64_t>(i)));
        ASSERT_LE(std::abs(seconds_between(truth, line.notes.runs[0].utc(i, board.rate))), 15e-3) << i;
      }
    }
}

TEST(HostTime, AStallThatIsCaughtUpIsNoGap) {
  for (const double stall : {3.0, 30.0}) {
    Board board;
    Line line{board.options()};
    line.notes.quiet = true;
    board.run(line, 120);
    board.last_arrival += stall;  // what follows comes at once
    board.run(line, 120);
    line.finish();
    EXPECT_THAT(line.notes.runs, SizeIs(1)) << stall;
    EXPECT_EQ(line.notes.stored(), 2400u);
    EXPECT_EQ(line.dropped(), 0u);
  }
}

TEST(HostTime, APauseIsAGap) {
  Board board;
  Line line{board.options()};
  line.notes.quiet = true;
  board.run(line, 120);
  board.next += 300;
  board.run(line, 120);
  line.finish();
  ASSERT_THAT(line.notes.gaps, SizeIs(1));
  EXPECT_NEAR(static_cast<double>(line.notes.gaps[0].n_samples), 300, 2) << "to the jitter";
  EXPECT_EQ(line.notes.gaps[0].reason, GapReason::NoData);
  EXPECT_EQ(line.dropped(), 0u);
}

TEST(HostTime, ALossBehindABurstIsAGap) {
  for (const double lost_s : {2.0, 5.0, 8.0})
    for (const double held_s : {0.5, 4.0, 8.0}) {
      SCOPED_TRACE(testing::Message{} << "lost " << lost_s << " s, held " << held_s << " s");
      Board board{.rate = 20};
      Line line{board.options()};
      line.notes.quiet = true;
      board.run(line, 60);
      board.last_arrival = board.true_time(board.next) + held_s;
      board.run(line, held_s + 4);
      const auto lost = static_cast<std::int64_t>(lost_s * board.rate);
      board.next += lost;
      board.run(line, 60);
      EXPECT_LT(std::abs(board.error(line)), 0.3) << "the clock of what comes now";
      line.finish();
      ASSERT_THAT(line.notes.gaps, SizeIs(1));
      EXPECT_NEAR(static_cast<double>(line.notes.gaps[0].n_samples), static_cast<double>(lost), 4) << "to the jitter";
      EXPECT_EQ(line.dropped(), 0u);
    }
}

/// A line that is sent twice a second, or once, each right when it is taken: one that is lost moves all behind it.
TEST(HostTime, OneLostOfSlowAndSteadyOnesIsAGap) {
  for (const double rate : {0.5, 1.0, 2.0, 8.0})
    for (const int before : {40, 200, 3000}) {
      SCOPED_TRACE(testing::Message{} << rate << " Hz, lost behind " << before);
      Board board{.rate = rate, .jitter = [](std::mt19937_64& r) { return std::uniform_real_distribution{0.0, 0.004}(r); }};
      Line line{board.options()};
      line.notes.quiet = true;
      board.run(line, before / rate);
      ++board.next;
      board.run(line, 200 / rate);
      EXPECT_LT(std::abs(board.error(line)), 0.1 / rate);
      line.finish();
      ASSERT_THAT(line.notes.gaps, SizeIs(1));
      EXPECT_EQ(line.notes.gaps[0].n_samples, 1);
    }
}

TEST(HostTime, BurstsAreNoGapHoweverLong) {
  for (const double held_s : {2.0, 8.0, 20.0}) {
    Board board{.rate = 20};
    Line line{board.options()};
    line.notes.quiet = true;
    board.run(line, 60);
    for (int i = 0; i < 10; ++i) {
      board.last_arrival = board.true_time(board.next) + held_s;
      board.run(line, held_s + 4);
    }
    board.run(line, 60);
    line.finish();
    EXPECT_THAT(line.notes.gaps, SizeIs(0)) << held_s;
    EXPECT_LT(std::abs(board.error(line)), 0.02);
  }
}

TEST(HostTime, ADisconnectIsAGapOfWhatArrivalsSay) {
  Board board;
  Line line{board.options()};
  line.notes.quiet = true;
  board.run(line, 120);
  line.timeline.disconnected();
  board.next += 6;
  board.run(line, 10);
  line.timeline.disconnected();
  board.next += 3000;
  board.run(line, 10);
  line.finish();
  ASSERT_THAT(line.notes.gaps, SizeIs(2));
  EXPECT_NEAR(static_cast<double>(line.notes.gaps[0].n_samples), 6, 2);
  EXPECT_NEAR(static_cast<double>(line.notes.gaps[1].n_samples), 3000, 2);
  EXPECT_EQ(line.notes.gaps[1].reason, GapReason::Disconnected);
  EXPECT_EQ(line.notes.stored(), 1400u);
}

TEST(HostTime, CountersSayWhatIsMissing) {
  for (const TimeKind kind : {TimeKind::Host, TimeKind::None})
    for (const std::uint64_t modulus : {std::uint64_t{0}, std::uint64_t{4096}}) {
      Board board{.rate = 250, .per_frame = 10, .kind = kind, .counts = true, .modulus = modulus};
      Line line{board.options()};
      line.notes.quiet = true;
      board.run(line, 60);
      board.next += 70;
      board.run(line, 10);
      line.timeline.disconnected();
      board.next += 25000;  // some wraps
      board.run(line, 10);
      line.finish();
      ASSERT_THAT(line.notes.gaps, SizeIs(2)) << modulus;
      EXPECT_EQ(line.notes.gaps[0].n_samples, 70);
      EXPECT_EQ(line.notes.gaps[1].n_samples, 25000);
      EXPECT_EQ(line.notes.gaps[1].reason, GapReason::Disconnected);
      EXPECT_EQ(line.dropped(), 0u);
      EXPECT_EQ(line.notes.stored(), 20000u);
    }
}

/// Frames of an instrument whose counter goes round: some are lost, others wait somewhere and then come all at once.
struct GoesRound {
  const char* name;
  double rate;
  std::uint32_t per_frame;
  std::uint64_t frames = 256;  ///< until it is what it was

  [[nodiscard]] double frame_s() const { return per_frame / rate; }
  [[nodiscard]] double turn_s() const { return static_cast<double>(frames) * frame_s(); }
  [[nodiscard]] Options options() const {
    Options o;
    o.sample_rate = rate;
    o.counter_modulus = frames;
    o.samples_per_count = 0;
    return o;
  }
  [[nodiscard]] Line::Frame frame(std::int64_t k, double arrival) const {
    return {.time = arrival * rate,
            .n = per_frame,
            .value = static_cast<double>(k * per_frame),
            .counter = static_cast<std::uint64_t>(k) % frames,
            .arrival = arrival,
            .kind = TimeKind::Host};
  }
  /// Until arrivals are known.
  [[nodiscard]] std::int64_t lead() const { return std::max<std::int64_t>(300, frames_in(5)); }
  [[nodiscard]] std::int64_t frames_in(double seconds) const { return std::llround(seconds / frame_s()); }
};

const GoesRound kGoRound[] = {
    {"25 frames/s", 50, 2}, {"NIMS", 8, 8}, {"1000 frames/s", 1000, 1}, {"slow", 1, 1}, {"4 bits", 10, 1, 16}};

TEST(HostTime, AStallIsNoGapHoweverOftenTheCounterWentRoundMeanwhile) {
  for (const auto& board : kGoRound)
    for (const double turns : {0.6, 1.0, 1.05, 2.0, 2.1})
      for (const double faster : {4.0, 1000.0})  // than they were taken
        for (const bool one_lost : {false, true}) {
          SCOPED_TRACE(testing::Message{} << board.name << ", " << turns << " turns, " << faster << ", lost " << one_lost);
          Line line{board.options()};
          line.notes.quiet = true;
          const auto stall = board.lead(), end = stall + board.frames_in(turns * board.turn_s());
          const auto n = end + end - stall + board.lead();
          const auto lost = one_lost ? stall + (end - stall) / 3 : -1;
          std::mt19937_64 random{7};
          double arrival = 0, free = 0;
          int other = 0;
          for (std::int64_t k = 0; k < n; ++k) {
            const double taken = static_cast<double>(k + 1) * board.frame_s();
            free = k == stall ? static_cast<double>(end) * board.frame_s() : free + board.frame_s() / faster;
            arrival = std::max({arrival, taken + std::uniform_real_distribution{0.0, 0.02}(random), free});
            if (k != lost) line.push({board.frame(k, arrival)});
            if (line.timeline.other_rate()) ++other;
          }
          line.finish();
          EXPECT_EQ(line.dropped(), 0u);
          EXPECT_EQ(line.timeline.counters().missing, one_lost ? board.per_frame : 0u);
          EXPECT_EQ(other, 0);
          EXPECT_EQ(line.notes.stored(), static_cast<std::size_t>(n - one_lost) * board.per_frame);
          ASSERT_EQ(line.notes.runs.size(), one_lost ? 2u : 1u);
          const auto& last = line.notes.runs.back();
          const double off =
              seconds_between(kStart, last.utc(last.values.size() - 1, board.rate)) - (last.values.back() + 1) / board.rate;
          EXPECT_NEAR(off, 0, 0.05);
        }
}

TEST(HostTime, WhatIsLostWhileTheCounterGoesRoundIsAGap) {
  for (const auto& board : kGoRound)
    for (const double turns : {1.0, 2.0, 2.3, 3.0})
      for (const double kept : {0.0, 0.4})  // of what is sent meanwhile: it waited, and the rest found no room
        for (const bool soon_over : {false, true}) {
          const auto first = board.lead() + board.frames_in(kept * board.turn_s());
          const auto n_lost = board.frames_in(turns * board.turn_s());
          if (kept > 0 && n_lost % static_cast<std::int64_t>(board.frames) == 0) continue;  // no byte tells
          SCOPED_TRACE(testing::Message{} << board.name << ", " << turns << " turns, kept " << kept << ", over " << soon_over);
          Line line{board.options()};
          line.notes.quiet = true;
          const auto n = first + n_lost + (soon_over ? 2 : board.lead());
          const double heard_again = static_cast<double>(first + n_lost) * board.frame_s();
          std::mt19937_64 random{7};
          for (std::int64_t k = 0; k < n; ++k) {
            if (k >= first && k < first + n_lost) continue;
            const double arrival =
                static_cast<double>(k + 1) * board.frame_s() + std::uniform_real_distribution{0.0, 0.2}(random)*board.frame_s();
            const bool waited = k < first && k >= board.lead();
            line.push({board.frame(k, waited ? heard_again + 1e-6 * static_cast<double>(k) : arrival)});
          }
          line.finish();
          EXPECT_EQ(line.dropped(), 0u);
          EXPECT_EQ(line.timeline.counters().missing, static_cast<std::uint64_t>(n_lost) * board.per_frame);
          ASSERT_EQ(line.notes.runs.size(), 2u);
          EXPECT_EQ(line.notes.runs[0].values.size(), static_cast<std::size_t>(first) * board.per_frame);
        }
}

TEST(HostTime, ACounterThatGoesOnTellsThatFramesOnlyComeSlowerOrFaster) {
  for (const auto& board : kGoRound)
    for (const double rate : {0.5, 0.96, 1.04, 2.0}) {  // of what was said
      SCOPED_TRACE(testing::Message{} << board.name << " " << rate);
      Line line{board.options()};
      line.notes.quiet = true;
      const auto n = board.frames_in(std::max(60.0, 5 * board.turn_s()));
      for (std::int64_t k = 0; k < n; ++k) line.push({board.frame(k, static_cast<double>(k + 1) * board.frame_s() / rate)});
      EXPECT_NEAR(line.timeline.other_rate().value_or(0), rate * board.rate, 0.01 * board.rate);
      line.finish();
      EXPECT_EQ(line.notes.stored(), static_cast<std::size_t>(n) * board.per_frame);
      EXPECT_THAT(line.notes.gaps, IsEmpty());
      EXPECT_EQ(line.dropped(), 0u);
    }
}

TEST(HostTime, AGapThatACounterTellsIsFilledWhereThatIsAsked) {
  Board board{.rate = 250, .per_frame = 10, .counts = true};
  Options options = board.options();
  options.fill_up_to = 1s;
  Line line{options};
  line.notes.quiet = true;
  board.run(line, 200);
  board.next += 70;
  board.run(line, 10);
  line.timeline.disconnected();
  board.next += 250;
  board.run(line, 10);
  board.next += 260;
  board.run(line, 10);
  line.finish();
  EXPECT_EQ(line.timeline.counters().filled, 320u);
  ASSERT_THAT(line.notes.runs, SizeIs(2)) << "the last one is longer";
  EXPECT_EQ(line.notes.gaps.at(2).n_samples, 260);
  const auto& values = line.notes.runs[0].values;
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(std::isnan(values[i]) || values[i] == static_cast<double>(i), true) << i;
  EXPECT_LE(std::abs(board.error(line)), 5e-3);
}

TEST(HostTime, AGapThatOnlyArrivalsTellIsNotFilled) {
  Board board;
  Options options = board.options();
  options.fill_up_to = 60s;
  Line line{options};
  line.notes.quiet = true;
  board.run(line, 200);
  board.next += 100;
  board.run(line, 60);
  line.finish();
  EXPECT_EQ(line.timeline.counters().filled, 0u);
  EXPECT_THAT(line.notes.runs, SizeIs(2));
}

TEST(HostTime, KeepsTheAxisTrueWhereThatIsAskedOnceArrivalsAreGood) {
  for (const double ppm : {3000.0, 100.0, -100.0}) {
    Board board{.rate = 20, .ppm = ppm};
    Options options = board.options();
    options.reanchor_after = 20ms;
    Line line{options};
    line.notes.quiet = true;
    board.run(line, 6e5 / std::abs(ppm));  // 600 ms
    line.finish();
    EXPECT_GE(line.notes.runs.size(), ppm > 1000 ? 5u : 8u) << ppm << ": what no crystal does takes longer to be known";
    for (const auto& gap : line.notes.gaps) {
      EXPECT_EQ(gap.reason, GapReason::ClockDrift);
      EXPECT_EQ(gap.n_samples, 0);
    }
  }
}

TEST(HostTime, ACounterThatBeginsAnewCostsNothing) {
  Board board{.rate = 250, .per_frame = 10, .counts = true};
  Line line{board.options()};
  line.notes.quiet = true;
  board.run(line, 60);
  for (int i = 0; i < 100; ++i) {
    auto frame = board.frame();
    *frame.counter -= 15000;
    line.push({frame});
  }
  line.finish();
  EXPECT_THAT(line.notes.runs, SizeIs(1));
  EXPECT_EQ(line.notes.stored(), 16000u);
}

TEST(HostTime, FramesOfANetworkThatRepeatsAndTurnsRound) {
  Board board{.rate = 250, .per_frame = 10, .counts = true};
  Line line{board.options()};
  board.run(line, 4);
  auto a = board.frame(), b = board.frame(), c = board.frame();
  line.push({b}).push({b}).push({a}).push({a}).push({c});
  board.run(line, 1);
  line.finish();
  EXPECT_THAT(line.notes.runs, SizeIs(1));
  EXPECT_EQ(line.notes.stored(), static_cast<std::size_t>(board.next));
  EXPECT_EQ(line.dropped(Drop::Duplicate), 20u);
}

struct Counted {
  Line line;
  std::uint64_t modulus;
  void frame(double time, double sample) {
    line.push(
        {{.time = time, .value = sample, .counter = static_cast<std::uint64_t>(sample) % modulus, .kind = TimeKind::Device}});
  }
};

TEST(Counter, BeforeTime) {
  Options options;
  options.sample_rate = 250;
  options.counter_modulus = 256;
  const auto with = [&](const std::function<void(Counted&)>& what) {
    Counted c{Line{options}, 256};
    for (double s = 0; s < 1000; ++s) c.frame(s, s);
    what(c);
    c.line.finish();
    std::vector<std::string> gaps;
    for (const auto& gap : c.line.notes.gaps)
      gaps.push_back(std::to_string(gap.n_samples) + " " + std::string{to_string(gap.reason)});
    EXPECT_EQ(c.line.dropped(), 0u);
    return gaps;
  };
  EXPECT_THAT(with([](Counted& c) {
                for (double s = 1000; s < 1100; ++s) c.frame(s + 0.9 * (int(s) % 2), s);  // stamps that jitter by a sample
              }),
              ElementsAre());
  EXPECT_THAT(with([](Counted& c) {
                for (double s = 1003; s < 1100; ++s) c.frame(s, s);
              }),
              ElementsAre("3 no-data"));
  EXPECT_THAT(with([](Counted& c) {
                for (double s = 1256; s < 1300; ++s) c.frame(s, s);  // a whole wrap
              }),
              ElementsAre("256 no-data"));
  EXPECT_THAT(with([](Counted& c) {
                for (double s = 3007; s < 3100; ++s) c.frame(s, s);  // several
              }),
              ElementsAre("2007 no-data"));
  EXPECT_THAT(with([](Counted& c) {
                for (double s = 1000; s < 1100; ++s) c.frame(s + 4500, s);  // 18 s, the counter goes on
              }),
              ElementsAre("0 clock-step"));
  EXPECT_THAT(with([](Counted& c) {
                for (double s = 1000; s < 1100; ++s) c.frame(s - 4500, s);
              }),
              ElementsAre("0 clock-step"));
  EXPECT_THAT(with([](Counted& c) {
                for (double s = 1000; s < 1100; ++s) c.frame(s, s + 77);  // the counter begins anew
              }),
              ElementsAre());
  EXPECT_THAT(with([](Counted& c) {
                for (double s = 2000; s < 2100; ++s) c.frame(s, s + 77);  // the instrument does
              }),
              ElementsAre("1000 no-data"));
}

TEST(Counter, OfFrames) {
  Options options;
  options.sample_rate = 100;
  options.counter_modulus = 65536;
  options.samples_per_count = 0;
  Line line{options};
  std::uint64_t counter = 65500;
  double time = 0;
  for (int i = 0; i < 100; ++i) {
    if (i == 60) time += 150, counter += 3;
    line.push({{.time = time, .n = 50, .counter = counter++ % 65536}});
    time += 50;
  }
  line.finish();
  ASSERT_THAT(line.notes.gaps, SizeIs(1));
  EXPECT_EQ(line.notes.gaps[0].n_samples, 150);
  EXPECT_EQ(line.notes.stored(), 5000u);
}

}  // namespace
