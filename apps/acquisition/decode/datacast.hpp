#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "acquisition/decode/decoder.hpp"

/// The datacast of Raspberry Shakes: packets of text, each with samples of one channel. Page: apps/acquisition/doc/datacast.md.
namespace daq::decode {

struct Density;
struct Numbering;
struct FrameSize;

/// A profile's description: what its channels are called on the line.
struct DatacastFormat {
  std::vector<std::string> codes;  ///< [n_channels], each another one: "EHZ"
  std::string clock = "device";    ///< whose times the packets hold: gps, device
  std::size_t n_channels = 0;
  std::size_t n_soh = 0;  ///< none: packets hold no state of health
};

inline constexpr std::size_t kMaxPacket = 8192;  ///< bytes; 500 samples and more
inline constexpr std::size_t kMaxCode = 8;       ///< characters

/// For decode::density(), numbering() and first_frame().
[[nodiscard]] Density datacast_density(const DatacastFormat& format);
[[nodiscard]] Numbering datacast_numbering(const DatacastFormat& format);
[[nodiscard]] FrameSize first_datacast_frame(const DatacastFormat& format, std::span<const char> bytes);

/// Packets behind one another, with or without blanks and line ends between them, in datagrams or a stream.
/// @throws std::invalid_argument if codes are not n_channels different texts of 1 to kMaxCode characters
[[nodiscard]] std::unique_ptr<Decoder> make_datacast_decoder(const DatacastFormat& format);

}  // namespace daq::decode
