#include <algorithm>
#include <chrono>
#include <optional>

#include "acquisition/decode/number.hpp"
#include "acquisition/decode/text_fields.hpp"
#include "acquisition/decode/time_form.hpp"

/// Frames in a line: the one it is, or those that lost bytes have put into one.
namespace daq::decode {
namespace {

/// Where a frame begins can be seen: a first column of any length may have what is left of another line before it.
[[nodiscard]] bool shows_beginning(const TextColumn& first) {
  return is_time(first.use) || first.use == TextColumn::Use::Text ||
         (first.use == TextColumn::Use::Channel && first.digits > 0 && first.width == 0);
}

/// A whole frame may begin at `p`: the cheap look that rejects nearly every byte. Where a text, the year, a time
/// by its form or a number with so many digits comes first that is what it looks like, whatever stands before it; else only the
/// beginning of a field, which bounds the work for any input. @param first_digits  where the digits end that the line begins with
/// @param near  a time of frames before
[[nodiscard]] bool may_begin_frame(const Plan& plan, const Fields& fields, const char* first_digits, const char* p,
                                   std::optional<mth5::UtcNanos> near) {
  constexpr std::chrono::hours kNear{
      24};  // the first five digits of seconds are the same: no others stand before what is missing
  const auto& first = plan.format.columns.front();
  if (first.use == TextColumn::Use::Text)
    return static_cast<std::size_t>(fields.end() - p) >= first.width && std::equal(first.name.begin(), first.name.end(), p);
  if (first.use == TextColumn::Use::Form) {
    if (first.name.starts_with("%-") && !fields.is_separator(p[-1])) return false;  // a digit before it may be lost
    CalendarTime time;
    const char* const behind = is_digit(*p) ? read_time_form(first.name, p, fields.end(), time, plan.point) : nullptr;
    if (behind != nullptr && (first.name.starts_with("%s") || first.name.starts_with("%Q")) && p <= first_digits) {
      // The end of a longer number that stands in the place of the time: a line that was cut within its own, perhaps.
      const auto utc = time.utc();
      if (!near || !utc || *utc < *near - kNear || *utc > *near + kNear) return false;
    }
    const bool more = plan.format.columns.size() > 1 && plan.format.columns[1].width > 0;  // right behind it
    return behind != nullptr && behind != fields.end() && (more || fields.is_separator(*behind));
  }
  if (!shows_beginning(first)) return false;
  if (first.use == TextColumn::Use::Channel) {
    if (p[-1] == '-' || p[-1] == '+') return false;  // whose sign?
    const auto most = std::min(static_cast<std::size_t>(fields.end() - p), first.digits + 1);
    return static_cast<std::size_t>(std::find_if_not(p, p + most, is_digit) - p) == first.digits;
  }
  if (first.use != TextColumn::Use::Year) return fields.is_separator(p[-1]) && !fields.is_separator(*p);
  return fields.end() - p > 4 && fields.is_separator(p[4]) && is_digit(p[0]) && is_digit(p[1]) && is_digit(p[2]) &&
         is_digit(p[3]);
}

/// The first frame behind the front of `piece`, or nullptr. @param whole  false: a time that exists is enough
[[nodiscard]] const char* find_frame(const Plan& plan, const Piece& piece, bool whole, std::optional<mth5::UtcNanos> near) {
  const Fields fields{plan.format.delimiter, piece.begin, piece.end};
  const char* const first_digits = std::find_if_not(piece.begin, piece.end, is_digit);
  for (const char* p = piece.begin + 1; p < piece.end; ++p) {
    if (!may_begin_frame(plan, fields, first_digits, p, near)) continue;
    const Piece rest{p, piece.end, piece.complete, piece.open};
    const Attempt attempt = look_for_frame(plan, rest);
    if (whole ? attempt.good : attempt.has_time) return p;
  }
  return nullptr;
}

/// Where in what stands before `frame` one begins like it, which may be the front of one more line and end there; `frame` if
/// nowhere.
[[nodiscard]] const char* front_of_another(const Piece& piece, const char* frame) {
  constexpr std::ptrdiff_t kAlike = 4;  // bytes of a time, or a text, that are the same for a minute at least
  if (piece.end - frame < kAlike || frame - piece.begin <= kAlike) return frame;
  return std::search(piece.begin + 1, frame, frame, frame + kAlike);
}

/// Two times, each in one piece, stand in it: it is two lines, though no beginning of the second one shows.
[[nodiscard]] bool has_two_times(const Plan& plan, const Piece& piece) {
  const auto& columns = plan.format.columns;
  const auto first = columns.front().use;
  if (is_time(first) || first == TextColumn::Use::Text || plan.format.time != "columns") return false;
  TextFormat times;
  for (auto i = columns.size(); i-- > 0;)
    if (is_time(columns[i].use)) times.columns.insert(times.columns.begin(), columns[i]);
  const bool in_one =
      plan.last_time + 1 >= times.columns.size() && is_time(columns[plan.last_time + 1 - times.columns.size()].use);
  if (times.columns.empty() || !in_one) return false;
  times.decimal = plan.format.decimal;
  times.delimiter = plan.format.delimiter;
  const Plan only{times};
  Fields fields{plan.format.delimiter, piece.begin, piece.end};
  int found = 0;
  for (const char* p; (p = fields.next()) != nullptr && p != piece.end && found < 2;
       static_cast<void>(fields.leave(fields.field_end(p))))
    if (look_for_frame(only, {p, piece.end, piece.complete, piece.open}).good) ++found;
  return found > 1;
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
  const bool strict = format.terminator == "none";  // where a line begins shows in what stands in it only
  return result(format, read_frame(plan, trimmed(fields, complete), strict, channels.data(), soh.data()), fields.size());
}

TextLine decode_line(const TextFormat& format, std::span<const char> line, bool complete, std::span<double> channels,
                     std::span<double> soh, std::optional<mth5::UtcNanos> near) noexcept {
  return decode_line(Plan{format}, line, complete, channels, soh, near);
}

TextLine decode_line(const Plan& plan, std::span<const char> line, bool complete, std::span<double> channels,
                     std::span<double> soh, std::optional<mth5::UtcNanos> near) noexcept {
  const auto& format = plan.format;
  if (format.columns.empty()) return {.bytes = line.size()};
  Piece piece = trimmed(line, complete);
  std::size_t bytes = line.size();
  Attempt attempt;
  // Lost bytes, a line end among them, leave two frames in one line. What is before the second one needs all its columns, each
  // with what it should hold. If it has more than those, there may be the front of a third between the two.
  for (bool first = true;; first = false) {
    attempt = read_frame(plan, piece, !first || !complete, channels.data(), soh.data());
    if (attempt.good ? attempt.fits : !first) break;
    const char* const frame = find_frame(plan, piece, first, near);
    if (frame == nullptr) {
      if (attempt.good && (!first || has_two_times(plan, piece)))
        attempt = {.why = Skip::BadValue, .column = format.columns.size()};
      break;
    }
    bytes = static_cast<std::size_t>(front_of_another(piece, frame) - line.data());
    piece = trimmed(line.first(bytes), false);
    piece.joined = true;
  }
  return result(format, attempt, bytes);
}

}  // namespace daq::decode
