#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <set>
#include <sstream>

#include "acquisition/simulate/lemi424.hpp"
#include "acquisition/simulate/recording.hpp"
#include "mth5/error.hpp"
#include "support/support.hpp"

namespace {

using namespace daq::simulate;

const auto kStart = *mth5::parse_time("2026-05-01T00:00:00Z");

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

Description described(std::string_view record) {
  Description description;
  lemi424().describe(record, description);
  return description;
}

double number(std::string_view text) {
  double value = NAN;
  EXPECT_EQ(std::from_chars(text.data(), text.data() + text.size(), value).ptr, text.data() + text.size()) << text;
  return value;
}

/// The record that a line tells, read by other means than the program's.
Lemi424Record parsed(const std::string& line) {
  std::istringstream in{line};
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  Lemi424Record r;
  in >> year >> month >> day >> hour >> minute >> second >> r.b_nt[0] >> r.b_nt[1] >> r.b_nt[2] >> r.electronics_celsius >>
      r.sensor_celsius >> r.e[0] >> r.e[1] >> r.e[2] >> r.e[3] >> r.battery_v >> r.elevation_m >> r.latitude >> r.north_south >>
      r.longitude >> r.east_west >> r.satellites >> r.gps_fix >> r.clock_difference_s;
  EXPECT_TRUE(in) << line;
  r.time = mth5::from_calendar(year, month, day, hour, minute, second).value();
  return r;
}

std::string records(const SignalSettings& settings, int n) {
  const auto source = lemi424().generate(settings);
  std::string all;
  for (int i = 0; i < n; ++i) all += source->next().value();
  return all;
}

TEST(Lemi424Line, IsByteForByteWhatTheInstrumentRecorded) {
  for (const char* name : {"202010010000.TXT", "202010020000.TXT"}) {
    const auto lines = lines_of(support::read_text(support::data() / "lemi424" / name));
    ASSERT_EQ(lines.size(), 120u);
    for (const auto& line : lines) {
      std::string written;
      append_line(parsed(line), written);
      ASSERT_EQ(written, line + "\n");
    }
  }
}

TEST(Lemi424Line, GrowsRatherThanCutAValue) {
  Lemi424Record record;
  record.b_nt[0] = 123456.789;
  std::string line;
  append_line(record, line);
  EXPECT_NE(line.find(" 123456.789 "), std::string::npos);
  EXPECT_EQ(line.size(), 152u);
}

TEST(Lemi424Description, FindsTimeAndValuesOfARecordedLine) {
  const std::string line =
      "2020 10 01 00 00 00 23773.506   228.549 41840.909  41.88  31.35   147.730  -104.576   198.558    25.659 12.98 2203.0 "
      "3404.83786 N 10712.84430 W 12 2 0\n";
  const auto description = described(line);
  EXPECT_EQ(description.time, mth5::parse_time("2020-10-01T00:00:00Z"));
  ASSERT_EQ(description.values.size(), lemi424().values.size());
  EXPECT_EQ(description.values.front(), "23773.506");
  EXPECT_EQ(description.values[6], "-104.576");
  EXPECT_EQ(description.values.back(), "0");
}

TEST(Lemi424Description, KnowsWhatIsNoRecord) {
  for (const char* line :
       {"", "\n", "# comment\n", "2020 10 01 00 00\n", "2020 13 01 00 00 00 1 2 3\n", "2020 10 01 00 00 00\n"}) {
    EXPECT_EQ(described(line).time, std::nullopt) << line;
    EXPECT_TRUE(described(line).values.empty()) << line;
  }
}

TEST(Lemi424Time, IsReplacedAndNothingElse) {
  std::string line = "2020 10 01 23 59 59 1.000 2.000\r\n";
  lemi424().set_time(line, *mth5::parse_time("2020-10-02T00:00:01Z"));
  EXPECT_EQ(line, "2020 10 02 00 00 01 1.000 2.000\r\n");
}

TEST(Lemi424Signal, CounterTellsTheIndexInEveryChannel) {
  const auto lines = lines_of(records({Signal::Counter, kStart, 1, 1}, 5000));
  constexpr std::array<std::size_t, 7> kColumns{0, 1, 2, 5, 6, 7, 8};  // without the temperatures
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto description = described(lines[i]);
    ASSERT_EQ(description.time, kStart + std::chrono::seconds{i});
    for (std::size_t channel = 0; channel < kColumns.size(); ++channel)
      ASSERT_EQ(number(description.values[kColumns[channel]]), lemi424_counter(i, channel));
  }
}

TEST(Lemi424Signal, SineHasItsAmplitudeAndPeriod) {
  const auto lines = lines_of(records({Signal::Sine, kStart, 1, 1}, 120));
  EXPECT_EQ(number(described(lines[0]).values[0]), 24000);
  EXPECT_EQ(number(described(lines[15]).values[0]), 24100);  // a quarter of 60 s
  EXPECT_EQ(number(described(lines[45]).values[0]), 23900);
  EXPECT_EQ(number(described(lines[30]).values[2]), 42020);  // a quarter of 120 s
  EXPECT_EQ(number(described(lines[15]).values[5]), 40);
}

TEST(Lemi424Signal, IsTheSameForTheSameSeed) {
  const SignalSettings settings{Signal::Mt, kStart, 1, 7};
  EXPECT_EQ(records(settings, 1000), records(settings, 1000));
  auto other = settings;
  other.seed = 8;
  EXPECT_NE(records(settings, 10), records(other, 10));
}

/// A red signal: its steps are far smaller than its range; and no line leaves the instrument's format.
TEST(Lemi424Signal, MtLooksNatural) {
  const auto lines = lines_of(records({Signal::Mt, kStart, 1, 3}, 20000));
  double low = INFINITY, high = -INFINITY, steps = 0, before = NAN;
  std::set<std::string> different;
  for (const auto& line : lines) {
    ASSERT_EQ(line.size(), 151u) << line;
    const double bx = number(described(line).values[0]);
    low = std::min(low, bx);
    high = std::max(high, bx);
    if (!std::isnan(before)) steps += (bx - before) * (bx - before);
    before = bx;
    different.insert(line);
  }
  const double rms_step = std::sqrt(steps / static_cast<double>(lines.size()));
  EXPECT_GT(high - low, 10);
  EXPECT_LT(high - low, 1000);
  EXPECT_GT(rms_step, 0.01);
  EXPECT_LT(rms_step, (high - low) / 50);
  EXPECT_EQ(different.size(), lines.size());
}

std::string played(const std::vector<std::filesystem::path>& files, std::size_t* n_records = nullptr) {
  Recording recording{files};
  std::string all;
  std::size_t n = 0;
  while (const auto record = recording.next()) {
    all += *record;
    ++n;
  }
  if (n_records != nullptr) *n_records = n;
  return all;
}

TEST(Recording, PlaysEveryByteAndNeverGluesLinesOfTwoFiles) {
  const support::TempDir dir;
  support::write_text(dir / "cut", "one\ntwo");
  support::write_text(dir / "dos", "three\r\nfour");
  support::write_text(dir / "empty", "");
  support::write_text(dir / "last", "five\nsix");
  std::size_t n = 0;
  EXPECT_EQ(played({dir / "cut", dir / "dos", dir / "empty", dir / "last"}, &n), "one\ntwo\nthree\r\nfour\r\nfive\nsix");
  EXPECT_EQ(n, 6u);
  EXPECT_EQ(played({dir / "cut"}), "one\ntwo");
  EXPECT_EQ(played({dir / "empty"}), "");
}

TEST(Recording, PlaysFilesLargerThanItsBufferAndLinesWithoutEnd) {
  const support::TempDir dir;
  std::string text(200'000, 'x');
  for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i) + "\n";
  support::write_text(dir / "big", text);
  EXPECT_TRUE(played({dir / "big"}) == text);
}

TEST(Recording, SaysAtOnceWhichFileIsMissing) {
  const support::TempDir dir;
  support::write_text(dir / "there", "x\n");
  try {
    Recording recording{{dir / "there", dir / "missing"}};
    FAIL() << "no error";
  } catch (const mth5::FileError& e) {
    EXPECT_NE(std::string{e.what()}.find("missing"), std::string::npos);
  }
  EXPECT_THROW(Recording{{dir.path()}}, mth5::FileError);
}

TEST(Instruments, AreFoundByName) {
  ASSERT_NE(find_instrument("lemi424"), nullptr);
  EXPECT_EQ(find_instrument("lemi424")->name, "lemi424");
  EXPECT_EQ(find_instrument("lemi"), nullptr);
}

}  // namespace
