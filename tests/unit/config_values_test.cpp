#include <gtest/gtest.h>

#include "acquisition/config/config.hpp"

namespace {

using namespace daq::config;
using namespace std::chrono_literals;

TEST(Durations, AreNumbersWithAUnit) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("0.5s"), 500ms);
  EXPECT_EQ(parse_duration("5min"), 5min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("1d"), 24h);
  EXPECT_EQ(parse_duration("3us"), 3us);
  EXPECT_EQ(parse_duration("9007199254740993ns"), 9007199254740993ns);
  EXPECT_EQ(parse_duration("0s"), 0s);
  for (const auto* wrong :
       {"", "10", "s", "-1s", "+1s", "1 s", "1S", "1m", "1e3s", "0x1s", "nan", "infs", "1s ", "300000d", "1.2.3s"})
    EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
}

TEST(Durations, AreWrittenInTheLargestUnitWithoutDecimals) {
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(500ms), "500ms");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(600s), "10min");
  EXPECT_EQ(format_duration(48h), "2d");
  EXPECT_EQ(format_duration(1h + 1ns), "3600000000001ns");
  for (const auto value : {1ns, 1000ns, 86'400'000'000'000ns, 123'456'789ns})
    EXPECT_EQ(parse_duration(format_duration(value)), value);
}

TEST(Patterns, AreFilled) {
  using std::chrono::sys_days;
  const PatternValues values{"S1", "MT001", sys_days{std::chrono::year{2026} / 5 / 1} + 3h + 4min + 5s + 600ms, 24000, 7};
  EXPECT_EQ(expand("{station}_{start:%Y%m%dT%H%M%SZ}.h5", values).text, "MT001_20260501T030405Z.h5");
  EXPECT_EQ(expand("sr{rate}_{index:04}", values).text, "sr24k_0007");
  EXPECT_EQ(expand("{survey}-{index}-{start:%j%%}", values).text, "S1-7-121%");
  EXPECT_EQ(expand("plain", values).text, "plain");
}

TEST(Patterns, WriteRatesAsPythonsCollectionsDo) {
  const auto rate = [](double hz) { return expand("{rate}", {"", "", {}, hz, 1}).text; };
  EXPECT_EQ(rate(1), "1");
  EXPECT_EQ(rate(8), "8");
  EXPECT_EQ(rate(150), "150");
  EXPECT_EQ(rate(4096), "4096");
  EXPECT_EQ(rate(1000), "1k");
  EXPECT_EQ(rate(24000), "24k");
  EXPECT_EQ(rate(0.5), "0p5");
  EXPECT_EQ(rate(31.25), "31p25");
}

TEST(Patterns, SayWhatIsWrongWithThem) {
  const auto problem = [](const char* pattern) { return expand(pattern, {}).problem; };
  EXPECT_EQ(problem("{statoin}"), "{statoin} is not one of {station} {survey} {start:%Y...} {rate} {index:04}");
  EXPECT_EQ(problem("{station"), "has a brace without its partner");
  EXPECT_EQ(problem("station}"), "has a brace without its partner");
  EXPECT_EQ(problem("{{station}}"), "has a brace without its partner");
  EXPECT_EQ(problem("{station:3}"), "{station} takes no form ('3')");
  EXPECT_EQ(problem("{index:4}"), "'4' is not a width; {index:04} gives 0001");
  EXPECT_EQ(problem("{start}"), "{start} needs a form, e.g. {start:%Y%m%dT%H%M%SZ}");
  EXPECT_EQ(problem("{start:%Q}"), "'%Q' is not one of %Y %y %m %d %j %H %M %S %F %T %%");
  EXPECT_EQ(problem("{start:%}"), "'%' is not one of %Y %y %m %d %j %H %M %S %F %T %%");
}

TEST(Bytes, AreReadAndWrittenInTheirUnits) {
  EXPECT_EQ(daq::config::parse_bytes("32MiB"), 33'554'432);
  EXPECT_EQ(daq::config::parse_bytes("0.5GiB"), 536'870'912);
  EXPECT_EQ(daq::config::parse_bytes("1PiB"), std::int64_t{1} << 50) << "the limit of output.retention_below";
  EXPECT_EQ(daq::config::parse_bytes("7B"), 7);
  for (const char* wrong : {"", "32", "MiB", "-1MiB", "1MB", "1 MiB", "1e3B", "99999999TiB"})
    EXPECT_FALSE(daq::config::parse_bytes(wrong)) << wrong;
  EXPECT_EQ(daq::config::format_bytes(33'554'432), "32MiB");
  EXPECT_EQ(daq::config::format_bytes(1025), "1025B");
  EXPECT_EQ(daq::config::format_bytes(0), "0B");
}

TEST(Volts, AreReadAndWrittenWithTheirUnit) {
  EXPECT_EQ(daq::config::parse_volts("11.8V"), 11.8);
  EXPECT_EQ(daq::config::parse_volts("24V"), 24);
  for (const char* wrong : {"", "11.8", "V", "-1V", "11.8 V", "1e1V", "11,8V", "11.8v", "nanV"})
    EXPECT_FALSE(daq::config::parse_volts(wrong)) << wrong;
  EXPECT_EQ(daq::config::format_volts(11.8), "11.8V");
  EXPECT_EQ(daq::config::format_volts(1000), "1000V");
}

}  // namespace
