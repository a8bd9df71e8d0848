#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace support {

/// A record of miniSEED 2, big-endian, of 2026-05-01 at 00:00, with blockettes 1000, and 1001 where there is a quality.
struct Record {
  std::string channel = "LFX", location = "", station = "MT01", network = "XX";
  std::vector<double> values{1, 2, 3};
  int rate = 1;  ///< Hz
  unsigned minute = 0, second = 0;
  std::optional<unsigned> quality = 100;  ///< %
  int encoding = 3;                       ///< 3: 32 bits; 5: floating point, 64 bits; others: as 3, whatever that means
  std::size_t length = 128;               ///< bytes, a power of two
  std::size_t data_at = 64;

  [[nodiscard]] std::string bytes() const {
    std::string all(length, '\0');
    const auto put = [&all](std::size_t at, std::uint64_t value, std::size_t n) {
      for (std::size_t i = 0; i < n; ++i) all[at + i] = static_cast<char>(value >> 8 * (n - 1 - i) & 0xff);
    };
    const auto text = [&all](std::size_t at, std::size_t n, std::string word) {
      word.resize(n, ' ');
      all.replace(at, n, word);
    };
    text(0, 8, "000001D ");
    text(8, 5, station);
    text(13, 2, location);
    text(15, 3, channel);
    text(18, 2, network);
    put(20, 2026, 2);
    put(22, 121, 2);
    put(25, minute, 1);
    put(26, second, 1);
    put(28, 1234, 2);
    put(30, values.size(), 2);
    put(32, static_cast<std::uint64_t>(rate), 2);
    put(34, 1, 2);
    put(39, quality ? 2 : 1, 1);
    put(44, data_at, 2);
    put(46, 48, 2);
    put(48, 1000, 2);
    put(50, quality ? 56 : 0, 2);
    put(52, static_cast<std::uint64_t>(encoding), 1);
    put(53, 1, 1);
    put(54, static_cast<std::uint64_t>(std::countr_zero(length)), 1);
    if (quality) {
      put(56, 1001, 2);
      put(60, *quality, 1);
      put(61, 7, 1);
    }
    std::size_t at = data_at;
    for (const double value : values) {
      if (encoding == 5)
        put(at, std::bit_cast<std::uint64_t>(value), 8);
      else
        put(at, static_cast<std::uint32_t>(static_cast<std::int32_t>(value)), 4);
      at += encoding == 5 ? 8 : 4;
    }
    return all;
  }
};

}  // namespace support
