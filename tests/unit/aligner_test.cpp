#include "acquisition/intake/aligner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <map>
#include <random>
#include <string>

namespace {

using daq::decode::Frame;
using daq::intake::Aligner;
using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

const mth5::UtcNanos kStart = *mth5::from_calendar(2026, 5, 1, 0, 0, 0);

/// Two channels or more; a sample's value is its index and its channel: 12 of channel 1 is 12.1.
struct Bench final : Aligner::Sink {
  Aligner::Options options;
  Aligner aligner;
  std::vector<std::string> lines;
  std::map<std::int64_t, std::vector<double>> rows;  ///< by index

  explicit Bench(const Aligner::Options& o) : options{o}, aligner{o, *this} {}

  /// Samples [first, first + n) of a channel; they arrive `delay` after the last of them, by a clock that is off by `ppm`.
  Bench& push(std::uint16_t channel, std::int64_t first, std::uint32_t n, mth5::Nanos delay = 0s, double ppm = 0) {
    std::vector<double> values;
    for (std::uint32_t i = 0; i < n; ++i) values.push_back(static_cast<double>(first + i) + channel * 0.1);
    const auto time = [&](std::int64_t index) {
      return kStart + mth5::Nanos{std::llround(static_cast<double>(index) / options.sample_rate * (1 - ppm * 1e-6) * 1e9)};
    };
    aligner.push({.channel = channel, .n_samples = n, .time = time(first), .arrival = time(first + n) + delay}, values.data());
    return *this;
  }
  void aligned(const Frame& frame, const double* values) override {
    const auto width = options.n_channels;
    std::string line;
    for (std::uint32_t i = 0; i < frame.n_samples; ++i) {
      std::vector<double> row(values + i * width, values + (i + 1) * width);
      const auto known = std::find_if(row.begin(), row.end(), [](double value) { return !std::isnan(value); });
      ASSERT_NE(known, row.end()) << "a sample of nobody";
      const auto index = static_cast<std::int64_t>(std::floor(*known));
      line += (i == 0 ? "" : " ") + std::to_string(index) + ":";
      for (const double value : row) line += std::isnan(value) ? '-' : '+';
      EXPECT_TRUE(rows.emplace(index, std::move(row)).second) << "sample " << index << " is given out twice";
    }
    lines.push_back(line);
  }
  void away(std::size_t channel, mth5::UtcNanos start, std::int64_t n) override {
    lines.push_back("away " + std::to_string(channel) + " @" +
                    std::to_string(std::llround(mth5::samples_between(kStart, start, options.sample_rate))) +
                    " n=" + std::to_string(n));
  }
};

TEST(Aligner, GivesOutWhatAllChannelsHave) {
  Bench bench{{.n_channels = 2}};
  bench.push(0, 0, 3);
  EXPECT_THAT(bench.lines, IsEmpty());
  bench.push(1, 0, 2);
  EXPECT_THAT(bench.lines, ElementsAre("0:++ 1:++"));
  bench.push(1, 2, 2).push(0, 3, 1);
  EXPECT_THAT(bench.lines, ElementsAre("0:++ 1:++", "2:++", "3:++"));
  EXPECT_EQ(bench.aligner.waiting(), 0u);
  EXPECT_EQ(bench.rows[2], (std::vector<double>{2.0, 2.1}));
}

TEST(Aligner, TellsAGapOfOneChannelWhenTwoOfItsFramesLieBehindIt) {
  Bench bench{{.n_channels = 2}};
  bench.push(0, 0, 6).push(1, 0, 2).push(1, 4, 1);
  EXPECT_THAT(bench.lines, ElementsAre("0:++ 1:++"));
  bench.push(1, 5, 1);
  EXPECT_THAT(bench.lines, ElementsAre("0:++ 1:++", "away 1 @2 n=2", "2:+- 3:+-", "4:++", "5:++"));
}

TEST(Aligner, PutsFramesThatChangedPlacesInOrder) {
  Bench bench{{.n_channels = 2}};
  bench.push(0, 0, 8).push(1, 0, 2).push(1, 4, 2).push(1, 2, 2).push(1, 6, 2);
  EXPECT_THAT(bench.lines, ElementsAre("0:++ 1:++", "2:++ 3:++", "4:++ 5:++", "6:++ 7:++"));
  EXPECT_EQ(bench.aligner.late(), 0u);
}

TEST(Aligner, CountsWhatComesTwice) {
  Bench bench{{.n_channels = 2}};
  for (std::int64_t i = 0; i < 20; i += 2) bench.push(0, i, 2).push(0, i, 2).push(1, i, 2).push(1, i, 2);
  EXPECT_EQ(bench.rows.size(), 20u);
  EXPECT_EQ(bench.aligner.late(), 40u);
  bench.push(0, 20, 4).push(0, 22, 4).push(1, 20, 6);  // half of it again
  EXPECT_EQ(bench.rows.size(), 26u);
  EXPECT_EQ(bench.aligner.late(), 42u);
}

TEST(Aligner, GoesOnAtOnceWhenTheClockWasSetBack) {
  Bench bench{{.n_channels = 2}};
  bench.push(0, 1000, 2).push(1, 1000, 2);
  for (std::int64_t i = 0; i < 8; i += 2) bench.push(0, i, 2, 1000s).push(1, i, 2, 1000s);
  for (std::int64_t i = 0; i < 8; ++i) EXPECT_EQ(bench.rows.count(i), 1u) << i;
  EXPECT_THAT(bench.lines, testing::Each(testing::Not(testing::HasSubstr("away"))));
  EXPECT_EQ(bench.aligner.late(), 0u);
}

TEST(Aligner, DoesNotTakeOneSlowChannelForAClockThatWasSetBack) {
  Bench bench{{.n_channels = 3, .wait = 5s}};
  for (std::int64_t i = 0; i < 40; ++i) {
    bench.push(0, i, 1).push(1, i, 1);
    if (i >= 20) bench.push(2, i - 20, 1, 20s);
  }
  bench.aligner.finish();
  EXPECT_EQ(bench.rows.size(), 40u) << "none is given out twice";
  EXPECT_EQ(bench.aligner.late(), 20u);
}

TEST(Aligner, DropsAFrameWithAWildTimeAndNothingElse) {
  Bench bench{{.n_channels = 2, .wait = 5s}};
  for (std::int64_t i = 0; i < 40; ++i) {
    bench.push(0, i, 1);
    if (i == 3)
      bench.push(1, 1'000'000, 1, -999'996s);
    else
      bench.push(1, i, 1);
  }
  EXPECT_EQ(bench.rows.size(), 40u);
  for (const auto& [index, row] : bench.rows) EXPECT_EQ(std::isnan(row[1]), index == 3) << index;
  EXPECT_EQ(bench.aligner.late(), 1u);
  EXPECT_EQ(bench.aligner.waiting(), 0u);
}

TEST(Aligner, GoesOnWithoutAChannelThatStaysAway) {
  Bench bench{{.n_channels = 2, .wait = 10s}};
  bench.push(0, 0, 2).push(1, 0, 2);
  for (std::int64_t i = 2; i < 12; ++i) bench.push(0, i, 1);
  EXPECT_EQ(bench.rows.size(), 2u);
  bench.push(0, 12, 1);  // 10 s after the first that waits
  EXPECT_GT(bench.rows.size(), 2u);
  EXPECT_THAT(bench.lines, testing::Contains("away 1 @2 n=1"));
  bench.push(1, 2, 3);  // the first of them was given out without it
  EXPECT_EQ(bench.aligner.late(), 1u);
  EXPECT_EQ(bench.rows[3], (std::vector<double>{3.0, 3.1}));
  bench.aligner.finish();
  EXPECT_EQ(bench.rows.size(), 13u) << "every sample of the one that came";
}

TEST(Aligner, HoldsNoMoreThanItMay) {
  Bench bench{{.n_channels = 3, .wait = 1h, .most_samples = 100}};
  for (std::int64_t i = 0; i < 1000; i += 10) {
    bench.push(0, i, 10);
    EXPECT_LE(bench.aligner.waiting(), 110u);
  }
  EXPECT_GT(bench.rows.size(), 800u);
}

TEST(Aligner, LeavesGapsOfAllChannelsToTheTimeline) {
  Bench bench{{.n_channels = 2}};
  bench.push(0, 0, 2).push(1, 0, 2).push(0, 100, 2).push(1, 100, 2);
  EXPECT_THAT(bench.lines, ElementsAre("0:++ 1:++")) << "what lies between may be on its way";
  bench.push(0, 102, 2);
  EXPECT_THAT(bench.lines, ElementsAre("0:++ 1:++", "100:++ 101:++")) << "two frames lie behind it";
  bench.push(1, 102, 2).push(0, 200, 2).push(1, 200, 2).aligner.finish();
  EXPECT_EQ(bench.lines.back(), "200:++ 201:++") << "nothing more comes";
}

TEST(Aligner, PutsFramesOfAllChannelsThatComeLateInTheirPlaces) {
  Bench bench{{.n_channels = 2}};
  bench.push(0, 0, 2).push(1, 0, 2).push(0, 4, 2).push(1, 4, 2).push(0, 2, 2).push(1, 2, 2);
  EXPECT_THAT(bench.lines, ElementsAre("0:++ 1:++", "2:++ 3:++", "4:++ 5:++"));
  EXPECT_EQ(bench.aligner.late(), 0u);
}

TEST(Aligner, IsNotPartedByAClockThatDrifts) {
  Bench bench{{.sample_rate = 100, .n_channels = 2}};
  for (std::int64_t i = 0; i < 100'000; i += 100) {  // 100 ppm: off by ten samples at the end
    bench.push(0, i, 100, 0s, 100);
    bench.push(1, i, 100, 0s, 100);
  }
  for (const auto& line : bench.lines) EXPECT_EQ(line.find('-'), std::string::npos) << line;
  for (const auto& line : bench.lines) ASSERT_FALSE(line.starts_with("away")) << line;
  EXPECT_EQ(bench.aligner.late(), 0u);
}

TEST(Aligner, KeepsEverySampleOfPacketsInAnyOrderOfChannels) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    Bench bench{{.sample_rate = 10, .n_channels = 3, .wait = 1h}};
    std::vector<std::int64_t> next(3, 0);
    while (*std::min_element(next.begin(), next.end()) < 300) {
      const auto channel = static_cast<std::uint16_t>(random() % 3);
      const auto n = static_cast<std::uint32_t>(1 + random() % 20);
      if (next[channel] >= 320) continue;
      bench.push(channel, next[channel], n);
      next[channel] += n;
    }
    bench.aligner.finish();
    ASSERT_EQ(bench.aligner.late(), 0u);
    ASSERT_EQ(bench.aligner.waiting(), 0u);
    for (const auto& [index, row] : bench.rows)
      for (std::size_t c = 0; c < 3; ++c)
        if (index < next[c])
          ASSERT_EQ(row[c], static_cast<double>(index) + static_cast<double>(c) * 0.1);
        else
          ASSERT_TRUE(std::isnan(row[c]));
    ASSERT_EQ(bench.rows.size(), static_cast<std::size_t>(*std::max_element(next.begin(), next.end())));
  }
}

}  // namespace
