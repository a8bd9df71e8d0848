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

TEST(Calendar, DatesByArrivalAreNoDayApart) {
  const auto noon = utc("2024-05-01T12:00:00");
  for (const auto begin : {0h, 6h, 11h, 12h, 13h, 23h}) {  // played back: all arrive within a second
    DayUnroller day{{}};
    const auto first = day.at_arrival(begin, noon);
    EXPECT_LE(std::chrono::abs(first - noon), 12h);
    for (int s = 1; s < 3 * 86400; s += 61)
      ASSERT_EQ(day.at_arrival((begin + std::chrono::seconds{s}) % 24h, noon + std::chrono::milliseconds{s / 100}),
                first + std::chrono::seconds{s});
  }
  DayUnroller other_zone{{}};  // half a day off, and arrivals jitter
  const auto first = other_zone.at_arrival(0h, noon);
  for (int s = 1; s < 2 * 86400; ++s)
    ASSERT_EQ(other_zone.at_arrival(std::chrono::seconds{s % 86400}, noon + std::chrono::seconds{s} + 300ms * (s % 3 - 1)),
              first + std::chrono::seconds{s});
}

TEST(Calendar, AWildTimeOfDayMovesNoOther) {
  const auto start = utc("2024-05-01T22:00:00");
  DayUnroller day{{}};
  for (int s = 0; s < 86400; ++s) {
    const auto now = start + std::chrono::seconds{s};
    const auto right = std::chrono::seconds{(22 * 3600 + s) % 86400};
    if (s % 100 == 50) static_cast<void>(day.at_arrival((right + 11h) % 24h, now));
    if (s % 100 == 51) static_cast<void>(day.at_arrival((right + 22h) % 24h, now));
    ASSERT_EQ(day.at_arrival(right, now), now) << s;
  }
}

TEST(Calendar, AClockThatIsSetIsDatedByItsArrival) {
  const auto start = utc("2024-05-01T12:00:00");
  for (const auto before : {-11h, -7h, 7h, 11h})
    for (const auto after : {-11h, -6h, 0h, 6h, 11h}) {
      DayUnroller day{{}};
      for (int s = 0; s < 100; ++s) {
        const auto now = start + std::chrono::seconds{s};
        const auto shown = now + (s < 50 ? before : after);
        ASSERT_EQ(day.at_arrival(shown - std::chrono::floor<std::chrono::days>(shown), now), shown)
            << before.count() << " " << after.count();
      }
    }
}

/// A file without dates that is read in an instant: its gaps are of hours, whatever hour it is read at.
TEST(Calendar, FollowsTheGapsOfWhatIsPlayedBack) {
  for (const auto read_at : {0h, 5h, 7h, 12h, 18h, 23h})
    for (const auto gap : {1h, 5h, 8h, 9h, 11h}) {
      SCOPED_TRACE(testing::Message{} << "read at " << read_at.count() << ":00, gap of " << gap.count() << " h");
      const auto now = utc("2024-05-01T00:00:00") + read_at;
      DayUnroller day{now};
      constexpr auto kBegin = 13h + 53min + 20s;
      const auto first = day.at_arrival(kBegin, now);
      for (int s = 1; s < 20; ++s) ASSERT_EQ(day.at_arrival(kBegin + s * 1s, now + s * 1us), first + s * 1s);
      for (int s = 0; s < 20; ++s)
        ASSERT_EQ(day.at_arrival((kBegin + gap + s * 1s) % 24h, now + 20us + s * 1us), first + gap + s * 1s);
    }
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
