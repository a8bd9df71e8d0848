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

}  // namespace
