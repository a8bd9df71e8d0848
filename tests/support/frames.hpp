#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "acquisition/decode/frame.hpp"

/// Binary frames as a format, and frames of it made by hand: an own reading of the layout, so that decoder and test can disagree.
namespace support {

/// Of `bits`, lowest byte first or last.
inline std::string number(std::uint64_t bits, std::size_t bytes, bool big_endian = false) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(bits >> 8 * (big_endian ? bytes - 1 - i : i));
  return text;
}

/// The plainest CRC there is, bit by bit, MSB first: CRC-16/CCITT-FALSE.
inline std::uint16_t ccitt_false(const std::string& bytes) {
  unsigned crc = 0xFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(c)) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) != 0 ? (crc << 1 ^ 0x1021) & 0xFFFF : crc << 1;
  }
  return static_cast<std::uint16_t>(crc);
}

inline daq::decode::FrameSamples::Slot slot(std::size_t channel, double scale = 1, double offset = 0) {
  return {.channel = channel, .skip = false, .scale = scale, .offset = offset};
}

/// Likewise CRC-32/ISO-HDLC, of which no damage by chance is overlooked.
inline std::uint32_t iso_hdlc(const std::string& bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
  }
  return ~crc;
}

/// Two kinds on one line. Data: A5 5A, u16 length of the payload, u32 counter, u64 us since 1970, u8 flags (bit 0: locked), rows
/// of two i32, CRC. Answer: 3F 37, u8 tenths of a volt, CRC. Where frames must be confirmed, which check it is shows by vote
/// only.
inline daq::decode::FrameFormat frame_format(std::size_t confirm_frames = 1) {
  using namespace daq::decode;
  FrameKind data;
  data.sync.bytes = {0xA5, 0x5A};
  data.length_field = FrameKind::LengthField{{2, Number::U16}, 19};
  data.max_length = 19 + 8 * 32;
  data.counter = FrameCounter{{4, Number::U32}, std::uint64_t{1} << 32, false};
  data.time = FrameTime{.number = {8, Number::U64}, .unit = std::chrono::microseconds{1}, .kind = TimeKind::Gps};
  data.lock = FrameLock{{16, Number::U8}, 1, {1}};
  data.samples.push_back({{17, Number::I32}, 8, 4, false, {slot(0), slot(1, 0.5, 10)}});
  data.checks.push_back({"crc16/ccitt-false", *find_check("crc16/ccitt-false"), 0, -2, -2});
  FrameKind answer;
  answer.name = "answer";
  answer.sync.bytes = {0x3F, 0x37};
  answer.length = 5;
  answer.checks.push_back({"crc16/ccitt-false", *find_check("crc16/ccitt-false"), 0, -2, -2});
  answer.fields.push_back({0, {2, Number::U8}, 0, 0.1, 0, {}});
  FrameFormat format;
  format.sample_rate = 10;
  format.confirm_frames = confirm_frames;
  format.n_channels = 2;
  format.n_soh = 1;
  format.kinds = {data, answer};
  if (confirm_frames > 1)
    for (auto& kind : format.kinds) {
      kind.checks.push_back(kind.checks[0]);
      kind.checks[1].rule = *find_check(kind.checks[1].name = "crc16/kermit");
    }
  return format;
}

struct MadeFrame {
  std::uint32_t counter = 0;
  std::uint64_t time_us = 1'777'593'600'000'000;  // 2026-05-01
  bool locked = true;
  std::vector<std::int32_t> values = {1, -2};  // a, b, a, b, ...
};

inline std::string data_frame(const MadeFrame& frame) {
  std::string text = "\xA5\x5A" + number(4 * frame.values.size(), 2) + number(frame.counter, 4) + number(frame.time_us, 8) +
                     number(frame.locked ? 1 : 0, 1);
  for (const auto value : frame.values) text += number(static_cast<std::uint32_t>(value), 4);
  return text + number(ccitt_false(text), 2);
}

inline std::string answer_frame(unsigned tenths) {
  const std::string text = "\x3F\x37" + number(tenths, 1);
  return text + number(ccitt_false(text), 2);
}

}  // namespace support
