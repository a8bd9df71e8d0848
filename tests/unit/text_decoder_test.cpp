#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <numeric>
#include <stdexcept>

#include "acquisition/decode/text.hpp"
#include "support/lemi424.hpp"
#include "support/support.hpp"

namespace {

using namespace daq::decode;
using support::kLemi424Values;
using support::lemi424_format;
using support::lemi424_line;
using testing::Each;
using testing::ElementsAre;

using Use = TextColumn::Use;

mth5::UtcNanos at(int second) { return *mth5::from_calendar(2020, 10, 4, 0, 0, 0) + std::chrono::seconds{second}; }

std::uint64_t skipped(const daq::ledger::SourceCounters& counters, Skip why) {
  return counters.bytes_skipped[static_cast<std::size_t>(why)];
}
std::uint64_t events(const daq::ledger::SourceCounters& counters, Skip why) {
  return counters.events_skipped[static_cast<std::size_t>(why)];
}

/// A decoder with all it gave.
struct Fed {
  std::unique_ptr<Decoder> decoder;
  Batch out;

  TextFormat format;

  explicit Fed(const TextFormat& f = lemi424_format()) : decoder{make_text_decoder(f)}, format{f} {}
  Fed& feed(std::string_view text) {
    decoder->feed({.bytes = text}, out);
    check();
    return *this;
  }
  Fed& end() {
    decoder->end_of_stream(out);
    check();
    return *this;
  }
  const daq::ledger::SourceCounters& counters() const { return decoder->counters(); }
  std::vector<mth5::UtcNanos> times() const {
    std::vector<mth5::UtcNanos> all;
    for (const auto& frame : out.frames) all.push_back(frame.time);
    return all;
  }
  void check() const {
    const auto& c = counters();
    EXPECT_EQ(c.bytes_in, std::accumulate(c.bytes_skipped.begin(), c.bytes_skipped.end(), c.bytes_decoded + c.bytes_pending));
    EXPECT_EQ(out.samples.size(), out.frames.size() * format.n_channels);
    EXPECT_EQ(out.soh.size(), out.frames.size() * format.n_soh);
  }
};

/// One decode_line() on LEMI-424 or another format.
struct Line {
  std::vector<double> channels, soh;
  TextLine found;

  explicit Line(const std::string& text, bool complete = true, const TextFormat& format = lemi424_format())
      : channels(format.n_channels), soh(format.n_soh), found{decode_line(format, text, complete, channels, soh)} {}
};

/// "good", or the reason; then the bytes it speaks of.
std::string verdict(const std::string& text, bool complete = true) {
  const Line line{text, complete};
  return (line.found.good ? "good" : std::string{to_string(line.found.why)}) +
         (line.found.bytes == text.size() ? "" : " in part");
}

TEST(TextLine, GivesEveryFieldOfALemi424Line) {
  const Line line{lemi424_line(0) + " "};
  ASSERT_TRUE(line.found.good);
  EXPECT_EQ(line.found.time, at(0));
  EXPECT_THAT(line.channels, ElementsAre(23772.512, 238.148, 41845.187, 33.88, 25.87, 142.134, -45.060, 213.787, 8.224));
  EXPECT_THAT(line.soh, ElementsAre(12.78, 2199.0, 34 + 4.83963 / 60, -(107 + 12.84474 / 60), 12, 2, 0));
}

TEST(TextLine, ReadsDegreesAndMinutesWithZerosAtTheEnd) {
  std::string text = lemi424_line(0);
  text.replace(text.find("3404.83963 N"), 12, "3430.00000 S");
  EXPECT_EQ(Line{text}.soh[2], -34.5);
}

TEST(TextLine, TakesFewerColumnsAndMore) {
  const auto base = "2020 10 04 00 00 00 23772.512 238.148 41845.187 33.88 25.87 142.134 -45.060 213.787 8.224";
  EXPECT_THAT(Line{base}.soh, Each(testing::IsNan()));
  EXPECT_EQ(Line{base}.channels[8], 8.224);
  EXPECT_EQ(verdict(lemi424_line(0) + " 7 8 nonsense"), "good");
  const Line some{std::string{base} + " 12.78 2199.0\r"};
  EXPECT_EQ(some.soh[0], 12.78);
  EXPECT_EQ(some.soh[1], 2199.0);
  EXPECT_TRUE(std::isnan(some.soh[2]));
}

TEST(TextLine, DistrustsTheLastNumberOfAShortLineThatEndsInIt) {
  const std::string base = "2020 10 04 00 00 00 23772.512 238.148 41845.187 33.88 25.87 142.134 -45.060 213.787 ";
  EXPECT_EQ(verdict(base + "8.22"), "cut-off");
  EXPECT_EQ(verdict(base + "-"), "cut-off");
  EXPECT_EQ(verdict(base + "8.22 "), "good") << "a blank behind it: that is all of it";
  EXPECT_EQ(verdict(base + "8.22\r"), "good");
  EXPECT_TRUE(std::isnan(Line{base + "8.224 12.7"}.soh[0]));
  EXPECT_TRUE(std::isnan(Line{base + "8.224 1e"}.soh[0]));
  EXPECT_EQ(Line{base + "8.224 12.78"}.soh[0], 12.78);
  EXPECT_TRUE(std::isnan(Line{base + "8.224 12.78 2199.0 3404.83963"}.soh[2])) << "north or south?";
  EXPECT_TRUE(std::isnan(Line{base + "8.224 12.78 2199.0 3404.83963 N 10712.84474 W 1"}.soh[4])) << "1 or 12?";
  EXPECT_EQ(Line{base + "8.224 12.78 2199.0 3404.83963 N 10712.84474 W 1 "}.soh[4], 1);
}

TEST(TextLine, NeedsAllColumnsWhereTheLineEndIsMissing) {
  EXPECT_EQ(verdict(lemi424_line(0), false), "good");
  EXPECT_EQ(Line(lemi424_line(0), false).soh[6], 0);
  const auto text = lemi424_line(0);
  EXPECT_EQ(verdict(text.substr(0, text.size() - 2), false), "cut-off");
}

TEST(TextLine, NamesWhatIsWrong) {
  EXPECT_EQ(verdict("hello world"), "garbage");
  EXPECT_EQ(verdict(std::string(40, '\0')), "garbage");
  EXPECT_EQ(verdict("12.78 2199.0 3404.83963 N 10712.84474 W 12 2 0"), "garbage");
  EXPECT_EQ(verdict("6 12 2 0"), "garbage");
  EXPECT_EQ(verdict("20"), "cut-off");
  EXPECT_EQ(verdict("2020 10 04 00"), "cut-off");
  EXPECT_EQ(verdict("2020 10 04 00 00 00 23772.512 238.1"), "cut-off");
  EXPECT_EQ(verdict("2020 02 30 00 00 00 " + kLemi424Values), "bad-time");
  EXPECT_EQ(verdict("2020 13 04 00 00 00 " + kLemi424Values), "bad-time");
  EXPECT_EQ(verdict("2020 10 04 00 00 60 " + kLemi424Values), "bad-time");
  EXPECT_EQ(verdict("2020 10 004 00 00 00 " + kLemi424Values), "bad-time");
  EXPECT_EQ(verdict("20201 10 04 00 00 00 " + kLemi424Values), "bad-time");
  EXPECT_EQ(verdict("0000 00 00 00 00 00 " + kLemi424Values), "bad-time");
  EXPECT_EQ(verdict("2020 1x 04 00 00 00 " + kLemi424Values), "garbage");
  EXPECT_EQ(verdict("2020 -1 04 00 00 00 " + kLemi424Values), "garbage");
}

TEST(TextLine, RefusesARecordWithAFieldThatIsNoNumber) {
  const auto with = [](const std::string& old, const std::string& now) {
    std::string text = lemi424_line(0);
    return verdict(text.replace(text.find(old), old.size(), now));
  };
  for (const auto* bad : {"23772.5x2", "0x10", "nan", "inf", "1e999", "1e", "--1", "1.2.3", ".", "\t#", "+-1"})
    EXPECT_EQ(with("23772.512", bad), "bad-value") << bad;
  for (const auto* good :
       {"+23772.5", "-0.", ".5", "2.3E+4", "00000000000000000000023772.512", "1.00000000000000000000000000001"})
    EXPECT_EQ(with("23772.512", good), "good") << good;
  EXPECT_EQ(with("12.78", "12,78"), "bad-value");
  EXPECT_EQ(with("12.78", "NaN"), "good");
  EXPECT_EQ(with(" N ", " X "), "bad-value");
  EXPECT_EQ(with(" N ", " NW "), "bad-value");
  EXPECT_EQ(with(std::string{"23772.512"}, std::string{"237\0002.512", 9}), "bad-value");
}

TEST(TextLine, ReadsNumbersAsStrtodDoes) {
  for (const auto* text :
       {"0", "-0", "0.1", "-0.000", "9007199254740991", "9007199254740993", "123456789012345678.9", "5e-324",
        "1.7976931348623157e308", "2.2250738585072014e-308", "0.00000000000000000000000000000000123", "99999999999999999999",
        "18446744073709551616", "1.0000000000000000001", "8.5e22", "3.1415926535897932384626"}) {
    std::string line = lemi424_line(0);
    line.replace(line.find("23772.512"), 9, text);
    const double expected = std::strtod(text, nullptr);
    const Line found{line};
    ASSERT_TRUE(found.found.good) << text;
    EXPECT_EQ(found.channels[0], expected) << text;
    EXPECT_EQ(std::signbit(found.channels[0]), std::signbit(expected)) << text;
  }
}

TEST(TextLine, FindsARecordBehindTheRestOfAnother) {
  const std::string cut = "2020 10 04 00 00 00 23772.512 238.1";
  const Line line{cut + lemi424_line(1)};
  EXPECT_FALSE(line.found.good);
  EXPECT_EQ(line.found.why, Skip::CutOff);
  EXPECT_EQ(line.found.bytes, cut.size());
}

TEST(TextLine, EndsARecordWhereTheNextOneBegins) {
  const Line line{lemi424_line(0) + lemi424_line(1) + lemi424_line(2)};
  ASSERT_TRUE(line.found.good);
  EXPECT_EQ(line.found.bytes, lemi424_line(0).size());
  EXPECT_EQ(line.soh[6], 0) << "not 02020";
}

TEST(TextLine, KnowsAFormatWithCommasAndOtherOrder) {
  TextFormat format;
  format.delimiter = ',';
  format.n_channels = 1;
  format.n_soh = 1;
  format.columns = {{Use::Skip}, {Use::Soh, 0}, {Use::Year},   {Use::Month},     {Use::Day},
                    {Use::Hour}, {Use::Minute}, {Use::Second}, {Use::Channel, 0}};
  const Line line{"$MAG , 3.5 ,2020,1,02,03,04,05.25, -7.5 ", true, format};
  ASSERT_TRUE(line.found.good);
  EXPECT_EQ(line.found.time, *mth5::from_calendar(2020, 1, 2, 3, 4, 5.25));
  EXPECT_EQ(line.channels[0], -7.5);
  EXPECT_EQ(line.soh[0], 3.5);
  const Line empty{"$MAG,,2020,1,2,3,4,5,-7.5", true, format};
  EXPECT_TRUE(empty.found.good);
  EXPECT_TRUE(std::isnan(empty.soh[0]));
  EXPECT_EQ(Line("$MAG,1,2020,1,2,3,4,5,", true, format).found.why, Skip::CutOff);
  EXPECT_EQ(Line("$MAG,1,2020,1,2,3,4,5,,1", true, format).found.why, Skip::BadValue);
}

TEST(TextDecoder, ReadsTheRecordings) {
  for (const auto& [name, first] : {std::pair{"202010010000.TXT", 1u}, std::pair{"202010020000.TXT", 2u}}) {
    Fed all;
    all.feed(support::read_text(support::data() / "lemi424" / name)).end();
    ASSERT_EQ(all.out.frames.size(), 120u) << name;
    EXPECT_EQ(all.counters().bytes_decoded, all.counters().bytes_in);
    for (int i = 0; i < 120; ++i) {
      const auto& frame = all.out.frames[static_cast<std::size_t>(i)];
      EXPECT_EQ(frame.time, *mth5::from_calendar(2020, 10, static_cast<int>(first), 0, i / 60, i % 60));
      EXPECT_EQ(frame.n_samples, 1u);
      EXPECT_FALSE(frame.after_skip);
    }
  }
}

TEST(TextDecoder, TakesAnyLineEndAndBlankLinesAndComments) {
  auto format = lemi424_format();
  format.comment = ';';
  Fed all{format};
  all.feed("; Sampling: 1 sec\n\n" + lemi424_line(0) + " \n" + lemi424_line(1) + "\r\n \t \r\n" + lemi424_line(2) + "\n").end();
  EXPECT_THAT(all.times(), ElementsAre(at(0), at(1), at(2)));
  EXPECT_EQ(all.counters().bytes_decoded, all.counters().bytes_in);
}

TEST(TextDecoder, GoesOnWithALineThatCameInParts) {
  Fed all;
  const auto line = lemi424_line(0);
  all.feed(line.substr(0, 30)).feed(line.substr(30));
  EXPECT_TRUE(all.out.frames.empty());
  EXPECT_EQ(all.counters().bytes_pending, line.size());
  all.feed("\n");
  EXPECT_THAT(all.times(), ElementsAre(at(0)));
  EXPECT_EQ(all.counters().bytes_pending, 0u);
}

TEST(TextDecoder, KeepsARecordThatNoiseStandsBefore) {
  for (const auto& noise : {std::string{"#$%^"}, std::string(7, '\0')}) {
    Fed all;
    all.feed(lemi424_line(0) + "\n" + noise + lemi424_line(1) + "\n" + lemi424_line(2) + "\n");
    EXPECT_THAT(all.times(), ElementsAre(at(0), at(1), at(2)));
    EXPECT_EQ(skipped(all.counters(), Skip::Garbage), noise.size());
    EXPECT_EQ(events(all.counters(), Skip::Garbage), 1u);
    EXPECT_FALSE(all.out.frames[0].after_skip);
    EXPECT_TRUE(all.out.frames[1].after_skip);
    EXPECT_FALSE(all.out.frames[2].after_skip);
  }
}

TEST(TextDecoder, KeepsAllOfWhatLostBytesLeaveWhole) {
  Fed all;
  const std::string cut = "2020 10 04 00 00 01 23772.512 238.1";
  all.feed(lemi424_line(0) + cut + lemi424_line(2) + "\n");
  EXPECT_THAT(all.times(), ElementsAre(at(0), at(2)));
  EXPECT_EQ(skipped(all.counters(), Skip::CutOff), cut.size());
}

TEST(TextDecoder, CountsRunsOfSkippedBytesAsEvents) {
  Fed all;
  all.feed("x\ny\n\nz\n2020 10\n");
  EXPECT_EQ(skipped(all.counters(), Skip::Garbage), 6u);
  EXPECT_EQ(events(all.counters(), Skip::Garbage), 2u);
  EXPECT_EQ(skipped(all.counters(), Skip::CutOff), 8u);
  EXPECT_EQ(events(all.counters(), Skip::CutOff), 1u);
  EXPECT_EQ(all.counters().bytes_decoded, 1u);
}

TEST(TextDecoder, FindsTheRecordAtTheEndOfAnEndlessLine) {
  for (const std::size_t step : {std::size_t{4096}, std::size_t{97}, std::size_t{3'000'000}}) {
    Fed all;
    const std::string text = std::string(3'000'000, 'x') + lemi424_line(0) + "\n";
    for (std::size_t i = 0; i < text.size(); i += step) {
      const auto part = std::string_view{text}.substr(i, step);
      all.decoder->feed({.bytes = part}, all.out);
      ASSERT_LE(all.counters().bytes_pending, 1024u);
    }
    all.check();
    EXPECT_THAT(all.times(), ElementsAre(at(0)));
    EXPECT_EQ(skipped(all.counters(), Skip::TooLong), text.size() - 1 - 1024);
    EXPECT_EQ(events(all.counters(), Skip::TooLong), 1u);
    EXPECT_EQ(skipped(all.counters(), Skip::Garbage), 1024 - lemi424_line(0).size());
  }
}

TEST(TextDecoder, TakesAWholeLastLineAndCountsACutOne) {
  Fed whole;
  whole.feed(lemi424_line(0)).end();
  EXPECT_THAT(whole.times(), ElementsAre(at(0)));
  Fed cut;
  cut.feed("45.060 213.787").end().feed(lemi424_line(1) + "\n");
  EXPECT_EQ(skipped(cut.counters(), Skip::CutOff), 14u);
  EXPECT_THAT(cut.times(), ElementsAre(at(1)));
  EXPECT_TRUE(cut.out.frames[0].after_skip);
}

TEST(TextDecoder, RefusesAFormatThatWouldWriteBesideItsValues) {
  auto format = lemi424_format();
  format.n_channels = 8;
  EXPECT_THROW(static_cast<void>(make_text_decoder(format)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(make_text_decoder({})), std::invalid_argument);
}

TEST(Skip, HasANameForEveryReason) {
  EXPECT_EQ(to_string(Skip::Garbage), "garbage");
  EXPECT_EQ(to_string(Skip::CutOff), "cut-off");
  EXPECT_EQ(to_string(Skip::BadTime), "bad-time");
  EXPECT_EQ(to_string(Skip::BadValue), "bad-value");
  EXPECT_EQ(to_string(Skip::TooLong), "too-long");
}

}  // namespace
