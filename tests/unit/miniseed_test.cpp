#include "acquisition/decode/miniseed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "acquisition/decode/description.hpp"
#include "support/miniseed.hpp"

namespace {

using namespace daq::decode;
using daq::ledger::Skip;
using support::Record;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

const MiniSeedFormat kTwo{.codes = {"LFX", "LQX"}, .sample_rate = 1, .n_channels = 2, .n_soh = 1};

struct Fed {
  std::unique_ptr<Decoder> decoder;
  Batch out;

  explicit Fed(const std::string& bytes, const MiniSeedFormat& format = kTwo) : decoder{make_miniseed_decoder(format)} {
    feed(bytes);
  }
  void feed(const std::string& bytes) {
    decoder->feed({.bytes = {bytes.data(), bytes.size()}, .arrival = mth5::UtcNanos{5s}, .datagram = true}, out);
  }
  [[nodiscard]] std::uint64_t skipped(Skip why) const { return decoder->counters().bytes_skipped[static_cast<std::size_t>(why)]; }
};

TEST(MiniSeed, ARecordIsSamplesOfOneChannel) {
  const Fed fed{Record{.channel = "LQX", .values = {7, -8, 9}}.bytes()};
  ASSERT_THAT(fed.out.frames, SizeIs(1));
  const auto& frame = fed.out.frames[0];
  EXPECT_EQ(frame.channel, 1);
  EXPECT_EQ(frame.n_samples, 3u);
  EXPECT_EQ(mth5::to_iso(frame.time), "2026-05-01T00:00:00.123407Z") << "with the microseconds of blockette 1001";
  EXPECT_EQ(frame.time_step, 1us);
  EXPECT_EQ(frame.kind, TimeKind::Gps);
  EXPECT_EQ(frame.arrival, mth5::UtcNanos{5s});
  EXPECT_THAT(fed.out.samples, ElementsAre(7, -8, 9));
  EXPECT_THAT(fed.out.soh, ElementsAre(100));
  EXPECT_EQ(fed.decoder->counters().bytes_decoded, 128u);
}

TEST(MiniSeed, TimesAreOfGpsFromATimingQualityOn) {
  EXPECT_EQ(Fed(Record{.quality = 60}.bytes()).out.frames.at(0).kind, TimeKind::Gps);
  EXPECT_EQ(Fed(Record{.quality = 59}.bytes()).out.frames.at(0).kind, TimeKind::Device);
  auto format = kTwo;
  format.locked_from = 10;
  EXPECT_EQ(Fed(Record{.quality = 10}.bytes(), format).out.frames.at(0).kind, TimeKind::Gps);
  const Fed silent{Record{.quality = std::nullopt}.bytes()};
  EXPECT_EQ(silent.out.frames.at(0).kind, TimeKind::Device);
  EXPECT_EQ(silent.out.frames.at(0).time_step, 100us);
  EXPECT_TRUE(std::isnan(silent.out.soh.at(0)));
}

TEST(MiniSeed, ALeapSecondIsTheSecondBehindIt) {
  EXPECT_EQ(mth5::to_iso(Fed(Record{.second = 60, .quality = std::nullopt}.bytes()).out.frames.at(0).time),
            "2026-05-01T00:01:00.123400Z");
}

TEST(MiniSeed, RecordsOfNoChannelAreLeftOutAndCounted) {
  for (const auto& [record, id] : {std::pair{Record{.channel = "LOG"}, "XX.MT01..LOG at 1 Hz"},
                                   {Record{.rate = 10}, "XX.MT01..LFX at 10 Hz"},
                                   {Record{.values = {}}, "XX.MT01..LFX"},
                                   {Record{.encoding = 0}, "XX.MT01..LFX"}}) {
    SCOPED_TRACE(id);
    Fed fed{record.bytes()};
    fed.feed(record.bytes());
    EXPECT_EQ(fed.skipped(Skip::OtherRecord), 256u);
    EXPECT_THAT(fed.decoder->refusals(), SizeIs(1)) << "one example";
    EXPECT_EQ(fed.decoder->refusals().front().place, id);
    fed.feed(Record{}.bytes());
    ASSERT_THAT(fed.out.frames, SizeIs(1));
    EXPECT_FALSE(fed.out.frames[0].after_skip) << "nothing of this stream";
  }
}

TEST(MiniSeed, ACodeHoldsToTheFirstThatItFits) {
  auto format = kTwo;
  format.codes = {"?FX", "XX.MT0?.*.LQX"};
  Fed fed{Record{.location = "R0"}.bytes() + Record{.location = "R1"}.bytes() + Record{.station = "MT02"}.bytes(), format};
  ASSERT_THAT(fed.out.frames, SizeIs(1));
  EXPECT_EQ(fed.skipped(Skip::OtherRecord), 256u);
  EXPECT_THAT(fed.decoder->take_news(),
              ElementsAre("code '?FX' fits XX.MT01.R1.LFX too, which is left out: XX.MT01.R0.LFX came first; write "
                          "NET.STA.LOC.CHA of the one that is meant"));
  EXPECT_THAT(fed.decoder->take_news(), IsEmpty());
  fed.feed(Record{.channel = "LQX", .station = "MT11"}.bytes());
  EXPECT_THAT(fed.out.frames, SizeIs(1));
  fed.feed(Record{.channel = "LQX", .station = "MT02"}.bytes());
  EXPECT_THAT(fed.out.frames, SizeIs(2));
}

TEST(MiniSeed, EmptyLocationsAreToldFromOthers) {
  auto format = kTwo;
  format.codes = {".LFX", "00.LFX"};
  const Fed fed{Record{.location = "00"}.bytes() + Record{}.bytes() + Record{.location = "--"}.bytes(), format};
  ASSERT_THAT(fed.out.frames, SizeIs(3));
  EXPECT_EQ(fed.out.frames[0].channel, 1);
  EXPECT_EQ(fed.out.frames[1].channel, 0);
  EXPECT_EQ(fed.out.frames[2].channel, 0);
}

TEST(MiniSeed, RecordsOfAnyLengthFollowOneAnother) {
  for (const std::size_t length : {128u, 256u, 512u, 4096u, 65536u}) {
    const Fed fed{Record{.length = length}.bytes() + Record{.values = {5}, .length = length}.bytes()};
    EXPECT_THAT(fed.out.samples, ElementsAre(1, 2, 3, 5)) << length;
  }
}

/// What is wrong with a record costs that record, whatever stands in it.
TEST(MiniSeed, ADamagedRecordIsSkippedWithItsReasonAndTheNextIsTaken) {
  struct Case {
    const char* what;
    std::size_t at;
    std::string bytes;
    Skip why;
    const char* place;
  };
  const Case cases[] = {
      {"day 366 of no leap year", 22, {1, 110}, Skip::BadTime, "time"},
      {"a ten thousandth too many", 28, {0x27, 0x11}, Skip::BadTime, "time"},
      {"no month", 22, {2, 0}, Skip::Garbage, ""},
      {"hour 24", 24, {24}, Skip::Garbage, ""},
      {"no quality", 6, "X", Skip::Garbage, ""},
      {"more samples than bytes", 30, {0, 100}, Skip::BadValue, "XX.MT01..LFX: number of samples"},
      {"an encoding of nobody", 52, {99}, Skip::BadValue, "XX.MT01..LFX: encoding 99"},
      {"samples within the header", 44, {0, 40}, Skip::BadValue, "XX.MT01..LFX: offset of the samples"},
      {"samples behind the end", 44, {1, 0}, Skip::BadValue, "XX.MT01..LFX: offset of the samples"},
      {"blockettes in a circle", 58, {0, 48}, Skip::BadValue, "header"},
      {"a blockette behind the end", 58, {0, 126}, Skip::BadValue, "header"},
      {"a blockette within the header", 46, {0, 8}, Skip::BadValue, "header"},
      {"longer than any", 54, {20}, Skip::TooLong, "length"},
      {"as long as nothing", 54, {200 - 256}, Skip::TooLong, "length"},
      {"longer than it is", 54, {12}, Skip::CutOff, ""},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    auto record = Record{.values = {1}, .data_at = 64}.bytes();
    record.replace(one.at, one.bytes.size(), one.bytes);
    const Fed fed{record + Record{.values = {7}}.bytes()};
    EXPECT_GT(fed.skipped(one.why), 0u);
    ASSERT_THAT(fed.decoder->refusals(), SizeIs(testing::Ge(1u)));
    EXPECT_EQ(fed.decoder->refusals().front().place, one.place);
    ASSERT_THAT(fed.out.frames, SizeIs(1)) << "the next record is whole";
    EXPECT_TRUE(fed.out.frames[0].after_skip);
    EXPECT_THAT(fed.out.samples, ElementsAre(7));
    EXPECT_EQ(fed.decoder->counters().bytes_decoded + daq::ledger::sum(fed.decoder->counters().bytes_skipped), 256u);
  }
}

TEST(MiniSeed, ASteimRecordEndsWithTheSampleThatItSays) {
  // A frame of one word of four differences, its first and last sample before it: 0 and 9.
  const Fed fed{Record{.values = {1, 0, 9}, .encoding = 10}.bytes() + Record{.values = {1, 0, 0}, .encoding = 10}.bytes()};
  EXPECT_EQ(fed.skipped(Skip::BadCheck), 128u);
  EXPECT_EQ(fed.decoder->refusals().front().place, "XX.MT01..LFX: last sample");
  EXPECT_THAT(fed.out.samples, ElementsAre(0, 0, 0));
}

/// libmseed copies 65534 bytes behind such a blockette.
TEST(MiniSeed, ABlockette2000ShorterThanItselfIsHarmless) {
  auto record = Record{.data_at = 80}.bytes();
  record.replace(58, 2, {0, 64});
  record.replace(64, 6, {2000 >> 8, static_cast<char>(2000 & 0xff), 0, 0, 0, 2});
  EXPECT_THAT(Fed(record).out.samples, ElementsAre(1, 2, 3));
}

TEST(MiniSeed, WhatIsNoNumberIsUnknown) {
  const Fed fed{Record{.values = {1, std::nan(""), INFINITY}, .encoding = 5}.bytes()};
  ASSERT_THAT(fed.out.samples, SizeIs(3));
  EXPECT_TRUE(std::isnan(fed.out.samples[1]) && std::isnan(fed.out.samples[2]));
  EXPECT_EQ(fed.decoder->counters().fields_unknown, 2u);
}

TEST(MiniSeed, SaysNothingOfItself) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  auto record = Record{.values = {1}, .data_at = 64}.bytes();
  record[52] = 11;
  record[67] = 1;
  static_cast<void>(Fed{record});
  EXPECT_EQ(testing::internal::GetCapturedStderr() + testing::internal::GetCapturedStdout(), "");
}

TEST(MiniSeed, ARecordingIsPlayedByRecordsOfOneTime) {
  const auto one = Record{}.bytes() + Record{.channel = "LQX"}.bytes();
  const auto text = one + Record{}.bytes();
  const auto first = first_frame(Description{kTwo}, {text.data(), text.size()});
  EXPECT_EQ(first.bytes, one.size());
  EXPECT_EQ(first.n_samples, 3u);
  EXPECT_EQ(first_frame(Description{kTwo}, {text.data(), 100}).bytes, 0u);
}

TEST(MiniSeed, CodesAreOneForEachChannel) {
  for (const MiniSeedFormat& bad :
       {MiniSeedFormat{}, MiniSeedFormat{.codes = {"LFX"}, .n_channels = 2}, MiniSeedFormat{.codes = {"LFXX"}, .n_channels = 1},
        MiniSeedFormat{.codes = {""}, .n_channels = 1}, MiniSeedFormat{.codes = {"A.B.LFX"}, .n_channels = 1},
        MiniSeedFormat{.codes = {"XX.MT01.00.L X"}, .n_channels = 1},
        MiniSeedFormat{.codes = {"LFX"}, .n_channels = 1, .n_soh = 2},
        MiniSeedFormat{.codes = {"LFX"}, .sample_rate = 0, .n_channels = 1}})
    EXPECT_THROW(static_cast<void>(make_miniseed_decoder(bad)), std::invalid_argument);
}

}  // namespace
