#pragma once

#include <array>

#include "decoder_check.hpp"
#include "support/frames.hpp"

/// The frame decoder on any bytes.
namespace fuzz {

/// A format with lengths and answers, one of the same that wants three frames, one of fixed length with masks, floats and a text
/// line between frames, and one whose check shows by vote.
inline const std::array<daq::decode::Description, 4>& frame_formats() {
  using namespace daq::decode;
  static const FrameFormat fixed = [] {
    FrameFormat format;
    format.confirm_frames = 2;
    format.n_channels = 2;
    FrameKind kind;
    kind.sync = {{0xA0}, {0xF0}};
    kind.trailer = {{0xC0}, {0xF0}};
    kind.length = 20;
    kind.per_frame = 2;
    kind.counter = FrameCounter{{1, Number::U8}, 256, true};
    kind.time = FrameTime{.bcd = true, .number = {2}};
    kind.samples.push_back({{8, Number::F32, true}, 4, 0, false, {support::slot(0)}});
    kind.samples.push_back({{16, Number::U24, true}, 0, 0, true, {support::slot(1)}});
    FrameKind line;
    line.name = "text";
    line.sync.bytes = {'%'};
    line.until = {'\r', '\n'};
    line.max_length = 40;
    format.kinds = {kind, line};
    return format;
  }();
  static const FrameFormat voting = [] {
    FrameFormat format;
    format.confirm_frames = 3;
    format.n_channels = 1;
    FrameKind kind;
    kind.sync.bytes = {'S'};
    kind.length = 4;
    kind.per_frame = 1;
    kind.samples.push_back({{1, Number::I16, false}, 2, 2, false, {support::slot(0)}});
    for (const auto* name : {"sum8", "xor8"}) kind.checks.push_back({name, *find_check(name), 0, 3, 3});
    format.kinds = {kind};
    return format;
  }();
  static const std::array<Description, 4> all{support::frame_format(1), support::frame_format(3), fixed, voting};
  return all;
}

inline std::uint64_t check_frame_decoders(std::string_view bytes) {
  std::uint64_t frames = 0;
  for (const auto& format : frame_formats()) frames += check_decoder(format, bytes);
  return frames;
}

}  // namespace fuzz
