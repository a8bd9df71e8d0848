#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "support/timeline.hpp"

// What anchors say of how well they give UTC.
namespace {

using namespace daq::timing;
using test::kStart;
using test::Line;
using test::nanos;

/// A crystal whose rate goes up and down by `ppm` in `period_s`.
double wandering(double t, double ppm, double period_s) {
  const double w = 2 * std::numbers::pi / period_s;
  return t + ppm * 1e-6 / w * (1 - std::cos(w * t));
}

TEST(Anchors, TheirUncertaintyHoldsBetweenThemWhereTheCrystalWanders) {
  struct Case {
    double rate;
    int n;
    double ppm, period_s;
  };
  for (const auto& [rate, n, ppm, period] : {Case{1, 30000, 40, 3600}, Case{1, 30000, 10, 7200}, Case{10, 100000, 40, 3600},
                                             Case{10, 100000, 10, 7200}, Case{0.1, 6000, 40, 3600}}) {
    SCOPED_TRACE(testing::Message{} << rate << " Hz, " << ppm << " ppm in " << period << " s");
    Options options;
    options.sample_rate = rate;
    Line line{options};
    line.notes.quiet = true;
    for (int i = 0; i < n; ++i)
      line.push({{.time = wandering(i / rate, ppm, period) * rate, .value = i, .arrival = i / rate, .step = nanos(1e-6)}});
    line.finish();
    ASSERT_EQ(line.notes.runs.size(), 1u);
    const auto& run = line.notes.runs[0];
    double worst = 0, said = 0;
    const auto first = run.anchors.at(1).sample;
    for (auto i = static_cast<std::size_t>(first); i < run.values.size(); ++i)
      worst = std::max(
          worst, std::abs(seconds_between(kStart, run.utc(i, rate)) - wandering(static_cast<double>(i) / rate, ppm, period)));
    for (const auto& anchor : run.anchors)
      if (anchor.sample > first) said = std::max(said, anchor.uncertainty_s);
    EXPECT_LE(worst, 2.5 * said);
    EXPECT_GE(worst, said / 2.5);
  }
}

/// UTC of every sample as a reader draws it, if it knew of the first anchor alone.
mth5::UtcNanos from_the_first(const test::Notes::Run& run, std::int64_t sample, double rate) {
  const auto& first = run.anchors.front();
  const double ppm = std::isnan(first.ppm) ? 0 : first.ppm;
  return plus_seconds(first.utc, static_cast<double>(sample - first.sample) / (rate * (1 + ppm * 1e-6)));
}

TEST(Anchors, TellThatTheClockIsLockedWithoutMovingIt) {
  constexpr double kRate = 1000;
  Options options;
  options.sample_rate = kRate;
  Line line{options};
  line.notes.quiet = true;
  for (int i = 0; i < 60000; i += 100) line.push({{.time = static_cast<double>(i), .n = 100}});
  line.finish();
  ASSERT_EQ(line.notes.runs.size(), 1u);
  const auto& run = line.notes.runs[0];
  ASSERT_GE(run.anchors.size(), 1u);
  EXPECT_TRUE(run.anchors[0].locked);
  EXPECT_LE(run.anchors.size(), 4u);
  for (const auto& anchor : run.anchors)
    EXPECT_LE(std::abs(seconds_between(from_the_first(run, anchor.sample, kRate), anchor.utc)), kept_s(kRate));
}

}  // namespace
