#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "acquisition/decode/description.hpp"
#include "support/frames.hpp"

/// What must hold for the frame decoder on any bytes. Shared by the libFuzzer target and the plain test.
namespace fuzz {

inline void require_frame(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "frame decoder: broken promise: %s\n", what);
  std::abort();
}

inline void check_frame_counters(const daq::decode::Decoder& decoder, const daq::decode::Batch& out, std::size_t fed,
                                 const daq::decode::FrameFormat& format, std::size_t held_bytes) {
  const auto& c = decoder.counters();
  require_frame(c.bytes_in == fed, "every byte is counted");
  require_frame(c.bytes_in == c.bytes_decoded + c.bytes_pending + daq::ledger::sum(c.bytes_skipped),
                "in = decoded + pending + skipped");
  require_frame(c.bytes_pending <= held_bytes, "memory is bounded by the longest frames");
  require_frame(c.frames >= out.frames.size(), "every frame is counted");
  std::size_t values = 0;
  for (const auto& frame : out.frames) {
    require_frame(frame.first == values && frame.n_samples > 0, "values for every frame");
    values += frame.n_samples * format.n_channels;
  }
  require_frame(out.samples.size() == values, "no values but those of frames");
  require_frame(
      out.states.size() == (format.n_soh == 0 ? 0 : out.frames.size()) && out.soh.size() == out.states.size() * format.n_soh,
      "a state for every frame");
  for (std::size_t i = 0; i < daq::ledger::kSkips; ++i)
    require_frame(c.events_skipped[i] <= c.bytes_skipped[i] && (c.events_skipped[i] == 0) == (c.bytes_skipped[i] == 0),
                  "events go with bytes");
  require_frame(decoder.refusals().empty() != (daq::ledger::sum(c.bytes_skipped) > 0), "examples of what was skipped");
  for (const auto& refusal : decoder.refusals())
    for (const char one : refusal.excerpt) require_frame(one >= ' ' && one <= '~', "an example can be shown");
}

/// Feeds `bytes` in one piece and in parts of a size that the bytes themselves decide.
/// @returns frames found
inline std::uint64_t check_frame_decoder(const daq::decode::FrameFormat& format, std::string_view bytes) {
  using namespace daq::decode;
  const auto density = daq::decode::density(Description{format});
  const auto whole = make_frame_decoder(format);
  Batch whole_out;
  whole->feed({.bytes = {bytes.data(), bytes.size()}}, whole_out);
  check_frame_counters(*whole, whole_out, bytes.size(), format, density.held_bytes);
  whole->end_of_stream(whole_out);
  check_frame_counters(*whole, whole_out, bytes.size(), format, 0);

  const auto parts = make_frame_decoder(format);
  Batch parts_out;
  for (std::size_t i = 0, step = 1; i < bytes.size(); step = 1 + static_cast<unsigned char>(bytes[i - 1]) % 64) {
    const auto part = bytes.substr(i, step);
    const auto before = parts_out.samples.size();
    const auto pending = parts->counters().bytes_pending;
    parts->feed({.bytes = {part.data(), part.size()}}, parts_out);
    i += part.size();
    check_frame_counters(*parts, parts_out, i, format, density.held_bytes);
    const auto samples = static_cast<double>((parts_out.samples.size() - before) / format.n_channels);
    require_frame(samples <= static_cast<double>(part.size() + pending) * density.samples_per_byte +
                                 static_cast<double>(density.samples_per_frame),
                  "no more samples than the buffers have room for");
  }
  parts->end_of_stream(parts_out);
  require_frame(parts->counters() == whole->counters(), "the same counts however the stream is cut");
  require_frame(parts_out.frames.size() == whole_out.frames.size() && parts_out.samples.size() == whole_out.samples.size(),
                "the same frames however the stream is cut");
  for (std::size_t i = 0; i < whole_out.frames.size(); ++i)
    require_frame(parts_out.frames[i].time == whole_out.frames[i].time &&
                      parts_out.frames[i].counter == whole_out.frames[i].counter &&
                      parts_out.frames[i].after_skip == whole_out.frames[i].after_skip,
                  "the same times however the stream is cut");
  if (!whole_out.samples.empty())
    require_frame(std::memcmp(whole_out.samples.data(), parts_out.samples.data(), whole_out.samples.size() * sizeof(double)) == 0,
                  "the same values however the stream is cut");
  std::uint64_t unknown = 0;
  for (const double value : whole_out.samples) {
    require_frame(!std::isinf(value), "a sample is a number, or unknown");
    if (std::isnan(value)) ++unknown;
  }
  require_frame(unknown <= whole->counters().fields_unknown, "what is unknown is counted");

  const auto datagrams = make_frame_decoder(format);
  Batch datagrams_out;
  datagrams->feed({.bytes = {bytes.data(), bytes.size()}, .datagram = true}, datagrams_out);
  require_frame(datagrams->counters().bytes_pending == 0, "nothing of a datagram waits");
  return whole->counters().frames;
}

/// A format with lengths and answers, one of the same that wants three frames, one of fixed length with masks, floats and a text
/// line between frames, and one whose check shows by vote.
inline const std::array<daq::decode::FrameFormat, 4>& frame_formats() {
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
  static const std::array<FrameFormat, 4> all{support::frame_format(1), support::frame_format(3), fixed, voting};
  return all;
}

inline std::uint64_t check_frame_decoders(std::string_view bytes) {
  std::uint64_t frames = 0;
  for (const auto& format : frame_formats()) frames += check_frame_decoder(format, bytes);
  return frames;
}

}  // namespace fuzz
