#include "acquisition/decode/shown.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "acquisition/decode/frame_reader.hpp"
#include "acquisition/decode/text_fields.hpp"

namespace daq::decode {

namespace {

std::string shown_in(const TextFormat& format, std::span<const char> frame, Quantity quantity) {
  std::string_view line{frame.data(), frame.size()};
  if (format.terminator != "none") {
    const char end = format.terminator == "cr" ? '\r' : format.terminator == "nul" ? '\0' : '\n';
    if (line.ends_with(end)) line.remove_suffix(1);
    line.remove_prefix(line.rfind(end) + 1);  // npos + 1 is 0
  }
  std::string scratch;
  std::string text;
  const auto fields = text_fields(format, line, scratch);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto& column = format.columns[i];
    using Use = TextColumn::Use;
    const bool of_it = quantity.soh ? column.use == Use::Soh || column.use == Use::Hemisphere : column.use == Use::Channel;
    if (of_it && column.index == quantity.index) (text += text.empty() ? "" : " ") += fields[i];
  }
  return text;
}

std::string shown_in(const FrameFormat& format, std::span<const char> frame, Quantity quantity) {
  const auto front = FrameReader{format}.look(frame, true);
  if (front.is != FrameFront::Is::Frame || front.bytes != frame.size()) return "";
  const auto& kind = format.kinds[front.kind];
  const auto text = [&](NumberAt number) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto size = size_of(number.type);
    const auto at = number.at < 0 ? frame.size() - static_cast<std::size_t>(-number.at) : static_cast<std::size_t>(number.at);
    std::string bytes{frame.data() + at, size};
    if (!number.big_endian) std::reverse(bytes.begin(), bytes.end());
    std::string hex = "0x";
    for (const char c : bytes) hex += {kDigits[static_cast<unsigned char>(c) >> 4], kDigits[static_cast<unsigned char>(c) & 15U]};
    const bool letter = size == 1 && bytes.front() > ' ' && bytes.front() < '\x7f';
    return letter ? hex + " '" + bytes + "'" : hex;
  };
  if (quantity.soh) {
    for (const auto& field : kind.fields)
      if (field.soh == quantity.index) return text(field.number);
    return "";
  }
  for (const auto& block : kind.samples)
    for (std::size_t i = 0; i < block.slots.size(); ++i) {
      auto number = block.first;
      number.at += static_cast<std::ptrdiff_t>(i * block.slot_step);
      if (!block.slots[i].skip && block.slots[i].channel == quantity.index) return text(number);
    }
  return "";
}

/// Its samples are whole numbers, or it is no frame.
std::string shown_in(const DatacastFormat&, std::span<const char>, Quantity) { return ""; }

}  // namespace

std::string shown(const Description& description, std::span<const char> frame, Quantity quantity) {
  return std::visit([&](const auto& format) { return shown_in(format, frame, quantity); }, description);
}

}  // namespace daq::decode
