#include "acquisition/decode/refusal.hpp"

#include <algorithm>
#include <utility>

namespace daq::decode {

namespace {

std::string printable(std::span<const char> bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x20 && byte < 0x7f;
    if (text.size() + (plain ? 1 : 4) > kExcerpt) break;
    if (plain)
      text += c;
    else
      (text += "\\x") += {kHex[byte >> 4], kHex[byte & 15U]};
  }
  return text;
}

}  // namespace

std::string to_string(const Refusal& refusal) {
  std::string text = refusal.line > 0 ? "line " + std::to_string(refusal.line) : "byte " + std::to_string(refusal.offset);
  if (!refusal.place.empty()) text += ", " + refusal.place;
  text += ": " + std::string{to_string(refusal.why)} + ": '" + refusal.excerpt + "'";
  return refusal.advice.empty() ? text : text + "; " + refusal.advice;
}

std::string_view known_format(std::span<const char> head) {
  constexpr std::pair<std::string_view, std::string_view> kFormats[] = {
      {"\x1f\x8b", "compressed (gzip)"},
      {"BZh", "compressed (bzip2)"},
      {"\xfd"
       "7zXZ",
       "compressed (xz)"},
      {"\x28\xb5\x2f\xfd", "compressed (zstd)"},
      {"PK\x03\x04", "compressed (zip)"},
      {"\x89HDF\r\n", "an HDF5 file"},
  };
  const std::string_view text{head.data(), head.size()};
  for (const auto& [magic, name] : kFormats)
    if (text.starts_with(magic)) return name;
  return "";
}

void Refusals::begins_with(std::span<const char> bytes) {
  const auto n = std::min(bytes.size(), head_.size() - head_size_);
  std::copy_n(bytes.begin(), n, head_.begin() + static_cast<std::ptrdiff_t>(head_size_));
  head_size_ += n;
}

void Refusals::add(ledger::Skip why, std::uint64_t offset, std::uint64_t line, std::string place, std::span<const char> bytes) {
  if (full()) return;
  const auto kind = list_.empty() ? known_format({head_.data(), head_size_}) : std::string_view{};
  std::string advice;
  if (!kind.empty())
    advice = "this is " + std::string{kind} +
             (kind.starts_with("compressed") ? ": unpack it first" : ": no recording of this instrument");
  list_.push_back({why, offset, line, std::move(place), printable(bytes), std::move(advice)});
}

}  // namespace daq::decode
