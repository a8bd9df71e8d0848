#pragma once

#include <string>
#include <utility>
#include <vector>

#include "acquisition/config/keys.hpp"
#include "acquisition/decode/frame.hpp"

/// The tables of `frame:` in profiles, with what stands in a map before the channels' numbers are known.
namespace daq::config {

[[nodiscard]] const Section<decode::FrameFormat>& frame_keys();

/// Of one kind of frame.
struct FrameKindKeys {
  decode::FrameKind kind;
  bool big_endian = false;  ///< of all numbers that do not say it themselves
};
[[nodiscard]] const Section<FrameKindKeys>& frame_kind_keys();
[[nodiscard]] const Section<decode::FrameMatch>& frame_match_keys();
[[nodiscard]] const Section<decode::FrameKind::LengthField>& frame_length_keys();

struct FrameCheckKeys {
  decode::FrameCheck check;        ///< without its rule
  std::vector<std::string> rules;  ///< names; "crc" alone: by the next
  decode::CheckRule custom{decode::CheckRule::Kind::Crc, 16};
};
[[nodiscard]] const Section<FrameCheckKeys>& frame_check_keys();
[[nodiscard]] const Section<decode::FrameCounter>& frame_counter_keys();
[[nodiscard]] const Section<decode::FrameTime>& frame_time_keys();

struct FrameTicksKeys {
  decode::NumberAt number{0, decode::Number::U16};
  double rate_hz = 0;
};
[[nodiscard]] const Section<FrameTicksKeys>& frame_ticks_keys();
[[nodiscard]] const Section<decode::FrameLock>& frame_locked_keys();

struct FrameSamplesKeys {
  decode::FrameSamples block{{0, decode::Number::I32}, 0, 0, false, {}};
  bool planar = false;
  std::int64_t stride = -1;  ///< bytes; -1: no space between them
  double scale = 1, offset = 0;
};
[[nodiscard]] const Section<FrameSamplesKeys>& frame_samples_keys();

struct FrameFieldKeys {
  std::string soh;
  decode::FrameField field;
};
[[nodiscard]] const Section<FrameFieldKeys>& frame_field_keys();

/// A whole number, 0x and hexadecimal digits, or one character that is no digit; nullopt for anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_bits(std::string_view text);

void describe_frame_keys(std::vector<KeyText>& out);

}  // namespace daq::config
