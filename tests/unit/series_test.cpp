#include "analysis/series.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "analysis/ledger.hpp"

namespace {

using analysis::indexes_within;
using analysis::Window;
using std::chrono::nanoseconds;
using std::chrono::seconds;

const mth5::UtcNanos kStart{seconds{1'777'593'600}};
using Range = std::pair<std::int64_t, std::int64_t>;

TEST(Window, TakesInTheSampleOnItsFirstEdgeAndNotTheOneOnItsSecond) {
  EXPECT_EQ(indexes_within({}, kStart, 8, 100), (Range{0, 100}));
  EXPECT_EQ(indexes_within({kStart + seconds{1}, kStart + seconds{2}}, kStart, 8, 100), (Range{8, 16}));
  EXPECT_EQ(indexes_within({kStart + seconds{1} + nanoseconds{1}, {}}, kStart, 8, 100), (Range{9, 100}));
  EXPECT_EQ(indexes_within({kStart - seconds{5}, kStart + seconds{500}}, kStart, 8, 100), (Range{0, 100}));
  EXPECT_EQ(indexes_within({kStart + seconds{50}, {}}, kStart, 8, 100), (Range{100, 100}));
  EXPECT_EQ(indexes_within({{}, kStart}, kStart, 8, 100), (Range{0, 0}));
}

TEST(Window, FindsTheSampleAtItsRoundedTime) {
  for (const double rate : {3.0, 24'000.0, 0.1})
    for (const std::int64_t index : {1, 2, 999, 86'401}) {
      const auto edge = mth5::sample_time(kStart, rate, index);
      EXPECT_EQ(indexes_within({edge, {}}, kStart, rate, 1'000'000).first, index) << rate;
    }
}

TEST(Series, AreOfAStreamThatTheNamesOfItsRunsTell) {
  using analysis::stream_of;
  EXPECT_EQ(stream_of("sr1_0003"), "sr1");
  EXPECT_EQ(stream_of("b12"), "b");
  EXPECT_EQ(stream_of("sr0_1__0003"), "sr0_1");
  for (const auto* name : {"a", "", "0001", "_7", "MT001a", "r2x"}) EXPECT_EQ(stream_of(name), "") << name;
}

TEST(Completeness, IsNotANumberWhereNothingIsExpected) {
  EXPECT_EQ(analysis::completeness(200, 50), 75.0);
  EXPECT_EQ(analysis::completeness(10, 0), 100.0);
  EXPECT_TRUE(std::isnan(analysis::completeness(0, 0)));
}

TEST(Ledger, BalancesWhenBothIdentitiesHoldAndTheFileAgrees) {
  analysis::SourceLedger source;
  source.bytes_in = 100;
  source.bytes_decoded = 90;
  source.bytes_pending = 3;
  source.bytes_skipped = {{"bad-time", 5}, {"garbage", 2}};
  EXPECT_TRUE(source.balanced());
  source.bytes_skipped["garbage"] = 0;
  EXPECT_FALSE(source.balanced());
  analysis::StreamLedger stream;
  stream.samples_decoded = 10;
  stream.samples_stored = 6;
  stream.samples_buffered = 1;
  stream.samples_dropped = {{"ring-full", 3}};
  EXPECT_TRUE(stream.balanced());
  stream.samples_dropped["ring-full"] = 2;
  EXPECT_FALSE(stream.balanced());
  stream.samples_dropped["ring-full"] = 3;
  stream.agrees_with_file = false;
  EXPECT_FALSE(stream.balanced());
}

}  // namespace
