#include "acquisition/decode/shown.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "acquisition/decode/frame_reader.hpp"
#include "acquisition/decode/number.hpp"
#include "acquisition/decode/text_fields.hpp"
#include "acquisition/decode/time_form.hpp"

namespace daq::decode {

namespace {

char end_of_line(const TextFormat& format) { return format.terminator == "cr" ? '\r' : format.terminator == "nul" ? '\0' : '\n'; }

bool has_decimals_behind(std::string_view field, char point) {
  for (auto at = field.find(point); at != std::string_view::npos; at = field.find(point, at + 1))
    if (at > 0 && at + 1 < field.size() && is_digit(field[at - 1]) && is_digit(field[at + 1])) return true;
  return false;
}

std::string decimals_advice(const TextFormat& format) {
  return format.decimal == "point" ? "its decimals stand behind a comma: write decimal: comma"
                                   : "its decimals stand behind a point: leave out decimal: comma";
}

std::string time_advice(const TextFormat& format, const TextColumn& column, std::string_view field) {
  CalendarTime time;
  const char* const end = field.data() + field.size();
  const char point = format.decimal == "comma" ? ',' : '.';
  const char* const behind = read_time_form(column.name, field.data(), end, time, point);
  if (behind == end) return "";
  if (behind == nullptr) {
    const auto unpadded = unpadded_form(column.name);
    if (read_time_form(unpadded, field.data(), end, time, point) != end) return "";
    return "its numbers have no zero in front: write '" + unpadded + "'";
  }
  const std::string_view rest{behind, static_cast<std::size_t>(end - behind)};
  const auto with = [&](const char* more) { return "'" + column.name + more + "'"; };
  if (rest == "Z") return "a Z stands behind the time: write " + with("Z");
  if (read_time_form("%z", behind, end, time) == end)
    return "how far the time is ahead of UTC stands behind it: write " + with("%z");
  return "";
}

/// Lines that end with the other sign.
std::string terminator_advice(const TextFormat& format, std::string_view text) {
  const char own = end_of_line(format), other = own == '\n' ? '\r' : '\n';
  const auto found = text.find(other);
  if (own == '\0' || text.find(own) != std::string_view::npos || found == std::string_view::npos) return "";
  if (text.find_first_not_of("\r\n", found) == std::string_view::npos && own == '\n') return "";  // nothing follows that CR
  return own == '\n' ? "its lines end with a CR alone: write terminator: cr"
                     : "its lines end with an LF: leave out terminator: cr";
}

std::string digits_advice(const TextColumn& column, std::string_view field) {
  const auto first = field.find_first_of("0123456789");
  if (column.digits == 0 || first == std::string_view::npos) return "";
  const auto behind = field.find_first_not_of("0123456789", first);
  const auto n = (behind == std::string_view::npos ? field.size() : behind) - first;
  if (n == column.digits) return "";
  return "it has " + std::to_string(n) +
         " digits before its decimals, and the profile says digits: " + std::to_string(column.digits) +
         "; leave digits out if the instrument prints no zeros in front";
}

std::string shown_in(const TextFormat& format, std::span<const char> frame, Quantity quantity) {
  std::string_view line{frame.data(), frame.size()};
  if (format.terminator != "none") {
    const char end = end_of_line(format);
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
std::string shown_in(const MiniSeedFormat&, std::span<const char>, Quantity) { return ""; }

}  // namespace

std::string shown(const Description& description, std::span<const char> frame, Quantity quantity) {
  return std::visit([&](const auto& format) { return shown_in(format, frame, quantity); }, description);
}

std::string advice(const Description& description, std::span<const char> line) {
  const auto* format = std::get_if<TextFormat>(&description);
  if (format == nullptr || format->terminator == "none") return "";
  std::string_view text{line.data(), line.size()};
  if (auto other = terminator_advice(*format, text); !other.empty()) return other;
  text = text.substr(0, text.find(end_of_line(*format)));
  std::string scratch, of_other;
  const auto refused = refused_field(*format, text, scratch);
  if (refused.column == format->columns.size()) return "";
  const auto& column = format->columns[refused.column];
  const bool comma = format->decimal == "point";
  if (has_decimals_behind(refused.text, comma ? ',' : '.') && !(comma && format->delimiter == ',')) {
    auto other = *format;
    other.decimal = comma ? "comma" : "point";
    if (refused_field(other, text, of_other).column > refused.column) return decimals_advice(*format);
  }
  if (column.use == TextColumn::Use::Channel) return digits_advice(column, refused.text);
  return column.use == TextColumn::Use::Form ? time_advice(*format, column, refused.text) : "";
}

std::string advice_of_number(const Description& description, std::string_view field) {
  const auto* format = std::get_if<TextFormat>(&description);
  if (format == nullptr || !has_decimals_behind(field, format->decimal == "point" ? ',' : '.')) return "";
  return decimals_advice(*format);
}

std::string advice_of_lengths(const Description& description, std::string_view beginning) {
  constexpr std::size_t kLeast = 10;  // lines
  const auto* format = std::get_if<TextFormat>(&description);
  // Of columns of a width or a text there are no fields to be counted.
  const auto fixed = [](const TextColumn& column) { return column.width > 0; };
  if (format == nullptr || std::any_of(format->columns.begin(), format->columns.end(), fixed) || format->json ||
      format->checksum != "none" || format->terminator == "none" || !format->lengths.empty())
    return "";
  const auto tells = [](const TextColumn& column) { return column.use == TextColumn::Use::Channel && column.decimals >= 0; };
  if (std::any_of(format->columns.begin(), format->columns.end(), tells)) return "";
  std::size_t n_lines = 0, n_fields = 0;
  std::string scratch;
  for (auto end = beginning.find(end_of_line(*format)); end != std::string_view::npos;
       end = beginning.find(end_of_line(*format))) {
    const auto piece = trimmed(beginning.substr(0, end), true);
    const std::string_view line{piece.begin, static_cast<std::size_t>(piece.end - piece.begin)};
    beginning.remove_prefix(end + 1);
    if (text_fields(*format, line, scratch).empty()) continue;
    const auto n = count_fields(format->delimiter, piece);
    if (n_lines++ > 0 && n != n_fields) return "";
    n_fields = n;
  }
  if (n_lines < kLeast) return "";
  const auto n = std::to_string(n_fields);
  return "each of " + std::to_string(n_lines) + " lines has " + n + " fields: with lengths: [" + n +
         "] in the profile no line that is made of two halves is taken for a whole one";
}

}  // namespace daq::decode
