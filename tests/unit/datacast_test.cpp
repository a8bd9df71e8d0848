#include "acquisition/decode/datacast.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acquisition/decode/description.hpp"

namespace {

using namespace daq::decode;
using daq::ledger::Skip;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

const DatacastFormat kTwo{.codes = {"EHZ", "ENZ"}, .n_channels = 2};

struct Fed {
  std::unique_ptr<Decoder> decoder;
  Batch out;

  explicit Fed(const std::string& bytes, const DatacastFormat& format = kTwo, bool datagram = true)
      : decoder{make_datacast_decoder(format)} {
    decoder->feed({.bytes = {bytes.data(), bytes.size()}, .arrival = mth5::UtcNanos{5s}, .datagram = datagram}, out);
  }
  [[nodiscard]] std::uint64_t skipped(Skip why) const { return decoder->counters().bytes_skipped[static_cast<std::size_t>(why)]; }
};

TEST(Datacast, APacketIsSamplesOfOneChannel) {
  const Fed fed{"{'ENZ', 1580372810.003, 16235, -16274, 16300}"};
  ASSERT_THAT(fed.out.frames, SizeIs(1));
  const auto& frame = fed.out.frames[0];
  EXPECT_EQ(frame.channel, 1);
  EXPECT_EQ(frame.n_samples, 3u);
  EXPECT_EQ(mth5::to_iso(frame.time), "2020-01-30T08:26:50.003Z");
  EXPECT_EQ(frame.time_step, 1ms);
  EXPECT_EQ(frame.kind, TimeKind::Device);
  EXPECT_EQ(frame.arrival, mth5::UtcNanos{5s});
  EXPECT_THAT(fed.out.samples, ElementsAre(16235, -16274, 16300));
  EXPECT_EQ(fed.decoder->counters().bytes_decoded, 45u);
}

TEST(Datacast, PacketsMayStandInAnyWay) {
  const std::string one = "{'EHZ', 10.5, 1, 2}", other = "{\"ENZ\",10,3}";
  for (const auto* between : {"", " ", "\n", "\r\n\r\n\t"}) {
    SCOPED_TRACE(between);
    for (const bool datagram : {true, false}) {
      const Fed fed{between + one + between + other + between, kTwo, datagram};
      ASSERT_THAT(fed.out.frames, SizeIs(2));
      EXPECT_EQ(fed.out.frames[0].time, mth5::UtcNanos{10500ms});
      EXPECT_EQ(fed.out.frames[0].time_step, 100ms);
      EXPECT_EQ(fed.out.frames[1].time, mth5::UtcNanos{10s});
      EXPECT_EQ(fed.out.frames[1].time_step, 1s);
      EXPECT_EQ(fed.decoder->counters().bytes_decoded, fed.decoder->counters().bytes_in);
      EXPECT_THAT(fed.decoder->refusals(), IsEmpty());
    }
  }
}

TEST(Datacast, TimesOfGpsAreThat) {
  auto format = kTwo;
  format.clock = "gps";
  EXPECT_EQ(Fed("{'EHZ', 10.5, 1}", format).out.frames.at(0).kind, TimeKind::Gps);
}

TEST(Datacast, ADatagramThatIsNotWholeIsNotContinuedByTheNext) {
  Fed fed{"{'EHZ', 10.5, 1, 2"};
  EXPECT_EQ(fed.skipped(Skip::CutOff), 18u);
  const std::string rest = "3}";
  fed.decoder->feed({.bytes = {rest.data(), rest.size()}, .datagram = true}, fed.out);
  EXPECT_THAT(fed.out.frames, IsEmpty());
  EXPECT_EQ(fed.skipped(Skip::Garbage), 2u);
}

TEST(Datacast, WhatIsNoPacketIsSkippedWithItsReason) {
  struct Case {
    std::string bytes;
    Skip why;
    std::string place;
  };
  const Case cases[] = {{"{'XXX', 10.5, 1}", Skip::BadValue, "channel"},
                        {"{'EHZ', yes, 1}", Skip::BadTime, "time"},
                        {"{'EHZ', 99999999999.5, 1}", Skip::BadTime, "time"},
                        {"{'EHZ', 10.5}", Skip::BadTime, "time"},
                        {"{'EHZ', 10.5, 1, nan}", Skip::BadValue, "sample 2"},
                        {"{'EHZ', 10.5, 1, 2 3}", Skip::BadValue, "sample 2"},
                        {"{'EHZ', 10.5, 1,}", Skip::BadValue, "sample 2"},
                        {"{EHZ, 10.5, 1}", Skip::Garbage, ""},
                        {"{}", Skip::Garbage, ""},
                        {"noise", Skip::Garbage, ""},
                        {"{'EHZ', 10.5, 1", Skip::CutOff, ""},
                        {"{'EHZ', 10.5, " + std::string(kMaxPacket - 14, '1'), Skip::TooLong, ""}};
  for (const auto& one : cases) {
    SCOPED_TRACE(one.bytes);
    const Fed fed{one.bytes + "{'EHZ', 20.5, 7}"};
    EXPECT_EQ(fed.skipped(one.why), one.bytes.size());
    ASSERT_THAT(fed.decoder->refusals(), SizeIs(testing::Ge(1u)));
    EXPECT_EQ(fed.decoder->refusals().front().place, one.place);
    ASSERT_THAT(fed.out.frames, SizeIs(1)) << "the next packet is whole";
    EXPECT_TRUE(fed.out.frames[0].after_skip);
    EXPECT_THAT(fed.out.samples, ElementsAre(7));
  }
}

TEST(Datacast, ARecordingIsPlayedByPacketsOfOneTime) {
  const std::string one = "{'EHZ', 10.5, 1, 2}\n{'ENZ', 10.5, 3, 4}\n";
  const auto text = one + "{'EHZ', 10.6, 1, 2}";
  const auto first = first_frame(Description{kTwo}, {text.data(), text.size()});
  EXPECT_EQ(first.bytes, one.size());
  EXPECT_EQ(first.n_samples, 2u);
  EXPECT_EQ(first_frame(Description{kTwo}, {text.data(), 10}).bytes, 0u);
}

TEST(Datacast, CodesAreOneForEachChannel) {
  for (const DatacastFormat& bad :
       {DatacastFormat{}, DatacastFormat{.codes = {"A"}, .n_channels = 2}, DatacastFormat{.codes = {"A", "A"}, .n_channels = 2},
        DatacastFormat{.codes = {"A", ""}, .n_channels = 2}, DatacastFormat{.codes = {"A", "ABCDEFGHI"}, .n_channels = 2}})
    EXPECT_THROW(static_cast<void>(make_datacast_decoder(bad)), std::invalid_argument);
}

}  // namespace
