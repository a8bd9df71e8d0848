#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <numeric>
#include <stdexcept>

#include "acquisition/decode/description.hpp"
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

using daq::ledger::SourceCounters;
std::uint64_t skipped(const SourceCounters& counters, Skip why) { return counters.bytes_skipped[static_cast<std::size_t>(why)]; }
std::uint64_t events(const SourceCounters& counters, Skip why) { return counters.events_skipped[static_cast<std::size_t>(why)]; }

/// A decoder with all it gave.
struct Fed {
  TextFormat format;
  std::unique_ptr<Decoder> decoder;
  Batch out;

  explicit Fed(const TextFormat& f = lemi424_format()) : format{f}, decoder{make_text_decoder(f)} {}
  Fed& feed(std::string_view text, bool datagram = false) {
    decoder->feed({.bytes = {text.data(), text.size()}, .datagram = datagram}, out);
    check();
    return *this;
  }
  Fed& end() {
    decoder->end_of_stream(out);
    check();
    return *this;
  }
  const SourceCounters& counters() const { return decoder->counters(); }
  std::vector<mth5::UtcNanos> times() const {
    std::vector<mth5::UtcNanos> all;
    for (const auto& frame : out.frames) all.push_back(frame.time);
    return all;
  }
  void check() const {
    const auto& c = counters();
    EXPECT_EQ(c.bytes_in, c.bytes_decoded + c.bytes_pending + daq::ledger::sum(c.bytes_skipped));
    EXPECT_EQ(out.samples.size(), out.frames.size() * format.n_channels);
    EXPECT_EQ(out.states.size(), format.n_soh == 0 ? 0 : out.frames.size());
    EXPECT_EQ(out.soh.size(), out.states.size() * format.n_soh);
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

TEST(TextLine, NamesThePartOfATimeThatDoesNotExist) {
  const auto field = [](const std::string& time) { return Line{time + " " + kLemi424Values}.found.column; };
  EXPECT_EQ(field("2020 13 04 00 00 00"), 1u);
  EXPECT_EQ(field("2020 02 30 00 00 00"), 2u);
  EXPECT_EQ(field("2020 10 04 24 00 00"), 3u);
  EXPECT_EQ(field("2020 10 04 00 60 00"), 4u);
  EXPECT_EQ(field("2020 10 04 00 00 61"), 5u);
  EXPECT_EQ(field("2020 10 004 00 00 00"), 2u);
  TextFormat forms;
  forms.n_channels = 1;
  forms.columns = {{.use = TextColumn::Use::Form, .name = "%d.%m.%Y"},
                   {.use = TextColumn::Use::Channel},
                   {.use = TextColumn::Use::Form, .name = "%H:%M:%S"}};
  EXPECT_EQ((Line{"31.04.2020 1 00:00:00", true, forms}.found.column), 0u);
  EXPECT_EQ((Line{"30.04.2020 1 25:00:00", true, forms}.found.column), 2u);
}

TEST(TextDecoder, AnAnswerThatIsAwaitedIsNoGarbage) {
  auto format = lemi424_format();
  format.awaited = {"Ready\r\n"};
  const auto decoder = make_text_decoder(format);
  Batch out;
  const std::string text = lemi424_line(0) + "\n\rReady 1.2\r\nReadx\n" + lemi424_line(1) + "\n";
  decoder->feed({.bytes = text}, out);
  EXPECT_EQ(decoder->counters().frames, 2u);
  EXPECT_EQ(daq::ledger::sum(decoder->counters().bytes_skipped), 6u) << "what is not that answer";
  ASSERT_EQ(decoder->refusals().size(), 1u);
  EXPECT_EQ(decoder->refusals()[0].excerpt, "Readx");
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
  EXPECT_TRUE(std::isnan(Line(lemi424_line(0), false).soh[6])) << "0 or 05?";
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

TextFormat with_lengths(bool strict = false) {
  auto format = lemi424_format();
  format.lengths = {16, 24};
  format.strict = strict;
  return format;
}

/// The first `n` fields of a LEMI-424 line, and what ends it.
std::string first_fields(int n, const std::string& end = " ") {
  const auto text = lemi424_line(0);
  std::size_t at = 0;
  for (; n > 0; --n) at = text.find(' ', text.find_first_not_of(' ', at));
  return text.substr(0, at) + end;
}

TEST(ShortLine, WholeLengthsAreNone) {
  for (const int n : {16, 24}) {
    const Line line{first_fields(n), true, with_lengths()};
    EXPECT_TRUE(line.found.good) << n;
    EXPECT_FALSE(line.found.short_line) << n;
    EXPECT_EQ(line.channels[8], 8.224);
    EXPECT_EQ(line.soh[0], 12.78);
    EXPECT_TRUE(Line(first_fields(n), true, with_lengths(true)).found.good) << n;
  }
}

TEST(ShortLine, KeepsWhatHasAFurtherFieldBehindIt) {
  for (const int n : {17, 18, 20, 23, 25}) {
    const Line line{n == 25 ? first_fields(24) + "7" : first_fields(n), true, with_lengths()};
    EXPECT_TRUE(line.found.good && line.found.short_line) << n;
    EXPECT_EQ(line.channels, Line{lemi424_line(0)}.channels) << n;
  }
  const Line line{first_fields(11), true, with_lengths()};  // to temperature_h
  ASSERT_TRUE(line.found.good && line.found.short_line);
  EXPECT_EQ((std::vector<double>{line.channels.begin(), line.channels.begin() + 4}),
            (std::vector<double>{23772.512, 238.148, 41845.187, 33.88}));
  for (std::size_t i = 4; i < 9; ++i) EXPECT_TRUE(std::isnan(line.channels[i])) << i;
  EXPECT_EQ(line.found.unknown, 5u) << "temperature_h may be longer, e1 to e4 lack";
  EXPECT_THAT(line.soh, Each(testing::IsNan()));
  const Line cut{first_fields(10, "  25.8"), true, with_lengths()};
  EXPECT_TRUE(cut.found.good && cut.found.short_line);
  EXPECT_EQ(cut.channels[3], 33.88);
  EXPECT_TRUE(std::isnan(cut.channels[4]));
}

TEST(ShortLine, ThatEndsInOrRightAfterTheLastChannelIsRefused) {
  for (const auto& text : {first_fields(15), first_fields(15, ""), first_fields(14, " 8.2"), first_fields(14, " -")}) {
    const Line line{text, true, with_lengths()};
    EXPECT_FALSE(line.found.good) << text;
    EXPECT_EQ(line.found.why, Skip::ShortLine) << text;
  }
}

TEST(ShortLine, WithNothingWholeIsRefused) {
  EXPECT_EQ(Line(first_fields(7), true, with_lengths()).found.why, Skip::ShortLine) << "bx may be longer";
  EXPECT_EQ(Line(first_fields(6), true, with_lengths()).found.why, Skip::ShortLine) << "the time may be longer";
  EXPECT_EQ(Line(first_fields(5), true, with_lengths()).found.why, Skip::CutOff);
  EXPECT_TRUE(Line(first_fields(8), true, with_lengths()).found.good);
  EXPECT_FALSE(Line(first_fields(12), false, with_lengths()).found.good) << "the end of the stream is cut-off as ever";
}

TEST(ShortLine, WithANumberOfOtherDecimalsHasLostFieldsInTheMiddle) {
  auto text = first_fields(12);
  text.erase(text.find("238.148"), 7);  // the others have moved up
  EXPECT_EQ(Line(text, true, with_lengths()).found.why, Skip::BadValue);
}

TEST(ShortLine, AnEmptyFieldIsNoFurtherField) {
  auto format = with_lengths();
  format.delimiter = ',';
  const auto commas = [](std::string text) {
    std::string out;
    for (const char c : text)
      if (c != ' ')
        out += c;
      else if (out.back() != ',')
        out += ',';
    return out;
  };
  EXPECT_TRUE(Line(commas(first_fields(15)), true, format).found.good) << "16 fields, the last one without a value";
  auto without = format;
  without.lengths = {24};
  EXPECT_EQ(Line(commas(first_fields(15)), true, without).found.why, Skip::ShortLine);
  const Line line{commas(first_fields(12)), true, format};
  ASSERT_TRUE(line.found.good && line.found.short_line);
  EXPECT_EQ(line.channels[4], 25.87);
  EXPECT_TRUE(std::isnan(line.channels[5])) << "nothing but a delimiter behind it";
  EXPECT_EQ(line.found.unknown, 4u);
}

TEST(ShortLine, IsNoFrameWhereTheProfileIsStrict) {
  for (const int n : {8, 11, 15, 17, 20, 23})
    EXPECT_EQ(Line(first_fields(n), true, with_lengths(true)).found.why, Skip::ShortLine) << n;
  EXPECT_EQ(Line(first_fields(24) + "7", true, with_lengths(true)).found.why, Skip::ShortLine);
}

TEST(ShortLine, IsCountedAndFramesInOneLineAreTakenApart) {
  for (const bool strict : {false, true}) {
    Fed fed{with_lengths(strict)};
    fed.feed(lemi424_line(0) + lemi424_line(1) + lemi424_line(2) + "\n" + first_fields(20) + "\n" + first_fields(15) + "\n" +
             lemi424_line(3) + "\n");
    EXPECT_EQ(fed.counters().frames, strict ? 4u : 5u);
    EXPECT_EQ(fed.counters().short_lines, strict ? 0u : 1u);
    EXPECT_EQ(skipped(fed.counters(), Skip::ShortLine), first_fields(15).size() + 1 + (strict ? first_fields(20).size() + 1 : 0));
    EXPECT_EQ(fed.times().back(), at(3));
  }
}

/// The front of one line and the end of the next, which meet in a value with the right decimals: 409.8|6 of 2026.
TEST(ShortLine, OfTwoLinesInOneOnlyTheFrontIsBelieved) {
  TextFormat format;
  format.n_channels = 2;
  format.n_soh = 1;
  for (const Use use : {Use::Year, Use::Month, Use::Day, Use::Hour, Use::Minute, Use::Second}) format.columns.push_back({use});
  format.columns.push_back({Use::Channel, 0, false, 3});
  format.columns.push_back({Use::Channel, 1, false, 2});
  format.columns.push_back({Use::Soh, 0});
  format.lengths = {9};
  const auto line = [](int i) {
    return "2026 05 01 12 00 10." + std::to_string(i) + " 182.638 409." + std::to_string(10 + i) + " 12.5";
  };
  Fed fed{format};
  fed.feed(line(0) + "\n" + line(1).substr(0, line(1).find("409.") + 5) + line(2).substr(3) + "\n" + line(3) + "\n");
  ASSERT_EQ(fed.counters().frames, 3u);
  EXPECT_EQ(fed.counters().short_lines, 1u);
  EXPECT_THAT(fed.out.samples, ElementsAre(182.638, 409.10, 182.638, testing::IsNan(), 182.638, 409.13));

  Fed longer{format};  // what stands behind them is no end of a line
  std::string lines;
  for (int i = 0; i < 10; ++i) lines += line(i) + " 7 7\n";
  longer.feed(lines);
  EXPECT_EQ(longer.counters().frames, 10u);
  EXPECT_EQ(longer.counters().fields_unknown, 0u);
  EXPECT_EQ(longer.out.samples.back(), 409.19);
}

/// A LEMI-424 line with one field written otherwise.
std::string with(const std::string& old, const std::string& now) {
  std::string text = lemi424_line(0);
  return text.replace(text.find(old), old.size(), now);
}

TEST(TextLine, AChannelThatCannotBeReadIsUnknownAndTheOthersAreKept) {
  for (const auto* bad : {"23772.5x2", "0x10", "nan", "NaN", "inf", "1e999", "1e", "--1", "1.2.3", ".", "\t#", "+-1", "*********",
                          "?", "---", "error"}) {
    const Line line{with("23772.512", bad)};
    ASSERT_TRUE(line.found.good) << bad;
    EXPECT_TRUE(std::isnan(line.channels[0])) << bad;
    EXPECT_EQ(line.found.unknown, 1u) << bad;
    EXPECT_EQ(line.channels[1], 238.148) << bad;
    EXPECT_EQ(line.channels[8], 8.224) << bad;
    EXPECT_EQ(line.soh[4], 12) << bad;
  }
  const Line bytes{with("23772.512", std::string{"237\0002.512", 9})};
  EXPECT_TRUE(bytes.found.good);
  EXPECT_TRUE(std::isnan(bytes.channels[0]));
  for (const auto* good :
       {"+23772.5", "-0.", ".5", "2.3E+4", "00000000000000000000023772.512", "1.00000000000000000000000000001"})
    EXPECT_EQ(Line{with("23772.512", good)}.found.unknown, 0u) << good;
}

TEST(TextLine, NaNMayHaveASign) {
  for (const auto* masked : {"-nan", "+nan", "-NaN", "nan"}) {
    const Line line{"2020 10 04 00 00 00 " + std::string{masked} + " NaN NaN *** *** ? ? -- -- 12.78"};
    EXPECT_TRUE(line.found.good) << masked;
  }
  EXPECT_FALSE(Line{"2020 10 04 00 00 00 -na NaN NaN *** *** ? ? -- -- 12.78"}.found.good);
}

TEST(TextLine, AllChannelsMayBeMaskedButNotAllBeGarbage) {
  const std::string time = "2020 10 04 00 00 00 ";
  const Line masked{time + "NaN NaN NaN *** *** ? ? -- -- 12.78"};
  ASSERT_TRUE(masked.found.good);
  EXPECT_THAT(masked.channels, Each(testing::IsNan()));
  EXPECT_EQ(masked.soh[0], 12.78);
  EXPECT_EQ(verdict(time + "the quick brown fox jumps over the lazy dog"), "bad-value");
}

TEST(TextLine, StateOfHealthThatCannotBeReadCostsNoSample) {
  struct Case {
    const char *from, *to;
    std::vector<std::size_t> unknown;  ///< of battery, elevation, latitude, longitude, satellites, fix, clock difference
    std::uint32_t count;
  };
  const Case cases[] = {
      {" N ", " ? ", {2}, 1},
      {" W ", " * ", {3}, 1},
      {" N ", " X ", {2}, 1},
      {" N ", " NW ", {2}, 1},
      {"12.78", "12,78", {0}, 1},
      {"12.78", "NaN", {0}, 1},
      {"12.78 2199.0 3404.83963 N 10712.84474 W 12 2 0",
       "***** ****** ********** * *********** * ** * *",
       {0, 1, 2, 3, 4, 5, 6},
       9},
      {"3404.83963 N", "********** N", {2}, 1},
      {"3404.83963 N 10712.84474 W", "? ? ? ?", {2, 3}, 4},
      {"3404.83963 N 10712.84474 W 12 2", "0000.00000 N 00000.00000 E 0 0", {2, 3}, 2},
      {"3404.83963 N", "9404.83963 N", {2}, 0},  // there is no such latitude
      {"3404.83963 N", "3499.83963 N", {2}, 0},  // nor such minutes
      // No fix, and nothing in the place of the position: numbers stand where letters should, and the other way round.
      {"3404.83963 N 10712.84474 W 12 2 0", "12 2 0", {2, 3, 4, 5, 6}, 0},
      {"2199.0 3404.83963 N 10712.84474 W 12 2 0", "12 2 0", {1, 2, 3, 4, 5, 6}, 0},
      {"3404.83963 N 10712.84474", "10712.84474", {2, 3, 4, 5, 6}, 0},
      {"12.78 2199.0 3404.83963 N 10712.84474 W 12 2 0", "", {0, 1, 2, 3, 4, 5, 6}, 0},
  };
  for (const auto& one : cases) {
    const Line line{with(one.from, one.to) + " "};
    ASSERT_TRUE(line.found.good) << one.to;
    EXPECT_THAT(line.channels, ElementsAre(23772.512, 238.148, 41845.187, 33.88, 25.87, 142.134, -45.060, 213.787, 8.224))
        << one.to;
    std::vector<std::size_t> unknown;
    for (std::size_t i = 0; i < line.soh.size(); ++i)
      if (std::isnan(line.soh[i])) unknown.push_back(i);
    EXPECT_EQ(unknown, one.unknown) << one.to;
    if (one.count > 0) {
      EXPECT_EQ(line.found.unknown, one.count) << one.to;
    }
  }
}

TEST(TextLine, RefusesAFrameWhoseFieldsAreNotWhereTheyShouldBe) {
  // One field lost among the channels: what follows moves into the place of another, which the decimals and the letters tell.
  EXPECT_EQ(verdict(with("238.148", "")), "bad-value");
  EXPECT_EQ(verdict(with("8.224", "")), "bad-value");
  EXPECT_EQ(verdict(with("23772.512", "23772 512")), "bad-value") << "one too many";
  const Line line{with("8.224", "")};
  EXPECT_EQ(line.found.column, 17u) << "the latitude, which is N";
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
  EXPECT_TRUE(std::isnan(line.soh[6])) << "not 02020, and 0 might have been 05";
  EXPECT_EQ(line.soh[5], 2);
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
  for (const auto* nothing : {"$MAG,1,2020,1,2,3,4,5,", "$MAG,1,2020,1,2,3,4,5,,1", "$MAG,1,2020,1,2,3,4,5, ,1"}) {
    const Line line_without{nothing, true, format};
    ASSERT_TRUE(line_without.found.good) << nothing;
    EXPECT_TRUE(std::isnan(line_without.channels[0])) << nothing;
    EXPECT_EQ(line_without.found.unknown, 1u) << nothing;
  }
  EXPECT_EQ(Line("$MAG,1,2020,1,2,3,4,5", true, format).found.why, Skip::CutOff);
  EXPECT_EQ(Line("$MAG,1,2020,1,2,3,4,5,", false, format).found.why, Skip::CutOff) << "without a line end there may be more";
  EXPECT_EQ(Line("$MAG,1,2020,1,2,3,4,5,x", true, format).found.why, Skip::BadValue) << "no channel is a number";
}

TEST(TextLine, EmptyFieldsBetweenDelimitersAreUnknown) {
  TextFormat format;
  format.delimiter = ',';
  format.n_channels = 3;
  format.n_soh = 3;
  for (const Use use : {Use::Year, Use::Month, Use::Day, Use::Hour, Use::Minute, Use::Second}) format.columns.push_back({use});
  for (std::size_t i = 0; i < 3; ++i) format.columns.push_back({Use::Channel, i});
  format.columns.push_back({Use::Soh, 0});
  format.columns.push_back({Use::Soh, 1, true});
  format.columns.push_back({Use::Hemisphere, 1});
  format.columns.push_back({Use::Soh, 2});
  const Line line{"2020,10,04,00,00,00,1.5,,3.5,,,,", true, format};
  ASSERT_TRUE(line.found.good);
  EXPECT_EQ(line.channels[0], 1.5);
  EXPECT_TRUE(std::isnan(line.channels[1]));
  EXPECT_EQ(line.channels[2], 3.5);
  EXPECT_THAT(line.soh, Each(testing::IsNan()));
  EXPECT_EQ(line.found.unknown, 5u);
  const Line two{"2020,10,04,00,00,00,1.5,,3.5,,,,2020,10,04,00,00,01,4.5,5.5,6.5,12,3404.8,N,7", true, format};
  ASSERT_TRUE(two.found.good) << "a lost line end";
  EXPECT_EQ(two.found.bytes, 32u);
}

TEST(TextLine, ReadsTimesByTheirForm) {
  TextFormat format;
  format.n_channels = 1;
  format.n_soh = 1;
  format.columns = {
      {Use::Form, 0, false, -1, "%m-%d-%Y"}, {Use::Form, 0, false, -1, "%H%M%S"}, {Use::Channel, 0, false, 2}, {Use::Soh, 0}};
  const Line line{"10-04-2020 000001.5 48464.53 99", true, format};
  ASSERT_TRUE(line.found.good);
  EXPECT_EQ(line.found.time, at(1) + std::chrono::milliseconds{500});
  EXPECT_EQ(line.channels[0], 48464.53);
  EXPECT_EQ(line.soh[0], 99);
  const auto why = [&](const std::string& text) {
    const Line one{text, true, format};
    return one.found.good ? "good" : std::string{to_string(one.found.why)};
  };
  EXPECT_EQ(why("10-04-2020 000001 48464.53 99"), "good");
  EXPECT_EQ(why("02-30-2020 000001 48464.53 99"), "bad-time");
  EXPECT_EQ(why("10-04-2020 240001 48464.53 99"), "bad-time");
  EXPECT_EQ(why("10/04/2020 000001 48464.53 99"), "garbage");
  EXPECT_EQ(why("10-04-2020 0001 48464.53 99"), "garbage");
  EXPECT_EQ(why("10-04-2020 0000015 48464.53 99"), "garbage");
  EXPECT_EQ(why("10-04-20"), "cut-off");
  EXPECT_EQ(why("10-04-2020 000001"), "cut-off");
  EXPECT_EQ(why("10-04-2020 000001 48464.5"), "cut-off");
  const Line noise{"#!10-04-2020 000001 48464.53 99", true, format};
  EXPECT_EQ(noise.found.bytes, 2u) << "a frame is found wherever its date stands";
  const Line two{"10-04-2020 000001 48464.5310-04-2020 000002 48464.60 99", true, format};
  EXPECT_EQ(two.found.bytes, 26u);
}

/// Total field first, time last: what another line left in front is seen by the digits only.
TEST(TextLine, ANumberThatComesFirstHasItsDigits) {
  TextFormat format;
  format.n_channels = 1;
  format.columns = {{.use = Use::Channel, .decimals = 0, .missing = 0, .digits = 8},
                    {Use::Form, 0, false, -1, "%m-%d-%y"},
                    {Use::Form, 0, false, -1, "%H:%M:%S"}};
  EXPECT_TRUE(Line("48607952 10-04-20 00:00:01", true, format).found.good);
  EXPECT_TRUE(std::isnan(Line("0 10-04-20 00:00:01", true, format).channels[0]));
  EXPECT_TRUE(Line("0 10-04-20 00:00:01", true, format).found.good) << "says that there is none";
  EXPECT_EQ(Line("4860795 10-04-20 00:00:01", true, format).found.why, Skip::BadValue);
  for (const std::string front : {"4", "48607951", "48607951 10-0", "48607951 10-04-20 00:00:0"}) {
    const Line joined{front + "48607952 10-04-20 00:00:01", true, format};
    EXPECT_FALSE(joined.found.good) << front;
    EXPECT_EQ(joined.found.bytes, front.size()) << "and what comes behind is a whole line";
  }
  EXPECT_EQ(Line("48607951 10-48607952 10-04-20 00:00:01", true, format).found.bytes, 38u) << "or -48607952: refused";
}

TEST(TextLine, TwoTimesAreTwoLinesThoughNoBeginningOfTheSecondShows) {
  TextFormat format;
  format.n_channels = 2;
  format.columns = {{Use::Channel, 0}, {Use::Form, 0, false, -1, "%Y-%m-%dT%H:%M:%S"}, {Use::Channel, 1}, {Use::Skip}};
  EXPECT_TRUE(Line("1.5 2020-10-04T00:00:00 2.5 x more 7", true, format).found.good) << "what is more is not looked at";
  const Line joined{"1.5 2020-10-04T00:00:00 21.6 2020-10-04T00:00:01 2.6 x", true, format};
  EXPECT_EQ(joined.found.why, Skip::BadValue) << "21.6 is of both";
  EXPECT_EQ(joined.found.bytes, 54u);
}

TEST(TextLine, ReadsTimesBehindTheChannels) {
  TextFormat format;
  format.delimiter = ';';
  format.n_channels = 2;
  format.columns = {{Use::Channel, 0}, {Use::Channel, 1}, {Use::Form, 0, false, -1, "%y%m%d %H:%M:%S"}};
  const Line line{"1.5; 2.5;201004 00:00:07.25", true, format};
  ASSERT_TRUE(line.found.good);
  EXPECT_EQ(line.found.time, at(7) + std::chrono::milliseconds{250});
  EXPECT_EQ(Line("1.5;2.5;201004 00:00", true, format).found.why, Skip::CutOff);
  EXPECT_EQ(Line("1.5;2.5", true, format).found.why, Skip::CutOff);
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

TEST(TextDecoder, KeepsALineBehindNoiseThatBeginsLikeAComment) {
  auto format = lemi424_format();
  format.comment = '%';
  for (const std::string noise : {"%\x1b{z", "%START WORK"}) {
    Fed all{format};
    all.feed(lemi424_line(0) + "\n" + noise + lemi424_line(1) + "\n" + lemi424_line(2) + "\n").end();
    EXPECT_THAT(all.times(), ElementsAre(at(0), at(1), at(2))) << noise;
    EXPECT_EQ(skipped(all.counters(), Skip::Garbage), noise.size());
    EXPECT_TRUE(all.out.frames.at(1).after_skip);
  }
  // What somebody put out of use stays so, and what tells of another time is no line of now.
  for (const std::string& comment : {"%" + lemi424_line(1), "%% " + lemi424_line(1), "% from " + lemi424_line(9000)}) {
    Fed all{format};
    all.feed(lemi424_line(0) + "\n" + comment + "\n" + lemi424_line(2) + "\n").end();
    EXPECT_THAT(all.times(), ElementsAre(at(0), at(2))) << comment;
    EXPECT_EQ(all.counters().bytes_decoded, all.counters().bytes_in);
  }
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
      all.decoder->feed({.bytes = {part.data(), part.size()}}, all.out);
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

TEST(TextDecoder, CountsFieldsWithoutValueOfFramesOnly) {
  Fed all;
  all.feed(with(" N ", " ? ") + "\n" + with("23772.512", "***") + "\n2020 13 04 00 00 00 ? ? ?\n" + lemi424_line(1) + "\n");
  EXPECT_EQ(all.counters().frames, 3u);
  EXPECT_EQ(all.counters().fields_unknown, 2u);
}

TEST(TextDecoder, KnowsTheShortestFrameThatItTakes) {
  const std::string shortest = "2020 1 1 0 0 0 1 2 3 4 5 6 7 8 9\n";
  ASSERT_TRUE(Line{shortest.substr(0, shortest.size() - 1) + " "}.found.good);
  EXPECT_EQ(density(Description{lemi424_format()}).least_frame_bytes, 30u);
  EXPECT_GE(shortest.size(), 30u);
}

TEST(TextDecoder, TakesADatagramAsAWhole) {
  Fed all;
  all.feed(lemi424_line(0), true).feed("2020 10 04 00", true).feed(lemi424_line(1) + "\n", true);
  EXPECT_THAT(all.times(), ElementsAre(at(0), at(1)));
  EXPECT_EQ(skipped(all.counters(), Skip::CutOff), 13u);
  EXPECT_EQ(all.counters().bytes_pending, 0u);
}

TEST(TextDecoder, ShowsTheFirstThingsThatItRefused) {
  auto format = lemi424_format();
  format.columns[6].name = "bx";
  Fed all{format};
  all.feed(lemi424_line(0) + "\nhello\tworld\n2020 02 30 00 00 00 " + kLemi424Values + "\n");
  all.feed("2020 10 04 00 00 00 one two three four five six seven eight nine\n");
  ASSERT_EQ(all.decoder->refusals().size(), 3u);
  const auto& first = all.decoder->refusals().front();
  EXPECT_EQ(first.line, 2u);
  EXPECT_EQ(first.offset, lemi424_line(0).size() + 1);
  EXPECT_EQ(first.why, Skip::Garbage);
  EXPECT_EQ(to_string(first), "line 2, field 1: garbage: 'hello\\x09world'");
  EXPECT_EQ(all.decoder->refusals()[1].place, "field 3") << "the day";
  EXPECT_EQ(all.decoder->refusals()[1].excerpt.size(), kExcerpt);
  EXPECT_EQ(all.decoder->refusals()[2].place, "field 7 (bx)");
  for (int i = 0; i < 100; ++i) all.feed("x\n");
  EXPECT_EQ(all.decoder->refusals().size(), Refusals::kKept);
}

TEST(TextDecoder, KnowsACompressedRecordingByItsFirstBytes) {
  for (const bool with_line_end : {false, true}) {
    Fed all;
    const std::string gzip{"\x1f\x8b\x08\0\0", 5};
    for (const char c : gzip + (with_line_end ? "\n" : std::string(3000, 'z'))) all.feed({&c, 1});
    ASSERT_FALSE(all.decoder->refusals().empty());
    EXPECT_EQ(all.decoder->refusals().front().offset, 0u);
    EXPECT_EQ(all.decoder->refusals().front().advice, "this is compressed (gzip): unpack it first");
  }
  Fed later;
  later.feed(lemi424_line(0) + "\n\x1f\x8b\n");
  EXPECT_EQ(later.decoder->refusals().front().advice, "");
}

/// 20006.328 as 20006328, or as 200063.28.
TEST(TextDecoder, RefusesANumberWhosePointWasLostOrMovedAmongLinesThatHaveTheirDecimals) {
  const auto changed = [](int second, bool moved) {
    auto line = lemi424_line(second);
    const auto point = line.find('.');
    line.erase(point, 1);
    return moved ? line.insert(point + 1, ".") : line;
  };
  for (const bool moved : {true, false}) {
    Fed fed;
    std::size_t bad = 0, n_bad = 0;
    for (int i = 0; i < 600; ++i) {
      const bool is_bad = i >= 100 && i % 30 == 0;
      const auto line = (is_bad ? changed(i, moved) : lemi424_line(i)) + "\n";
      if (is_bad) bad += line.size(), ++n_bad;
      fed.feed(line);
    }
    EXPECT_EQ(fed.out.frames.size(), 600 - n_bad);
    EXPECT_EQ(skipped(fed.counters(), Skip::BadValue), bad);
    EXPECT_EQ(fed.decoder->refusals().at(0).place, "field 7");
  }
}

TEST(TextDecoder, KeepsTheLinesOfAnInstrumentThatPrintsOtherDecimalsThanTheProfileSays) {
  const auto shorter = [](int second) {  // by a zero at the end of the first channel
    auto line = lemi424_line(second);
    return line.erase(line.find(' ', line.find('.')) - 1, 1);
  };
  for (const int every : {1, 2, 10}) {  // all of them, or where a number ends in zero
    Fed fed;
    for (int i = 0; i < 3000; ++i) fed.feed((i % every == 0 ? shorter(i) : lemi424_line(i)) + "\n");
    EXPECT_EQ(fed.out.frames.size(), 3000u) << every;
  }
  Fed fed;  // its firmware was changed meanwhile
  for (int i = 0; i < 3000; ++i) fed.feed((i < 1000 ? lemi424_line(i) : shorter(i)) + "\n");
  EXPECT_GE(fed.out.frames.size(), 2995u);
}

TEST(TextDecoder, RefusesALineThatIsCutInItsLastNumberFromTheFirstLineOnAndBehindEachConnection) {
  TextFormat format{.n_channels = 1, .columns = {}};
  format.columns = {{.use = Use::Form, .name = "%H:%M:%S"}, {.use = Use::Channel, .decimals = 2}};
  format.time = "host-date";
  Fed fed{format};
  for (int connection = 0; connection < 3; ++connection) {
    fed.feed("00:00:01 48464\n");
    for (int i = 0; i < 80; ++i) fed.feed("00:00:02 48464.51\n");
    fed.feed("00:00:03 48464.5\n").end();
  }
  EXPECT_EQ(fed.out.frames.size(), 3u * 80);
  EXPECT_EQ(fed.counters().bytes_skipped[static_cast<std::size_t>(Skip::BadValue)],
            3 * (std::string_view{"00:00:01 48464\n"}.size() + std::string_view{"00:00:03 48464.5\n"}.size()));
  Fed other{format};  // it prints so
  for (int i = 0; i < 1000; ++i) other.feed("00:00:01 48464.5\n");
  EXPECT_EQ(other.out.frames.size(), 999u);
}

TEST(TextDecoder, RefusesAFormatThatWouldWriteBesideItsValues) {
  auto format = lemi424_format();
  format.n_channels = 8;
  EXPECT_THROW(static_cast<void>(make_text_decoder(format)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(make_text_decoder({})), std::invalid_argument);
  TextFormat form;
  form.columns = {{Use::Form, 0, false, -1, "%q"}};
  EXPECT_THROW(static_cast<void>(make_text_decoder(form)), std::invalid_argument);
}

TEST(Skip, HasANameForEveryReason) {
  EXPECT_EQ(to_string(Skip::Garbage), "garbage");
  EXPECT_EQ(to_string(Skip::CutOff), "cut-off");
  EXPECT_EQ(to_string(Skip::BadTime), "bad-time");
  EXPECT_EQ(to_string(Skip::BadValue), "bad-value");
  EXPECT_EQ(to_string(Skip::TooLong), "too-long");
  EXPECT_EQ(to_string(Skip::ShortLine), "short-line");
}

}  // namespace
