#include "mth5/time.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace {

using mth5::Nanos;
using mth5::UtcNanos;

UtcNanos at(std::int64_t seconds, std::int64_t nanos = 0) { return UtcNanos{Nanos{seconds * 1'000'000'000 + nanos}}; }
std::optional<UtcNanos> parse(std::string_view text) { return mth5::parse_time(text); }

TEST(Mth5Time, PrintsOnlyTheDecimalsThereAre) {
  EXPECT_EQ(mth5::to_mth5_time(at(1601510400)), "2020-10-01T00:00:00+00:00");
  EXPECT_EQ(mth5::to_mth5_time(at(1601510400, 500'000'000)), "2020-10-01T00:00:00.500+00:00");
  EXPECT_EQ(mth5::to_mth5_time(at(1601510400, 1'000)), "2020-10-01T00:00:00.000001+00:00");
  EXPECT_EQ(mth5::to_mth5_time(at(1601510400, 1)), "2020-10-01T00:00:00.000000001+00:00");
  EXPECT_EQ(mth5::to_iso(at(0)), "1970-01-01T00:00:00Z");
}

TEST(Mth5Time, HoldsBefore1970AndAtTheEndsOfTheClock) {
  EXPECT_EQ(mth5::to_iso(at(0, -1)), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(mth5::to_iso(at(-1)), "1969-12-31T23:59:59Z");
  EXPECT_EQ(mth5::to_iso(UtcNanos::min()), "1677-09-21T00:12:43.145224192Z");
  EXPECT_EQ(mth5::to_iso(UtcNanos::max()), "2262-04-11T23:47:16.854775807Z");
  EXPECT_EQ(parse("1969-12-31T23:59:59.999999999Z"), at(0, -1));
  EXPECT_EQ(mth5::to_iso(*parse("1678-01-01")), "1678-01-01T00:00:00Z");
  EXPECT_EQ(mth5::to_iso(*parse("2261-12-31T23:59:59.999999999")), "2261-12-31T23:59:59.999999999Z");
}

TEST(Mth5Time, ReadsEveryFormItPromises) {
  const auto noon = at(1601553600);  // 2020-10-01T12:00:00Z
  for (const char* text : {"2020-10-01T12:00:00+00:00", "2020-10-01T12:00:00Z", "2020-10-01 12:00", "2020-10-01T12:00:00",
                           "2020-10-01T14:00+02:00", "2020-10-01T14:00:00+0200", "2020-10-01T02:30:00.000-09:30"})
    EXPECT_EQ(parse(text), noon) << text;
  EXPECT_EQ(parse("2020-10-01"), at(1601510400));
  EXPECT_EQ(parse("2020-10-01+01:00"), at(1601510400 - 3600));
  EXPECT_EQ(parse("2020-10-01T00:00:00.5"), at(1601510400, 500'000'000));
  EXPECT_EQ(parse("2020-10-01T00:00:00.1234567899999999999999999"), at(1601510400, 123'456'789)) << "further decimals are cut";
}

TEST(Mth5Time, RefusesWhatIsNoTime) {
  for (const char* text : {"",
                           "x",
                           "2020",
                           "2020-10",
                           "2020-1-1",
                           "2020-02-30",
                           "2021-02-29",
                           "1900-02-29",
                           "2020-13-01",
                           "2020-00-01",
                           "2020-01-00",
                           "2020-01-32",
                           "2020-01-01T24:00:00",
                           "2020-01-01T00:60:00",
                           "2020-01-01T00:00:60",
                           "2020-01-01T",
                           "2020-01-01T12",
                           "2020-01-01T12:00:",
                           "2020-01-01T12:00:00.",
                           "2020-01-01T12:00:00+1",
                           "2020-01-01T12:00:00+24:00",
                           "2020-01-01T12:00:00+01:60",
                           "2020-01-01T12:00:00ZZ",
                           "2020-01-01T12:00:00 ",
                           " 2020-01-01",
                           "2020-01-01T12:00:00+01:00x",
                           "20200101",
                           "-2020-01-01",
                           "1677-12-31",
                           "2262-01-01",
                           "1678-01-01T00:00+00:01",
                           "2261-12-31T23:59-00:01",
                           "0000-01-01",
                           "9999-12-31",
                           "2020/01/01",
                           "2020-01-01T12:00:00,5",
                           "2020-01-01T+1:00"})
    EXPECT_EQ(parse(text), std::nullopt) << text;
}

TEST(Mth5Time, KnowsLeapYears) {
  EXPECT_EQ(mth5::to_iso(*parse("2020-02-29")), "2020-02-29T00:00:00Z");
  EXPECT_EQ(mth5::to_iso(*parse("2000-02-29")), "2000-02-29T00:00:00Z");
  EXPECT_EQ(*parse("2020-03-01") - *parse("2020-02-28"), std::chrono::days{2});
  EXPECT_EQ(*parse("2100-03-01") - *parse("2100-02-28"), std::chrono::days{1});
}

TEST(Calendar, MakesUtcOfWhatExists) {
  EXPECT_EQ(mth5::from_calendar(2020, 10, 1, 0, 0, 0), at(1601510400));
  EXPECT_EQ(mth5::from_calendar(2020, 10, 1, 0, 1, 59.5), at(1601510519, 500'000'000));
  EXPECT_EQ(mth5::from_calendar(1969, 12, 31, 23, 59, 59), at(-1));
  EXPECT_EQ(mth5::from_calendar(2020, 10, 1, 0, 0, 59.9999999999), at(1601510460)) << "rounded to the ns, into the next minute";
  EXPECT_EQ(mth5::from_calendar(2021, 2, 29, 0, 0, 0), std::nullopt);
  EXPECT_EQ(mth5::from_calendar(2020, 10, 1, 24, 0, 0), std::nullopt);
  EXPECT_EQ(mth5::from_calendar(2020, 10, 1, 0, 60, 0), std::nullopt);
  EXPECT_EQ(mth5::from_calendar(2020, 10, 1, 0, 0, 60), std::nullopt);
  EXPECT_EQ(mth5::from_calendar(2020, 10, 1, 0, 0, -0.001), std::nullopt);
  EXPECT_EQ(mth5::from_calendar(2020, 10, 1, 0, 0, std::numeric_limits<double>::quiet_NaN()), std::nullopt);
  EXPECT_EQ(mth5::from_calendar(2020, 0, 1, 0, 0, 0), std::nullopt);
  EXPECT_EQ(mth5::from_calendar(2020, 256 + 10, 1, 0, 0, 0), std::nullopt) << "a month that wraps in a byte";
  EXPECT_EQ(mth5::from_calendar(65536 + 2020, 10, 1, 0, 0, 0), std::nullopt);
  EXPECT_EQ(mth5::from_calendar(2261, 12, 31, 23, 59, 59.9999999999), std::nullopt);
  constexpr int lowest = std::numeric_limits<int>::min();
  EXPECT_EQ(mth5::from_calendar(lowest, lowest, lowest, lowest, lowest, 0), std::nullopt);
}

TEST(SampleTime, IsExactAtLargeIndexes) {
  const auto start = at(1601510400, 123);
  EXPECT_EQ(mth5::sample_time(start, 24000, 0), start);
  EXPECT_EQ(mth5::sample_time(start, 24000, 24000), start + std::chrono::seconds{1});
  // 10^12 / 24000 = 41666666 + 2/3 s
  EXPECT_EQ(mth5::sample_time(start, 24000, 1'000'000'000'000), start + Nanos{41'666'666'666'666'667});
  EXPECT_EQ(mth5::sample_time(start, 24000, -1'000'000'000'000), start - Nanos{41'666'666'666'666'667});
  EXPECT_EQ(mth5::sample_time(start, 3, 1), start + Nanos{333'333'333});
  EXPECT_EQ(mth5::sample_time(start, 3, 2), start + Nanos{666'666'667});
}

TEST(SampleTime, TakesFractionalRatesAsTheyAreMeant) {
  const auto start = at(0);
  EXPECT_EQ(mth5::sample_time(start, 0.1, 900'000'000), start + std::chrono::seconds{9'000'000'000});
  EXPECT_EQ(mth5::sample_time(start, 1.0 / 3, 3'000'000'001), start + std::chrono::seconds{9'000'000'003});
  EXPECT_EQ(mth5::sample_time(start, 7.9999, 79'999), start + std::chrono::seconds{10'000});
  EXPECT_EQ(mth5::sample_time(start, 7.9999, 79'999LL * 100'000), start + std::chrono::seconds{1'000'000'000});
  EXPECT_EQ(mth5::sample_time(start, 0.5, 1), start + std::chrono::seconds{2});
  EXPECT_EQ(mth5::sample_time(start, 4.7683715820312, 1), start + Nanos{209'715'200}) << "a measured rate";
}

TEST(SampleTime, StopsAtTheEndsOfTheClock) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(mth5::sample_time(at(0), 1, most), UtcNanos::max());
  EXPECT_EQ(mth5::sample_time(at(0), 1, least), UtcNanos::min());
  EXPECT_EQ(mth5::sample_time(at(0), 1e9, most), UtcNanos::max());
  EXPECT_EQ(mth5::sample_time(at(0), 1e9, least), UtcNanos::min());
  EXPECT_EQ(mth5::sample_time(UtcNanos::max(), 1, 1), UtcNanos::max());
  EXPECT_EQ(mth5::sample_time(UtcNanos::min(), 1, -1), UtcNanos::min());
  EXPECT_EQ(mth5::sample_time(at(0), 1e-300, 1), UtcNanos::max());
  EXPECT_EQ(mth5::sample_time(at(0), 1e300, most), at(0));
  EXPECT_EQ(mth5::sample_time(at(5), 0, 7), at(5));
  EXPECT_EQ(mth5::sample_time(at(5), std::numeric_limits<double>::quiet_NaN(), 7), at(5));
}

TEST(SamplesBetween, CountsBothWays) {
  const auto start = at(1601510400);
  EXPECT_DOUBLE_EQ(mth5::samples_between(start, start + std::chrono::seconds{10}, 24000), 240000);
  EXPECT_DOUBLE_EQ(mth5::samples_between(start + std::chrono::seconds{10}, start, 24000), -240000);
  EXPECT_DOUBLE_EQ(mth5::samples_between(start, start + std::chrono::seconds{15}, 0.1), 1.5);
  EXPECT_DOUBLE_EQ(mth5::samples_between(start, start + Nanos{500}, 1), 5e-7);
  EXPECT_DOUBLE_EQ(mth5::samples_between(start, start + std::chrono::days{3650}, 24000), 3650.0 * 86400 * 24000);
  EXPECT_DOUBLE_EQ(mth5::samples_between(UtcNanos::min(), UtcNanos::max(), 1), 18446744073.709551615);
}

TEST(HostNow, IsInTheYearsTheLibraryVouchesFor) { EXPECT_NE(parse(mth5::to_iso(mth5::host_now())), std::nullopt); }

}  // namespace
