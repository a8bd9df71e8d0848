#include "acquisition/decode/calendar.hpp"

#include <gtest/gtest.h>

namespace {

using namespace daq::decode;
using namespace std::chrono_literals;

mth5::UtcNanos utc(const char* text) { return *mth5::parse_time(text); }

TEST(Calendar, KnowsTheLeapSecondsThereWere) {
  // IERS Bulletin C 52: 2016-12-31 23:59:60; Bulletin C 43: 2012-06-30 23:59:60.
  EXPECT_EQ(from_calendar(2016, 12, 31, 23, 59, 60), utc("2017-01-01T00:00:00"));
  EXPECT_EQ(from_calendar(2012, 6, 30, 23, 59, 60.25), utc("2012-07-01T00:00:00.25"));
  EXPECT_EQ(from_calendar(2016, 12, 31, 23, 59, 59), utc("2016-12-31T23:59:59"));
  EXPECT_EQ(from_calendar(2016, 12, 31, 23, 58, 60), std::nullopt) << "not the last minute";
  EXPECT_EQ(from_calendar(2016, 11, 30, 23, 59, 60), std::nullopt) << "never there";
  EXPECT_EQ(from_calendar(2016, 12, 31, 23, 59, 61), std::nullopt);
  EXPECT_EQ(from_calendar(2262, 12, 31, 23, 59, 60), std::nullopt);
}

TEST(Calendar, RefusesDatesThatAreNone) {
  // ObsDAQ is known for the first two.
  EXPECT_EQ(from_calendar(2020, 3, 32, 0, 0, 0), std::nullopt);
  EXPECT_EQ(from_calendar(2020, 4, 31, 0, 0, 0), std::nullopt);
  EXPECT_EQ(from_calendar(2023, 2, 29, 0, 0, 0), std::nullopt);
  EXPECT_EQ(from_calendar(1900, 2, 29, 0, 0, 0), std::nullopt);
  EXPECT_EQ(from_calendar(2000, 2, 29, 0, 0, 0), utc("2000-02-29"));
  EXPECT_EQ(from_calendar(2024, 13, 1, 0, 0, 0), std::nullopt);
  EXPECT_EQ(from_calendar(2024, 1, 1, 24, 0, 0), std::nullopt);
}

TEST(Calendar, UnrollsMidnightBothWays) {
  DayUnroller day{utc("2023-12-31T23:50:00")};  // the year's end too
  EXPECT_EQ(day.at(23h + 59min + 59s), utc("2023-12-31T23:59:59"));
  EXPECT_EQ(day.at(0s), utc("2024-01-01T00:00:00"));
  EXPECT_EQ(day.at(23h + 59min + 58s), utc("2023-12-31T23:59:58")) << "a late frame";
  EXPECT_EQ(day.at(1s), utc("2024-01-01T00:00:01"));
}

TEST(Calendar, UnrollsManyDays) {
  DayUnroller day{utc("2024-02-27T12:00:00")};  // over a leap day
  for (int s = 0; s < 4 * 86400; s += 60)
    ASSERT_EQ(day.at((12h + std::chrono::seconds{s}) % 24h), utc("2024-02-27T12:00:00") + std::chrono::seconds{s});
}

TEST(Calendar, TakesTheDateFromOutsideBehindAPause) {
  DayUnroller day{utc("2024-05-01T10:00:00")};
  EXPECT_EQ(day.at(10h), utc("2024-05-01T10:00:00"));
  EXPECT_EQ(day.at(9h, utc("2024-05-20T09:10:00")), utc("2024-05-20T09:00:00"));
  EXPECT_EQ(day.at(9h + 1s), utc("2024-05-20T09:00:01"));
}

TEST(Calendar, TakesHoursBeyondADayAsGsm19CountsThem) {
  DayUnroller day{utc("2012-03-05T09:00:00")};
  EXPECT_EQ(day.at(57h + 3min + 1s), utc("2012-03-05T09:03:01"));
  EXPECT_EQ(day.at(-1s), utc("2012-03-04T23:59:59"));
}

TEST(Calendar, UnrollsTheGpsWeek) {
  // Week 2048 began on 2019-04-07; receivers that count to 1023 said 1999-08-22. Week 0 was 1980-01-06.
  const auto built = utc("2010-01-01");
  EXPECT_EQ(unroll_gps_week(utc("1999-08-22T00:00:00"), built), utc("2019-04-07T00:00:00"));
  EXPECT_EQ(unroll_gps_week(utc("1980-01-06T12:00:00"), built), utc("2019-04-07T12:00:00")) << "two rollovers";
  EXPECT_EQ(unroll_gps_week(utc("2006-10-07T01:02:03"), built), utc("2026-05-23T01:02:03"));
  EXPECT_EQ(unroll_gps_week(built, built), built);
  EXPECT_EQ(unroll_gps_week(built - 1ns, built), built - 1ns + 24h * 7 * 1024);
  EXPECT_EQ(unroll_gps_week(utc("1700-01-01"), built), utc("1700-01-01")) << "no receiver's";
}

}  // namespace
