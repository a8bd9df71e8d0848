#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "acquisition/decode/decoder.hpp"
#include "acquisition/decode/text.hpp"

/// The kinds of decoders. A new one is its description, its file, and a row here.
namespace daq::decode {

/// What a profile says of the bytes on its line.
using Description = std::variant<TextFormat>;

/// How much of a line a frame takes: for the sizes of buffers.
struct Density {
  std::size_t least_frame_bytes = 1;  ///< no frame is shorter
  std::size_t samples_per_frame = 1;  ///< at most
};

/// "text", …: the key under which a profile describes it.
[[nodiscard]] std::string_view name_of(const Description& description);
/// @param kept  the numbers of the channels that are given on, ascending; empty = all
[[nodiscard]] std::unique_ptr<Decoder> make_decoder(const Description& description, const std::vector<std::size_t>& kept = {});
[[nodiscard]] Density density(const Description& description);
/// Bytes of the first whole frame at the front of `bytes`, with its end mark; 0 = none is whole. For the replay of recordings.
[[nodiscard]] std::size_t frame_length(const Description& description, std::span<const char> bytes);

}  // namespace daq::decode
