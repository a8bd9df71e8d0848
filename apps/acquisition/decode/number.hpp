#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
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
/// @returns behind the number; nullptr if there is none, or none that is finite or told from zero
[[nodiscard]] inline const char* parse_number(const char* p, const char* end, double& value, int& decimals) noexcept {
  const bool negative = p != end && *p == '-';
  if (negative || (p != end && *p == '+')) ++p;
  const char* const first = p;
  std::uint64_t mantissa = 0;  // wraps beyond 19 digits, and is not used then
  while (p != end && is_digit(*p)) mantissa = mantissa * 10 + static_cast<std::uint64_t>(*p++ - '0');
  auto digits = p - first;
  decimals = 0;
  if (p != end && *p == '.') {
    const char* const point = p++;
    while (p != end && is_digit(*p)) mantissa = mantissa * 10 + static_cast<std::uint64_t>(*p++ - '0');
    decimals = static_cast<int>(p - point) - 1;
    digits += decimals;
  }
  if (digits == 0) return nullptr;
  constexpr std::uint64_t exact = std::uint64_t{1} << 53;
  const bool exponent = p != end && (*p == 'e' || *p == 'E');
  if (!exponent && digits <= 19 && mantissa < exact) {  // so decimals <= 19: the power is exact, too
    value = static_cast<double>(mantissa) / kPowerOfTen[static_cast<std::size_t>(decimals)];
  } else {
    const auto [behind, error] = std::from_chars(first, end, value);
    if (error != std::errc{}) return nullptr;
    p = behind;
  }
  if (negative) value = -value;
  return p;
}

}  // namespace daq::decode
