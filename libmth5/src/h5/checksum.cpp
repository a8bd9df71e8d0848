#include "h5/checksum.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

namespace mth5::h5 {

std::uint32_t checksum(std::span<const unsigned char> bytes) noexcept {
  std::uint32_t a = 0xdeadbeef + static_cast<std::uint32_t>(bytes.size());
  std::uint32_t b = a;
  std::uint32_t c = a;
  const auto add = [&](std::span<const unsigned char> block) {  // up to 12 bytes, the rest as zeros
    std::array<std::uint32_t, 3> words{};
    for (std::size_t i = 0; i < block.size(); ++i) words[i / 4] |= std::uint32_t{block[i]} << (8 * (i % 4));
    a += words[0];
    b += words[1];
    c += words[2];
  };
  constexpr std::size_t kBlock = 12;
  while (bytes.size() > kBlock) {
    add(bytes.first(kBlock));
    bytes = bytes.subspan(kBlock);
    a = (a - c) ^ std::rotl(c, 4), c += b;
    b = (b - a) ^ std::rotl(a, 6), a += c;
    c = (c - b) ^ std::rotl(b, 8), b += a;
    a = (a - c) ^ std::rotl(c, 16), c += b;
    b = (b - a) ^ std::rotl(a, 19), a += c;
    c = (c - b) ^ std::rotl(b, 4), b += a;
  }
  if (bytes.empty()) return c;
  add(bytes);
  c = (c ^ b) - std::rotl(b, 14);
  a = (a ^ c) - std::rotl(c, 11);
  b = (b ^ a) - std::rotl(a, 25);
  c = (c ^ b) - std::rotl(b, 16);
  a = (a ^ c) - std::rotl(c, 4);
  b = (b ^ a) - std::rotl(a, 14);
  c = (c ^ b) - std::rotl(b, 24);
  return c;
}

}  // namespace mth5::h5
