#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/timeline.hpp"

// An instrument whose samples come at another rate than its profile says, by more than any crystal drifts.
namespace {

using namespace daq::timing;
using test::kStart;
using test::Line;
using test::nanos;

struct Board {
  double nominal = 256;  ///< Hz
  double real = 256;
  std::uint32_t per_frame = 32;
  bool counts = true;
  double jitter_s = 0;

  /// Frames from number `from` on, up to `to`.
  void run(Line& line, int from, int to) {
    for (int k = from; k < to; ++k) {
      const auto sample = static_cast<double>(k) * per_frame;
      const double jitter = jitter_s > 0 ? std::uniform_real_distribution{-jitter_s, jitter_s}(random) : 0;
      line.push({{.time = (sample / real + jitter) * nominal,
                  .n = per_frame,
                  .value = sample,
                  .counter = counts ? std::optional{static_cast<std::uint64_t>(sample) + 100} : std::nullopt,
                  .arrival = (sample + per_frame) / real}});
    }
  }
  std::mt19937_64 random{1};
};

Options options_of(const Board& board) {
  Options options;
  options.sample_rate = board.nominal;
  return options;
}

/// s by which the times of samples are off at most, of those from `from` on.
double worst(const Line& line, const Board& board, double from = 0) {
  double most = 0;
  for (const auto& run : line.notes.runs)
    for (std::size_t i = 0; i < run.values.size(); ++i) {
      if (run.values[i] < from) continue;
      const double said = seconds_between(kStart, run.utc(i, board.nominal));
      most = std::max(most, std::abs(said - run.values[i] / board.real));
    }
  return most;
}

/// The line ends, with so many samples and none dropped.
void expect_all_stored(Line& line, std::uint64_t samples) {
  line.finish();
  EXPECT_EQ(line.dropped(), 0u);
  EXPECT_EQ(line.notes.stored(), samples);
}

TEST(OtherRate, NothingWaitsBehindTheEnd) {
  std::mt19937 random{7};
  for (int series = 0; series < 2000; ++series) {
    Options options;
    options.sample_rate = 1;
    Line line{options};
    line.notes.quiet = true;
    double time = 0;
    const int frames = 2 + static_cast<int>(random() % 6);
    for (int i = 0; i < frames; ++i) {
      const auto n = 1 + static_cast<std::uint32_t>(random() % 4);
      line.push({{.time = time, .n = n, .value = time}});
      time += n * (0.25 * static_cast<double>(1 + random() % 15));
    }
    line.finish();
    ASSERT_EQ(line.timeline.counters().pending, 0u) << "series " << series;
  }
}

TEST(OtherRate, AmongTheFirstFramesALossCostsNoOtherFrame) {
  for (const double real : {243.2, 250.9, 261.1, 268.8, 286.7}) {
    for (const std::uint32_t per_frame : {8u, 32u, 128u}) {
      for (const int lost : {1, 3, 5, 9, 14}) {
        for (const bool counts : {true, false}) {
          SCOPED_TRACE(testing::Message{} << real << " Hz for 256, " << per_frame << " a frame, counter " << counts << ", lost "
                                          << lost);
          Board board{.real = real, .per_frame = per_frame, .counts = counts};
          Line line{options_of(board)};
          line.notes.quiet = true;
          board.run(line, 0, lost);
          board.run(line, lost + 1, 200);
          expect_all_stored(line, 199u * per_frame);
          EXPECT_LT(worst(line, board), (real < 280 ? 1 + 0.1 * per_frame : per_frame) / board.nominal);
        }
      }
    }
  }
}

TEST(OtherRate, FramesWithACounterAreStoredAtTheirTimesWithNothingMissing) {
  for (const double real : {240.0, 244.0, 250.0, 252.0, 254.0, 258.0, 262.0, 264.0}) {
    for (const std::uint32_t per_frame : {1u, 8u, 32u, 128u}) {
      SCOPED_TRACE(testing::Message{} << real << " Hz for 256, " << per_frame << " samples a frame");
      Board board{.real = real, .per_frame = per_frame};
      Line line{options_of(board)};
      line.notes.quiet = true;
      board.run(line, 0, 1000);
      expect_all_stored(line, 1000u * per_frame);
      for (const auto& gap : line.notes.gaps) EXPECT_EQ(gap.n_samples, 0);
      EXPECT_LE(line.notes.runs.size(), 4u);
      EXPECT_LT(worst(line, board), 1 / board.nominal);
      EXPECT_LT(worst(line, board, 500.0 * per_frame), 20e-6);
    }
  }
}

TEST(OtherRate, FramesWithoutACounterAreStoredAtTheirTimes) {
  for (const double real : {240.0, 250.0, 252.0, 262.0}) {
    for (const std::uint32_t per_frame : {1u, 32u}) {
      SCOPED_TRACE(testing::Message{} << real << " Hz for 256, " << per_frame << " samples a frame");
      Board board{.real = real, .per_frame = per_frame, .counts = false};
      Line line{options_of(board)};
      line.notes.quiet = true;
      board.run(line, 0, 1000);
      expect_all_stored(line, 1000u * per_frame);
      EXPECT_LE(line.notes.runs.size(), 10u) << "until the rate is told";
      EXPECT_LT(worst(line, board), 0.01) << "within the first frames samples are apart as the profile says";
    }
  }
}

TEST(OtherRate, IsTakenInTheMiddleAndGivenUpAgain) {
  Board board{.real = 256};
  Line line{options_of(board)};
  line.notes.quiet = true;
  std::uint64_t sample = 100;
  double t = 0;
  for (const double real : {256.0, 250.0, 256.0})
    for (int k = 0; k < 400; ++k) {
      line.push({{.time = t * 256, .n = 32, .value = static_cast<double>(sample), .counter = sample, .arrival = t + 32 / real}});
      sample += 32;
      t += 32 / real;
    }
  expect_all_stored(line, 1200u * 32);
  for (const auto& gap : line.notes.gaps) EXPECT_EQ(gap.n_samples, 0);
  EXPECT_NEAR(line.timeline.clock().ppm(), 0, 1);
}

TEST(OtherRate, TimesThatJitterSoMuchThatTheyTellNoneAreStoredAsTheCounterSays) {
  for (const double jitter : {0.5e-3, 3e-3, 10e-3}) {
    SCOPED_TRACE(jitter);
    Board board{.real = 248, .jitter_s = jitter};
    Line line{options_of(board)};
    line.notes.quiet = true;
    board.run(line, 0, 2000);
    expect_all_stored(line, 2000u * 32);
    EXPECT_LT(worst(line, board), 0.1);
  }
}

TEST(OtherRate, ArrivalsTellItAndHowWellItIsKnown) {
  using Jitter = std::function<double(std::mt19937_64&)>;
  const Jitter none = [](auto&) { return 0.0; };
  const Jitter uniform = [](auto& r) { return std::uniform_real_distribution{0.0, 0.2}(r); };
  const Jitter exponential = [](auto& r) { return std::exponential_distribution{1 / 0.05}(r); };
  const std::vector<std::pair<std::string, Jitter>> jitters{{"none", none}, {"uniform", uniform}, {"exponential", exponential}};
  for (const double factor : {1.005, 1.024, 1.05, 0.976, 0.95})
    for (const auto& [name, jitter] : jitters)
      for (const int seconds : {36, 300})
        for (const unsigned seed : {1u, 2u, 3u}) {
          SCOPED_TRACE(testing::Message{} << factor << " of 20 Hz, " << seconds << " s, jitter " << name);
          Options options;
          options.sample_rate = 20;
          Line line{options};
          line.notes.quiet = true;
          std::mt19937_64 random{seed};
          const double rate = 20 * factor;
          double arrival = 0;
          for (int i = 0; i < seconds * 20; ++i) {
            arrival = std::max(arrival, i / rate + jitter(random));
            line.push({{.time = arrival * 20, .value = i, .arrival = arrival, .kind = daq::decode::TimeKind::Host}});
          }
          line.finish();
          EXPECT_TRUE(line.notes.gaps.empty());
          ASSERT_EQ(line.notes.runs.size(), 1u);
          const auto& run = line.notes.runs[0];
          EXPECT_EQ(run.values.size(), static_cast<std::size_t>(seconds) * 20);
          double worst = 0;
          for (std::size_t i = 0; i < run.values.size(); ++i)
            worst = std::max(worst, std::abs(seconds_between(kStart, run.utc(i, 20)) - static_cast<double>(i) / rate));
          EXPECT_LT(worst, 0.05);
          EXPECT_LT(worst, 5 * std::max(run.anchors.front().uncertainty_s, run.anchors.back().uncertainty_s) + 1e-4);
          if (factor != 1.005) {
            EXPECT_NEAR(line.timeline.other_rate().value_or(0), rate, 0.003 * rate);
          }
        }
}

/// Further off than any line that is drawn, as a board left at twice its rate: every frame has a run of its own, or a few have.
TEST(OtherRate, FramesFarBesideTheRateAreAllStoredCounterOrNot) {
  for (const bool counts : {false, true})
    for (const double factor : {0.5, 0.8, 0.9, 1.1, 1.12, 1.25, 2.0})
      for (const std::uint32_t per_frame : {1u, 8u, 32u, 128u}) {
        SCOPED_TRACE(testing::Message{} << factor << " of the rate, " << per_frame << " samples a frame, counter " << counts);
        Board board{.real = 256 * factor, .per_frame = per_frame, .counts = counts};
        Line line{options_of(board)};
        line.notes.quiet = true;
        board.run(line, 0, 200);
        expect_all_stored(line, 200u * per_frame);
      }
}

/// One lost frame costs itself, and not all that follow.
TEST(OtherRate, ALossFarBesideTheRateCostsNothingElseWhereACounterTellsIt) {
  for (const double factor : {0.9, 0.91, 1.1, 1.12})
    for (const std::uint32_t per_frame : {8u, 32u, 128u}) {
      SCOPED_TRACE(testing::Message{} << factor << " of the rate, " << per_frame << " samples a frame");
      Board board{.real = 256 * factor, .per_frame = per_frame};
      Line line{options_of(board)};
      line.notes.quiet = true;
      board.run(line, 0, 200);
      board.run(line, 201, 400);
      expect_all_stored(line, 399u * per_frame);
    }
}

TEST(OtherRate, ALossThatTheCounterShowsIsNoRate) {
  Board board;
  Line line{options_of(board)};
  line.notes.quiet = true;
  for (int k = 0; k < 1200; k += 12) board.run(line, k, k + 11);
  line.finish();
  EXPECT_EQ(line.dropped(), 0u);
  ASSERT_EQ(line.notes.gaps.size(), 99u);
  for (const auto& gap : line.notes.gaps) EXPECT_EQ(gap.n_samples, 32);
}

}  // namespace
