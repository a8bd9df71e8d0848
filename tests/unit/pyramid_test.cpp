#include "analysis/measures/pyramid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace {

using analysis::Pyramid;
using std::chrono::nanoseconds;
using std::chrono::seconds;

const mth5::UtcNanos kStart{seconds{1'777'593'600}};

analysis::Block block(const std::vector<double>& values, double rate, std::size_t first, std::size_t n) {
  return {mth5::sample_time(kStart, rate, static_cast<std::int64_t>(first)), rate, std::span{values}.subspan(first, n)};
}

std::vector<double> noise(std::size_t n) {
  std::mt19937 random{5};
  std::normal_distribution<double> normal;
  std::vector<double> values(n);
  for (auto& value : values) value = normal(random);
  return values;
}

TEST(Pyramid, ShowsOneSampleInOneColumnAtEveryZoom) {
  for (const double rate : {1.0, 64.0, 1000.0}) {
    const auto n = static_cast<std::size_t>(std::min(rate * 100'000, 3e5));
    for (const std::size_t from_end : {3U, 1000U, 9999U}) {
      auto values = noise(n);
      values[n - from_end] = 100;
      Pyramid pyramid;
      for (std::size_t at = 0; at < n; at += 4099) pyramid.add(block(values, rate, at, std::min<std::size_t>(4099, n - at)));
      for (const int window_s : {10, 60, 600, 3600, 86'400}) {
        const nanoseconds width = nanoseconds{seconds{window_s}} / 118;
        const auto back = static_cast<double>(from_end) / rate;
        if (static_cast<double>(width.count()) < 1.5e9 / rate || back > window_s - 2) continue;
        const auto columns = pyramid.columns(pyramid.end() - width * 118, width, 118);
        const auto seen =
            std::count_if(columns.begin(), columns.end(), [](const auto& column) { return column.n > 0 && column.max == 100; });
        EXPECT_EQ(seen, 1) << rate << " Hz, " << window_s << " s, " << from_end;
      }
    }
  }
}

TEST(Pyramid, HasTheExtremesAndTheMeanOfWhatLiesInAColumn) {
  const auto values = noise(7200);
  Pyramid pyramid;
  pyramid.add(block(values, 1, 0, values.size()));
  const auto columns = pyramid.columns(kStart + seconds{3600}, seconds{64}, 56);  // a multiple of the cells of each level used
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const auto from = values.begin() + 3600 + static_cast<std::ptrdiff_t>(c) * 64;
    const auto [low, high] = std::minmax_element(from, from + 64);
    ASSERT_EQ(columns[c].n, 64);
    EXPECT_EQ(columns[c].min, *low);
    EXPECT_EQ(columns[c].max, *high);
    double sum = 0;
    for (auto value = from; value != from + 64; ++value) sum += *value;
    EXPECT_NEAR(columns[c].sum, sum, 1e-9);
  }
}

TEST(Pyramid, IsTheSameInWhateverOrderSamplesCome) {
  const auto values = noise(30'000);
  Pyramid forward, backward;
  forward.add(block(values, 1, 0, values.size()));
  backward.add(block(values, 1, 29'000, 1000));
  for (std::size_t at = 29'000; at > 0; at -= 500) backward.add_older(block(values, 1, at - 500, 500));
  EXPECT_EQ(backward.start(), kStart);
  EXPECT_EQ(backward.end(), forward.end());
  for (const int window_s : {600, 3600, 28'000}) {
    const nanoseconds width = nanoseconds{seconds{window_s}} / 100;
    const auto a = forward.columns(forward.end() - width * 100, width, 100);
    const auto b = backward.columns(forward.end() - width * 100, width, 100);
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].n, b[i].n);
      EXPECT_EQ(a[i].max, b[i].max);
    }
  }
}

TEST(Pyramid, KeepsTheNewestCellsOfALevelWhereverItsPagesBegin) {
  const auto values = noise(20'000);
  for (const std::size_t shift : {0U, 1U, 100U, 255U}) {
    Pyramid pyramid;
    const auto n = values.size() - shift;
    pyramid.add(block(values, 1, 0, n));
    const auto columns = pyramid.columns(pyramid.end() - seconds{Pyramid::kCells}, seconds{1}, Pyramid::kCells);
    for (std::size_t i = 0; i < columns.size(); ++i)
      ASSERT_EQ(columns[i].max, values[n - columns.size() + i]) << shift << " " << i;
  }
}

TEST(Pyramid, LeavesAHoleWhereNothingIs) {
  auto values = noise(1000);
  values[500] = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t i = 501; i < 540; ++i) values[i] = INFINITY;
  Pyramid pyramid;
  pyramid.add(block(values, 1, 0, 200));
  pyramid.add(block(values, 1, 300, 700));
  for (const int per_column : {1, 10}) {
    const auto n = static_cast<std::size_t>(1000 / per_column);
    const auto columns = pyramid.columns(kStart, seconds{per_column}, n);
    for (std::size_t i = 0; i < n; ++i) {
      const auto second = static_cast<int>(i) * per_column;
      const bool hole = (second >= 201 && second < 300) || (second >= 501 && second < 540);
      const bool edge = second == 200 || second == 500;  // a sample lasts a little longer, for clocks that drift
      EXPECT_TRUE(edge || (columns[i].n == 0) == hole) << second;
    }
  }
  EXPECT_EQ(pyramid.columns(pyramid.end(), seconds{1}, 10)[5].n, 0) << "behind the end";
}

TEST(Pyramid, FillsTheColumnsBetweenTwoSamples) {
  const auto values = noise(20);
  Pyramid pyramid;
  pyramid.add(block(values, 1, 0, 20));
  const auto columns = pyramid.columns(kStart + seconds{10}, std::chrono::milliseconds{100}, 100);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(columns[i].max, values[10 + i / 10]) << i;
}

TEST(Pyramid, BeginsAnewWhereTheClockWasSetBack) {
  const auto values = noise(100);
  Pyramid pyramid;
  pyramid.add({kStart + std::chrono::hours{24 * 365}, 1, values});
  pyramid.add({kStart, 1, values});
  EXPECT_EQ(pyramid.end(), kStart + seconds{100});
  EXPECT_EQ(pyramid.start(), kStart);
  EXPECT_GT(pyramid.columns(kStart, seconds{10}, 10)[0].n, 0);
  EXPECT_EQ(pyramid.columns({}, seconds{10}, 10)[0].n, 0) << "long before";
}

}  // namespace
