#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "acquisition/decode/text.hpp"

/// Other forms of text than columns of decimal numbers: hexadecimal, decimal comma, checksum, headers, terminators, JSON.
namespace {

using namespace daq::decode;
using testing::ElementsAre;
using Use = TextColumn::Use;

const mth5::UtcNanos kStart = *mth5::from_calendar(2020, 5, 3, 23, 56, 55);

/// A decoder of `n` channels, fed in two parts of every possible size, which must give the same.
struct Fed {
  TextFormat format;
  daq::ledger::SourceCounters counters{};
  Batch out{};

  Fed(TextFormat f, const std::string& text) : format{std::move(f)} {
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      const auto decoder = make_text_decoder(format);
      Batch batch;
      decoder->feed({.bytes = {text.data(), cut}}, batch);
      decoder->feed({.bytes = {text.data() + cut, text.size() - cut}}, batch);
      decoder->end_of_stream(batch);
      const auto& c = decoder->counters();
      EXPECT_EQ(c.bytes_in, text.size());
      EXPECT_EQ(c.bytes_in, c.bytes_decoded + daq::ledger::sum(c.bytes_skipped)) << "cut at " << cut;
      EXPECT_TRUE(cut == 0 || c == counters) << "cut at " << cut;
      counters = c;
      out = std::move(batch);
    }
  }
  [[nodiscard]] std::uint64_t skipped(Skip why) const { return counters.bytes_skipped[static_cast<std::size_t>(why)]; }
};

TextFormat channels(std::vector<TextColumn> columns) {
  TextFormat format;
  format.time = "host";
  for (auto& column : columns)
    if (column.use == Use::Channel) column.index = format.n_channels++;
  format.columns = std::move(columns);
  return format;
}
TextColumn channel(int decimals = -1) { return {.use = Use::Channel, .decimals = decimals}; }
TextColumn hex(int bits) { return {.use = Use::Channel, .hex = true, .bits = bits}; }

TEST(TextForms, HexadecimalIsTwosComplementOfItsBitsOrUnsigned) {
  const Fed fed{channels({hex(24), hex(0), hex(16)}), "FEFFF1 0x1f FFFF\n0259FE bFFFFFFFFFFFF 7fff\n"};
  EXPECT_EQ(fed.counters.frames, 2u);
  EXPECT_THAT(fed.out.samples, ElementsAre(-65551, 31, -1, 154110, 3377699720527871.0, 32767));
}

TEST(TextForms, HexadecimalOfOtherDigitsIsNoNumber) {
  const Fed fed{channels({hex(24), hex(16)}), "FFF1 0001\n0FEFFF1 0001\nFEFFG1 0001\nFEFFF1 000\n"};
  EXPECT_EQ(fed.counters.frames, 4u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(std::isnan(fed.out.samples[2 * i])) << i;
  EXPECT_TRUE(std::isnan(fed.out.samples[7]));
  EXPECT_EQ(fed.counters.fields_unknown, 4u);
}

TEST(TextForms, ADecimalCommaIsOne) {
  auto format = channels({channel(2), channel(3)});
  format.delimiter = ';';
  format.decimal = "comma";
  const Fed fed{format, "-1,25;48464,125\n1.25;2,000\n1,25e2;123456789012345678901,000\n"};
  EXPECT_EQ(fed.counters.frames, 3u);
  EXPECT_EQ(fed.out.samples[0], -1.25);
  EXPECT_EQ(fed.out.samples[1], 48464.125);
  EXPECT_TRUE(std::isnan(fed.out.samples[2])) << "a point is none";
  EXPECT_EQ(fed.out.samples[4], 125);
  EXPECT_EQ(fed.out.samples[5], 123456789012345678901.0);
}

TEST(TextForms, SecondsTakeADecimalCommaToo) {
  TextFormat format = channels({{.use = Use::Form, .name = "%d.%m.%Y"}, {.use = Use::Form, .name = "%H:%M:%S"}, channel()});
  format.time = "columns";
  format.decimal = "comma";
  const Fed fed{format, "03.05.2020 23:56:55,250 1,5\n"};
  ASSERT_EQ(fed.out.frames.size(), 1u);
  EXPECT_EQ(fed.out.frames[0].time, kStart + std::chrono::milliseconds{250});
}

TEST(TextForms, SecondsSince1970AreATimeToTheNanosecond) {
  TextFormat format = channels({{.use = Use::Form, .name = "%s"}, channel()});
  format.time = "columns";
  const Fed fed{format, "1588550215 1\n1588550215.123456789 2\n158855021 3\n1588550215000 4\n"};
  ASSERT_EQ(fed.out.frames.size(), 2u) << "ten digits, no less and no more";
  EXPECT_EQ(fed.out.frames[0].time, kStart);
  EXPECT_EQ(fed.out.frames[1].time, kStart + mth5::Nanos{123456789});
}

TEST(TextForms, ALineThatWasCutWithinItsSecondsSince1970CostsNoneBehindIt) {
  for (const bool milliseconds : {false, true}) {
    TextFormat format = channels({{.use = Use::Form, .name = milliseconds ? "%Q" : "%s"}, channel()});
    format.time = "columns";
    const std::string zeros = milliseconds ? "000" : "";
    const auto line = [&](int second) { return "158855021" + std::to_string(second) + zeros + " " + std::to_string(second); };
    for (std::size_t n = 1; n < line(2).find(' '); ++n) {
      const Fed fed{format, line(1) + "\n" + line(2).substr(0, n) + line(3) + "\n" + line(4) + "\n"};
      EXPECT_THAT(fed.out.samples, ElementsAre(1, 3, 4)) << n;
      EXPECT_EQ(daq::ledger::sum(fed.counters.bytes_skipped), n);
    }
    const Fed first{format, line(2).substr(0, 4) + line(3) + "\n" + line(4) + "\n"};
    EXPECT_THAT(first.out.samples, ElementsAre(4)) << "no line before it says what is near";
    const Fed far{format, line(1) + "\n9" + "9" + line(3).substr(1) + "\n" + line(4) + "\n"};
    EXPECT_THAT(far.out.samples, ElementsAre(1, 4)) << "the end of another number";
  }
}

TEST(TextForms, AMonthMayHaveItsName) {
  TextFormat format = channels({{.use = Use::Form, .name = "%d-%b-%Y"}, {.use = Use::Form, .name = "%H:%M:%S"}, channel()});
  format.time = "columns";
  const Fed fed{format, "03-May-2020 23:56:55 1\n03-Mai-2020 23:56:55 1\n03-MAY-2020 23:56:55 2\n"};
  EXPECT_EQ(fed.counters.frames, 2u);
  EXPECT_EQ(fed.out.frames[0].time, kStart);
}

TEST(TextForms, ATimeMayBeAheadOfUtc) {
  TextFormat format = channels({{.use = Use::Form, .name = "%Y-%m-%dT%H:%M:%S%z"}, channel()});
  format.time = "columns";
  const Fed fed{format,
                "2020-05-03T23:56:55Z 1\n2020-05-04T01:56:55.5+02:00 2\n2020-05-03T18:26:55-0530 3\n2020-05-04T00:56:55+01 4\n"
                "2020-05-03T23:56:55 5\n2020-05-03T23:56:55+02:0 6\n2020-05-03T23:56:55+02:60 7\n2020-05-03T23:56:55+2 8\n"};
  ASSERT_EQ(fed.out.frames.size(), 4u);
  EXPECT_EQ(fed.out.frames[0].time, kStart);
  EXPECT_EQ(fed.out.frames[1].time, kStart + std::chrono::milliseconds{500});
  EXPECT_EQ(fed.out.frames[2].time, kStart);
  EXPECT_EQ(fed.out.frames[3].time, kStart);

  format.columns = {{.use = Use::Form, .name = "%s"}, {.use = Use::Form, .name = "%z"}, channel()};
  const Fed apart{format, "1588550215 +02:00 1\n"};
  ASSERT_EQ(apart.out.frames.size(), 1u);
  EXPECT_EQ(apart.out.frames[0].time, kStart) << "seconds since 1970 are UTC everywhere";
}

/// `$BODY*HH`.
std::string sentence(const std::string& body) {
  unsigned sum = 0;
  for (const char c : body) sum ^= static_cast<unsigned char>(c);
  char end[8];
  std::snprintf(end, sizeof end, "*%02X", sum);
  return "$" + body + end;
}

TEST(TextForms, AnNmeaChecksumIsHeld) {
  auto format = channels({{.use = Use::Skip}, channel(2), channel(2)});
  format.delimiter = ',';
  format.checksum = "nmea";
  const auto good = sentence("MAG,1.25,2.50");
  auto flipped = good;
  flipped[6] = '3';
  const auto text = good + "\r\n" + flipped + "\r\n" + good.substr(0, 9) + "\r\n" + good.substr(4) + "\r\n" + good.substr(0, 8) +
                    good + "\r\nxx" + good + good + "\r\n";
  const Fed fed{format, text};
  EXPECT_EQ(fed.counters.frames, 4u);
  for (std::size_t i = 0; i < fed.out.samples.size(); ++i) EXPECT_EQ(fed.out.samples[i], i % 2 == 0 ? 1.25 : 2.5);
  EXPECT_EQ(fed.skipped(Skip::BadCheck), flipped.size() + 2);
  EXPECT_EQ(fed.skipped(Skip::CutOff), 9u + 2 + 8);
  EXPECT_EQ(fed.skipped(Skip::Garbage), good.size() - 4 + 2 + 2);
}

TEST(TextForms, WholeSentencesOfOthersAreNoGarbage) {
  auto format = channels({{.use = Use::Text, .name = "PMX5", .width = 4}, channel(2)});
  format.delimiter = ',';
  format.checksum = "nmea";
  const auto other = sentence("GPRMC,120000,A,4947.9,N");
  auto damaged = other;
  damaged[9] = '7';
  const Fed fed{format, sentence("PMX5,1.25") + "\r\n" + other + "\r\n" + sentence("PMX5,2.50") + other + sentence("PMX5,3.75") +
                            "\r\n" + damaged + "\r\n" + sentence("PMX5,4.00") + "\r\n" + sentence("PMX5,x") + "\r\n"};
  EXPECT_THAT(fed.out.samples, ElementsAre(1.25, 2.5, 3.75, 4));
  EXPECT_EQ(fed.skipped(Skip::OtherSentence), 2 * other.size() + 2);
  EXPECT_EQ(fed.skipped(Skip::BadCheck), other.size() + 2);
  EXPECT_EQ(fed.skipped(Skip::Garbage), 0u);
  EXPECT_EQ(fed.skipped(Skip::BadValue), sentence("PMX5,x").size() + 2) << "ours, but no number";
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(fed.out.frames[i].after_skip, i == 3) << "what others say is no loss";
}

TEST(TextForms, AHeaderIsNoDataAndAFrameInItsPlaceIsOne) {
  auto format = channels({channel()});
  format.header_lines = 2;
  const Fed header{format, "Field\nnT\n1\n2\nField\n"};
  EXPECT_EQ(header.counters.frames, 2u);
  EXPECT_EQ(header.skipped(Skip::BadValue), 6u) << "only at the beginning";
  const Fed data{format, "1\n2\n3\n"};
  EXPECT_EQ(data.counters.frames, 3u);
}

TEST(TextForms, LinesEndAsTheProfileSays) {
  auto format = channels({channel(1), channel(1)});
  format.terminator = "cr";
  const Fed cr{format, "1.0 2.0\r3.0 4.0\r\n5.0 6.0\r"};
  EXPECT_THAT(cr.out.samples, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(daq::ledger::sum(cr.counters.bytes_skipped), 0u);
  format.terminator = "nul";
  const Fed nul{format, std::string{"1.0 2.0\0"
                                    "3.0 4.0\0",
                                    16}};
  EXPECT_THAT(nul.out.samples, ElementsAre(1, 2, 3, 4));
}

TextFormat json() {
  TextFormat format = channels({{.use = Use::Form, .name = "%d %b %Y %H:%M:%S", .key = "ts"},
                                {.use = Use::Channel, .key = "x"},
                                {.use = Use::Channel, .key = "field.1"},
                                {.use = Use::Soh, .key = "rt"}});
  format.time = "columns";
  format.json = true;
  format.n_soh = 1;
  return format;
}

TEST(JsonLines, GiveWhatStandsAtTheirKeys) {
  const Fed fed{json(), R"({ "ts":"03 May 2020 23:56:55", "rt":24.62, "x":14.1234, "y":-9, "field":[1, -2.5e1, {"x": 7}] })"
                        "\n"};
  ASSERT_EQ(fed.out.frames.size(), 1u);
  EXPECT_EQ(fed.out.frames[0].time, kStart);
  EXPECT_THAT(fed.out.samples, ElementsAre(14.1234, -25));
  EXPECT_THAT(fed.out.soh, ElementsAre(24.62));
}

TEST(JsonLines, OfOldFirmwareHaveQuotedNumbersAndPlainKeys) {
  const Fed fed{json(), "{ts:\"03 May 2020 23:56:55\", x:\"14.5\", field:[\"0\",\"2\"], rt:\"24\"}\r\n"};
  EXPECT_THAT(fed.out.samples, ElementsAre(14.5, 2));
}

TEST(JsonLines, WithoutAValueAreUnknownThere) {
  const Fed fed{json(), "{\"ts\":\"03 May 2020 23:56:55\", \"x\":null, \"field\":[1,2]}\n{\"x\":1,\"field\":[1,2]}\n"};
  EXPECT_EQ(fed.counters.frames, 1u) << "no time, no sample";
  EXPECT_TRUE(std::isnan(fed.out.samples[0]));
  EXPECT_EQ(fed.out.samples[1], 2);
  EXPECT_TRUE(std::isnan(fed.out.soh[0]));
}

TEST(JsonLines, OfNothingButNullAreASampleThatIsUnknown) {
  auto format = json();
  for (auto& column : format.columns) column.decimals = column.use == Use::Channel ? 2 : -1;
  const Fed fed{format, "{\"ts\":\"03 May 2020 23:56:55\", \"x\":null, \"field\":[1,null]}\n"};
  EXPECT_EQ(fed.counters.frames, 1u);
  ASSERT_EQ(fed.out.samples.size(), 2u);
  EXPECT_TRUE(std::isnan(fed.out.samples[0]) && std::isnan(fed.out.samples[1]));
}

TEST(JsonLines, ThatAreCutOrMergedGiveWholeObjectsOnly) {
  const std::string good = "{\"ts\":\"03 May 2020 23:56:55\",\"x\":14.5,\"field\":[1,2]}";
  const Fed fed{json(), "noise" + good + good + "\n" + good.substr(0, 35) + good + "\n" + good.substr(0, 35) + "\n" + good};
  EXPECT_EQ(fed.counters.frames, 4u);
  for (std::size_t i = 0; i < fed.out.samples.size(); ++i) EXPECT_EQ(fed.out.samples[i], i % 2 == 0 ? 14.5 : 2);
  EXPECT_EQ(fed.skipped(Skip::Garbage) + fed.skipped(Skip::CutOff), 5u + 35 + 36);
}

TEST(JsonLines, WithANumberThatIsNoneOfJsonOrAKeyTwiceAreRefused) {
  const auto line = [](const std::string& x) { return "{\"ts\":\"03 May 2020 23:56:55\",\"x\":" + x + ",\"field\":[1,2]}\n"; };
  for (const char* x : {"20.", "-054", ".06", "1e", "--1", "1.2.3", "4,\"x\":5"}) {
    const Fed fed{json(), line(x)};
    EXPECT_EQ(fed.counters.frames, 0u) << x;
    EXPECT_EQ(fed.skipped(Skip::Garbage), line(x).size()) << x;
  }
  for (const char* x : {"0", "-0.5", "2e3", "1.25E-2", "10"}) EXPECT_EQ(Fed(json(), line(x)).counters.frames, 1u) << x;
}

TEST(JsonLines, NestedTooDeeplyAreGarbage) {
  std::string nest;
  for (int i = 0; i < 100; ++i) nest += "{a:";
  const Fed fed{json(), nest + "\n"};
  EXPECT_EQ(fed.counters.frames, 0u);
  EXPECT_EQ(daq::ledger::sum(fed.counters.bytes_skipped), nest.size() + 1);
}

TextColumn wide(std::size_t width, int bits = 0) { return {.use = Use::Channel, .hex = bits > 0, .bits = bits, .width = width}; }
TextColumn text(const std::string& what) { return {.use = Use::Text, .name = what, .width = what.size()}; }

TEST(TextForms, ColumnsOfAWidthNeedNoDelimiter) {
  // ObsDAQ: `:R`, a number, the time, three numbers of 24 bits, a letter, and not always state of health.
  auto format = channels({text(":R"),
                          {.use = Use::Skip},
                          {.use = Use::Form, .name = "%y%m%d.%H%M%S"},
                          text("*"),
                          wide(6, 24),
                          wide(6, 24),
                          wide(6, 24),
                          {.use = Use::Skip, .width = 1},
                          text(":"),
                          {.use = Use::Soh, .hex = true, .bits = 16, .width = 4, .scale = 0.0078125}});
  format.time = "columns";
  format.delimiter = ',';
  format.terminator = "cr";
  format.n_soh = 1;
  const Fed fed{format,
                ":R,00,200131.143739.617,*0259FEFFF1BFFFFCEDL:04AC11CC\r:R,00,200131.143740.617,*0259FEFFF1BFFFFCEDL\r"
                ":R,00,200132.143741.617,*0259FEFFF1BFFFFCEDL\r:X,00,200131.143742.617,*0259FEFFF1BFFFFCEDL\r"
                ":R,00,200131.143743.617,*0259FEFFF1BFFFF\r"};
  EXPECT_EQ(fed.counters.frames, 2u);
  EXPECT_THAT(fed.out.samples, ElementsAre(154110, -3649, -787, 154110, -3649, -787));
  EXPECT_EQ(mth5::to_iso(fed.out.frames[0].time), "2020-01-31T14:37:39.617Z");
  EXPECT_EQ(fed.out.soh[0], 0x04AC * 0.0078125);
  EXPECT_TRUE(std::isnan(fed.out.soh[1])) << "a line may end before it";
  EXPECT_GT(fed.skipped(Skip::BadTime), 0u) << "32 January";
  EXPECT_GT(fed.skipped(Skip::CutOff), 0u);
}

TEST(TextForms, ColumnsOfAWidthMayBePadded) {
  const Fed fed{channels({wide(5), wide(6)}), "  1.5 -2.25\n12345678901\n    1  ****\n1 2 3  45.6\n"};
  EXPECT_EQ(fed.counters.frames, 4u);
  EXPECT_THAT(fed.out.samples, ElementsAre(1.5, -2.25, 12345, 678901, 1, testing::IsNan(), testing::IsNan(), 45.6));
}

TEST(TextForms, PaddingBehindADelimiterBelongsToTheColumnOfAWidth) {
  auto format = channels({channel(), wide(5), text("V"), channel()});
  format.delimiter = ';';
  const Fed fed{format, "1; 12.5V;2\n3;12.75V;4\n5;    7V;6\n7;;8\n"};
  EXPECT_THAT(fed.out.samples, ElementsAre(1, 12.5, 2, 3, 12.75, 4, 5, 7, 6));
  EXPECT_EQ(fed.counters.frames, 3u);
  // Where blanks part the columns they are nobody's.
  format.delimiter = ' ';
  const Fed blanks{format, "1   12.5V 2\n3 12.75V   4\n"};
  EXPECT_EQ(blanks.counters.frames, 1u);
  EXPECT_THAT(blanks.out.samples, ElementsAre(3, 12.75, 4));
}

TEST(TextForms, ATextEndsANumber) {
  auto format = channels({channel(), text("["), {.use = Use::Soh, .hex = true}, text("]"), channel()});
  format.n_soh = 1;
  const Fed fed{format, "1 [9d] 2\n3[9d]4\n5 [] 6\n7 {9d} 8\n"};
  EXPECT_THAT(fed.out.samples, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(fed.out.soh, ElementsAre(0x9d, 0x9d, testing::IsNan()));
}

TEST(TextForms, ANumberMayMeanThatThereIsNoneAndBeScaled) {
  auto format = channels({channel(), channel()});
  format.columns[0].missing = 0;
  format.columns[0].scale = 0.001;
  format.columns[1].offset = 9.5;
  format.columns[1].scale = 1e300;
  const Fed fed{format, "48607952 0\n0 0\n0.0 1e10\n"};
  EXPECT_EQ(fed.counters.frames, 3u);
  EXPECT_THAT(fed.out.samples, ElementsAre(48607952 * 0.001, 9.5, testing::IsNan(), 9.5, testing::IsNan(), testing::IsNan()));
  EXPECT_EQ(fed.counters.fields_unknown, 3u);
}

TEST(TextForms, MillisecondsSince1970AreATime) {
  auto format = channels({{.use = Use::Form, .name = "%Q"}, channel()});
  format.time = "columns";
  const Fed fed{format, "1588550215250 1\n158855021525 2\n15885502152500 3\n"};
  ASSERT_EQ(fed.counters.frames, 1u);
  EXPECT_EQ(fed.out.frames[0].time, kStart + std::chrono::milliseconds{250});
}

TEST(TextForms, LinesOfSoManyBytesAreFoundAgainByWhatTheyBeginWith) {
  auto format = channels({text("$"), wide(5), wide(6)});
  format.terminator = "none";
  format.line_bytes = 12;
  const Fed fed{format, "$  1.5  2.50$  2.5  3.50x$  3.5  4.50  4.5  5.50$  5.5  6.50$  6.5"};
  EXPECT_THAT(fed.out.samples, ElementsAre(1.5, 2.5, 2.5, 3.5, 3.5, 4.5, 5.5, 6.5));
  EXPECT_EQ(fed.skipped(Skip::Garbage), 12u);
  EXPECT_EQ(fed.skipped(Skip::CutOff), 6u);
  format.line_bytes = 0;
  EXPECT_THROW(static_cast<void>(make_text_decoder(format)), std::invalid_argument);
}

TEST(TextForms, AnswersSayStateOfHealthUntilTheySayAnother) {
  auto format = channels({channel(), {.use = Use::Soh, .index = 1}});
  format.comment = '%';
  format.n_soh = 3;
  format.answers = {{"%L1 =", "l1", 0}, {"%Ubat", "battery", 1}, {"%Free", "free", 2}};
  const Fed fed{format, "1 12.5\n%L1 = 1.000000e+02\r\n%Ubat 11.0V\n%L2 = 7\n2 12.5\n%Free1224MB\n3 ?\n%L1 = none\n4 12.5\n"};
  EXPECT_EQ(fed.counters.frames, 4u);
  EXPECT_EQ(daq::ledger::sum(fed.counters.bytes_skipped), 0u);
  EXPECT_THAT(fed.out.soh, ElementsAre(testing::IsNan(), 12.5, testing::IsNan(), 100, 12.5, testing::IsNan(), 100, 11, 1224,
                                       testing::IsNan(), 12.5, 1224));
}

TEST(TextForms, AnAnswerThatLostItsEndIsNotBelieved) {
  auto format = channels({channel()});
  format.comment = '%';
  format.n_soh = 1;
  format.answers = {{"%L1 =", "l1", 0}};
  const Fed fed{format, "%L1 = 1 m\n1\n%L1 = 1.02020 10 04\n2\n%L1 = 95\n3\n"};
  EXPECT_EQ(fed.counters.frames, 3u);
  EXPECT_EQ(fed.counters.bytes_skipped[static_cast<std::size_t>(Skip::BadValue)], 20u);
  EXPECT_THAT(fed.out.soh, ElementsAre(1, 1, 95));
}

TEST(TextForms, WhatAnInstrumentSaidIsForgottenWithItsConnection) {
  auto format = channels({channel()});
  format.comment = '%';
  format.n_soh = 1;
  format.answers = {{"%L1 =", "l1", 0}};
  const auto decoder = make_text_decoder(format);
  Batch batch;
  const std::string first = "%L1 = 2\n1\n", second = "2\n%L1 = 3";
  decoder->feed({.bytes = {first.data(), first.size()}}, batch);
  decoder->end_of_stream(batch);
  decoder->feed({.bytes = {second.data(), second.size()}}, batch);
  decoder->end_of_stream(batch);
  EXPECT_THAT(batch.soh, ElementsAre(2, testing::IsNan()));
}

}  // namespace
