#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "acquisition/decode/datacast.hpp"
#include "acquisition/decode/decoder.hpp"
#include "acquisition/decode/frame.hpp"
#include "acquisition/decode/miniseed.hpp"
#include "acquisition/decode/text.hpp"

/// The kinds of decoders. A new one is its description, its file, and a row here.
namespace daq::decode {

/// What a profile says of the bytes on its line.
using Description = std::variant<TextFormat, FrameFormat, DatacastFormat, MiniSeedFormat>;

/// How many frames and samples can be in so many bytes: for the sizes of buffers.
struct Density {
  std::size_t least_frame_bytes = 1;  ///< no frame is shorter
  std::size_t samples_per_frame = 1;  ///< at most
  double samples_per_byte = 1;        ///< at most, in frames behind one another
  std::size_t held_bytes = 0;         ///< that the decoder may keep and give out at once with later ones
  bool channels_apart = false;        ///< a frame is of one channel
};

/// What counters and times of frames are: for timelines.
struct Numbering {
  std::uint64_t modulus = 0;            ///< as timing::Options::counter_modulus
  std::uint64_t samples_per_count = 1;  ///< likewise
  mth5::Nanos resolution{};             ///< as stamp_resolution
  TimeKind kind = TimeKind::Gps;        ///< of times, at best
};

/// A frame in a recording, with what stands before it.
struct FrameSize {
  std::size_t bytes = 0;  ///< 0: none is whole
  std::size_t n_samples = 0;
};

/// "text", …: the key under which a profile describes it.
[[nodiscard]] std::string_view name_of(const Description& description);
/// @param kept  the numbers of the channels that are given on, ascending; empty = all
[[nodiscard]] std::unique_ptr<Decoder> make_decoder(const Description& description, const std::vector<std::size_t>& kept = {});
[[nodiscard]] Density density(const Description& description);
[[nodiscard]] Numbering numbering(const Description& description);
/// The first whole frame in `bytes`, with its end mark. For the replay of recordings.
[[nodiscard]] FrameSize first_frame(const Description& description, std::span<const char> bytes);

}  // namespace daq::decode
