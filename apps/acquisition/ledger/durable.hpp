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
  /// From a file that was found: where the sample behind its last one would be, by the stream's clock. That may be further than
  /// `time` says, of a token or of what was known to be durable when the writer crashed.
  mth5::UtcNanos stored{};

  friend bool operator==(const Durable&, const Durable&) = default;
};

}  // namespace daq::ledger
