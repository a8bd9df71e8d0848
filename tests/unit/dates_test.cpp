#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acquisition/decode/text.hpp"
#include "support/timeline.hpp"

/// Lines of text at the places where dates go wrong, from bytes to runs.
namespace {

using namespace std::chrono_literals;
using daq::decode::Batch;
using daq::decode::TextColumn;
using daq::decode::TextFormat;
using daq::decode::TimeKind;
using testing::ElementsAre;

mth5::UtcNanos utc(const char* text) { return *mth5::parse_time(text); }

/// year .. second and a channel, as the first fields of a LEMI-424's line.
TextFormat lemi() {
  using Use = TextColumn::Use;
  TextFormat format{.n_channels = 1, .columns = {}};
  for (const auto use : {Use::Year, Use::Month, Use::Day, Use::Hour, Use::Minute, Use::Second, Use::Channel})
    format.columns.push_back({.use = use});
  return format;
}

/// "235958.0 48464.53 99": a GSM-90 v7.
TextFormat gsm90() {
  return {.n_channels = 1,
          .time = "host-date",
          .clock = "device",
          .columns = {{.use = TextColumn::Use::Form, .name = "%H%M%S"}, {.use = TextColumn::Use::Channel}, {}}};
}

/// A line at a time, each with its arrival, through decoder and timeline.
struct Way {
  explicit Way(const TextFormat& format, bool live = false)
      : decoder{daq::decode::make_text_decoder(format)}, timeline{{.sample_rate = 1, .live = live}, 1, notes} {}
  Way& line(const std::string& text, mth5::UtcNanos arrival) {
    const auto bytes = text + "\r\n";
    Batch batch;
    decoder->feed({.bytes = bytes, .arrival = arrival}, batch);
    for (const auto& frame : batch.frames) {
      times.push_back(mth5::to_iso(frame.time));
      kinds.push_back(frame.kind);
      timeline.push(frame, batch.samples.data() + frame.first);
    }
    timeline.end_of_batch();
    return *this;
  }
  std::unique_ptr<daq::decode::Decoder> decoder;
  test::Notes notes{1, 1};
  daq::timing::Timeline timeline;
  std::vector<std::string> times{};
  std::vector<TimeKind> kinds{};
};

std::uint64_t dropped(const Way& way) { return daq::ledger::sum(way.timeline.counters().dropped); }

TEST(Dates, NumbersMayStandWithoutAZeroInFront) {
  using Use = TextColumn::Use;
  Way way{
      {.n_channels = 1,
       .columns = {{.use = Use::Form, .name = "%-d.%-m.%Y"}, {.use = Use::Form, .name = "%-H:%-M:%-S"}, {.use = Use::Channel}}}};
  way.line("1.5.2026 7:08:9 1.0", {}).line("31.12.2026 23:59:59.25 2.0", {}).line("01.05.2026 07:8:09 3.0", {});
  EXPECT_THAT(way.times, ElementsAre("2026-05-01T07:08:09Z", "2026-12-31T23:59:59.250Z", "2026-05-01T07:08:09Z"));
  // A first digit that was lost is not made up: what is left of the line is no frame.
  way.line("?1.5.2026 7:08:9 1.0", {}).line("111.5.2026 7:08:9 1.0", {}).line(".5.2026 7:08:9 1.0", {});
  EXPECT_EQ(way.times.size(), 3u);
}

TEST(Dates, ALeapSecondOfALineIsStored) {
  Way way{lemi()};  // IERS Bulletin C 52
  const auto arrival = utc("2017-01-01T00:00:00");
  for (const char* text :
       {"2016 12 31 23 59 57 1.0", "2016 12 31 23 59 58 2.0", "2016 12 31 23 59 59 3.0", "2016 12 31 23 59 60 4.0",
        "2017 01 01 00 00 00 5.0", "2017 01 01 00 00 01 6.0", "2017 01 01 00 00 02 7.0"})
    way.line(text, arrival);
  way.timeline.finish();
  EXPECT_EQ(way.times.size(), 7u) << "none is refused";
  EXPECT_EQ(way.times.at(3), "2017-01-01T00:00:00Z");
  EXPECT_EQ(dropped(way), 0u);
  std::size_t n = 0;
  for (const auto& run : way.notes.runs) n += run.values.size();
  EXPECT_EQ(n, 7u);
  for (const auto& gap : way.notes.gaps) EXPECT_EQ(gap.n_samples, 0) << "nothing is missing";
}

TEST(Dates, ASecondSixtyThatNeverWasIsRefused) {
  Way way{lemi()};
  way.line("2016 11 30 23 59 60 1.0", {}).line("2016 12 31 22 59 60 1.0", {});
  EXPECT_TRUE(way.times.empty());
  EXPECT_EQ(way.decoder->counters().events_skipped.at(static_cast<std::size_t>(daq::ledger::Skip::BadTime)), 1u) << "in a row";
}

TEST(Dates, TheYearsEndAndALeapDayAreNoGaps) {
  for (const char* first : {"2023-12-31T23:59:57", "2024-02-28T23:59:57", "2024-02-29T23:59:57", "2023-02-28T23:59:57"}) {
    Way way{lemi()};
    for (int i = 0; i < 6; ++i) {
      const auto time = utc(first) + std::chrono::seconds{i};
      auto text = mth5::to_iso(time).substr(0, 19) + " 1.5";
      for (char& c : text)
        if (c == '-' || c == ':' || c == 'T') c = ' ';
      way.line(text, time);
    }
    way.timeline.finish();
    ASSERT_EQ(way.notes.runs.size(), 1u) << first;
    EXPECT_EQ(way.notes.runs[0].values.size(), 6u) << first;
    EXPECT_TRUE(way.notes.gaps.empty()) << first;
  }
}

TEST(Dates, TimesOfDayPassMidnightWithTheComputersDate) {
  for (const char* midnight : {"2024-01-01T00:00:00", "2024-02-29T00:00:00", "2024-03-01T00:00:00"}) {
    Way way{gsm90(), true};
    for (int i = -3; i < 3; ++i) {
      const auto time = utc(midnight) + std::chrono::seconds{i};
      auto text = mth5::to_iso(time).substr(11, 8);
      std::erase(text, ':');
      way.line(text + ".0 48464.53 99", time - 700ms);  // the computer's clock is behind: its midnight is later
    }
    way.timeline.finish();
    ASSERT_EQ(way.notes.runs.size(), 1u) << midnight;
    EXPECT_EQ(way.notes.runs[0].start, utc(midnight) - 3s);
    EXPECT_EQ(way.notes.runs[0].values.size(), 6u);
    EXPECT_THAT(way.kinds, testing::Each(TimeKind::Device));
  }
}

TEST(Dates, HoursOfOldFirmwareGoOn) {
  Way way{gsm90()};  // as a GSM-19 was seen to print 09:03:01 on its third day
  way.line("570301.0 48464.53 99", utc("2012-03-07T09:03:05"));
  EXPECT_THAT(way.times, ElementsAre("2012-03-07T09:03:01Z"));
}

TEST(Dates, LinesWithoutATimeSurviveAComputerThatLearnsItsDate) {
  TextFormat format{.n_channels = 1, .time = "host", .columns = {{.use = TextColumn::Use::Channel}, {}}};
  Way way{format, true};
  // A board without a battery for its clock starts in 1970; NTP sets it after half a minute.
  const auto boot = utc("1970-01-01T00:00:20");
  const auto real = utc("2026-11-25T06:00:00");
  for (int i = 0; i < 30; ++i) way.line("48464.53 99", boot + std::chrono::seconds{i});
  for (int i = 30; i < 90; ++i) way.line("48464.53 99", real + std::chrono::seconds{i});
  way.timeline.finish();
  EXPECT_THAT(way.kinds, testing::Each(TimeKind::Host));
  ASSERT_EQ(way.notes.runs.size(), 2u);
  const auto& before = way.notes.runs[0];
  const auto& behind = way.notes.runs[1];
  EXPECT_EQ(before.values.size(), 30u);
  EXPECT_EQ(behind.values.size(), 60u);
  EXPECT_EQ(before.start, boot);
  EXPECT_EQ(behind.start, real + 30s);
  EXPECT_EQ(dropped(way), 0u);
  for (const int i : {0, 29}) EXPECT_LT(std::chrono::abs(before.utc(static_cast<std::size_t>(i), 1) - (boot + i * 1s)), 1ms) << i;
  for (const int i : {0, 30, 59})
    EXPECT_LT(std::chrono::abs(behind.utc(static_cast<std::size_t>(i), 1) - (real + 30s + i * 1s)), 1ms) << i;
}

}  // namespace
