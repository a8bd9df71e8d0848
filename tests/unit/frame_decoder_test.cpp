#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "acquisition/decode/description.hpp"
#include "acquisition/decode/frame.hpp"
#include "support/frames.hpp"

namespace {

using namespace daq::decode;
using daq::ledger::SourceCounters;
using support::answer_frame;
using support::data_frame;
using support::frame_format;
using support::number;
using support::slot;
using testing::ElementsAre;

std::uint64_t skipped(const SourceCounters& counters, Skip why) { return counters.bytes_skipped[static_cast<std::size_t>(why)]; }
std::uint64_t events(const SourceCounters& counters, Skip why) { return counters.events_skipped[static_cast<std::size_t>(why)]; }

/// A decoder with all it gave.
struct Fed {
  FrameFormat format;
  std::unique_ptr<Decoder> decoder;
  Batch out;

  explicit Fed(const FrameFormat& f = frame_format()) : format{f}, decoder{make_frame_decoder(f)} {}
  Fed& feed(std::string_view text, bool datagram = false) {
    decoder->feed({.bytes = {text.data(), text.size()}, .arrival = mth5::UtcNanos{std::chrono::seconds{7}}, .datagram = datagram},
                  out);
    const auto& c = counters();
    EXPECT_EQ(c.bytes_in, c.bytes_decoded + c.bytes_pending + daq::ledger::sum(c.bytes_skipped));
    return *this;
  }
  Fed& end() {
    decoder->end_of_stream(out);
    EXPECT_EQ(counters().bytes_pending, 0u);
    return *this;
  }
  [[nodiscard]] const SourceCounters& counters() const { return decoder->counters(); }
  [[nodiscard]] std::vector<std::uint64_t> frame_counters() const {
    std::vector<std::uint64_t> all;
    for (const auto& frame : out.frames) all.push_back(frame.counter.value());
    return all;
  }
};

std::string frames(std::uint32_t from, std::uint32_t to) {
  std::string text;
  for (auto n = from; n < to; ++n) text += data_frame({.counter = n});
  return text;
}

TEST(FrameDecoder, ReadsWhatAFrameSays) {
  Fed fed;
  fed.feed(data_frame({.counter = 7, .time_us = 1'777'593'600'250'000, .values = {1, -2, 2147483647, -2147483647 - 1}}));
  ASSERT_EQ(fed.out.frames.size(), 1u);
  const auto& frame = fed.out.frames[0];
  EXPECT_EQ(mth5::to_iso(frame.time), "2026-05-01T00:00:00.250Z");
  EXPECT_EQ(frame.kind, TimeKind::Gps);
  EXPECT_EQ(frame.counter, 7u);
  EXPECT_EQ(frame.n_samples, 2u);
  EXPECT_FALSE(frame.after_skip);
  EXPECT_THAT(fed.out.samples, ElementsAre(1, -2 * 0.5 + 10, 2147483647, -2147483648.0 * 0.5 + 10));
  EXPECT_EQ(fed.counters().frames, 1u);
  EXPECT_EQ(fed.counters().bytes_decoded, fed.counters().bytes_in);
}

TEST(FrameDecoder, GivesAFrameThatWaitsForOthersTheArrivalOfItsOwnBytes) {
  auto format = frame_format(3);
  format.kinds[0].time.reset();
  format.kinds[0].lock.reset();
  const auto decoder = make_frame_decoder(format);
  Batch out;
  const auto feed = [&](std::string_view text, int second) {
    decoder->feed({.bytes = {text.data(), text.size()}, .arrival = mth5::UtcNanos{std::chrono::seconds{second}}}, out);
  };
  const auto first = frames(0, 1);
  feed("noise" + first.substr(0, 9), 1);
  feed(first.substr(9), 2);
  feed(frames(1, 2), 3);
  EXPECT_TRUE(out.frames.empty());
  feed(frames(2, 4), 4);
  feed(frames(4, 5), 5);
  decoder->end_of_stream(out);
  ASSERT_EQ(out.frames.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    const mth5::UtcNanos came{std::chrono::seconds{std::array{2, 3, 4, 4, 5}[i]}};
    EXPECT_EQ(out.frames[i].arrival, came) << i;
    EXPECT_EQ(out.frames[i].time, came) << i;
  }
}

TEST(FrameDecoder, TakesTheTimeForTheDevicesOwnWithoutLock) {
  Fed fed;
  fed.feed(data_frame({.locked = false}) + data_frame({.locked = true}));
  ASSERT_EQ(fed.out.frames.size(), 2u);
  EXPECT_EQ(fed.out.frames[0].kind, TimeKind::Device);
  EXPECT_EQ(fed.out.frames[1].kind, TimeKind::Gps);
}

TEST(FrameDecoder, GivesTheSameHoweverTheStreamIsCut) {
  const auto stream = "noise" + frames(0, 3) + "\xA5" + answer_frame(121) + frames(3, 5) + "\xA5\x5A";
  Fed whole, bytes;
  whole.feed(stream).end();
  for (const char c : stream) bytes.feed({&c, 1});
  bytes.end();
  EXPECT_EQ(whole.counters(), bytes.counters());
  EXPECT_EQ(whole.frame_counters(), bytes.frame_counters());
  EXPECT_THAT(whole.frame_counters(), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(skipped(whole.counters(), Skip::Garbage), 6u);
  EXPECT_EQ(skipped(whole.counters(), Skip::CutOff), 2u);
}

TEST(FrameDecoder, FindsAFrameThatBeginsInsideADamagedOne) {
  Fed fed;
  const auto cut = data_frame({.counter = 1}).substr(0, 10);
  fed.feed(data_frame({}) + cut + data_frame({.counter = 2}) + data_frame({.counter = 3}));
  EXPECT_THAT(fed.frame_counters(), ElementsAre(0, 2, 3));
  EXPECT_EQ(skipped(fed.counters(), Skip::BadCheck), cut.size());
  EXPECT_EQ(events(fed.counters(), Skip::BadCheck), 1u);
  EXPECT_TRUE(fed.out.frames[1].after_skip);
  EXPECT_FALSE(fed.out.frames[2].after_skip);
}

TEST(FrameDecoder, CountsADamagedFrameAsAWholeAndSaysWhatItWas) {
  Fed fed;
  auto damaged = data_frame({.counter = 1});
  damaged[17] = static_cast<char>(damaged[17] ^ 0x10);
  fed.feed(data_frame({}) + damaged + data_frame({.counter = 2}));
  EXPECT_THAT(fed.frame_counters(), ElementsAre(0, 2));
  EXPECT_EQ(skipped(fed.counters(), Skip::BadCheck), damaged.size());
  EXPECT_EQ(events(fed.counters(), Skip::BadCheck), 1u);
  ASSERT_EQ(fed.decoder->refusals().size(), 1u);
  const auto& refusal = fed.decoder->refusals()[0];
  EXPECT_EQ(refusal.why, Skip::BadCheck);
  EXPECT_EQ(refusal.offset, damaged.size());
  EXPECT_EQ(refusal.place, "frame data");
}

TEST(FrameDecoder, BelievesNoLengthThatIsBeyondTheLongest) {
  Fed fed;
  const auto lie = "\xA5\x5A" + number(0xFFFF, 2);
  fed.feed(lie + frames(0, 2));
  EXPECT_THAT(fed.frame_counters(), ElementsAre(0, 1));
  EXPECT_EQ(skipped(fed.counters(), Skip::TooLong), lie.size());
}

TEST(FrameDecoder, WaitsForAFrameThatMayComeAndThenLooksInside) {
  Fed fed;
  const auto lie = "\xA5\x5A" + number(200, 2);  // 219 bytes, it says
  fed.feed(lie + frames(0, 2));
  EXPECT_EQ(fed.out.frames.size(), 0u);
  EXPECT_EQ(fed.counters().bytes_pending, fed.counters().bytes_in);
  fed.end();
  EXPECT_THAT(fed.frame_counters(), ElementsAre(0, 1));
  EXPECT_EQ(skipped(fed.counters(), Skip::CutOff), lie.size());
}

TEST(FrameDecoder, RefusesAPayloadThatIsNoWholeRows) {
  Fed fed;
  auto text = "\xA5\x5A" + number(9, 2) + number(0, 4) + number(0, 8) + number(0, 1) + std::string(9, 'x');
  text += number(support::ccitt_false(text), 2);
  fed.feed(text);
  EXPECT_EQ(skipped(fed.counters(), Skip::BadValue), text.size());
}

TEST(FrameDecoder, GivesWhatAnswersSayWithTheNextSamples) {
  Fed fed;
  fed.feed(frames(0, 1) + answer_frame(121) + frames(1, 3));
  EXPECT_EQ(fed.counters().frames, 4u);
  EXPECT_EQ(daq::ledger::sum(fed.counters().bytes_skipped), 0u);
  ASSERT_EQ(fed.out.soh.size(), 3u);
  EXPECT_TRUE(std::isnan(fed.out.soh[0]));
  EXPECT_DOUBLE_EQ(fed.out.soh[1], 12.1);
  EXPECT_DOUBLE_EQ(fed.out.soh[2], 12.1);
}

TEST(FrameDecoder, BelievesAFrameWhenEnoughFollowIt) {
  Fed fed{frame_format(3)};
  fed.feed("noise" + frames(0, 2));
  EXPECT_EQ(fed.out.frames.size(), 0u);
  fed.feed(frames(2, 3));
  EXPECT_THAT(fed.frame_counters(), ElementsAre(0, 1));
  fed.feed(frames(3, 4));
  EXPECT_EQ(fed.out.frames.size(), 3u) << "those behind are believed when something begins behind them";
  fed.feed("x" + frames(4, 6) + "y" + frames(6, 9));
  EXPECT_THAT(fed.frame_counters(), ElementsAre(0, 1, 2, 3, 6, 7)) << "too few between two damages";
  EXPECT_EQ(skipped(fed.counters(), Skip::Unconfirmed), frames(4, 6).size());
  EXPECT_EQ(skipped(fed.counters(), Skip::Garbage), 5u + 1 + 1);
  fed.end().feed(frames(9, 11)).end();
  EXPECT_EQ(fed.out.frames.size(), 7u) << "a stream that broke off is a new one";
}

/// Ten bytes with a counter and nothing that proves an end.
FrameFormat open_format(std::size_t confirm_frames = 1) {
  auto format = frame_format(confirm_frames);
  format.kinds = {FrameKind{}};
  auto& kind = format.kinds[0];
  kind.sync.bytes = {'S', 'Y'};
  kind.length = 10;
  kind.counter = FrameCounter{.number = {2, Number::U32}};
  kind.samples = {{.first = {6, Number::I16}, .row_step = 2, .slot_step = 1, .slots = {slot(0)}}};
  kind.per_frame = 2;
  format.n_channels = 1;
  format.n_soh = 0;
  return format;
}

std::string open_frame(unsigned n) { return "SY" + number(n, 4) + number(n, 2) + number(n + 1, 2); }

TEST(FrameDecoder, MakesNoFrameOfTheFrontOfOneAndTheNext) {
  for (const std::size_t confirm : {std::size_t{1}, std::size_t{3}})
    for (std::size_t cut = 1; cut < 10; ++cut) {
      std::string text;
      for (unsigned n = 0; n < 5; ++n) text += open_frame(n);
      text += open_frame(5).substr(0, cut);
      for (unsigned n = 6; n < 12; ++n) text += open_frame(n);
      Fed whole{open_format(confirm)}, bytewise{open_format(confirm)};
      whole.feed(text).end();
      for (const char c : text) bytewise.feed({&c, 1});
      bytewise.end();
      EXPECT_THAT(whole.frame_counters(), ElementsAre(0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11)) << cut;
      EXPECT_EQ(bytewise.frame_counters(), whole.frame_counters()) << cut;
      EXPECT_EQ(daq::ledger::sum(whole.counters().bytes_skipped), cut);
    }
}

TEST(FrameDecoder, KeepsAWholeFrameInFrontOfNoise) {
  Fed fed{open_format()};
  fed.feed(open_frame(0) + open_frame(1));
  EXPECT_THAT(fed.frame_counters(), ElementsAre(0)) << "of the newest nobody knows yet whether it is whole";
  fed.feed("noise" + open_frame(2) + open_frame(3)).end();
  EXPECT_THAT(fed.frame_counters(), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(skipped(fed.counters(), Skip::Garbage), 5u);
}

TEST(FrameDecoder, NeedsNoConfirmationInADatagram) {
  Fed fed{frame_format(3)};
  fed.feed(frames(0, 1), true).feed(frames(1, 2).substr(5), true).feed(frames(2, 4), true);
  EXPECT_THAT(fed.frame_counters(), ElementsAre(0, 2, 3));
  EXPECT_EQ(fed.counters().bytes_pending, 0u);
}

TEST(FrameDecoder, HoldsNoMoreThanTheFramesItWaitsFor) {
  const auto format = frame_format(3);
  const auto held = density(Description{format}).held_bytes;
  EXPECT_EQ(held, 3 * format.kinds[0].max_length);
  Fed fed{format};
  for (int i = 0; i < 1000; ++i) {
    fed.feed("\xA5\x5A" + number(248, 2) + std::string(100, 'x'));
    EXPECT_LE(fed.counters().bytes_pending, held);
  }
}

// ---- The layouts of protocols ----

/// One kind of fixed length, little endian, sync 'S', two rows of what `samples` says.
FrameFormat layout(std::size_t length, FrameSamples samples, std::size_t n_channels, std::size_t per_frame = 2) {
  FrameFormat format;
  format.n_channels = n_channels;
  FrameKind kind;
  kind.sync.bytes = {'S'};
  kind.length = length;
  kind.per_frame = per_frame;
  kind.samples.push_back(std::move(samples));
  format.kinds.push_back(kind);
  return format;
}

TEST(FrameLayout, ReadsEveryTypeInBothOrders) {
  struct Case {
    Number type;
    std::uint64_t bits;
    bool offset_binary;
    double value;
  };
  float single = -1.5F;
  double twice = 1e-300;
  std::uint64_t single_bits = 0, twice_bits = 0;
  std::memcpy(&single_bits, &single, sizeof single);
  std::memcpy(&twice_bits, &twice, sizeof twice);
  const Case cases[] = {{Number::I8, 0x80, false, -128},
                        {Number::U8, 0x80, false, 128},
                        {Number::U8, 0x00, true, -128},
                        {Number::I16, 0xFFFE, false, -2},
                        {Number::U16, 0xFFFE, false, 65534},
                        {Number::I24, 0x800000, false, -8388608},
                        {Number::I24, 0x7FFFFF, false, 8388607},
                        {Number::U24, 0x800001, false, 8388609},
                        {Number::U24, 0x800001, true, 1},
                        {Number::I32, 0x80000000, false, -2147483648.0},
                        {Number::U32, 0x80000000, false, 2147483648.0},
                        {Number::U32, 0x80000000, true, 0},
                        {Number::I64, ~std::uint64_t{0}, false, -1},
                        {Number::U64, std::uint64_t{1} << 63, false, 9223372036854775808.0},
                        {Number::F32, single_bits, false, -1.5},
                        {Number::F64, twice_bits, false, 1e-300}};
  for (const auto& one : cases)
    for (const bool big : {false, true}) {
      const auto size = size_of(one.type);
      Fed fed{layout(1 + 2 * size, {{1, one.type, big}, size, size, one.offset_binary, {slot(0)}}, 1)};
      fed.feed("S" + number(one.bits, size, big) + number(one.bits, size, big)).end();
      EXPECT_THAT(fed.out.samples, ElementsAre(one.value, one.value)) << int(one.type) << ' ' << big;
    }
}

TEST(FrameLayout, ReadsFloatsThatAreNoNumbersAsUnknown) {
  Fed fed{layout(9, {{1, Number::F32, false}, 4, 4, false, {slot(0)}}, 1)};
  fed.feed("S" + number(0x7F800000, 4) + number(0x7FC00000, 4)).end();
  ASSERT_EQ(fed.out.samples.size(), 2u);
  EXPECT_TRUE(std::isnan(fed.out.samples[0]) && std::isnan(fed.out.samples[1]));
  EXPECT_EQ(fed.counters().fields_unknown, 2u);
}

TEST(FrameLayout, ReadsPlanarInterleavedAndConstantValues) {
  Fed planar{layout(5, {{1, Number::U8, false}, 1, 2, false, {slot(0), slot(1)}}, 2)};
  planar.feed("S\x01\x02\x03\x04").end();
  EXPECT_THAT(planar.out.samples, ElementsAre(1, 3, 2, 4));
  Fed interleaved{layout(7, {{1, Number::U8, false}, 3, 1, false, {slot(1), {.channel = 0, .skip = true}, slot(0)}}, 2)};
  interleaved.feed("S\x01\x02\x03\x04\x05\x06").end();
  EXPECT_THAT(interleaved.out.samples, ElementsAre(3, 1, 6, 4));
  Fed bias{layout(2, {{1, Number::U8, false}, 0, 1, false, {slot(0)}}, 1)};
  bias.feed("S\x09").end();
  EXPECT_THAT(bias.out.samples, ElementsAre(9, 9)) << "one value for both samples";
}

TEST(FrameLayout, WantsSyncAndTrailerUnderTheirMasks) {
  auto format = layout(3, {{1, Number::U8, false}, 1, 1, false, {slot(0)}}, 1, 1);
  format.kinds[0].sync = {{0xA0}, {0xF0}};
  format.kinds[0].trailer = {{0xC0}, {0xF0}};
  Fed fed{format};
  fed.feed("\xA3\x01\xC5\xA0\x02\xD0\xAF\x03\xCF").end();
  EXPECT_THAT(fed.out.samples, ElementsAre(1, 3));
  EXPECT_EQ(skipped(fed.counters(), Skip::CutOff), 3u);
}

/// Four bits of it are met by chance: then the frame within tells, as where there is no trailer.
TEST(FrameLayout, StrayBytesAndTheFrontOfAFrameAreNoneThoughATrailerOfFewBitsFits) {
  auto format = layout(8, {{1, Number::U8, false}, 1, 1, false, {slot(0)}}, 1, 1);
  format.kinds[0].sync = {{0xA0}, {}};
  format.kinds[0].trailer = {{0xC0}, {0xF0}};
  const auto frame = [](char value) { return std::string{"\xA0"} + value + "\x11\x12\xC5\x13\x14\xC1"; };
  Fed fed{format};
  fed.feed(frame(1) + frame(2) + "\xA0\x21\x22" + frame(3) + frame(4)).end();
  EXPECT_THAT(fed.out.samples, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(skipped(fed.counters(), Skip::CutOff), 3u);
}

TEST(FrameLayout, TellsKindsApartByANumber) {
  auto format = layout(4, {{2, Number::U8, false}, 1, 1, false, {slot(0)}}, 1);
  format.kinds[0].match.push_back({{1, Number::U8}, 0x0F, 1});
  auto other = format.kinds[0];
  other.name = "other";
  other.match[0].value = 2;
  other.length = 2;
  other.samples.clear();
  other.per_frame = 0;
  format.kinds.push_back(other);
  Fed fed{format};
  fed.feed("S\xF1\x05\x06S\x02S\x01\x07\x08S\x03\x09\x09").end();
  EXPECT_THAT(fed.out.samples, ElementsAre(5, 6, 7, 8));
  EXPECT_EQ(fed.counters().frames, 3u);
  EXPECT_EQ(skipped(fed.counters(), Skip::Garbage), 4u);
}

TEST(FrameLayout, PassesLinesOfTextBetweenFrames) {
  auto format = layout(2, {{1, Number::U8, false}, 1, 1, false, {slot(0)}}, 1, 1);
  FrameKind line;
  line.name = "text";
  line.sync.bytes = {'%'};
  line.until = {'\r', '\n'};
  line.max_length = 20;
  format.kinds.push_back(line);
  Fed fed{format};
  fed.feed("S\x01%Ubat 12.43V\r\nS\x02%" + std::string(30, 'x') + "S\x03").end();
  EXPECT_THAT(fed.out.samples, ElementsAre(1, 2, 3));
  EXPECT_EQ(fed.counters().frames, 4u);
  EXPECT_EQ(skipped(fed.counters(), Skip::TooLong), 1u);
  EXPECT_EQ(skipped(fed.counters(), Skip::Garbage), 30u);
}

TEST(FrameLayout, ReadsFieldsByMaskScaleAndMeaning) {
  auto format = layout(4, {{1, Number::U8, false}, 1, 1, false, {slot(0)}}, 1, 1);
  format.n_soh = 3;
  format.kinds[0].fields = {{0, {2, Number::U8}, 0xF0, 1, 0, {}},
                            {1, {2, Number::U8}, 0x01, 1, 0, {}},
                            {2, {3, Number::U8}, 0, 1, 0, {{'A', 1}, {'P', 0}}}};
  Fed fed{format};
  fed.feed(std::string{"S\x01\x51"} + "AS\x01\x10" + "X").end();
  EXPECT_THAT(std::vector(fed.out.soh.begin(), fed.out.soh.begin() + 5), ElementsAre(5, 1, 1, 1, 0));
  EXPECT_TRUE(std::isnan(fed.out.soh[5]));
  EXPECT_EQ(fed.counters().fields_unknown, 1u);
}

TEST(FrameLayout, CountsTheCheckInHexadecimalDigits) {
  auto format = layout(4, {{1, Number::U8, false}, 1, 1, false, {slot(0)}}, 1, 1);
  format.kinds[0].checks.push_back({"xor8", *find_check("xor8"), 0, 2, 2, false, true});
  Fed fed{format};
  fed.feed(
      "S\x01"
      "52S\x02"
      "5aS\x03"
      "50S\x03"
      "5g");
  EXPECT_THAT(fed.out.samples, ElementsAre(1, 3)) << "S is 53 hexadecimal";
}

// ---- Times ----

/// A frame "S", time of eight bytes, ticks of two, two samples of one byte; at 2 Hz.
FrameFormat timed(const FrameTime& time) {
  auto format = layout(13, {{11, Number::U8, false}, 1, 1, false, {slot(0)}}, 1);
  format.sample_rate = 2;
  format.kinds[0].time = time;
  return format;
}

std::string time_of(const FrameFormat& format, const std::string& time, std::uint64_t ticks = 0) {
  Fed fed{format};
  fed.feed("S" + time + std::string(8 - time.size(), '\0') + number(ticks, 2) + "\x01\x02").end();
  if (skipped(fed.counters(), Skip::BadTime) == 13) return "bad-time";
  return fed.out.frames.size() == 1 ? mth5::to_iso(fed.out.frames[0].time) : "no frame";
}

TEST(FrameTimes, AreUnitsSinceAnEpoch) {
  const mth5::Nanos second = std::chrono::seconds{1}, milli = std::chrono::milliseconds{1};
  EXPECT_EQ(time_of(timed({.number = {1, Number::U32}, .unit = second}), number(1'777'593'600, 4)), "2026-05-01T00:00:00Z");
  EXPECT_EQ(time_of(timed({.number = {1, Number::U32, true}, .unit = second}), number(4'000'000'000, 4, true)),
            "2096-10-02T07:06:40Z");
  EXPECT_EQ(
      time_of(timed({.number = {1, Number::U32}, .unit = milli, .epoch = *mth5::parse_time("2026-05-01")}), number(1500, 4)),
      "2026-05-01T00:00:01.500Z");
  EXPECT_EQ(time_of(timed({.number = {1, Number::I32}, .unit = second}), number(0xFFFFFFFF, 4)), "1969-12-31T23:59:59Z");
  EXPECT_EQ(time_of(timed({.number = {1, Number::U64}, .unit = milli}), number(~std::uint64_t{0}, 8)), "bad-time");
  EXPECT_EQ(time_of(timed({.number = {1, Number::U64}, .unit = mth5::Nanos{1}, .shift = second}),
                    number(std::uint64_t(std::numeric_limits<std::int64_t>::max()), 8)),
            "bad-time");
}

TEST(FrameTimes, GoOnWhereTheirNumberBeginsAnew) {
  const auto epoch = *mth5::parse_time("2026-05-01");
  const auto said = [&](Number type, const std::vector<std::uint64_t>& numbers) {
    Fed fed{timed({.number = {1, type}, .unit = std::chrono::milliseconds{1}, .epoch = epoch})};
    for (const auto one : numbers)
      fed.feed("S" + number(one, size_of(type)) + std::string(8 - size_of(type), '\0') + number(0, 2) + "\x01\x02");
    fed.end();
    std::vector<std::int64_t> all;
    for (const auto& frame : fed.out.frames) all.push_back((frame.time - epoch) / std::chrono::milliseconds{1});
    return all;
  };
  constexpr std::int64_t kTurn = std::int64_t{1} << 32, kHour = 3'600'000;
  EXPECT_THAT(said(Number::U32, {kTurn - 5, kTurn - 1, 3, kTurn - 3, 7, kTurn / 2, kTurn - 1, 0}),
              ElementsAre(kTurn - 5, kTurn - 1, kTurn + 3, kTurn - 3, kTurn + 7, kTurn / 2 + kTurn, 2 * kTurn - 1, 2 * kTurn));
  EXPECT_THAT(said(Number::U32, {kTurn - kHour, 0, kTurn - 1}), ElementsAre(kTurn - kHour, kTurn, kTurn - 1)) << "after an hour";
  EXPECT_THAT(said(Number::U32, {kTurn - kHour, 1}), ElementsAre(kTurn - kHour, 1)) << "it was set, or switched on anew";
  EXPECT_THAT(said(Number::U32, {5'000'000, 0, 5'000}), ElementsAre(5'000'000, 0, 5'000));
  EXPECT_THAT(said(Number::U16, {65'500, 44, 65'500, 60}), ElementsAre(65'500, 65'580, 65'500, 65'596));
  EXPECT_THAT(said(Number::U64, {std::uint64_t{1} << 32, 5}), ElementsAre(kTurn, 5));
}

TEST(FrameTimes, AddTicksAndShift) {
  FrameTime time{.number = {1, Number::U32},
                 .unit = std::chrono::seconds{1},
                 .ticks = NumberAt{9, Number::U16},
                 .ticks_hz = 1000,
                 .shift = std::chrono::milliseconds{-300}};
  EXPECT_EQ(time_of(timed(time), number(1'777'593'600, 4), 500), "2026-05-01T00:00:00.200Z");
}

TEST(FrameTimes, InTicksAreCutToATick) {
  const auto step = [](double ticks_hz) {
    const FrameTime time{
        .number = {1, Number::U32}, .unit = std::chrono::seconds{1}, .ticks = NumberAt{9, Number::U16}, .ticks_hz = ticks_hz};
    Fed fed{timed(time)};
    fed.feed("S" + number(1'777'593'600, 4) + std::string(4, '\0') + number(1, 2) + "\x01\x02").end();
    return fed.out.frames.at(0).time_step;
  };
  EXPECT_EQ(step(256), mth5::Nanos{3'906'250});
  EXPECT_EQ(step(1000), mth5::Nanos{1'000'000});
  EXPECT_EQ(step(600), mth5::Nanos{1'666'666}) << "no more than a sample at 600 Hz";
  EXPECT_EQ(step(1e9), mth5::Nanos{1});
}

TEST(FrameTimes, OfTheLastSampleAreMovedToTheFirst) {
  const FrameTime time{.number = {1, Number::U32}, .unit = std::chrono::seconds{1}, .of_last_sample = true};
  EXPECT_EQ(time_of(timed(time), number(1'777'593'600, 4)), "2026-04-30T23:59:59.500Z");
}

TEST(FrameTimes, AreRealNumbersToTheirLastDigit) {
  double seconds = 1'777'593'600.123456;
  std::uint64_t bits = 0;
  std::memcpy(&bits, &seconds, sizeof bits);
  const auto format = timed({.number = {1, Number::F64}, .unit = std::chrono::seconds{1}});
  EXPECT_EQ(time_of(format, number(bits, 8)).substr(0, 26), "2026-05-01T00:00:00.123456");
  for (const double wrong : {std::nan(""), 1e300, -1e300}) {
    std::memcpy(&bits, &wrong, sizeof bits);
    EXPECT_EQ(time_of(format, number(bits, 8)), "bad-time") << wrong;
  }
}

TEST(FrameTimes, InDecimalDigitsMustExist) {
  const auto format = timed({.bcd = true, .number = {1}});
  EXPECT_EQ(time_of(format, "\x26\x05\x01\x23\x59\x58"), "2026-05-01T23:59:58Z");
  EXPECT_EQ(time_of(format, "\x26\x02\x30\x23\x59\x58"), "bad-time");
  EXPECT_EQ(time_of(format, "\x2A\x02\x03\x23\x59\x58"), "bad-time");
  EXPECT_EQ(time_of(format, "\x26\x05\x01\x23\x59\x5F"), "bad-time");
  EXPECT_EQ(time_of(format, "\x26\x05\x01\x23\x59\x60"), "bad-time");
}

TEST(FrameTimes, AreThoseOfArrivalWhereAFrameHasNone) {
  Fed fed{layout(3, {{1, Number::U8, false}, 1, 1, false, {slot(0)}}, 1)};
  fed.feed("S\x01\x02").end();
  ASSERT_EQ(fed.out.frames.size(), 1u);
  EXPECT_EQ(fed.out.frames[0].kind, TimeKind::None);
  EXPECT_EQ(fed.out.frames[0].time, mth5::UtcNanos{std::chrono::seconds{7}});
}

// ---- Checks by vote ----

FrameFormat voting() {
  auto format = layout(5, {{1, Number::U16, false}, 2, 2, false, {slot(0)}}, 1, 1);
  for (const auto* name : {"sum16", "crc16/kermit", "crc16/modbus"})
    format.kinds[0].checks.push_back({name, *find_check(name), 0, -2, -2});
  return format;
}

std::string voted(unsigned value, const char* rule) {
  const auto text = "S" + number(value, 2);
  return text + number(Checksum{*find_check(rule)}.of(text), 2);
}

TEST(FrameVote, UsesTheCheckThatFitsAndRefusesFramesFromThenOn) {
  Fed fed{voting()};
  fed.feed(voted(60000, "crc16/arc")).end();
  for (unsigned n = 1; n < 100; ++n) fed.feed(voted(n, "crc16/kermit"));
  fed.end();
  EXPECT_EQ(fed.counters().frames, 100u) << "one that does not fit is kept as long as nothing is known";
  EXPECT_THAT(
      fed.decoder->findings(),
      ElementsAre("data: of 100 frames check sum16 fits 0, crc16/kermit fits 99, crc16/modbus fits 0; crc16/kermit is used "
                  "from there on, these were not checked"));
  EXPECT_EQ(fed.counters().frames_unchecked, 100u);
  EXPECT_EQ(fed.decoder->take_news(), fed.decoder->findings()) << "told once";
  fed.feed(voted(1, "crc16/arc") + voted(2, "crc16/kermit")).end();
  EXPECT_TRUE(fed.decoder->take_news().empty());
  EXPECT_EQ(fed.counters().frames, 101u);
  EXPECT_EQ(fed.counters().frames_unchecked, 100u);
  EXPECT_EQ(skipped(fed.counters(), Skip::BadCheck), 5u);
}

TEST(FrameVote, AStrongCheckThatIsKnownNeedsNoOtherFrames) {
  const auto alone = [](unsigned n) { return "x" + voted(n, "crc16/kermit") + "y"; };
  auto format = voting();
  format.confirm_frames = 16;
  Fed fed{format};
  fed.feed(alone(1)).end();
  for (unsigned n = 2; n < 102; ++n) fed.feed(voted(n, "crc16/kermit"));
  fed.feed(alone(102) + alone(103)).end();
  EXPECT_EQ(fed.counters().frames, 102u) << "all but the one before the vote";
  EXPECT_EQ(skipped(fed.counters(), Skip::Unconfirmed), 5u);

  auto& checks = format.kinds[0].checks;
  checks.erase(checks.begin());
  checks.pop_back();
  Fed named{format};
  named.feed(alone(1) + alone(2)).end();
  EXPECT_EQ(named.counters().frames, 2u);

  checks[0] = {"sum8", *find_check("sum8"), 0, -2, -2};
  Fed weak{format};
  weak.feed("S\x01\x01" + number(0x55, 1) + "zS").end();
  EXPECT_EQ(weak.counters().frames, 0u);
}

TEST(FrameVote, ChoosesNoneWhereNoneFitsOrTwoDo) {
  Fed none{voting()};
  for (unsigned n = 0; n < 1200; ++n) none.feed(voted(n, "crc16/arc"));
  none.end();
  EXPECT_EQ(none.counters().frames, 1200u);
  EXPECT_THAT(none.decoder->findings(), ElementsAre(testing::EndsWith("none is chosen, frames are not checked")));
  EXPECT_EQ(none.decoder->take_news(), none.decoder->findings());
  EXPECT_EQ(none.counters().frames_unchecked, 1200u);
  auto format = voting();
  format.kinds[0].checks[0] = format.kinds[0].checks[1];
  Fed two{format};
  for (unsigned n = 0; n < 1200; ++n) two.feed(voted(n, "crc16/kermit"));
  EXPECT_THAT(two.decoder->findings(),
              ElementsAre(testing::HasSubstr("of 1000 frames check crc16/kermit fits 1000, crc16/kermit fits 1000")));
}

// ---- What others ask of a format ----

TEST(FrameFormat, SaysHowDenseItsSamplesAre) {
  const auto found = density(Description{frame_format()});
  EXPECT_EQ(found.least_frame_bytes, 19u + 8);
  EXPECT_EQ(found.samples_per_frame, 32u);
  EXPECT_DOUBLE_EQ(found.samples_per_byte, 32.0 / (19 + 8 * 32));
}

TEST(FrameFormat, SaysWhatItsCounterIs) {
  auto format = frame_format();
  EXPECT_EQ(numbering(Description{format}).modulus, std::uint64_t{1} << 32);
  EXPECT_EQ(numbering(Description{format}).samples_per_count, 0u) << "it counts frames";
  format.kinds[0].counter->of_samples = true;
  EXPECT_EQ(numbering(Description{format}).samples_per_count, 1u);
}

TEST(FrameFormat, FindsTheFirstFrameOfARecording) {
  const auto text = "noise" + data_frame({.values = {1, 2, 3, 4}}) + frames(0, 1);
  const auto found = first_frame(Description{frame_format()}, text);
  EXPECT_EQ(found.bytes, 5u + 19 + 16);
  EXPECT_EQ(found.n_samples, 2u);
  EXPECT_EQ(first_frame(Description{frame_format()}, std::string_view{text}.substr(0, 20)).bytes, 0u);
}

TEST(FrameFormat, LeavesChannelsOut) {
  const auto decoder = make_decoder(Description{frame_format()}, {1});
  Batch out;
  const auto text = data_frame({.values = {1, 2, 3, 4}});
  decoder->feed({.bytes = text}, out);
  EXPECT_THAT(out.samples, ElementsAre(11, 12));
}

TEST(FrameFormat, IsRefusedWhereSomethingLiesOutsideOrNothingTellsAFrame) {
  const auto wrong = [](auto change) {
    auto format = frame_format();
    change(format, format.kinds[0]);
    EXPECT_THROW(static_cast<void>(make_frame_decoder(format)), std::invalid_argument);
    return check_frame_format(format);
  };
  using F = FrameFormat;
  using K = FrameKind;
  using testing::HasSubstr;
  EXPECT_THAT(wrong([](F& f, K&) { f.kinds.clear(); }), HasSubstr("no kind"));
  EXPECT_THAT(wrong([](F& f, K&) { f.confirm_frames = 0; }), HasSubstr("confirm_frames"));
  EXPECT_THAT(wrong([](F&, K& k) { k.length = 10; }), HasSubstr("several keys say its length; give one of"));
  EXPECT_THAT(wrong([](F&, K& k) { k.max_length = 0; }), HasSubstr("max_length is missing: length_field needs it"));
  EXPECT_THAT(wrong([](F&, K& k) { k.max_length = 1'000'000; }), HasSubstr("its length of 1000000 bytes is more than 66560"));
  EXPECT_THAT(wrong([](F&, K& k) { k.max_length = 15; }), HasSubstr("takes 19 bytes, but its max_length is 15 bytes"));
  EXPECT_THAT(wrong([](F&, K& k) { k.sync.mask = {1}; }), HasSubstr("mask"));
  EXPECT_THAT(wrong([](F&, K& k) { k.sync.bytes.clear(), k.checks.clear(); }), HasSubstr("nothing tells it"));
  EXPECT_THAT(wrong([](F&, K& k) { k.sync.bytes.clear(), k.checks[0].rule = {.bits = 8}; }), HasSubstr("nothing tells it"));
  EXPECT_THAT(wrong([](F&, K& k) { k.checks[0].to = 0; }), HasSubstr("covers itself"));
  EXPECT_THAT(wrong([](F&, K& k) { k.checks[0].from = 17, k.checks[0].to = 17; }), HasSubstr("covers no bytes"));
  EXPECT_THAT(wrong([](F&, K& k) { k.checks[0].at = -1; }),
              HasSubstr("check at -1 (2 bytes) ends behind the frame; at: -2 is its last place"));
  EXPECT_THAT(wrong([](F&, K& k) { k.counter->number.at = -4; }),
              HasSubstr("check at -2 (2 bytes) stands in the bytes of counter at -4 (4 bytes)"));
  EXPECT_THAT(wrong([](F&, K& k) { k.time->unit = {}; }), HasSubstr("no unit"));
  EXPECT_THAT(wrong([](F&, K& k) { k.lock->number.type = Number::F32; }), HasSubstr("locked"));
  EXPECT_THAT(wrong([](F&, K& k) { k.samples[0].slots[1].channel = 0; }), HasSubstr("that has samples already"));
  EXPECT_THAT(wrong([](F&, K& k) { k.samples[0].slots.pop_back(); }), HasSubstr("without samples"));
  EXPECT_THAT(wrong([](F&, K& k) { k.samples[0].row_step = 7; }), HasSubstr("one block of rows"));
  EXPECT_THAT(wrong([](F&, K& k) { k.samples.clear(); }), HasSubstr("no kind of frame has samples"));
  EXPECT_THAT(wrong([](F& f, K&) { f.kinds[1].fields[0].soh = 1; }), HasSubstr("answer: fields[0] is of no"));
  EXPECT_THAT(wrong([](F& f, K&) { f.kinds[1].fields[0].number.at = 5; }),
              HasSubstr("ends 1 byte behind the frame, whose length is 5 bytes; change at or length"));
  auto two = frame_format();
  two.kinds.push_back(two.kinds[0]);
  two.kinds[2].counter->modulus = 7;
  EXPECT_THAT(check_frame_format(two), HasSubstr("its counter is another"));
  EXPECT_EQ(check_frame_format(frame_format()), "");
}

}  // namespace
