#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "support/timeline.hpp"

// clock.reanchor_after: the plain axis of each run is true to that.
namespace {

using namespace daq::timing;
using test::kStart;
using test::Line;
using test::nanos;
using namespace std::chrono_literals;

struct Errors {
  double axis = 0, utc = 0;  ///< s, largest
};

/// @param truth  s since kStart of the sample with a number
template <class Truth>
Errors errors(const Line& line, double rate, const Truth& truth) {
  Errors most;
  for (const auto& run : line.notes.runs)
    for (std::size_t i = 0; i < run.values.size(); ++i) {
      const double t = truth(static_cast<int>(run.values[i]));
      most.axis = std::max(most.axis, std::abs(seconds_between(kStart, run.axis(i, rate)) - t));
      most.utc = std::max(most.utc, std::abs(seconds_between(kStart, run.utc(i, rate)) - t));
    }
  return most;
}

TEST(Reanchor, AStepBelowTheToleranceIsOneNewRunAtTheStep) {
  constexpr int kSamples = 4000, kStep = 2262;
  for (const double rate : {1.0, 10.0})
    for (const bool counts : {false, true})
      for (const auto& [ppm, step] :
           {std::pair{-80.0, -0.2}, {-80.0, 0.2}, {80.0, 0.05}, {0.0, 0.2}, {200.0, -0.3}, {0.0, 0.012}}) {
        SCOPED_TRACE(testing::Message{} << rate << " Hz, " << ppm << " ppm, step of " << step << " samples, counter " << counts);
        Options options;
        options.sample_rate = rate;
        options.reanchor_after = 10ms;
        Line line{options};
        line.notes.quiet = true;
        const auto truth = [&](int i) { return (i * (1 - ppm * 1e-6) + (i >= kStep ? step : 0)) / rate; };
        for (int i = 0; i < kSamples; ++i)
          line.push({{.time = truth(i) * rate,
                      .value = i,
                      .counter = counts ? std::optional<std::uint64_t>{i} : std::nullopt,
                      .arrival = i / rate + 0.01,
                      .step = nanos(1e-6)}});
        line.finish();
        EXPECT_EQ(line.dropped(), 0u);
        EXPECT_EQ(line.notes.stored(), static_cast<std::size_t>(kSamples));
        const auto [axis, utc] = errors(line, rate, truth);
        const bool seen = std::abs(step) / rate > 0.01;
        EXPECT_LE(axis, seen ? 11.5e-3 : 20e-3);
        EXPECT_LE(utc, seen ? 1.5e-3 : 3e-3);
        int steps = 0;
        for (const auto& gap : line.notes.gaps) {
          EXPECT_EQ(gap.n_samples, 0);
          if (gap.reason == GapReason::ClockStep) ++steps;
        }
        EXPECT_EQ(steps, seen ? 1 : 0);
        if (seen) {
          bool begins_there = false;
          for (const auto& run : line.notes.runs) begins_there |= run.values.front() == kStep;
          EXPECT_TRUE(begins_there);
        }
        const double drifted = std::abs(ppm) * 1e-6 * kSamples / rate;
        EXPECT_LE(static_cast<double>(line.notes.runs.size()), 3 + drifted / 10e-3);
      }
}

TEST(Reanchor, JitterIsNoStep) {
  Options options;
  options.sample_rate = 10;
  options.reanchor_after = 1ms;
  Line line{options};
  line.notes.quiet = true;
  std::mt19937_64 random{1};
  std::normal_distribution jitter{0.0, 2e-3};
  for (int i = 0; i < 20000; ++i) line.push({{.time = i + 10 * jitter(random), .value = i, .arrival = i / 10.0}});
  line.finish();
  EXPECT_EQ(line.dropped(), 0u);
  EXPECT_EQ(line.notes.stored(), 20000u);
  for (const auto& gap : line.notes.gaps) EXPECT_EQ(gap.reason, GapReason::ClockDrift);
  EXPECT_LE(line.notes.runs.size(), 20u);
}

TEST(Reanchor, ALossIsTheGapThatItWas) {
  Options options;
  options.sample_rate = 10;
  options.reanchor_after = 5ms;
  Line line{options};
  line.notes.quiet = true;
  for (int i = 0; i < 3000; ++i)
    if (i != 1000 && (i < 2000 || i >= 2700)) line.push({{.time = i * 1.00005, .value = i, .arrival = i / 10.0}});
  line.finish();
  std::vector<std::int64_t> missing;
  for (const auto& gap : line.notes.gaps)
    if (gap.n_samples > 0) missing.push_back(gap.n_samples);
  EXPECT_EQ(missing, (std::vector<std::int64_t>{1, 700}));
  EXPECT_LE(errors(line, 10, [](int i) { return i * 0.100005; }).axis, 5.2e-3);
}

}  // namespace
