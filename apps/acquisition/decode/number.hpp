#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <system_error>

/// Decimal numbers as instruments print them. Internal to decode/.
namespace daq::decode {

[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Powers of ten; a double holds all of these exactly (up to 1e22).
inline constexpr std::array<double, 20> kPowerOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                                                       1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};

/// Reads `[+-]digits[.digits][e[+-]digits]` at the front; the value is the nearest double, bit for bit what strtod gives.
/// Two exact doubles give a correctly rounded quotient, so nearly all numbers cost one division; the rest goes to the library.
/// @param decimals  digits behind the point
/// @param point_sign what stands before them; not '.': numbers of up to 64 characters
/// @returns behind the number; nullptr if there is none, or none that is finite or told from zero
[[nodiscard]] inline const char* parse_number(const char* p, const char* end, double& value, int& decimals,
                                              char point_sign = '.') noexcept {
  const bool negative = p != end && *p == '-';
  if (negative || (p != end && *p == '+')) ++p;
  const char* const first = p;
  std::uint64_t mantissa = 0;  // wraps beyond 19 digits, and is not used then
  const auto take_digits = [&] {
    for (; p != end; ++p) {
      const auto digit = static_cast<unsigned>(*p) - '0';
      if (digit > 9) return;
      mantissa = mantissa * 10 + digit;
    }
  };
  take_digits();
  auto digits = p - first;
  decimals = 0;
  if (p != end && *p == point_sign) {
    const char* const point = p++;
    take_digits();
    decimals = static_cast<int>(p - point) - 1;
    digits += decimals;
  }
  if (digits == 0) return nullptr;
  constexpr std::uint64_t exact = std::uint64_t{1} << 53;
  const bool exponent = p != end && (*p == 'e' || *p == 'E');
  if (!exponent && digits <= 19 && mantissa < exact) {  // so decimals <= 19: the power is exact, too
    value = static_cast<double>(mantissa) / kPowerOfTen[static_cast<std::size_t>(decimals)];
  } else {
    std::array<char, 64> spelt{};
    const char* from = first;
    const char* to = end;
    if (point_sign != '.') {
      to = first;
      while (to != end && to - first < 64 &&
             (is_digit(*to) || *to == point_sign || *to == 'e' || *to == 'E' || *to == '-' || *to == '+'))
        ++to;
      if (to - first == 64) return nullptr;
      std::memcpy(spelt.data(), first, static_cast<std::size_t>(to - first));
      for (char& c : spelt)
        if (c == point_sign) c = '.';
      from = spelt.data();
      to = from + (to - first);
    }
    const auto [behind, error] = std::from_chars(from, to, value);
    if (error != std::errc{}) return nullptr;
    p = first + (behind - from);
  }
  if (negative) value = -value;
  return p;
}

/// Reads a hexadecimal number at the front, with or without 0x. @param bits  0: unsigned, 13 digits at most. Else two's
/// complement of so many (4 to 52), which has exactly the digits that they need. @returns behind it; nullptr if there is none
[[nodiscard]] inline const char* parse_hex(const char* p, const char* end, int bits, double& value) noexcept {
  if (end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x') p += 2;
  const char* const first = p;
  std::int64_t number = 0;
  const auto digit = [](char c) {
    return is_digit(c) ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
  };
  for (; p != end && p - first < 14 && digit(*p) >= 0; ++p) number = number * 16 + digit(*p);
  const auto digits = p - first;
  if (digits == 0 || digits > 13 || (bits > 0 && digits != (bits + 3) / 4)) return nullptr;
  if (bits > 0) {
    if (number >= std::int64_t{1} << bits) return nullptr;
    if (number >= std::int64_t{1} << (bits - 1)) number -= std::int64_t{1} << bits;
  }
  value = static_cast<double>(number);
  return p;
}

}  // namespace daq::decode
