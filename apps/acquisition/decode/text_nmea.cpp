#include <algorithm>

#include "acquisition/decode/number.hpp"
#include "acquisition/decode/text_fields.hpp"

namespace daq::decode {

TextLine decode_nmea_line(const TextFormat& format, std::span<const char> line, std::span<double> channels,
                          std::span<double> soh) noexcept {
  const char* const begin = line.data();
  const auto piece = trimmed(line, true);
  const char* const front = std::find(begin, piece.end, '$');
  if (front != begin) return {.bytes = front == piece.end ? line.size() : static_cast<std::size_t>(front - begin)};
  // The next sentence in the same line: a line end was lost, or the front of this one came twice.
  const char* const next = std::find(front + (front != piece.end ? 1 : 0), piece.end, '$');
  const auto bytes = next == piece.end ? line.size() : static_cast<std::size_t>(next - begin);
  const char* const end = trimmed(line.first(bytes), false).end;
  const char* const star = std::find(front, end, '*');
  const auto no_column = format.columns.size();
  if (end - star < 3) return {.bytes = bytes, .why = Skip::CutOff, .column = no_column};
  double given = 0;
  unsigned sum = 0;
  for (const char* p = front + 1; p != star; ++p) sum ^= static_cast<unsigned char>(*p);
  if (end - star != 3 || parse_hex(star + 1, end, 0, given) != end || given != static_cast<double>(sum))
    return {.bytes = bytes, .why = Skip::BadCheck, .column = no_column};
  auto found = decode_fields(format, {front + 1, star}, true, channels, soh);
  found.bytes = bytes;
  // It is whole, and begins with another name.
  const auto& first = format.columns.front();
  if (!found.good && found.column == 0 && first.use == TextColumn::Use::Text) found.why = Skip::OtherSentence;
  return found;
}

}  // namespace daq::decode
