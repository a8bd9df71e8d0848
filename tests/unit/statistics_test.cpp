#include "analysis/measures/statistics.hpp"

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace {

using analysis::Statistics;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(Statistics, KnowNothingOfAnEmptySeries) {
  Statistics statistics;
  statistics.add({});
  EXPECT_EQ(statistics.count(), 0);
  EXPECT_TRUE(std::isnan(statistics.mean()));
  EXPECT_TRUE(std::isnan(statistics.std()));
  EXPECT_TRUE(std::isnan(statistics.min()));
  EXPECT_TRUE(std::isnan(statistics.max()));
}

TEST(Statistics, AreThoseOfNumpy) {
  Statistics statistics;
  statistics.add(std::vector{2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0});
  EXPECT_EQ(statistics.count(), 8);
  EXPECT_DOUBLE_EQ(statistics.mean(), 5.0);
  EXPECT_DOUBLE_EQ(statistics.std(), 2.0);
  EXPECT_EQ(statistics.min(), 2.0);
  EXPECT_EQ(statistics.max(), 9.0);
}

TEST(Statistics, AreTheSameHoweverTheSeriesIsCut) {
  std::vector<double> values(1000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i)) * 1e3 + 1e9;
  Statistics whole;
  whole.add(values);
  for (const std::size_t block : {1U, 7U, 333U, 999U}) {
    Statistics parts;
    for (std::size_t at = 0; at < values.size(); at += block)
      parts.add(std::span{values}.subspan(at, std::min(block, values.size() - at)));
    EXPECT_EQ(parts.count(), whole.count());
    EXPECT_NEAR(parts.mean(), whole.mean(), 1e-6);
    EXPECT_NEAR(parts.std(), whole.std(), 1e-6);
    EXPECT_EQ(parts.min(), whole.min());
    EXPECT_EQ(parts.max(), whole.max());
  }
}

TEST(Statistics, OfAConstantHaveNoSpreadHoweverItIsCut) {
  for (const double value : {33.37, -0.1, 1e9 / 3, 5e-324}) {
    Statistics statistics;
    for (const std::size_t n : {1U, 7U, 1000U, 131'072U}) statistics.add(std::vector<double>(n, value));
    EXPECT_EQ(statistics.std(), 0.0) << value;
    EXPECT_EQ(statistics.mean(), value);
  }
}

TEST(Statistics, CountMissingValuesApart) {
  Statistics statistics;
  statistics.add(std::vector{kNaN, kNaN});
  statistics.add(std::vector{1.0, kNaN, 3.0});
  EXPECT_EQ(statistics.count(), 2);
  EXPECT_EQ(statistics.missing(), 3);
  EXPECT_DOUBLE_EQ(statistics.mean(), 2.0);
  EXPECT_DOUBLE_EQ(statistics.std(), 1.0);
}

}  // namespace
