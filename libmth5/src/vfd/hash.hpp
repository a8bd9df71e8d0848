#pragma once

#define XXH_STATIC_LINKING_ONLY  // the size of its state; the rest is linked
#include <xxhash.h>

#include <cstddef>
#include <cstdint>

/// XXH3 of 64 bits from libxxhash: faster than the memory it reads, and the same on every machine.
namespace mth5::vfd {

/// Of bytes that come piece by piece.
class Hash {
 public:
  Hash() { XXH3_64bits_reset(&state_); }
  void add(const void* bytes, std::size_t size) { XXH3_64bits_update(&state_, bytes, size); }
  [[nodiscard]] std::uint64_t value() const { return XXH3_64bits_digest(&state_); }

 private:
  XXH3_state_t state_;
};

[[nodiscard]] inline std::uint64_t hash_of(const void* bytes, std::size_t size) { return XXH3_64bits(bytes, size); }

}  // namespace mth5::vfd
