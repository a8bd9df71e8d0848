#pragma once

#include <bit>

#include "acquisition/decode/frame.hpp"

namespace daq::decode {

inline constexpr int kStrongBits = 16;  ///< noise meets so many once in 65536

/// A frame with it needs no others that confirm it.
[[nodiscard]] inline bool is_strong(const FrameCheck& check) { return check.rule.bits >= kStrongBits; }
/// A frame that ends in it ends there.
[[nodiscard]] inline bool is_strong(const Marker& marker) {
  int bits = marker.mask.empty() ? static_cast<int>(8 * marker.bytes.size()) : 0;
  for (const auto mask : marker.mask) bits += std::popcount(mask);
  return bits >= kStrongBits;
}

}  // namespace daq::decode
