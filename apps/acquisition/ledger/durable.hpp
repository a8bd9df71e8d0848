#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "mth5/time.hpp"

namespace daq::ledger {

/// Bytes of the longest token.
inline constexpr std::size_t kLongestToken = 120;

/// How far a stream has got onto the disk for good.
struct Durable {
  std::uint16_t stream = 0;  ///< its number
  mth5::UtcNanos time{};     ///< of the last sample, by the plain axis of its run
  std::string token{};       ///< what the decoder gave with or before it: where its source can go on; "" = none

  friend bool operator==(const Durable&, const Durable&) = default;
};

}  // namespace daq::ledger
