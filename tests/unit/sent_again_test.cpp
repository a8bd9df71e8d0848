#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "support/timeline.hpp"

// Samples that an instrument sends again are stored once, and new ones are never taken for them, however coarse its times are.
namespace {

using namespace daq::timing;
using test::kStart;
using test::Line;
using test::nanos;

struct Times {
  double rate;  ///< Hz
  double step;  ///< s, to which times are cut; 0 = exact
  std::uint32_t per_frame = 1;
  bool counts = false;
  double phase = 0.4;  ///< samples
  double ppm = 0;
};

void PrintTo(const Times& t, std::ostream* out) {
  *out << t.rate << " Hz, step " << t.step << " s, frames of " << t.per_frame << (t.counts ? " counted" : "") << ", phase "
       << t.phase << ", " << t.ppm << " ppm";
}

constexpr std::int64_t kBefore = 500, kAll = 700;  // frames

using Value = std::function<double(std::int64_t sample)>;
double number(std::int64_t sample) { return static_cast<double>(sample); }
double constant(std::int64_t) { return 7; }
/// As a magnetometer's last digit.
double toggling(std::int64_t sample) { return static_cast<double>(std::mt19937_64(static_cast<std::uint64_t>(sample))() >> 63); }

double true_time(const Times& t, std::int64_t sample) {
  return (static_cast<double>(sample) + t.phase) / t.rate * (1 - t.ppm * 1e-6);
}

/// Frames `from` to `to`.
void send(Line& line, const Times& t, std::int64_t from, std::int64_t to, const Value& value, std::size_t batch = 0) {
  std::vector<Line::Frame> frames;
  for (auto k = from; k < to; ++k) {
    const auto sample = k * t.per_frame;
    double time = true_time(t, sample);
    if (t.step > 0) time = std::floor(time / t.step + 1e-9) * t.step;
    frames.push_back({.time = time * t.rate,
                      .n = t.per_frame,
                      .value = value(sample),
                      .counter = t.counts ? std::optional{static_cast<std::uint64_t>(1000 + sample)} : std::nullopt,
                      .arrival = true_time(t, sample + t.per_frame),
                      .step = nanos(t.step)});
    if (frames.size() >= batch || k + 1 == to) line.push(std::exchange(frames, {}));
  }
}

Options options_of(const Times& t) {
  Options options;
  options.sample_rate = t.rate;
  options.live = false;
  if (t.counts) options.counter_modulus = std::uint64_t{1} << 32;
  return options;
}

/// What a timeline holds after these frames, for the next one.
void remember(Line& next, const Line& before, const Times& t) {
  for (const auto& run : before.notes.runs) {
    std::vector<double> values;
    for (const double v : run.values) values.insert(values.end(), 2, v);
    next.timeline.remember(run.utc(0, t.rate), run.utc(run.values.size(), t.rate), values.data(),
                           static_cast<std::int64_t>(run.values.size()));
  }
}

std::vector<Times> all_times() {
  std::vector<Times> all;
  for (const double ppm : {50.0, -50.0})
    for (const double phase : {0.4, 7.3}) {
      for (const double rate : {1.0, 10.0, 50.0})
        for (const double step : {0.0, 0.1, 1.0})
          all.push_back({rate, step, 1, rate == 50, phase, ppm}), all.push_back({rate, step, 1, false, phase, ppm});
      for (const double step : {0.0, 1.0})
        for (const bool counts : {false, true}) all.push_back({256, step, 16, counts, 16 * phase, ppm});
    }
  return all;
}

TEST(SentAgain, IsStoredOnceHoweverCoarseTimesAre) {
  for (const auto& t : all_times())
    for (const std::int64_t again : {1, 2, 25, 250})
      for (const std::size_t batch : {std::size_t{1}, std::size_t{64}, std::size_t{0}}) {
        const bool broke_off = batch == 0;
        SCOPED_TRACE(testing::PrintToString(t) + ", again " + std::to_string(again) + ", batches of " + std::to_string(batch));
        Line line{options_of(t)};
        line.notes.quiet = true;
        send(line, t, 0, kBefore, number, batch);
        if (broke_off) line.timeline.disconnected();
        send(line, t, kBefore - again, kAll, number, batch);
        line.finish();
        EXPECT_EQ(line.notes.stored(), static_cast<std::size_t>(kAll) * t.per_frame);
        EXPECT_EQ(line.dropped(Drop::Duplicate), static_cast<std::uint64_t>(again) * t.per_frame);
        EXPECT_EQ(line.notes.runs.size(), 1u);
        EXPECT_TRUE(line.notes.gaps.empty());
      }
}

TEST(SentAgain, AfterARestartItIsStoredOnceToo) {
  for (const auto& t : all_times())
    for (const std::int64_t again : {0, 1, 25, 250}) {
      SCOPED_TRACE(testing::PrintToString(t) + ", again " + std::to_string(again));
      Line before{options_of(t)}, line{options_of(t)};
      before.notes.quiet = line.notes.quiet = true;
      send(before, t, 0, kBefore, number);
      before.finish();
      remember(line, before, t);
      send(line, t, kBefore - again, kAll, number);
      line.finish();
      EXPECT_EQ(line.notes.stored(), static_cast<std::size_t>(kAll - kBefore) * t.per_frame);
      EXPECT_EQ(line.dropped(), static_cast<std::uint64_t>(again) * t.per_frame);
    }
}

TEST(SentAgain, AfterACrashThatLeftNoAnchorsItIsKnownAllTheSame) {
  constexpr double kSeconds = 44, kCrystal = 200e-6;
  for (const double ppm : {80.0, -80.0, 200.0})
    for (const Times& t :
         {Times{256, 0, 16, true, 0.4, ppm}, Times{256, 0, 16, false, 0.4, ppm}, Times{256, 0, 1, false, 0.4, ppm}}) {
      SCOPED_TRACE(testing::PrintToString(t));
      const auto n = static_cast<std::int64_t>(kSeconds * t.rate);
      const auto again = n / 4 / t.per_frame, frames = n / t.per_frame;
      std::vector<double> values;
      for (std::int64_t i = 0; i < n; ++i) values.insert(values.end(), 2, number(i));
      Line line{options_of(t)};
      line.notes.quiet = true;
      const auto start = kStart + nanos(true_time(t, 0));  // and on by the plain axis, as far as a reader of the file knows
      line.timeline.remember(start, mth5::sample_time(start, t.rate, n), values.data(), n, kCrystal * kSeconds);
      send(line, t, frames - again, frames + 300, number);
      line.finish();
      EXPECT_EQ(line.dropped(), static_cast<std::uint64_t>(again) * t.per_frame);
      EXPECT_EQ(line.notes.stored(), 300u * t.per_frame);
      ASSERT_EQ(line.notes.runs.size(), 1u);
      EXPECT_EQ(line.notes.runs[0].values.front(), number(n));
    }
}

TEST(SentAgain, NewSamplesAreNeverTakenForItHoweverAlikeTheyAre) {
  for (const auto& t : all_times())
    for (const Value& value : {Value{constant}, Value{toggling}})
      for (const std::int64_t again : {0, 25, 250})
        for (const bool restart : {true, false}) {
          if (t.per_frame > 1) continue;
          SCOPED_TRACE(testing::PrintToString(t) + ", again " + std::to_string(again) + (restart ? ", restart " : " ") +
                       std::to_string(value(1)) + std::to_string(value(2)) + std::to_string(value(3)));
          Line before{options_of(t)}, behind{options_of(t)};
          before.notes.quiet = behind.notes.quiet = true;
          send(before, t, 0, kBefore, value);
          EXPECT_EQ(before.dropped(), 0u);
          if (restart) {
            before.finish();
            remember(behind, before, t);
          }
          Line& line = restart ? behind : before;
          send(line, t, kBefore - again, kAll, value);
          line.finish();
          EXPECT_LE(line.dropped(), static_cast<std::uint64_t>(again));
          const bool within_step = static_cast<double>(again) < t.rate * t.step;  // there only values could tell
          if (restart || !within_step) {
            EXPECT_GE(line.dropped() + 3, static_cast<std::uint64_t>(again));
          }
        }
}

}  // namespace
