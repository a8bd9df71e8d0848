#include <gtest/gtest.h>

#include <cmath>

#include "support/timeline.hpp"

// A counter shows a loss where the clock was set.
namespace {

using namespace daq::timing;
using daq::decode::TimeKind;
using test::kStart;
using test::Line;
using test::nanos;

struct Case {
  double rate;
  std::uint32_t per_frame;
  double step_s;
  int lost;      ///< frames
  bool relocks;  ///< the kind of time changes there
};

/// 1000 frames, then the loss and the step, then 500.
void run(Line& line, const Case& c, std::uint64_t modulus = 0, double pause_s = 0) {
  for (int k = 0; k < 1500 + c.lost; ++k) {
    if (k >= 1000 && k < 1000 + c.lost) continue;
    const auto sample = static_cast<double>(k) * c.per_frame;
    const auto counter = static_cast<std::uint64_t>(sample) + 100;
    line.push({{.time = sample + (k >= 1000 ? c.step_s * c.rate : 0),
                .n = c.per_frame,
                .value = sample,
                .counter = modulus > 0 ? counter % modulus : counter,
                .arrival = (sample + c.per_frame) / c.rate + (k >= 1000 ? pause_s : 0),
                .kind = c.relocks && k < 1000 ? TimeKind::Device : TimeKind::Gps}});
  }
  line.finish();
}

TEST(CountedStep, TheCounterTellsWhatIsMissingWhereTheClockIsSetBothWays) {
  for (const bool live : {false, true})
    for (const auto& [rate, per_frame] : {std::pair{10.0, 1u}, {256.0, 32u}, {1.0, 1u}})
      for (const bool relocks : {false, true})
        for (const double step : {0.7, 2.3, 30.0, 3600.0, -0.7, -2.3, -30.0})
          for (const int lost : {2, 100}) {
            if (std::abs(step) * rate < 1.5) continue;  // within the tolerance
            if (std::abs(lost * static_cast<double>(per_frame) + step * rate) < 1)
              continue;  // the time follows: the counter began anew
            SCOPED_TRACE(testing::Message{} << rate << " Hz, step of " << step << " s, lost " << lost << " frames of "
                                            << per_frame << ", live " << live << ", relocks " << relocks);
            Options options;
            options.sample_rate = rate;
            options.live = live;
            Line line{options};
            line.notes.quiet = true;
            run(line, {rate, per_frame, step, lost, relocks});
            EXPECT_EQ(line.dropped(), 0u);
            ASSERT_EQ(line.notes.gaps.size(), 1u);
            EXPECT_EQ(line.notes.gaps[0].n_samples, lost * static_cast<std::int64_t>(per_frame));
            EXPECT_EQ(line.notes.gaps[0].reason, GapReason::ClockStep);
            ASSERT_EQ(line.notes.runs.size(), 2u);
            EXPECT_NEAR(seconds_between(kStart, line.notes.runs[1].start),
                        (1000 + lost) * static_cast<double>(per_frame) / rate + step, 1e-6);
          }
}

TEST(CountedStep, APauseAsLongAsTheTimeSaysIsOneWhateverTheCounterSays) {
  Options options;
  options.sample_rate = 10;
  Line line{options};
  line.notes.quiet = true;
  run(line, {10, 1, 60, 20, false}, 0, 60);  // it began anew, and had counted further than before
  ASSERT_EQ(line.notes.gaps.size(), 1u);
  EXPECT_EQ(line.notes.gaps[0].n_samples, 620);
}

TEST(CountedStep, ACounterThatMayHaveGoneRoundDoesNotTell) {
  Options options;
  options.sample_rate = 10;
  options.live = false;
  options.counter_modulus = 256;
  Line line{options};
  line.notes.quiet = true;
  run(line, {10, 1, 60, 2, false}, 256);
  ASSERT_EQ(line.notes.gaps.size(), 1u);
  EXPECT_EQ(line.notes.gaps[0].n_samples, 602);
}

}  // namespace
