#include "mth5/printable.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace mth5 {

namespace {

/// Controls, and what reorders or hides text: the "Trojan source" set of Unicode TR 36 and what is like it.
constexpr std::array<std::pair<char32_t, char32_t>, 12> kUnsafe{{{0x00, 0x1f},
                                                                 {0x7f, 0x9f},
                                                                 {0x061c, 0x061c},
                                                                 {0x180e, 0x180e},
                                                                 {0x200b, 0x200f},
                                                                 {0x2028, 0x202e},
                                                                 {0x2060, 0x206f},
                                                                 {0xfe00, 0xfe0f},
                                                                 {0xfeff, 0xfeff},
                                                                 {0xfff0, 0xfffb},
                                                                 {0x1bca0, 0x1bca3},
                                                                 {0xe0000, 0xe0fff}}};

bool unsafe(char32_t code) {
  for (const auto& [first, last] : kUnsafe)
    if (code >= first && code <= last) return true;
  return false;
}

/// One character in the shortest form UTF-8 has for it; length 0: the first byte is none.
struct Character {
  char32_t code = 0;
  std::size_t length = 0;
};
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 && lead <= 0xf4  ? 4
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                                                           : 0;
  if (length == 0 || text.size() < length) return {};
  char32_t code = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (overlong || surrogate || code > 0x10ffff) return {};
  return {code, length};
}

std::string escaped(char32_t code, bool byte) {
  std::array<char, 16> text{};
  const auto value = static_cast<unsigned>(code);
  std::snprintf(text.data(), text.size(), byte || code < 0x80 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x", value);
  return text.data();
}

std::string cleaned(std::string_view text, bool keep_lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto [code, length] = first_character(text);
    if (length == 0) {
      out += escaped(static_cast<std::uint8_t>(text.front()), true);
      text.remove_prefix(1);
      continue;
    }
    if (unsafe(code) && !(keep_lines && code == '\n'))
      out += escaped(code, false);
    else
      out += text.substr(0, length);
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) { return cleaned(text, false); }

std::string printable_lines(std::string_view text) { return cleaned(text, true); }

}  // namespace mth5
