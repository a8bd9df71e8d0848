#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acquisition/config/config.hpp"
#include "support/support.hpp"

/// `frame:` of profiles: what is read, and what is wrong.
namespace {

using namespace daq::decode;
using daq::config::find_instrument;
using testing::ElementsAre;
using testing::Pair;

constexpr const char* kEverything = R"(sample_rate: 10
frame:
  confirm_frames: 4
  name: data
  sync: A5 5A
  sync_mask: FF F0
  trailer: 'C0'
  trailer_mask: F0
  length_field: {at: 2, type: u16, endian: little, add: 30}
  max_length: 500
  endian: big
  match:
    - {at: 4, type: i8, mask: 0x4F, value: A}
  check: {rule: crc, from: 2, to: -5, at: -3, endian: little, bits: 16, poly: 0x1021, init: 0xFFFF, xor_out: 1, reflect_in: true, reflect_out: true}
  counter: {at: 5, type: u32, counts: samples, modulus: 1000}
  time: {form: number, at: 9, type: u32, endian: little, unit: ms, epoch: 2000-01-01, shift: -300ms, stamps: last, clock: device, resolution: 10ms, ticks: {at: 13, type: u16, rate: 1000}}
  locked: {at: 15, type: u8, mask: 0x43, values: [1, A]}
  samples: {at: 16, type: u24, offset_binary: true, stride: 9, scale: 2, offset: 1, channels: [bx, skip, {channel: by, scale: -1}]}
  others:
    - name: text
      sync: 25
      until: 0D 0A
      max_length: 80
    - name: hex
      sync: 3F
      length: 13
      check: {rule: [sum8, xor8], at: 3, encoding: hex}
      time: {form: bcd, at: 5}
      fields:
        - {soh: battery, at: 1, type: i16, endian: little, scale: 0.1, offset: 5}
        - {soh: state, at: 1, mask: 0xF0, values: {A: 3, 0x02: 4}}
    - name: planar
      sync: 3E
      length: 20
      per_frame: 3
      counter: {at: 1, type: u32, counts: samples, modulus: 1000}
      samples:
        - {at: 5, layout: planar, type: u8, channels: [bx]}
        - {at: 8, layout: planar, type: i16, stride: 8, channels: [by]}
channels:
  bx: {type: magnetic, units: nanoTesla}
  by: {type: magnetic, units: nanoTesla}
state_of_health: {battery: {units: V}, state: {}}
)";

struct Read {
  support::TempDir dir;
  daq::config::FoundInstrument found;

  explicit Read(const std::string& yaml) {
    support::write_text(dir / "mine.yaml", yaml);
    found = find_instrument((dir / "mine.yaml").string(), {});
  }
  [[nodiscard]] const FrameFormat& format() const { return std::get<FrameFormat>(found.instrument->decoder); }
  /// Without the path of the file.
  [[nodiscard]] std::vector<std::string> problems() const {
    std::vector<std::string> all;
    for (const auto& one : found.findings) all.push_back(one.text().substr(one.text().find("mine.yaml:") + 10));
    return all;
  }
};

TEST(FrameProfile, EveryKeyIsInTheFormat) {
  const Read read{kEverything};
  ASSERT_TRUE(read.found.instrument) << testing::PrintToString(read.problems());
  const auto& format = read.format();
  EXPECT_EQ(format.sample_rate, 10);
  EXPECT_EQ(format.confirm_frames, 4u);
  ASSERT_EQ(format.kinds.size(), 4u);
  const auto& data = format.kinds[0];
  EXPECT_EQ(data.name, "data");
  EXPECT_THAT(data.sync.bytes, ElementsAre(0xA5, 0x5A));
  EXPECT_THAT(data.sync.mask, ElementsAre(0xFF, 0xF0));
  EXPECT_THAT(data.trailer.bytes, ElementsAre(0xC0));
  EXPECT_THAT(data.trailer.mask, ElementsAre(0xF0));
  EXPECT_EQ(data.length_field->number.at, 2);
  EXPECT_EQ(data.length_field->number.type, Number::U16);
  EXPECT_FALSE(data.length_field->number.big_endian);
  EXPECT_EQ(data.length_field->add, 30u);
  EXPECT_EQ(data.max_length, 500u);
  ASSERT_EQ(data.match.size(), 1u);
  EXPECT_EQ(data.match[0].number.type, Number::I8);
  EXPECT_TRUE(data.match[0].number.big_endian) << "as the frame's endian says";
  EXPECT_EQ(data.match[0].mask, 0x4Fu);
  EXPECT_EQ(data.match[0].value, 0x41u);
  ASSERT_EQ(data.checks.size(), 1u);
  EXPECT_EQ(data.checks[0].rule, (CheckRule{CheckRule::Kind::Crc, 16, 0x1021, 0xFFFF, true, true, 1}));
  EXPECT_EQ(data.checks[0].from, 2);
  EXPECT_EQ(data.checks[0].to, -5);
  EXPECT_EQ(data.checks[0].at, -3);
  EXPECT_FALSE(data.checks[0].big_endian);
  EXPECT_EQ(data.counter->number.at, 5);
  EXPECT_EQ(data.counter->modulus, 1000u);
  EXPECT_TRUE(data.counter->of_samples);
  const auto& time = *data.time;
  EXPECT_FALSE(time.bcd || time.number.big_endian);
  EXPECT_EQ(time.unit, std::chrono::milliseconds{1});
  EXPECT_EQ(mth5::to_iso(time.epoch), "2000-01-01T00:00:00Z");
  EXPECT_EQ(time.shift, std::chrono::milliseconds{-300});
  EXPECT_TRUE(time.of_last_sample);
  EXPECT_EQ(time.kind, TimeKind::Device);
  EXPECT_EQ(time.resolution, std::chrono::milliseconds{10});
  EXPECT_EQ(time.ticks->at, 13);
  EXPECT_EQ(time.ticks_hz, 1000);
  EXPECT_EQ(data.lock->mask, 0x43u);
  EXPECT_THAT(data.lock->values, ElementsAre(1, 0x41));
  const auto& block = data.samples.at(0);
  EXPECT_EQ(block.first.type, Number::U24);
  EXPECT_TRUE(block.offset_binary);
  EXPECT_EQ(block.row_step, 9u);
  EXPECT_EQ(block.slot_step, 3u);
  ASSERT_EQ(block.slots.size(), 3u);
  EXPECT_EQ(block.slots[0].scale, 2);
  EXPECT_EQ(block.slots[0].offset, 1);
  EXPECT_TRUE(block.slots[1].skip);
  EXPECT_EQ(block.slots[2].channel, 1u);
  EXPECT_EQ(block.slots[2].scale, -1);

  EXPECT_THAT(format.kinds[1].until, ElementsAre(0x0D, 0x0A));
  const auto& hex = format.kinds[2];
  EXPECT_EQ(hex.length, 13u);
  EXPECT_TRUE(hex.time->bcd);
  ASSERT_EQ(hex.checks.size(), 2u);
  EXPECT_EQ(hex.checks[1].name, "xor8");
  EXPECT_TRUE(hex.checks[1].hex);
  EXPECT_EQ(hex.checks[0].to, 3) << "up to where it stands";
  ASSERT_EQ(hex.fields.size(), 2u);
  EXPECT_EQ(hex.fields[0].scale, 0.1);
  EXPECT_EQ(hex.fields[0].offset, 5);
  EXPECT_EQ(hex.fields[1].mask, 0xF0u);
  EXPECT_THAT(hex.fields[1].values, ElementsAre(Pair(0x41, 3), Pair(2, 4)));
  const auto& planar = format.kinds[3];
  EXPECT_EQ(planar.per_frame, 3u);
  EXPECT_EQ(planar.samples[0].row_step, 1u);
  EXPECT_EQ(planar.samples[0].slot_step, 3u);
  EXPECT_EQ(planar.samples[1].slot_step, 8u);
  EXPECT_TRUE(planar.counter->number.big_endian) << "as the first frame's endian says";
  EXPECT_TRUE(planar.samples[1].first.big_endian);
  EXPECT_FALSE(hex.fields[0].number.big_endian) << "it says so";
}

TEST(FrameProfile, WantsThreeFramesUnlessAllHaveAStrongCheck) {
  const std::string begin =
      "sample_rate: 1\nframe:\n  sync: A5 5A\n  length: 6\n  per_frame: 1\n  samples: {at: 2, type: i16, channels: [x]}\n";
  const std::string end = "channels: {x: {type: magnetic, units: nanoTesla, component: bx}}\n";
  EXPECT_EQ(Read{begin + end}.format().confirm_frames, 3u);
  EXPECT_EQ(Read{begin + "  check: {rule: sum8, at: 4}\n" + end}.format().confirm_frames, 3u);
  EXPECT_EQ(Read{begin + "  check: {rule: crc16/kermit, at: 4}\n" + end}.format().confirm_frames, 1u);
  EXPECT_EQ(Read{begin + "  check: {rule: [crc16/kermit, crc16/arc], at: 4}\n" + end}.format().confirm_frames, 3u);
  EXPECT_EQ(Read{begin + "  check: {rule: fletcher8, at: 4, endian: big}\n" + end}.format().kinds[0].checks[0].big_endian, false);
  EXPECT_EQ(Read{begin + "  check: {rule: sum8, at: 4, init: 0x9B}\n" + end}.format().kinds[0].checks[0].rule.init, 0x9Bu);
}

TEST(FrameProfile, NumbersMustFitIntoWhatIsStored) {
  const auto problems = [](const std::string& type, const std::string& channel, const std::string& more) {
    return Read{"sample_rate: 1\nframe:\n  sync: A5 5A\n  length: 8\n  per_frame: 1\n  samples: {at: 2, type: " + type +
                ", channels: [x]" + more + "}\nchannels: {x: {type: magnetic, units: nanoTesla, component: bx, " + channel +
                "}}\n"}
        .problems();
  };
  EXPECT_THAT(problems("i24", "dtype: int16", ""),
              ElementsAre("6:12: frame.samples.type: takes 24 bits with its sign; channel 'x' has dtype int16, which holds 16; "
                          "choose a wider one"));
  EXPECT_THAT(problems("u32", "dtype: int32", ""), testing::SizeIs(1));
  EXPECT_THAT(
      problems("i16", "dtype: int32", ", scale: 0.5"),
      ElementsAre("6:12: frame.samples.scale: gives numbers that are not whole; channel 'x' has dtype int32; choose float64"));
  EXPECT_THAT(problems("i16", "dtype: float64", ", scale: 0"),
              ElementsAre("6:12: frame.samples.scale: 0 makes all values the same"));
  for (const auto& [type, channel, more] : {std::tuple{"u32", "dtype: int32", ", offset_binary: true"},
                                            {"u24", "dtype: int32", ""},
                                            {"i32", "dtype: int16", ", scale: 2"},
                                            {"i32", "dtype: float64", ""}})
    EXPECT_THAT(problems(type, channel, more), ElementsAre()) << type;
}

/// Of each what is wrong: a profile that is accepted must not lose all, or make up, what comes.
TEST(FrameProfile, OfWhichNoFrameCouldBeIsRefused) {
  const auto problem = [](const std::string& frame) {
    const auto all =
        Read{"sample_rate: 1\nframe: {sync: A5 5A, " + frame +
             "}\nchannels: {x: {type: magnetic, units: nanoTesla, component: bx}, y: {type: magnetic, units: nanoTesla, "
             "component: by}}\n"}
            .problems();
    return all.empty() ? "" : all.front().substr(all.front().find("data: ") + 6);
  };
  const std::string samples = "samples: {at: 4, type: i32, channels: [x, y]}, ", check = "check: {rule: crc16/kermit, at: -2}, ";
  EXPECT_EQ(problem("length: 14, " + samples + check), "") << "one row";
  EXPECT_EQ(problem("length: 15, " + samples + check),
            "length 15 leaves 9 bytes for rows of samples of 8 bytes; change it, or give per_frame");
  EXPECT_EQ(problem("length: 15, per_frame: 1, " + samples + check), "");
  EXPECT_EQ(problem("max_length: 13, length_field: {at: 2, type: u16}, " + samples + check),
            "max_length 13 leaves 7 bytes for rows of samples of 8 bytes; change it, or give per_frame");
  EXPECT_EQ(problem("length: 14, counter: {at: 1, type: u8}, " + samples + check),
            "counter at 1 (1 byte) stands in the bytes of sync at 0 (2 bytes)");
  EXPECT_EQ(problem("length: 14, per_frame: 1, check: {rule: crc16/kermit, from: 0, to: 4, at: 7}, " + samples),
            "samples[0] at 4 take bytes of check at 7 (2 bytes) in row 0");
  EXPECT_EQ(problem("max_length: 64, length_field: {at: 2, type: u16}, counter: {at: 21, type: u8}, " + samples + check),
            "samples[0] at 4 take bytes of counter at 21 (1 byte) in row 2");
  EXPECT_EQ(
      problem("length: 16, per_frame: 2, counter: {at: 6, type: u16}, samples: {at: 4, type: i16, stride: 6, channels: [x, skip, "
              "y]}, "),
      "")
      << "it stands in the place that is skipped";
  EXPECT_EQ(problem("length: 14, match: [{at: 1, type: u8, value: 0x5B}], " + samples + check),
            "match[0] wants another value at 1 than sync; no frame would be of this kind");
  EXPECT_EQ(problem("length: 14, match: [{at: 2, type: u8, value: 0}, {at: 2, type: u16, value: 1}], " + samples + check),
            "match[1] wants another value at 2 than match[0]; no frame would be of this kind");
  EXPECT_EQ(problem("length: 14, counter: {at: 2, type: u16}, match: [{at: 3, type: u8, value: 0}], " + samples + check),
            "match[0] fixes bits of the counter at 2, which goes on with each frame");
  EXPECT_EQ(problem("length: 14, sync_mask: 00 00, " + samples + check), "sync_mask leaves no bit of sync; leave both out");
}

/// 0x80 in a signed byte is -128: its bits are what is meant.
TEST(FrameProfile, BitsOfSignedNumbersAreThoseThatStandThere) {
  const Read read{
      "sample_rate: 1\nframe:\n  sync: A5 5A\n  length: 8\n  per_frame: 1\n  match: [{at: 2, type: i8, value: 0x80}]\n"
      "  samples: {at: 4, type: i16, channels: [x]}\n  fields: [{soh: state, at: 3, type: i8, values: {0xFF: 5}}]\n"
      "channels: {x: {type: magnetic, units: nanoTesla, component: bx}}\nstate_of_health: {state: {}}\n"};
  ASSERT_TRUE(read.found.instrument) << testing::PrintToString(read.problems());
  const auto decoder = make_frame_decoder(read.format());
  Batch out;
  const std::string one{"\xA5\x5A\x80\xFF\x01\x02\x00\x00", 8};
  const auto text = one + one + one + one;
  decoder->feed({.bytes = text}, out);
  decoder->end_of_stream(out);
  EXPECT_EQ(out.frames.size(), 4u);
  EXPECT_THAT(out.soh, ElementsAre(5, 5, 5, 5));
}

TEST(FrameProfile, SaysAllThatIsWrongWithItsPlace) {
  const auto problems = [](const std::string& from, const std::string& to) {
    std::string yaml = kEverything;
    const auto at = yaml.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return Read{yaml.replace(at, from.size(), to)}.problems();
  };
  EXPECT_THAT(problems("sync: A5 5A", "sync: A5 5"),
              ElementsAre("5:9: frame.sync: 'A5 5' is not bytes in hexadecimal, such as A5 5A (64 at most)"));
  EXPECT_THAT(problems("type: u24", "type: u25"),
              ElementsAre("18:27: frame.samples.type: 'u25' is not i8, u8, i16, u16, i24, u24, i32, u32, i64, u64, f32 or f64"));
  EXPECT_THAT(problems("[bx, skip", "[bz, skip"),
              ElementsAre("18:96: frame.samples.channels[0]: 'bz' is not in channels; did you mean 'bx'?"));
  EXPECT_THAT(problems("rule: [sum8,", "rule: [sum9,"),
              ElementsAre("27:22: frame.others[1].check.rule: 'sum9' is not a rule; did you mean 'sum8'?"));
  EXPECT_THAT(problems("rule: [sum8, xor8]", "rule: []"), ElementsAre("27:21: frame.others[1].check.rule: is an empty list"));
  EXPECT_THAT(
      problems("rule: [sum8,", "rule: [parity,"),
      ElementsAre(testing::AllOf(testing::StartsWith("27:22: frame.others[1].check.rule: 'parity' is not a rule; known: xor8"),
                                 testing::EndsWith(" or crc"))));
  EXPECT_THAT(problems("mask: 0x4F, value: A", "value: 0x100"),
              ElementsAre("13:32: frame.match[0].value: 256 has more than the 8 bits of its type; at most 255"));
  EXPECT_THAT(problems("mask: 0x4F, value: A", "mask: 0x0F, value: A"),
              ElementsAre("13:44: frame.match[0].value: has bits that mask leaves out; write those that count"));
  EXPECT_THAT(problems("mask: 0x43, values: [1, A]", "mask: 0x03, values: [1, A]"),
              ElementsAre("17:50: frame.locked.values: 65 has bits that mask leaves out; it would never be"));
  EXPECT_THAT(problems("mask: 0x4F, value: A", "mask: 0, value: A"),
              testing::Contains("13:31: frame.match[0].mask: 0 leaves no bit; leave it out where all of them count"));
  EXPECT_THAT(problems("mask: 0x43, values: [1, A]", "mask: 0, values: [0]"),
              ElementsAre("17:36: frame.locked.mask: 0 leaves no bit; leave it out where all of them count"));
  EXPECT_THAT(problems("mask: 0xF0, values", "mask: 0x00, values"),
              ElementsAre("31:37: frame.others[1].fields[1].mask: 0 leaves no bit; leave it out where all of them count"));
  EXPECT_THAT(problems("mask: 0xF0, values", "mask: 0x1FF, values"),
              ElementsAre("31:37: frame.others[1].fields[1].mask: 511 has more than the 8 bits of its type; at most 255"));
  EXPECT_THAT(problems("type: u32, counts: samples, modulus: 1000}", "type: u8, counts: samples, modulus: 1000}"),
              testing::Contains(testing::HasSubstr("frame.counter.modulus: 1000 is out of range (2 to 256)")));
  EXPECT_THAT(problems("mask: 0x43, values: [1, A]", "values: [1, 300]"),
              ElementsAre("17:38: frame.locked.values: 300 has more than the 8 bits of its type; at most 255"));
  EXPECT_THAT(problems("channels: [bx, skip, {channel: by, scale: -1}]", "channels: [bx, skip, bx]"),
              ElementsAre("18:12: frame.samples: hold more than once channel 'bx'",
                          "18:12: frame.samples: do not hold channel 'by'; add it to "
                          "channels, take it out of the profile's channels, or, if it "
                          "comes at another rate, make it a field of state_of_health: "
                          "all frames of samples hold all channels, at one rate"));
  EXPECT_THAT(problems("values: [1, A]", "values: []"), ElementsAre("17:50: frame.locked.values: is an empty list"));
  EXPECT_THAT(problems("poly: 0x1021, ", ""), ElementsAre("14:10: frame.check.poly: is missing: a rule crc needs it"));
  EXPECT_THAT(problems("shift: -300ms", "shift: 2d"),
              ElementsAre("16:94: frame.time.shift: '2d' is not a duration up to a day, such as -300ms"));
  EXPECT_THAT(problems("{soh: battery, at", "{soh: batery, at"),
              ElementsAre("3:3: frame: no field for state_of_health 'battery'",
                          "30:17: frame.others[1].fields[0].soh: 'batery' is not in state_of_health; did you mean 'battery'?"));
  EXPECT_THAT(problems("max_length: 500", "max_length: 20"),
              ElementsAre("3:3: frame: data: what is in it takes 21 bytes, but its max_length is 20 bytes"));
  EXPECT_THAT(
      problems("value: A", "value: AB"),
      ElementsAre("13:44: frame.match[0].value: 'AB' is not a whole number, 0x and hexadecimal digits, or one character"));
  EXPECT_THAT(problems("counts: samples, modulus: 1000}", "counts: sample}"),
              testing::Contains("15:39: frame.counter.counts: 'sample' is not frames or samples"));
  EXPECT_THAT(problems("until: 0D 0A", "untl: 0D 0A"),
              testing::Contains("22:7: frame.others[0].untl: unknown key; did you mean 'until'?"));
  EXPECT_THAT(problems("frame:", "text: {columns: []}\nframe:"),
              testing::Contains("4:3: frame: a second decoder; the profile has 'text' already; take one of them out"));
}

/// The published frame: profile, sender and page say the same.
TEST(FrameProfile, Mth5FrameIsFoundByItsName) {
  const auto found = find_instrument("mth5-frame", {support::source() / "config/instruments"});
  ASSERT_TRUE(found.instrument) << found.findings.at(0).text();
  EXPECT_EQ(std::get<FrameFormat>(found.instrument->decoder).confirm_frames, 1u);
}

}  // namespace
