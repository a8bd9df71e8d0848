#include "acquisition/decode/number.hpp"
#include "acquisition/decode/text_fields.hpp"
#include "acquisition/decode/time_form.hpp"

/// Frames in a line: the one it is, or those that lost bytes have put into one.
namespace daq::decode {
namespace {

/// A whole frame may begin at `p`: the cheap look that rejects nearly every byte. Where the year, or a time by its form, comes
/// first that is what it looks like, whatever stands before it; else only the beginning of a field, which bounds the work for any
/// input.
[[nodiscard]] bool may_begin_frame(const Plan& plan, const Fields& fields, const char* p) {
  const auto& first = plan.format.columns.front();
  if (first.use == TextColumn::Use::Text)
    return static_cast<std::size_t>(fields.end() - p) >= first.width && std::equal(first.name.begin(), first.name.end(), p);
  if (first.use == TextColumn::Use::Form) {
    if ((first.name.starts_with("%s") || first.name.starts_with("%Q")) && is_digit(p[-1]))
      return false;  // the end of a longer number
    CalendarTime ignored;
    const char* const behind = is_digit(*p) ? read_time_form(first.name, p, fields.end(), ignored, plan.point) : nullptr;
    const bool more = plan.format.columns.size() > 1 && plan.format.columns[1].width > 0;  // right behind it
    return behind != nullptr && behind != fields.end() && (more || fields.is_separator(*behind));
  }
  if (first.use != TextColumn::Use::Year) return fields.is_separator(p[-1]) && !fields.is_separator(*p);
  return fields.end() - p > 4 && fields.is_separator(p[4]) && is_digit(p[0]) && is_digit(p[1]) && is_digit(p[2]) &&
         is_digit(p[3]);
}

/// The first frame behind the front of `piece`, or nullptr. @param whole  false: a time that exists is enough
[[nodiscard]] const char* find_frame(const Plan& plan, const Piece& piece, bool whole) {
  const Fields fields{plan.format.delimiter, piece.begin, piece.end};
  for (const char* p = piece.begin + 1; p < piece.end; ++p) {
    if (!may_begin_frame(plan, fields, p)) continue;
    const Piece rest{p, piece.end, piece.complete, piece.open};
    const Attempt attempt = look_for_frame(plan, rest);
    if (whole ? attempt.good : attempt.has_time) return p;
  }
  return nullptr;
}

[[nodiscard]] TextLine result(const TextFormat& format, const Attempt& attempt, std::size_t bytes) {
  TextLine line{.bytes = bytes,
                .good = attempt.good,
                .why = attempt.why,
                .time = attempt.time,
                .decimals = attempt.decimals,
                .unknown = attempt.unknown,
                .short_line = attempt.short_line,
                .token = attempt.token,
                .column = attempt.column};
  // Not before: of lines that stand in one another the lengths are seen only when they are taken apart.
  if (line.good && line.short_line && format.strict)
    line = {.bytes = bytes, .why = Skip::ShortLine, .column = format.columns.size()};
  return line;
}

}  // namespace

TextLine decode_fields(const TextFormat& format, std::span<const char> fields, bool complete, std::span<double> channels,
                       std::span<double> soh) noexcept {
  if (format.columns.empty()) return {.bytes = fields.size()};
  const Plan plan{format};
  return result(format, read_frame(plan, trimmed(fields, complete), false, channels.data(), soh.data()), fields.size());
}

TextLine decode_line(const TextFormat& format, std::span<const char> line, bool complete, std::span<double> channels,
                     std::span<double> soh) noexcept {
  if (format.columns.empty()) return {.bytes = line.size()};
  const Plan plan{format};
  Piece piece = trimmed(line, complete);
  std::size_t bytes = line.size();
  Attempt attempt;
  // Lost bytes, a line end among them, leave two frames in one line. What is before the second one needs all its columns, each
  // with what it should hold. If it has more than those, there may be the front of a third between the two.
  for (bool first = true;; first = false) {
    attempt = read_frame(plan, piece, !first || !complete, channels.data(), soh.data());
    if (attempt.good ? attempt.fits : !first) break;
    const char* const frame = find_frame(plan, piece, first);
    if (frame == nullptr) break;
    bytes = static_cast<std::size_t>(frame - line.data());
    piece = trimmed(line.first(bytes), false);
  }
  return result(format, attempt, bytes);
}

}  // namespace daq::decode
