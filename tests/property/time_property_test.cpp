#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <cstdio>

#include "mth5/time.hpp"

namespace {

using mth5::Nanos;
using mth5::UtcNanos;

/// Any time of 1678 to 2261.
rc::Gen<UtcNanos> any_time() {
  const auto first = mth5::parse_time("1678-01-01")->time_since_epoch().count();
  const auto last = mth5::parse_time("2261-12-31T23:59:59.999999999")->time_since_epoch().count();
  const auto fine = rc::gen::inRange(first, last);
  const auto whole_seconds = rc::gen::map(fine, [](std::int64_t t) { return t - t % 1'000'000'000; });
  const auto micros = rc::gen::map(fine, [](std::int64_t t) { return t - t % 1'000; });
  return rc::gen::map(rc::gen::oneOf(fine, whole_seconds, micros), [](std::int64_t t) { return UtcNanos{Nanos{t}}; });
}

rc::Gen<double> any_rate() {
  return rc::gen::oneOf(rc::gen::element(0.1, 1.0, 7.9999, 8.0, 150.0, 256.0, 24000.0, 1.0 / 3, 96000.0, 0.001),
                        rc::gen::map(rc::gen::inRange(1, 10'000'000), [](int milli) { return milli / 1000.0; }));
}

TEST(TimeProperty, PrintedTimesReadBack) {
  EXPECT_TRUE(rc::check([] {
    const auto t = *any_time();
    RC_ASSERT(mth5::parse_time(mth5::to_mth5_time(t)) == t);
    RC_ASSERT(mth5::parse_time(mth5::to_iso(t)) == t);
  }));
}

TEST(TimeProperty, AZoneMovesTheTextAndNotTheTime) {
  EXPECT_TRUE(rc::check([] {
    const auto t = *rc::gen::suchThat(
        any_time(), [](UtcNanos u) { return std::chrono::abs(u.time_since_epoch()) < std::chrono::days{90'000}; });
    const int minutes = *rc::gen::inRange(0, 24 * 60);
    const auto zone = [&](char sign) {
      char text[16];
      std::snprintf(text, sizeof text, "%c%02d:%02d", sign, minutes / 60 % 24, minutes % 60);
      return std::string{text};
    };
    const auto bare = [](UtcNanos u) {
      auto text = mth5::to_iso(u);
      text.pop_back();
      return text;
    };
    RC_ASSERT(mth5::parse_time(bare(t + std::chrono::minutes{minutes}) + zone('+')) == t);
    RC_ASSERT(mth5::parse_time(bare(t - std::chrono::minutes{minutes}) + zone('-')) == t);
  }));
}

TEST(TimeProperty, CalendarAndTextAgree) {
  EXPECT_TRUE(rc::check([] {
    const int year = *rc::gen::inRange(1670, 2270);
    const int month = *rc::gen::inRange(0, 14);
    const int day = *rc::gen::inRange(0, 33);
    const int hour = *rc::gen::inRange(0, 26);
    const int minute = *rc::gen::inRange(0, 62);
    const int milli = *rc::gen::inRange(0, 61'000);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03d", year, month, day, hour, minute, milli / 1000,
                  milli % 1000);
    RC_ASSERT(mth5::from_calendar(year, month, day, hour, minute, milli / 1000.0) == mth5::parse_time(text));
  }));
}

TEST(TimeProperty, AnyTextIsATimeOrNone) {
  EXPECT_TRUE(rc::check([] {
    const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string{"0123456789-:TZ+. "}));
    if (const auto t = mth5::parse_time(text)) RC_ASSERT(mth5::parse_time(mth5::to_iso(*t)) == t);
  }));
}

TEST(TimeProperty, SamplesBetweenUndoesSampleTime) {
  EXPECT_TRUE(rc::check([] {
    const double rate = *any_rate();
    const auto start = *rc::gen::suchThat(
        any_time(), [](UtcNanos u) { return std::chrono::abs(u.time_since_epoch()) < std::chrono::days{40'000}; });
    const auto most = static_cast<std::int64_t>(3e9 * rate);  // 95 years
    const auto index = *rc::gen::inRange(-most, most + 1);
    const double back = mth5::samples_between(start, mth5::sample_time(start, rate, index), rate);
    // Half a nanosecond of rounding, and the last digit of a double.
    RC_ASSERT(std::abs(back - static_cast<double>(index)) <= 0.51e-9 * rate + 2e-16 * std::abs(back));
  }));
}

TEST(TimeProperty, SampleTimesGrowWithTheIndex) {
  EXPECT_TRUE(rc::check([] {
    const double rate = *any_rate();
    const auto index = *rc::gen::inRange<std::int64_t>(-1'000'000'000'000, 1'000'000'000'000);
    const auto start = UtcNanos{};
    RC_ASSERT(mth5::sample_time(start, rate, index) <= mth5::sample_time(start, rate, index + 1));
  }));
}

TEST(TimeProperty, AWholeNumberOfSecondsIsExact) {
  EXPECT_TRUE(rc::check([] {
    const auto rate = *rc::gen::inRange<std::int64_t>(1, 1'000'000);
    const auto seconds = *rc::gen::inRange<std::int64_t>(-4'000'000'000, 4'000'000'000);
    const auto t = mth5::sample_time(UtcNanos{}, static_cast<double>(rate), rate * seconds);
    RC_ASSERT(t == UtcNanos{std::chrono::seconds{seconds}});
  }));
}

}  // namespace
