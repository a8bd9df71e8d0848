#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <numbers>
#include <random>

#include "support/timeline.hpp"

// Drift, jitter, counters: which UTC samples have, and what is no gap.
namespace {

using namespace daq::timing;
using daq::decode::TimeKind;
using test::kStart;
using test::Line;
using test::nanos;
using namespace std::chrono_literals;

struct Instrument {
  double rate = 10;  ///< Hz, nominal
  double ppm = 0;    ///< its samples come so much faster
  std::uint32_t per_frame = 1;
  double jitter_s = 0;      ///< of its stamps, uniform, +-
  double resolution_s = 0;  ///< its stamps are cut to
  bool printed = false;     ///< and have no more digits than that
  double phase = 0;         ///< samples: of its first one against the step
  bool counts = false;      ///< its frames have a counter of samples
  std::uint64_t modulus = 0;
  std::int64_t counted_from = 0;  ///< sample that the counter says 0 of
  std::mt19937_64 random{1};
  std::int64_t next = 0;  ///< sample

  [[nodiscard]] double true_time(std::int64_t sample) const {
    return (static_cast<double>(sample) + phase) / (rate * (1 + ppm * 1e-6));
  }
  [[nodiscard]] double stamp(std::int64_t sample) {
    double t = true_time(sample);
    if (jitter_s > 0) t += std::uniform_real_distribution{-jitter_s, jitter_s}(random);
    if (resolution_s > 0) t = std::floor(t / resolution_s + 1e-9) * resolution_s;
    return t;
  }
  [[nodiscard]] std::uint64_t counter(std::int64_t sample) const {
    const auto n = static_cast<std::uint64_t>(sample - counted_from);
    return modulus > 0 ? n % modulus : n;
  }
  /// The next frame; its values are the numbers of its samples.
  [[nodiscard]] Line::Frame frame() {
    const auto sample = next;
    next += per_frame;
    return {.time = stamp(sample) * rate,
            .n = per_frame,
            .value = static_cast<double>(sample),
            .counter = counts ? std::optional{counter(sample)} : std::nullopt,
            .arrival = true_time(sample + per_frame),
            .kind = TimeKind::Device,
            .step = printed ? nanos(resolution_s) : mth5::Nanos{}};
  }
  /// Frames for so long.
  void run(Line& line, double seconds) {
    const auto end = next + static_cast<std::int64_t>(seconds * rate);
    while (next < end) line.push({frame()});
  }
};

/// By how much what readers make of the anchors is off, at most. @param from  s, of each run
double worst_utc(const Line& line, const Instrument& instrument, double from = 0) {
  double worst = 0;
  for (const auto& run : line.notes.runs)
    for (std::size_t i = static_cast<std::size_t>(from * instrument.rate); i < run.values.size(); ++i) {
      const auto truth = kStart + nanos(instrument.true_time(std::llround(run.values[i])));
      worst = std::max(worst, std::abs(seconds_between(truth, run.utc(i, instrument.rate))));
    }
  return worst;
}

Options rate(double hz) {
  Options options;
  options.sample_rate = hz;
  return options;
}

TEST(TimelineClock, ADeviceClockThatDriftsMakesNoGapAndCostsNoSample) {
  for (const double ppm : {50.0, -50.0, 200.0, -200.0}) {
    Line line{rate(10)};
    line.notes.quiet = true;
    Instrument instrument{.ppm = ppm};
    instrument.run(line, 3 * 3600);
    line.finish();
    EXPECT_EQ(line.notes.runs.size(), 1u) << ppm;
    EXPECT_EQ(line.notes.gaps.size(), 0u) << ppm;
    EXPECT_EQ(line.dropped(), 0u) << ppm;
    EXPECT_EQ(line.notes.stored(), 108000u) << ppm;
    const auto& anchors = line.notes.runs[0].anchors;
    EXPECT_NEAR(anchors.back().ppm, ppm, 0.01);
    EXPECT_TRUE(anchors.back().locked);
    EXPECT_EQ(anchors.front().sample, 0);
    EXPECT_EQ(anchors.back().sample, 107999);
    EXPECT_LE(anchors.size(), 20u) << "a straight line needs few";
    EXPECT_LE(worst_utc(line, instrument), 1e-3);
    EXPECT_LE(worst_utc(line, instrument, 10), kept_s(10));
  }
}

TEST(TimelineClock, AFilledGapThatIsNoWholeNumberOfSamplesHasAnAnchorOnEachSide) {
  for (const double moved : {0.05, 0.3, 0.45}) {
    auto options = rate(10);
    options.fill_up_to = 60s;
    Line line{options};
    line.notes.quiet = true;
    Instrument before{.ppm = 30};
    before.run(line, 3000);
    auto behind = before;
    behind.next += 200;
    behind.phase = moved;
    behind.run(line, 3000);
    line.finish();
    ASSERT_EQ(line.notes.runs.size(), 1u) << moved;
    const auto& run = line.notes.runs[0];
    ASSERT_EQ(run.values.size(), 60200u);
    for (std::size_t i = 0; i < run.values.size(); ++i) {
      if (std::isnan(run.values[i])) continue;
      const auto& instrument = i < 30000 ? before : behind;
      const auto truth = kStart + nanos(instrument.true_time(std::llround(run.values[i])));
      ASSERT_LE(std::abs(seconds_between(truth, run.utc(i, 10))), kept_s(10)) << moved << " s, sample " << i;
    }
  }
}

TEST(TimelineClock, NeitherAt256HzNorInFramesOfMany) {
  for (const std::uint32_t per_frame : {1u, 256u})
    for (const double ppm : {50.0, -50.0}) {
      Line line{rate(256)};
      line.notes.quiet = true;
      Instrument instrument{.rate = 256, .ppm = ppm, .per_frame = per_frame};
      instrument.run(line, 600);
      line.finish();
      EXPECT_EQ(line.notes.runs.size(), 1u) << ppm;
      EXPECT_EQ(line.dropped(), 0u) << ppm;
      EXPECT_LE(worst_utc(line, instrument, 10), 40e-6) << per_frame;
    }
}

/// An oscillator without a crystal, or another crystal than the profile says: beyond what a drift is, below what a wrong rate is.
TEST(TimelineClock, ARateThatIsOffByAPerMilleMakesNoGapAndIsFollowedAtOnce) {
  struct Board {
    double rate;
    std::uint32_t per_frame;
    bool counts;
    double resolution_s;
    double worst_s;
  };
  for (const Board& board :
       {Board{4000, 200, true, 1e-6, 125e-6}, Board{4000, 200, false, 1e-6, 125e-6}, Board{1000, 100, true, 1e-6, 500e-6},
        Board{256, 32, true, 1e-6, 2e-3}, Board{256, 32, false, 1e-6, 2e-3}, Board{100, 10, true, 1e-6, 5e-3},
        Board{10, 1, false, 1e-3, 10e-3}, Board{10, 1, false, 1e-6, 10e-3}})
    for (const double ppm : {300.0, 700.0, 1000.0, 2500.0, 4500.0, 6000.0, -2000.0}) {
      SCOPED_TRACE(testing::Message() << board.rate << " Hz, " << board.per_frame << " a frame, counter " << board.counts << ", "
                                      << ppm << " ppm");
      Line line{rate(board.rate)};
      line.notes.quiet = true;
      Instrument instrument{.rate = board.rate,
                            .ppm = ppm,
                            .per_frame = board.per_frame,
                            .resolution_s = board.resolution_s,
                            .printed = true,
                            .counts = board.counts};
      instrument.run(line, 60);
      line.finish();
      EXPECT_EQ(line.dropped(), 0u);
      EXPECT_EQ(line.notes.runs.size(), 1u);
      EXPECT_EQ(line.notes.gaps.size(), 0u);
      EXPECT_LE(worst_utc(line, instrument), board.worst_s);
      ASSERT_FALSE(line.notes.runs.at(0).anchors.empty());
      EXPECT_NEAR(line.notes.runs[0].anchors.back().ppm, ppm, 1e6 * board.resolution_s);
    }
}

TEST(TimelineClock, JitterOfNearlyHalfASampleIsAveraged) {
  for (const double ppm : {0.0, 50.0, -50.0}) {
    Line line{rate(10)};
    line.notes.quiet = true;
    Instrument instrument{.ppm = ppm, .jitter_s = 0.04};
    instrument.run(line, 7200);
    line.finish();
    EXPECT_EQ(line.notes.runs.size(), 1u) << ppm;
    EXPECT_EQ(line.dropped(), 0u) << ppm;
    EXPECT_NEAR(line.timeline.clock().ppm(), ppm, 5);
    EXPECT_LE(worst_utc(line, instrument, 120), 6e-3) << ppm;
    EXPECT_LE(line.notes.runs.at(0).anchors.size(), 7200u / 60 + 10);
  }
}

TEST(TimelineClock, GapsAreRightToTheSampleWhileItDrifts) {
  for (const double hz : {1.0, 10.0, 256.0})
    for (const double ppm : {50.0, -50.0, 0.0})
      for (const std::int64_t lost : {std::int64_t{1}, std::int64_t{2}, static_cast<std::int64_t>(3600 * hz)}) {
        const double seconds = hz > 100 ? 100 : 600;
        Line line{rate(hz)};
        line.notes.quiet = true;
        Instrument instrument{.rate = hz, .ppm = ppm};
        instrument.run(line, seconds);
        instrument.next += lost;
        instrument.run(line, 60);
        line.finish();
        ASSERT_EQ(line.notes.gaps.size(), 1u) << hz << " Hz " << ppm << " ppm";
        EXPECT_EQ(line.notes.gaps[0].n_samples, lost) << hz << " Hz " << ppm << " ppm";
        EXPECT_EQ(line.notes.gaps[0].reason, GapReason::NoData);
        EXPECT_EQ(line.dropped(), 0u);
        EXPECT_LE(std::abs(seconds_between(kStart + nanos(instrument.true_time(static_cast<std::int64_t>(seconds * hz))),
                                           line.notes.gaps[0].start)),
                  1e-3);
      }
}

TEST(TimelineClock, FindsLostSamplesAmongJitterAndDrift) {
  Line line{rate(256)};
  line.notes.quiet = true;
  Instrument instrument{.rate = 256, .ppm = 50, .jitter_s = 0.3 / 256};
  for (int i = 0; i < 20; ++i) {
    instrument.run(line, 20);
    ++instrument.next;
  }
  instrument.run(line, 1);
  line.finish();
  EXPECT_EQ(line.notes.gaps.size(), 20u);
  EXPECT_EQ(line.timeline.counters().missing, 20u);
  EXPECT_EQ(line.dropped(), 0u);
}

TEST(TimelineClock, FillsAGapWhileItDrifts) {
  Options options = rate(10);
  options.fill_up_to = 2s;
  Line line{options};
  line.notes.quiet = true;
  Instrument instrument{.ppm = -50};
  for (int i = 0; i < 60; ++i) {
    instrument.run(line, 60);
    instrument.next += 7;
  }
  instrument.run(line, 1);
  line.finish();
  EXPECT_EQ(line.notes.runs.size(), 1u);
  EXPECT_EQ(line.timeline.counters().filled, 60u * 7);
}

TEST(TimelineClock, TakesCoarseTimesByCount) {
  for (const double ppm : {0.0, 30.0, -30.0}) {
    Options options = rate(10);
    options.stamp_resolution = 1s;
    Line line{options};
    line.notes.quiet = true;
    Instrument instrument{.ppm = ppm, .resolution_s = 1, .next = 7};
    instrument.run(line, 7200);
    instrument.next += 35;
    instrument.run(line, 60);
    line.finish();
    EXPECT_EQ(line.dropped(), 0u) << ppm;
    ASSERT_EQ(line.notes.runs.size(), 2u) << ppm;
    EXPECT_NEAR(static_cast<double>(line.notes.gaps[0].n_samples), 35, 1) << ppm;
    EXPECT_LE(worst_utc(line, instrument, 120), 0.12) << ppm;
  }
}

TEST(TimelineClock, ALossAmongWholeSecondsIsOneGapAndAllBehindItLiesWhereItShould) {
  for (const std::int64_t lost : {3, 7, 9, 15, 35})
    for (const std::int64_t at : {1200, 1202, 1205, 1207}) {
      SCOPED_TRACE(testing::Message{} << "lost " << lost << " at " << at);
      Options options = rate(10);
      options.live = false;
      Line line{options};
      line.notes.quiet = true;
      Instrument instrument{.resolution_s = 1, .printed = true, .phase = 4};
      instrument.run(line, static_cast<double>(at) / 10);
      instrument.next += lost;
      instrument.run(line, 120);
      line.finish();
      ASSERT_EQ(line.notes.gaps.size(), 1u);
      EXPECT_NEAR(static_cast<double>(line.notes.gaps[0].n_samples), static_cast<double>(lost), 1);
      EXPECT_EQ(line.dropped(), 0u);
      // Where the next frame may well have the time that it has, those behind the loss lie where their number says until the next
      // second.
      const auto of_second = (at + 4) % 10;
      const bool hides = of_second + lost < 10 || (of_second == 9 && lost < 10);
      EXPECT_LE(worst_utc(line, instrument), hides ? 0.1 * static_cast<double>(lost) + 0.01 : 0.15);
    }
}

TEST(TimelineClock, DriftIsNoEventWhereTimesAreCutToASample) {
  struct Case {
    double rate, step;
    int seconds;
  };
  for (const auto& [hz, step, seconds] : {Case{10, 0.1, 3 * 3600}, Case{1000, 0.001, 60}, Case{1, 1, 86400}})
    for (const auto& [ppm, live] : {std::pair{50.0, true}, {-50.0, false}, {100.0, false}, {-100.0, true}}) {
      Options options = rate(hz);
      options.live = live;
      Line line{options};
      line.notes.quiet = true;
      Instrument instrument{.rate = hz, .ppm = ppm, .resolution_s = step, .printed = true, .phase = 0.37};
      instrument.run(line, seconds);
      line.finish();
      EXPECT_EQ(line.notes.runs.size(), 1u) << hz << " " << ppm;
      EXPECT_EQ(line.notes.gaps.size(), 0u) << hz << " " << ppm;
      EXPECT_EQ(line.dropped(), 0u) << hz << " " << ppm;
      const double worst = worst_utc(line, instrument);
      EXPECT_LE(worst, 1.5 * step) << hz << " " << ppm;
      const auto& last = line.notes.runs.at(0).anchors.back();
      EXPECT_LE(worst, 3 * last.uncertainty_s) << "says what the digits leave open";
      EXPECT_FALSE(last.locked);
    }
}

TEST(TimelineClock, TheDriftOfCoarseTimesIsNotToldBeforeItIsKnownAndThenNotBiased) {
  struct Case {
    double rate, step;
    int seconds;
    bool known;  ///< by then
  };
  for (const auto& [hz, step, seconds, known] :
       {Case{1, 1, 3 * 3600, false}, Case{1, 1, 86400, true}, Case{10, 0.1, 3 * 3600, true}, Case{10, 1, 3 * 3600, true}})
    for (const double ppm : {50.0, -50.0}) {
      double sum = 0;
      const std::vector<double> phases{0.1, 0.37, 0.63, 0.9};
      for (const double phase : phases) {
        Options options = rate(hz);
        options.live = false;
        Line line{options};
        line.notes.quiet = true;
        Instrument instrument{.rate = hz, .ppm = ppm, .resolution_s = step, .printed = true, .phase = phase};
        instrument.run(line, seconds);
        line.finish();
        ASSERT_EQ(line.notes.runs.size(), 1u);
        for (const auto& anchor : line.notes.runs[0].anchors)
          EXPECT_FALSE(std::abs(anchor.ppm - ppm) > 50)
              << hz << " Hz, " << step << " s, " << ppm << " ppm: not known, or right to this";
        EXPECT_LE(line.notes.runs[0].anchors.size(), 40u);
        const double found = line.notes.runs[0].anchors.back().ppm;
        EXPECT_EQ(std::isfinite(found), known) << hz << " Hz, " << step << " s";
        EXPECT_FALSE(std::abs(found - ppm) > 1.6e6 / hz / seconds) << hz << " Hz, " << step << " s, " << ppm << " ppm";
        sum += found - ppm;
      }
      EXPECT_FALSE(std::abs(sum) / static_cast<double>(phases.size()) > 0.5e6 / hz / seconds) << hz << " Hz, " << ppm << " ppm";
    }
}

TEST(TimelineClock, DriftIsNoEventWhereTheTimesOfFramesOfManyAreCutToASample) {
  for (const double ppm : {50.0, -50.0})
    for (const bool counts : {false, true}) {
      Line line{rate(256)};
      line.notes.quiet = true;
      Instrument instrument{
          .rate = 256, .ppm = ppm, .per_frame = 16, .resolution_s = 1.0 / 256, .printed = true, .phase = 0.384, .counts = counts};
      instrument.run(line, 240);
      line.finish();
      EXPECT_EQ(line.notes.runs.size(), 1u) << ppm;
      EXPECT_EQ(line.notes.gaps.size(), 0u) << ppm;
      EXPECT_LE(worst_utc(line, instrument), 3 * line.notes.runs.at(0).anchors.back().uncertainty_s) << ppm;
      instrument.next += 16;
      instrument.run(line, 10);
      line.finish();
      EXPECT_EQ(line.timeline.counters().missing, 16u) << "a frame that is lost is one";
    }
}

TEST(TimelineClock, TwoLostSamplesAreAGapWhereTimesAreCutToASample) {
  for (const double hz : {1.0, 10.0})
    for (const bool live : {true, false}) {
      Options options = rate(hz);
      options.live = live;
      for (const std::int64_t lost : {1, 2, 3}) {
        Line line{options};
        line.notes.quiet = true;
        Instrument instrument{.rate = hz, .resolution_s = 1 / hz, .printed = true, .phase = 0.5};
        instrument.run(line, 600);
        instrument.next += lost;
        instrument.run(line, 600);
        line.finish();
        // One alone could be drift, unless frames that arrive tell that nothing came.
        EXPECT_EQ(line.timeline.counters().missing, static_cast<std::uint64_t>(lost > 1 || live ? lost : 0)) << hz << live;
        EXPECT_EQ(line.dropped(), 0u);
      }
    }
}

TEST(TimelineClock, OfSamplesLostOneByOneOneIn2500GoesUntoldAtMostWhereTimesAreCutToASample) {
  for (const double hz : {1.0, 10.0})
    for (const double ppm : {0.0, 50.0, -50.0}) {
      Options options = rate(hz);
      options.live = false;  // no arrivals help
      Line line{options};
      line.notes.quiet = true;
      Instrument instrument{.rate = hz, .ppm = ppm, .resolution_s = 1 / hz, .printed = true, .phase = 0.5};
      for (int i = 0; i < 8; ++i) {
        instrument.run(line, 600 / hz);
        ++instrument.next;
      }
      instrument.run(line, 600 / hz);
      line.finish();
      // The first and the sixth could be drift, the first being 3000 samples back by then.
      EXPECT_EQ(line.timeline.counters().missing, 6u) << hz << " " << ppm;
      EXPECT_EQ(line.dropped(), 0u);
      for (const auto& gap : line.notes.gaps) EXPECT_EQ(gap.n_samples, 1);
      std::vector<double> begins;
      for (const auto& run : line.notes.runs) begins.push_back(run.values.front());
      EXPECT_THAT(begins, testing::ElementsAre(0, 1202, 1803, 2404, 3005, 4207, 4808)) << "each where it was lost";
    }
}

/// Each of these was taken for drift, and all behind the second lay a second early.
TEST(TimelineClock, LinesThatAreCutOneByOneAreEachAGapWhereTimesAreCutToASample) {
  for (const int apart : {2, 3, 4, 7})
    for (const bool live : {true, false}) {
      Options options;
      options.live = live;
      Line line{options};
      bool skipped = false;
      for (int i = 0; i < 200; ++i) {
        const bool cut = i >= 50 && i < 100 && i % apart == 0;
        if (!cut) line.push({{.time = static_cast<double>(i), .after_skip = skipped, .arrival = i + 0.1, .step = 1s}});
        skipped = cut;
      }
      line.finish();
      EXPECT_EQ(line.dropped(), 0u) << apart;
      EXPECT_EQ(line.timeline.counters().missing, 200 - line.notes.stored()) << apart;
      for (const auto& run : line.notes.runs)
        for (std::size_t i = 0; i < run.values.size(); ++i) EXPECT_EQ(run.axis(i, 1), kStart + nanos(run.values[i])) << apart;
    }
}

TEST(TimelineClock, SortsNeighboursThatChangePlacesWhereTimesAreCutToASample) {
  for (const int lost : {0, 2, 5})  // before number 60
    for (const bool skipped : {true, false})
      for (int at = 55; at < 65; ++at) {
        SCOPED_TRACE(testing::Message{} << "lost " << lost << ", skipped " << skipped << ", at " << at);
        if (lost > 0 && at == 59) continue;  // on both sides of the gap: late by more
        Options options;
        options.live = false;
        Line line{options};
        for (int i = 0; i < 120; ++i) {
          const int frame = i == at ? i + 1 : i == at + 1 ? i - 1 : i;
          line.push({{.time = static_cast<double>(frame < 60 ? frame : frame + lost),
                      .after_skip = skipped && i == 60 && lost > 0,
                      .step = 1s}});
        }
        line.finish();
        EXPECT_EQ(line.dropped(), 0u);
        EXPECT_EQ(line.timeline.counters().missing, static_cast<std::uint64_t>(lost));
        for (const auto& run : line.notes.runs)
          for (std::size_t i = 0; i < run.values.size(); ++i) EXPECT_EQ(run.axis(i, 1), kStart + nanos(run.values[i]));
      }
}

TEST(TimelineClock, StampsThatFlickerAtTheEdgeOfAStepAreNoLoss) {
  for (const double ppm : {50.0, -50.0, 0.0}) {
    Options options;
    options.live = false;
    Line line{options};
    line.notes.quiet = true;
    Instrument instrument{.rate = 1, .ppm = ppm, .jitter_s = 0.02, .resolution_s = 1, .printed = true, .phase = 0.0};
    instrument.run(line, 86400);
    line.finish();
    EXPECT_EQ(line.notes.runs.size(), 1u) << ppm;
    EXPECT_EQ(line.dropped(), 0u) << ppm;
  }
}

TEST(TimelineClock, FindsOutThatTimesAreCoarserThanASample) {
  for (const double hz : {10.0, 64.0})
    for (const double ppm : {0.0, 50.0, -50.0})
      for (const bool printed : {true, false}) {  // or they have digits that are always 0
        Line line{rate(hz)};
        line.notes.quiet = true;
        Instrument instrument{.rate = hz, .ppm = ppm, .resolution_s = 1, .printed = printed, .phase = 0.37, .next = 5};
        const double seconds = hz > 10 ? 300 : 1800;
        instrument.run(line, seconds);
        line.finish();
        EXPECT_EQ(line.notes.runs.size(), 1u) << hz << " " << ppm << " " << printed;
        EXPECT_EQ(line.dropped(), 0u) << hz << " " << ppm << " " << printed;
        EXPECT_EQ(line.notes.stored(), static_cast<std::size_t>(seconds * hz));
        EXPECT_LE(worst_utc(line, instrument, 120), 1.2 / hz) << hz << " " << ppm << " " << printed;
        EXPECT_GE(line.notes.runs.at(0).anchors.back().uncertainty_s, 0.5 / hz);
      }
}

TEST(TimelineClock, FramesWithinASecondOfWholeSecondsAreKeptFromTheFirstOn) {
  for (const double phase : {0.0, 89.6, 153.6, 230.4})
    for (const bool counts : {false, true}) {
      Line line{rate(256)};
      line.notes.quiet = true;
      Instrument instrument{
          .rate = 256, .ppm = 20, .per_frame = 16, .resolution_s = 1, .printed = true, .phase = phase, .counts = counts};
      instrument.run(line, 60);
      line.finish();
      EXPECT_EQ(line.dropped(), 0u) << phase;
      EXPECT_EQ(line.notes.stored(), 60u * 256) << phase;
      EXPECT_EQ(line.notes.runs.size(), 1u) << phase;
      EXPECT_LE(worst_utc(line, instrument), 17.0 / 256) << phase;
    }
}

/// What came in one second, 10 Hz, from a second on.
struct Burst {
  int second, n;
};

/// Their places in their seconds are not known, but they are in these: nothing counts across a gap.
TEST(TimelineClock, BurstsWithinWholeSecondsStayInTheirSecondsWhateverGapsAreBetween) {
  const std::vector<std::vector<Burst>> all = {{{0, 3}, {3600, 50}},
                                               {{0, 9}, {3, 50}},
                                               {{0, 60}, {9, 1}, {3600, 60}},
                                               {{0, 20}, {3600, 3}, {7200, 3}, {10'800, 30}},
                                               {{0, 3}, {20, 3}, {40, 3}, {60, 3}, {80, 3}}};
  for (const auto& bursts : all) {
    Options options;
    options.sample_rate = 10;
    options.live = false;
    Line line{options};
    std::vector<std::pair<double, double>> sent;  // s from kStart, and to: where each lies
    for (const auto& [second, n] : bursts)
      for (int i = 0; i < n; ++i) {
        line.push({{.time = 10.0 * (second + i / 10), .value = static_cast<double>(sent.size()), .step = 1s}});
        sent.emplace_back(second + i / 10, second + i / 10 + 1);
      }
    line.finish();
    EXPECT_EQ(line.dropped(), 0u);
    EXPECT_EQ(line.notes.stored(), sent.size());
    EXPECT_EQ(line.notes.runs.size(), bursts.size());
    for (const auto& run : line.notes.runs)
      for (std::size_t i = 0; i < run.values.size(); ++i) {
        const double at = std::chrono::duration<double>(run.utc(i, 10) - kStart).count();
        const auto& [from, to] = sent.at(static_cast<std::size_t>(run.values[i]));
        EXPECT_GE(at, from - 1) << run.values[i];
        EXPECT_LE(at, to + 1) << run.values[i];
      }
  }
}

/// 1.28 s cannot begin with the second each time: these are cut as others are.
TEST(TimelineClock, BlocksOfNoWholeSecondsHaveTimesThatAreCut) {
  for (const std::uint32_t rows : {128u, 120u, 150u}) {
    Options options;
    options.sample_rate = 100;
    options.live = false;
    Line line{options};
    for (std::uint32_t i = 0; i < 300; ++i)
      line.push({{.time = 100 * std::floor(i * rows / 100.0), .n = rows, .value = static_cast<double>(i * rows), .step = 1s}});
    line.finish();
    EXPECT_EQ(line.notes.runs.size(), 1u) << rows;
    EXPECT_EQ(line.notes.stored(), 300u * rows);
    for (const std::size_t i : {std::size_t{0}, std::size_t{150} * rows, std::size_t{300} * rows - 1})
      EXPECT_NEAR(std::chrono::duration<double>(line.notes.runs.at(0).utc(i, 100) - kStart).count(), static_cast<double>(i) / 100,
                  1.0)
          << rows;
  }
}

TEST(TimelineClock, ACounterThatBeginsAnewAmongWholeSecondsIsNoLossAndNoStep) {
  struct Case {
    double rate;
    std::uint32_t per_frame;
    std::uint64_t modulus;
  };
  for (const auto& [hz, per_frame, modulus] : {Case{10, 1, 256}, Case{256, 16, std::uint64_t{1} << 32}, Case{100, 1, 256}})
    for (const std::int64_t lost : {0, 3, 40})
      for (const double until : {60.0, 60.3, 60.9}) {
        SCOPED_TRACE(testing::Message{} << hz << " Hz, lost " << lost << ", at " << until);
        Options options = rate(hz);
        options.counter_modulus = modulus;
        Line line{options};
        line.notes.quiet = true;
        Instrument instrument{.rate = hz,
                              .ppm = 10,
                              .per_frame = per_frame,
                              .resolution_s = 1,
                              .printed = true,
                              .phase = 0.35 * hz,
                              .counts = true,
                              .modulus = modulus,
                              .counted_from = -9979};
        instrument.run(line, until);
        instrument.next += lost * per_frame;
        instrument.counted_from = instrument.next;
        instrument.run(line, 60);
        line.finish();
        EXPECT_EQ(line.dropped(), 0u);
        EXPECT_LE(worst_utc(line, instrument), (1.5 * per_frame + 0.5) / hz);
        EXPECT_NEAR(static_cast<double>(line.timeline.counters().missing), static_cast<double>(lost * per_frame),
                    per_frame + 0.5);
        EXPECT_EQ(line.notes.runs.size(), lost > 0 ? 2u : 1u);
      }
}

TEST(TimelineClock, FramesThatOnlyTheCounterMissesAreAGapAndMoveNothing) {
  struct Case {
    double rate;
    std::uint32_t per_frame;
    std::uint64_t modulus;
    double resolution_s;
  };
  for (const auto& [hz, per_frame, modulus, resolution_s] : {Case{20, 1, 256, 1}, Case{64, 8, 1000, 1}, Case{50, 1, 65536, 0.1}})
    for (const std::int64_t lost : {1, 2, 5, 15, 19})
      for (const double phase : {0.0, 0.35})
        for (int at = 0; at < 20; at += 1) {  // frames behind a whole second
          SCOPED_TRACE(testing::Message{} << hz << " Hz, lost " << lost << ", " << at << " frames behind the second, phase "
                                          << phase);
          Options options = rate(hz);
          options.counter_modulus = modulus;
          Line line{options};
          line.notes.quiet = true;
          Instrument instrument{.rate = hz,
                                .ppm = 10,
                                .per_frame = per_frame,
                                .resolution_s = resolution_s,
                                .printed = true,
                                .phase = phase * hz / 20,
                                .counts = true,
                                .modulus = modulus,
                                .counted_from = -979};
          instrument.run(line, 60 + static_cast<double>(at) * per_frame / hz);
          instrument.next += lost * per_frame;
          instrument.run(line, 60);
          line.finish();
          EXPECT_EQ(line.dropped(), 0u);
          EXPECT_EQ(line.timeline.counters().missing, static_cast<std::uint64_t>(lost * per_frame));
          ASSERT_EQ(line.notes.runs.size(), 2u);
          EXPECT_LE(worst_utc(line, instrument), (1.5 * per_frame + 0.5) / hz) << "times are cut";
          const auto late = [&](std::size_t run, std::size_t i) {
            const auto& r = line.notes.runs[run];
            return seconds_between(kStart + nanos(instrument.true_time(std::llround(r.values[i]))), r.utc(i, hz));
          };
          const auto n_before = line.notes.runs[0].values.size(), n_behind = line.notes.runs[1].values.size();
          EXPECT_NEAR(late(1, 0), late(0, n_before - 1), 0.3 * per_frame / hz);
          EXPECT_NEAR(late(1, n_behind - 1), late(0, n_before - 1), 0.3 * per_frame / hz);
        }
}

TEST(TimelineClock, WhenARecordingIsPlayedBackTellsNothingOfItsSamples) {
  for (const double speed : {1.0, 0.5, 100.0, 1e6})
    for (const bool counts : {false, true}) {
      SCOPED_TRACE(testing::Message{} << "speed " << speed << ", counter " << counts);
      Options options = rate(8);
      options.live = false;
      options.counter_modulus = 256;
      Line line{options};
      line.notes.quiet = true;
      for (int k = 0; k < 3000; ++k) {
        if (k >= 2000 && k < 2003) continue;  // lost, as only a counter shows
        const double arrival = k / 8.0 / speed;
        line.push({{.time = 8 * arrival,
                    .value = static_cast<double>(k),
                    .counter = counts ? std::optional{static_cast<std::uint64_t>(k) % 256} : std::nullopt,
                    .arrival = arrival,
                    .kind = TimeKind::Host}});
      }
      line.timeline.host_clock(1e-6);  // which is of now, and not of then
      const auto clock = line.timeline.clock_now();
      ASSERT_TRUE(clock);
      EXPECT_EQ(clock->ppm, 0);
      EXPECT_FALSE(clock->locked);
      EXPECT_TRUE(std::isinf(clock->uncertainty_s));
      EXPECT_FALSE(line.timeline.other_rate());
      line.finish();
      EXPECT_EQ(line.notes.stored(), 2997u);
      EXPECT_EQ(line.timeline.counters().missing, counts ? 3u : 0u);
      ASSERT_EQ(line.notes.runs.size(), counts ? 2u : 1u);
      const auto& last = line.notes.runs.back();
      const auto i = last.values.size() - 1;
      EXPECT_NEAR(seconds_between(line.notes.runs[0].start, last.utc(i, 8)), (counts ? 2999 : 2996) / 8.0, 0.13);
    }
}

TEST(TimelineClock, ALineSentTwiceIsNoSlipOfACutClock) {
  Line line;
  for (double t = 0; t < 200; ++t)
    for (int twice = 0; twice < 2; ++twice) line.push({{.time = t, .step = 1s}});
  line.finish();
  EXPECT_EQ(line.notes.stored(), 200u);
  EXPECT_EQ(line.dropped(Drop::Duplicate), 200u);
}

TEST(TimelineClock, AnchorsStandOnBothSidesOfAChangeHoweverFramesAreBatched) {
  for (const std::size_t batch : {std::size_t{1}, std::size_t{50}, std::size_t{600}}) {
    Line line;
    line.notes.quiet = true;
    std::vector<Line::Frame> frames;
    for (int i = 0; i < 600; ++i) frames.push_back({.time = i + (i >= 300 ? 0.2 : 0), .value = static_cast<double>(i)});
    for (std::size_t i = 0; i < frames.size(); i += batch)
      line.push({frames.begin() + static_cast<std::ptrdiff_t>(i), frames.begin() + static_cast<std::ptrdiff_t>(i + batch)});
    line.finish();
    ASSERT_EQ(line.notes.runs.size(), 1u);
    for (std::size_t i = 0; i < 600; ++i)
      EXPECT_NEAR(seconds_between(kStart, line.notes.runs[0].utc(i, 1)), static_cast<double>(i) + (i >= 300 ? 0.2 : 0), 0.021)
          << i << " in batches of " << batch;
  }
}

TEST(TimelineClock, AToleranceOfItsOwnTakesCoarserStamps) {
  Options options = rate(1000);  // stamps of whole milliseconds, with an error of one
  options.tolerance_floor = 2ms;
  Line line{options};
  line.notes.quiet = true;
  Instrument instrument{.rate = 1000, .ppm = 20, .jitter_s = 0.001, .resolution_s = 0.001};
  instrument.run(line, 60);
  line.finish();
  EXPECT_EQ(line.notes.runs.size(), 1u);
  EXPECT_EQ(line.dropped(), 0u);
}

TEST(TimelineClock, FollowsAChangeOfDrift) {
  Line line{rate(10)};
  line.notes.quiet = true;
  Instrument instrument;
  // A crystal that warms up: 0 to 30 ppm within an hour. Time is the integral.
  double t = 0;
  std::vector<double> truth;
  for (int i = 0; i < 36000; ++i) {
    truth.push_back(t);
    line.push({{.time = t * 10, .value = static_cast<double>(i), .arrival = t, .kind = TimeKind::Device}});
    t += 0.1 * (1 - 30e-6 * i / 36000);
  }
  line.finish();
  ASSERT_EQ(line.notes.runs.size(), 1u);
  double worst = 0;
  for (std::size_t i = 100; i < truth.size(); ++i)
    worst = std::max(worst, std::abs(seconds_between(kStart + nanos(truth[i]), line.notes.runs[0].utc(i, 10))));
  EXPECT_LE(worst, 1e-3) << "a hundredth of a sample";
}

TEST(TimelineClock, SaysHowFarOffItIsWhileTheRateMoves) {
  constexpr double kPpm = 40, kPeriod = 3600;  // a box in the sun and out of it
  Clock clock{rate(10)};
  clock.restart(kStart, true);
  double worst = 0, worst_claimed = 0;
  for (int i = 0; i < 3 * 36000; ++i) {
    const double t = i * 0.1, w = 2 * std::numbers::pi / kPeriod;
    const auto truth = kStart + nanos(t + kPpm * 1e-6 / w * (1 - std::cos(w * t)));
    if (i > 600) {
      const double error = std::abs(seconds_between(truth, clock.utc(clock.position())));
      worst = std::max(worst, error);
      worst_claimed = std::max(worst_claimed, error / (clock.uncertainty_s() + 1e-4));
    }
    clock.add(1, truth);
  }
  EXPECT_LT(worst, 2e-4) << "by a memory of ten minutes it was 2 ms and more";
  EXPECT_LT(worst_claimed, 3);
}

TEST(TimelineClock, ACrystalThatWarmsAndCoolsMakesNoGapHoweverShortASampleIs) {
  for (const auto& [hz, ppm] : {std::pair{4000.0, 5.0}, std::pair{1000.0, 10.0}, std::pair{256.0, 20.0}}) {
    for (const bool counts : {true, false}) {
      SCOPED_TRACE(testing::Message{} << hz << " Hz, counter " << counts);
      constexpr double kPeriod = 600, kBase = -35;
      const auto per_frame = static_cast<std::uint32_t>(hz / 10);
      const auto truth = [&, hz = hz, ppm = ppm](double samples) {  // s
        const double t = samples / hz, w = 2 * std::numbers::pi / kPeriod;
        return t - t * kBase * 1e-6 - ppm * 1e-6 / w * (1 - std::cos(w * t));
      };
      Line line{rate(hz)};
      line.notes.quiet = true;
      for (int k = 0; k < 9000; ++k) {
        const double sample = static_cast<double>(k) * per_frame;
        line.push({{.time = std::round(truth(sample) * 1e6) * 1e-6 * hz,
                    .n = per_frame,
                    .value = sample,
                    .counter = counts ? std::optional{static_cast<std::uint64_t>(k) * per_frame} : std::nullopt}});
      }
      line.finish();
      EXPECT_EQ(line.notes.gaps.size(), 0u);
      ASSERT_EQ(line.notes.runs.size(), 1u);
      const auto& run = line.notes.runs[0];
      double worst = 0;
      for (std::size_t i = 0; i < run.values.size(); i += per_frame)
        worst = std::max(worst, std::abs(seconds_between(kStart, run.utc(i, hz)) - truth(static_cast<double>(i))));
      EXPECT_LT(worst, 60e-6);
    }
  }
}

TEST(TimelineClock, TakesTimesThatAreFinerThanItWasToldAsTheyAre) {
  for (const auto told : {200ms, 500ms, 1000ms, 2000ms}) {
    SCOPED_TRACE(told.count());
    auto options = rate(10);
    options.stamp_resolution = told;
    Line line{options};
    for (int i = 0; i < 300; ++i) line.push({{.time = i * 1.00005, .value = static_cast<double>(i), .step = 1ms}});
    line.finish();
    EXPECT_EQ(line.notes.stored(), 300u);
    ASSERT_EQ(line.notes.runs.size(), 1u);
    EXPECT_NEAR(seconds_between(kStart, line.notes.runs[0].utc(299, 10)), 29.9 * 1.00005, 1e-3);
  }
}

TEST(TimelineClock, KeepsTheOrderOfSamplesWhateverTheTolerance) {
  for (const auto floor : {200ms, 500ms, 1000ms, 5000ms}) {
    SCOPED_TRACE(floor.count());
    auto options = rate(10);
    options.tolerance_floor = floor;
    Line line{options};
    for (int i = 0; i < 100; ++i) line.push({{.time = static_cast<double>(i)}});
    for (int i = 200; i < 300; ++i) line.push({{.time = static_cast<double>(i)}});
    line.finish();
    std::vector<double> all;
    for (const auto& run : line.notes.runs)
      for (const double value : run.values)
        if (!std::isnan(value)) all.push_back(value);
    EXPECT_EQ(all.size(), 200u);
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
    ASSERT_EQ(line.notes.gaps.size(), 1u);
    EXPECT_EQ(line.notes.gaps[0].n_samples, 100);
  }
}

TEST(TimelineClock, FollowsAClockThatWasSetByLessThanTheTolerance) {
  Line line{rate(10)};
  line.notes.quiet = true;
  for (int i = 0; i < 2000; ++i)
    line.push({{.time = i + (i >= 1000 ? 0.3 : 0), .value = static_cast<double>(i), .kind = TimeKind::Device}});
  line.finish();
  ASSERT_EQ(line.notes.runs.size(), 1u);
  for (const std::size_t i : {999u, 1100u, 1999u})
    EXPECT_NEAR(seconds_between(kStart, line.notes.runs[0].utc(i, 10)), static_cast<double>(i) / 10 + (i >= 1000 ? 0.03 : 0),
                2e-3)
        << i;
}

TEST(TimelineClock, KeepsTheAxisTrueWhereThatIsAsked) {
  Options options = rate(10);
  options.reanchor_after = 10ms;
  for (const double ppm : {50.0, -50.0}) {
    Line line{options};
    line.notes.quiet = true;
    Instrument instrument{.ppm = ppm};
    instrument.run(line, 3600);  // 180 ms
    line.finish();
    EXPECT_NEAR(static_cast<double>(line.notes.runs.size()), 18, 1);
    EXPECT_EQ(line.dropped(), 0u);
    EXPECT_EQ(line.notes.stored(), 36000u);
    for (const auto& gap : line.notes.gaps) {
      EXPECT_EQ(gap.reason, GapReason::ClockDrift);
      EXPECT_EQ(gap.n_samples, 0);
    }
    for (const auto& run : line.notes.runs)
      for (std::size_t i = 0; i < run.values.size(); ++i) {
        const auto truth = kStart + nanos(instrument.true_time(std::llround(run.values[i])));
        ASSERT_LE(std::abs(seconds_between(truth, run.axis(i, 10))), 10.1e-3);
      }
  }
}

TEST(TimelineClock, ASteadyClockNeedsFewAnchors) {
  Line line;
  line.notes.quiet = true;
  for (int i = 0; i < 86400; ++i) line.push({{static_cast<double>(i)}});
  line.finish();
  ASSERT_EQ(line.notes.runs.size(), 1u);
  const auto& anchors = line.notes.runs[0].anchors;
  EXPECT_LE(anchors.size(), 26u);
  for (const auto& anchor : anchors) EXPECT_EQ(anchor.utc, kStart + anchor.sample * 1s);
  EXPECT_EQ(anchors.back().uncertainty_s < 1e-6, true);
}

TEST(TimelineClock, LeavesTheClockAloneWhereTheRingLost) {
  Line line{rate(10)};
  line.notes.quiet = true;
  Instrument instrument{.ppm = 50};
  instrument.run(line, 3600);
  line.notes.refuse = true;
  instrument.run(line, 60);
  line.notes.refuse = false;
  instrument.run(line, 3600);
  line.finish();
  ASSERT_EQ(line.notes.runs.size(), 2u);
  EXPECT_EQ(line.notes.gaps.at(0).n_samples, 600);
  EXPECT_LE(std::abs(seconds_between(kStart + nanos(instrument.true_time(36600)), line.notes.runs[1].start)), 1e-4)
      << "the new run begins at the true time, not where the old axis ends";
  EXPECT_LE(worst_utc(line, instrument, 10), 20e-6);
}

}  // namespace
