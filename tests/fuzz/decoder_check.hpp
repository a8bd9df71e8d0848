#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string_view>

#include "acquisition/decode/description.hpp"

/// What must hold for a decoder on any bytes. Shared by the libFuzzer targets and the plain tests.
namespace fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "decoder: broken promise: %s\n", what);
  std::abort();
}

/// Frames of a batch that have been looked at, and their values.
struct Seen {
  std::size_t frames = 0, values = 0;
};

inline void check_counters(const daq::decode::Decoder& decoder, const daq::decode::Batch& out, Seen& seen, std::size_t fed,
                           std::size_t n_channels, std::size_t n_soh, std::size_t held_bytes) {
  const auto& c = decoder.counters();
  require(c.bytes_in == fed, "every byte is counted");
  require(c.bytes_in == c.bytes_decoded + c.bytes_pending + daq::ledger::sum(c.bytes_skipped),
          "in = decoded + pending + skipped");
  require(c.bytes_pending <= held_bytes, "memory is bounded by the longest frames");
  require(c.frames >= out.frames.size(), "every frame is counted");
  for (; seen.frames < out.frames.size(); ++seen.frames) {
    const auto& frame = out.frames[seen.frames];
    require(frame.first == seen.values && frame.n_samples > 0, "values for every frame");
    seen.values += frame.n_samples * (frame.channel == daq::decode::kAllChannels ? n_channels : 1);
  }
  require(out.samples.size() == seen.values, "no values but those of frames");
  require(out.states.size() == (n_soh == 0 ? 0 : out.frames.size()) && out.soh.size() == out.states.size() * n_soh,
          "a state for every frame");
  for (std::size_t i = 0; i < daq::ledger::kSkips; ++i)
    require(c.events_skipped[i] <= c.bytes_skipped[i] && (c.events_skipped[i] == 0) == (c.bytes_skipped[i] == 0),
            "events go with bytes");
  require(decoder.refusals().empty() != (daq::ledger::sum(c.bytes_skipped) > 0), "examples of what was skipped");
  for (const auto& refusal : decoder.refusals())
    for (const char one : refusal.excerpt) require(one >= ' ' && one <= '~', "an example can be shown");
}

/// What one kind of decoder promises beside, after so many bytes.
using Beside = std::function<void(const daq::decode::Decoder&, const daq::decode::Batch&, std::size_t fed)>;

/// Feeds `bytes` in one piece and in parts of a size that the bytes themselves decide.
/// @returns frames found
inline std::uint64_t check_decoder(const daq::decode::Description& format, std::string_view bytes, const Beside& beside = {}) {
  using namespace daq::decode;
  const auto density = daq::decode::density(format);
  const auto [n_channels, n_soh] = std::visit([](const auto& f) { return std::pair{f.n_channels, f.n_soh}; }, format);
  const auto check = [&, n_channels = n_channels, n_soh = n_soh](const Decoder& decoder, const Batch& out, Seen& seen,
                                                                 std::size_t fed, std::size_t held_bytes) {
    check_counters(decoder, out, seen, fed, n_channels, n_soh, held_bytes);
    if (beside) beside(decoder, out, fed);
  };
  const auto whole = make_decoder(format);
  Batch whole_out;
  Seen whole_seen;
  whole->feed({.bytes = {bytes.data(), bytes.size()}}, whole_out);
  check(*whole, whole_out, whole_seen, bytes.size(), density.held_bytes);
  whole->end_of_stream(whole_out);
  check(*whole, whole_out, whole_seen, bytes.size(), 0);

  const auto parts = make_decoder(format);
  Batch parts_out;
  Seen parts_seen;
  for (std::size_t i = 0, step = 1; i < bytes.size(); step = 1 + static_cast<unsigned char>(bytes[i - 1]) % 64) {
    const auto part = bytes.substr(i, step);
    const auto before = parts_out.samples.size();
    const auto pending = parts->counters().bytes_pending;
    parts->feed({.bytes = {part.data(), part.size()}}, parts_out);
    i += part.size();
    check(*parts, parts_out, parts_seen, i, density.held_bytes);
    const auto samples = static_cast<double>((parts_out.samples.size() - before) / n_channels);
    require(samples <= static_cast<double>(part.size() + pending) * density.samples_per_byte +
                           static_cast<double>(density.samples_per_frame),
            "no more samples than the buffers have room for");
  }
  parts->end_of_stream(parts_out);
  check(*parts, parts_out, parts_seen, bytes.size(), 0);
  require(parts->counters() == whole->counters(), "the same counts however the stream is cut");
  require(parts_out.frames.size() == whole_out.frames.size() && parts_out.samples.size() == whole_out.samples.size(),
          "the same frames however the stream is cut");
  for (std::size_t i = 0; i < whole_out.frames.size(); ++i)
    require(parts_out.frames[i].time == whole_out.frames[i].time && parts_out.frames[i].counter == whole_out.frames[i].counter &&
                parts_out.frames[i].after_skip == whole_out.frames[i].after_skip,
            "the same times however the stream is cut");
  if (!whole_out.samples.empty())
    require(std::memcmp(whole_out.samples.data(), parts_out.samples.data(), whole_out.samples.size() * sizeof(double)) == 0,
            "the same values however the stream is cut");
  std::uint64_t unknown = 0;
  for (const double value : whole_out.samples) {
    require(!std::isinf(value), "a sample is a number, or unknown");
    if (std::isnan(value)) ++unknown;
  }
  require(unknown <= whole->counters().fields_unknown, "what is unknown is counted");
  for (const double value : whole_out.soh) require(!std::isinf(value), "state of health is a number, or unknown");

  const auto datagrams = make_decoder(format);
  Batch datagrams_out;
  datagrams->feed({.bytes = {bytes.data(), bytes.size()}, .datagram = true}, datagrams_out);
  require(datagrams->counters().bytes_pending == 0, "nothing of a datagram waits");
  return whole->counters().frames;
}

}  // namespace fuzz
