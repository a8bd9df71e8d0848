#include "analysis/html/png.hpp"

#include <algorithm>

namespace analysis::html {

namespace {

void put(std::string& out, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> static_cast<unsigned>(shift) & 0xffU);
}

/// CRC-32 as the specification of PNG has it, annex D.
std::uint32_t crc(std::string_view bytes) {
  std::uint32_t sum = 0xffffffffU;
  for (const char byte : bytes) {
    sum ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) sum = (sum & 1U) != 0 ? 0xedb88320U ^ sum >> 1U : sum >> 1U;
  }
  return ~sum;
}

void put_chunk(std::string& out, std::string_view type, std::string_view data) {
  put(out, static_cast<std::uint32_t>(data.size()));
  const auto named = std::string{type} + std::string{data};
  out += named;
  put(out, crc(named));
}

/// A zlib stream (RFC 1950) of stored blocks (RFC 1951).
std::string stored(std::string_view bytes) {
  constexpr std::size_t kMost = 65'535;
  std::string out{"\x78\x01"};
  std::uint32_t a = 1, b = 0;
  for (const char byte : bytes) {
    a = (a + static_cast<unsigned char>(byte)) % 65'521;
    b = (b + a) % 65'521;
  }
  do {
    const auto block = bytes.substr(0, kMost);
    bytes.remove_prefix(block.size());
    const auto size = static_cast<unsigned>(block.size());
    out += static_cast<char>(bytes.empty() ? 1 : 0);
    for (const unsigned half : {size, ~size}) {
      out += static_cast<char>(half & 0xffU);
      out += static_cast<char>(half >> 8U & 0xffU);
    }
    out += block;
  } while (!bytes.empty());
  put(out, b << 16U | a);
  return out;
}

}  // namespace

std::string png(std::size_t width, std::span<const std::uint8_t> pixels, std::span<const std::array<std::uint8_t, 3>> colours) {
  std::string head, palette, rows;
  const std::size_t height = width > 0 ? pixels.size() / width : 0;
  put(head, static_cast<std::uint32_t>(width));
  put(head, static_cast<std::uint32_t>(height));
  head += std::string{"\x08\x03\x00\x00\x00", 5};  // 8 bits a pixel, by palette
  for (const auto& colour : colours)
    for (const auto part : colour) palette += static_cast<char>(part);
  for (std::size_t row = 0; row < height; ++row) {
    rows += '\0';  // no filter
    for (const auto pixel : pixels.subspan(row * width, width)) rows += static_cast<char>(pixel);
  }
  std::string out{"\x89PNG\r\n\x1a\n"};
  put_chunk(out, "IHDR", head);
  put_chunk(out, "PLTE", palette);
  put_chunk(out, "tRNS", std::string_view{"\0", 1});
  put_chunk(out, "IDAT", stored(rows));
  put_chunk(out, "IEND", "");
  return out;
}

}  // namespace analysis::html
