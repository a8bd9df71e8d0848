#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "acquisition/decode/number.hpp"
#include "acquisition/decode/text.hpp"
#include "acquisition/decode/time_form.hpp"

namespace daq::decode {
namespace {

using Use = TextColumn::Use;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

[[nodiscard]] constexpr bool is_time(Use use) { return use >= Use::Year && use <= Use::Form; }

/// [d]ddmm.mmmm -> degrees, as if the minutes had been read by themselves: rounded to the decimals printed.
[[nodiscard]] double from_degrees_minutes(double value, int decimals) {
  const double degrees = std::trunc(value / 100);
  const double scale = kPowerOfTen[std::min(static_cast<std::size_t>(decimals), kPowerOfTen.size() - 1)];
  const double minutes = std::nearbyint((value - degrees * 100) * scale) / scale;
  return std::abs(minutes) <= 60 ? degrees + minutes / 60 : kUnknown;
}

/// The text is the beginning of a number, perhaps: what a cut leaves.
[[nodiscard]] bool may_become_number(const TextColumn& column, char point, const char* p, const char* end) {
  if (column.hex)
    return std::all_of(p, end, [](char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') || c == 'x'; });
  return std::all_of(p, end, [=](char c) { return is_digit(c) || c == '+' || c == '-' || c == point || c == 'e' || c == 'E'; });
}

/// How instruments write that they have no value: nothing, NaN, `***`, `?`, `--`, `#`.
[[nodiscard]] bool says_no_value(const char* p, const char* end) {
  const auto is = [](char c, char small) { return (c | 0x20) == small; };
  if (end - p == 3 && is(p[0], 'n') && is(p[1], 'a') && is(p[2], 'n')) return true;
  return std::all_of(p, end, [](char c) { return c == '*' || c == '?' || c == '-' || c == '#'; });
}

[[nodiscard]] bool is_hemisphere(const char* p, const char* end) {
  return end - p == 1 && (*p == 'N' || *p == 'S' || *p == 'E' || *p == 'W');
}

/// What is the same for all lines of a format.
struct Plan {
  const TextFormat& format;
  std::size_t required = 0;  ///< columns up to the last one without which there is no sample: channel or time
  std::size_t last_channel = 0, last_time = 0;
  int time_columns = 0;
  bool decimals_known = true;  ///< of all channels
  char point;                  ///< before decimals

  explicit Plan(const TextFormat& f) : format{f}, point{f.decimal == "comma" ? ',' : '.'} {
    for (std::size_t i = 0; i < f.columns.size(); ++i) {
      const Use use = f.columns[i].use;
      if (use == Use::Channel && f.columns[i].decimals < 0) decimals_known = false;
      if (is_time(use)) ++time_columns;
      if (is_time(use)) last_time = i;
      if (use == Use::Channel) last_channel = i;
      if (is_time(use) || use == Use::Channel) required = i + 1;
    }
  }
};

/// Walks over the fields of a line.
class Fields {
 public:
  Fields(char delimiter, const char* begin, const char* end) : delimiter_{delimiter}, p_{begin}, end_{end} {}

  [[nodiscard]] bool is_blank(char c) const { return c == ' ' || (c == '\t' && delimiter_ != '\t'); }
  [[nodiscard]] bool is_separator(char c) const { return c == delimiter_ || is_blank(c); }
  [[nodiscard]] const char* end() const { return end_; }

  /// Where the next field begins, an empty one behind the last delimiter too; nullptr behind the last one.
  [[nodiscard]] const char* next() {
    while (p_ != end_ && is_blank(*p_)) ++p_;
    return p_ == end_ && !std::exchange(one_more_, false) ? nullptr : p_;
  }
  /// Leaves the field if it ends at `p`.
  [[nodiscard]] bool leave(const char* p) {
    if (delimiter_ != ' ')
      while (p != end_ && is_blank(*p)) ++p;
    if (p != end_ && !is_separator(*p)) return false;
    one_more_ = p != end_ && delimiter_ != ' ';
    p_ = one_more_ ? p + 1 : p;
    return true;
  }
  /// End of the field that begins at `begin`, without the blanks behind it.
  [[nodiscard]] const char* field_end(const char* begin) const {
    const char* p = begin;
    while (p != end_ && (delimiter_ == ' ' ? !is_blank(*p) : *p != delimiter_)) ++p;
    while (p != begin && is_blank(p[-1])) --p;
    return p;
  }

 private:
  char delimiter_;
  const char* p_;
  const char* end_;
  bool one_more_ = false;  ///< a delimiter stands before p_
};

/// Part of a line without the blanks behind it.
struct Piece {
  const char* begin;
  const char* end;
  bool complete;  ///< a line end follows
  bool open;      ///< no blank or '\r' behind the last field: it may have been cut
};

[[nodiscard]] Piece trimmed(std::span<const char> text, bool complete) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* p = end;
  while (p != begin && (p[-1] == ' ' || p[-1] == '\t' || p[-1] == '\r')) --p;
  return {begin, p, complete, p == end};
}

struct Attempt {
  bool good = false;
  Skip why = Skip::Garbage;
  mth5::UtcNanos time{};
  int decimals = 0;       ///< of its seconds
  bool has_time = false;  ///< good, or bad behind a time that exists
  bool fits = false;      ///< as many columns as the format has, no less and no more, and nothing in them speaks against it
  std::uint32_t unknown = 0;
  bool short_line = false;
  std::string_view token{};
  std::size_t column = 0;
};

/// One try to read a frame from the front of `piece`. kStore false: only looks.
///
/// A field that gives no value never costs the others, but it raises the question whether the fields are where they should be.
/// A number in the place of a hemisphere, or the other way round, says that fields are missing or too many: then only numbers
/// with as many decimals as the profile says are believed, and a channel that has not makes it no frame.
template <bool kStore>
class Parser {
 public:
  /// @param strict  only what is a frame without doubt
  Parser(const Plan& plan, const Piece& piece, bool strict, double* channels, double* soh)
      : plan_{plan},
        piece_{piece},
        strict_{strict},
        fields_{plan.format.delimiter, piece.begin, piece.end},
        channels_{channels},
        soh_{soh} {}

  [[nodiscard]] Attempt run() noexcept {
    const auto& columns = plan_.format.columns;
    std::size_t i = 0;
    for (const char* field; i < columns.size() && (field = fields_.next()) != nullptr; ++i) {
      at_ = i;
      const auto bad = read(columns[i], field, i + 1 < columns.size());
      if (bad) return refused(*bad, i);
    }
    const bool short_line = is_short(i);
    if (short_line) {
      if (const auto bad = check_short(i)) return refused(*bad, *bad == Skip::BadValue ? odd_channel_ : i);
    } else {
      if (i < plan_.required) return refused(odd_time_ ? Skip::Garbage : Skip::CutOff, i);
      if (cut_channel_ != kNone) return refused(Skip::CutOff, cut_channel_);
    }
    if (i < columns.size() && !piece_.complete) return refused(Skip::CutOff, i);
    if (garbled_ != kNone && (strict_ || first_number_ == kNone)) return refused(Skip::BadValue, garbled_);
    if (misplaced_ != kNone && (odd_channel_ != kNone || (strict_ && !plan_.decimals_known)))
      return refused(Skip::BadValue, misplaced_);
    const char* const more = fields_.next();
    const bool fits = i == columns.size() && (more == nullptr || more == piece_.end) && garbled_ == kNone && misplaced_ == kNone;
    if constexpr (kStore) settle(i);
    return {.good = true,
            .time = time_,
            .decimals = calendar_.decimals,
            .has_time = true,
            .fits = fits,
            .unknown = unknown_,
            .short_line = short_line,
            .token = token_};
  }

 private:
  static constexpr auto kNone = static_cast<std::size_t>(-1);

  [[nodiscard]] Attempt refused(Skip why, std::size_t column) const {
    return {.why = why, .has_time = has_time_, .column = column};
  }

  [[nodiscard]] std::optional<Skip> read(const TextColumn& column, const char* field, bool more_columns) noexcept {
    switch (column.use) {
      case Use::Skip:
        static_cast<void>(fields_.leave(fields_.field_end(field)));
        return std::nullopt;
      case Use::Token:
        read_token(field);
        return std::nullopt;
      case Use::Channel:
        return read_channel(column, field, more_columns);
      case Use::Soh:
        read_soh(column, field, more_columns);
        return std::nullopt;
      case Use::Hemisphere:
        read_hemisphere(column, field);
        return std::nullopt;
      case Use::Form:
        return read_form(column, field);
      default:
        return read_time(column.use, field);
    }
  }

  /// Whether the line, of which `n_read` columns have been read, has a length that the profile does not list.
  [[nodiscard]] bool is_short(std::size_t n_read) const noexcept {
    const auto& lengths = plan_.format.lengths;
    if (lengths.empty() || time_seen_ < plan_.time_columns) return false;
    Fields rest = fields_;
    for (const char* field; (field = rest.next()) != nullptr && field != piece_.end; ++n_read)
      static_cast<void>(rest.leave(rest.field_end(field)));
    return !is_whole(n_read);
  }

  [[nodiscard]] bool is_whole(std::size_t n_fields) const noexcept {
    const auto& lengths = plan_.format.lengths;
    return std::find(lengths.begin(), lengths.end(), n_fields) != lengths.end();
  }

  /// Of a short line a channel is whole where a further field stands behind it. One that ends in or right after the last channel
  /// may as well be a whole line that has lost a field in the middle.
  /// @returns why nothing of it can be kept
  [[nodiscard]] std::optional<Skip> check_short(std::size_t n_read) noexcept {
    if (strict_ || !piece_.complete) return n_read < plan_.required ? std::optional{Skip::CutOff} : std::nullopt;
    if (odd_channel_ != kNone && misplaced_ == kNone) return Skip::BadValue;
    const auto n = empty_end_ ? n_read - 1 : n_read;  // a delimiter with nothing behind it is no further field
    if (n >= plan_.last_channel + 2 && n > plan_.last_time + 1) return std::nullopt;
    const bool has_time = plan_.time_columns == 0 || n > plan_.last_time + 1;
    const bool has_channel = first_number_ != kNone && n > first_number_ + 1;
    if (!has_time || !has_channel || n > plan_.last_channel) return Skip::ShortLine;
    const auto& columns = plan_.format.columns;
    for (auto i = n - 1; i < columns.size(); ++i) {
      if (columns[i].use != Use::Channel) continue;
      if (i >= n_read || i == last_number_) ++unknown_;
      if constexpr (kStore) channels_[columns[i].index] = kUnknown;
    }
    return std::nullopt;
  }

  /// The number in `field` could be the first part of a longer one.
  [[nodiscard]] bool may_be_cut(const char* field_end, bool more_columns) const {
    return piece_.open && field_end == piece_.end && (more_columns || !piece_.complete);
  }

  [[nodiscard]] std::optional<Skip> read_channel(const TextColumn& column, const char* field, bool more_columns) noexcept {
    double value = 0;
    int decimals = 0;
    const char* const behind = number(column, field, value, decimals);
    if (behind == nullptr || !fields_.leave(behind)) {
      const char* const field_end = fields_.field_end(field);
      const bool begun = field != field_end || !piece_.complete;
      if (begun && may_be_cut(field_end, more_columns) && may_become_number(column, plan_.point, field, field_end)) {
        if (!may_be_short()) return Skip::CutOff;
        cut_channel_ = at_;
      }
      static_cast<void>(fields_.leave(field_end));
      note_unknown(field, field_end);
      if (cut_channel_ == kNone && !says_no_value(field, field_end) && garbled_ == kNone) garbled_ = at_;
      empty_end_ = field == piece_.end;
      value = kUnknown;
    } else {
      const bool odd = column.decimals >= 0 && decimals != column.decimals;
      if (odd && may_be_cut(behind, more_columns)) {
        if (!may_be_short()) return Skip::CutOff;
        cut_channel_ = at_;
      } else if (odd && odd_channel_ == kNone) {
        odd_channel_ = at_;
      }
      if (first_number_ == kNone) first_number_ = at_;
      last_number_ = at_;
    }
    if constexpr (kStore) channels_[column.index] = value;
    return std::nullopt;
  }

  /// As parse_number(), by the column's form.
  [[nodiscard]] const char* number(const TextColumn& column, const char* field, double& value, int& decimals) const noexcept {
    return column.hex ? parse_hex(field, piece_.end, column.bits, value)
                      : parse_number(field, piece_.end, value, decimals, plan_.point);
  }

  /// The line may be one that keeps what is whole, so that a number at its very end need not make it no frame.
  [[nodiscard]] bool may_be_short() const { return !plan_.format.lengths.empty() && !strict_ && piece_.complete; }

  void read_soh(const TextColumn& column, const char* field, bool more_columns) noexcept {
    double value = 0;
    int decimals = 0;
    const char* behind = number(column, field, value, decimals);
    if (behind == nullptr || !fields_.leave(behind)) {
      behind = fields_.field_end(field);
      static_cast<void>(fields_.leave(behind));
      empty_end_ = field == piece_.end;
      value = kUnknown;
      note_unknown(field, behind);
    } else if (may_be_cut(behind, more_columns) &&
               (column.decimals <= 0 ? more_columns && !is_whole(at_ + 1) : decimals != column.decimals)) {
      value = kUnknown;
      ++unknown_;
    } else {
      if (decimals != column.decimals) odd_soh_ |= bit(column.index);
      if (column.degrees_minutes && value != 0) somewhere_ = true;
    }
    if constexpr (kStore) soh_[column.index] = column.degrees_minutes ? from_degrees_minutes(value, decimals) : value;
  }

  void read_token(const char* field) noexcept {
    const char* const end = fields_.field_end(field);
    static_cast<void>(fields_.leave(end));
    const bool good = !says_no_value(field, end) && end - field <= static_cast<std::ptrdiff_t>(ledger::kLongestToken) &&
                      std::all_of(field, end, [](char c) { return c > ' ' && c < '\x7f'; }) && !may_be_cut(end, true);
    if (good)
      token_ = {field, static_cast<std::size_t>(end - field)};
    else
      ++unknown_;
  }

  void read_hemisphere(const TextColumn& column, const char* field) noexcept {
    const char* const end = fields_.field_end(field);
    static_cast<void>(fields_.leave(end));
    const bool good = is_hemisphere(field, end);
    double value = 0;
    int decimals = 0;
    if (!good) ++unknown_;
    if (!good && misplaced_ == kNone && parse_number(field, end, value, decimals) == end) misplaced_ = at_;
    if constexpr (kStore) {
      double& angle = soh_[column.index];
      const bool possible = good && angle <= (*field == 'N' || *field == 'S' ? 90 : 180);
      angle = !possible ? kUnknown : *field == 'S' || *field == 'W' ? -angle : angle;
    }
  }

  /// A field without a value; a hemisphere is one that belongs elsewhere.
  void note_unknown(const char* field, const char* end) noexcept {
    ++unknown_;
    if (is_hemisphere(field, end) && misplaced_ == kNone) misplaced_ = at_;
  }

  /// What can be told only when all fields have been seen.
  void settle(std::size_t n_read) noexcept {
    const auto& columns = plan_.format.columns;
    for (auto i = n_read; i < columns.size(); ++i)  // a position without its hemisphere is not known either
      if (columns[i].use == Use::Soh || columns[i].use == Use::Hemisphere) soh_[columns[i].index] = kUnknown;
    if (somewhere_ && misplaced_ == kNone) return;
    for (std::size_t i = 0; i < n_read; ++i) {
      if (columns[i].use != Use::Soh) continue;
      double& value = soh_[columns[i].index];
      // All angles are 0: no fix. Misplaced fields: before them decimals tell who is who, but an angle is worth nothing.
      const bool misplaced = misplaced_ != kNone && (i > misplaced_ || (odd_soh_ & bit(columns[i].index)) != 0);
      const bool doubtful = columns[i].degrees_minutes || misplaced;
      if (!doubtful || std::isnan(value)) continue;
      value = kUnknown;
      ++unknown_;
    }
  }

  [[nodiscard]] static std::uint64_t bit(std::size_t index) { return std::uint64_t{1} << std::min(index, std::size_t{63}); }

  [[nodiscard]] std::optional<Skip> read_form(const TextColumn& column, const char* field) noexcept {
    const char* const behind = read_time_form(column.name, field, piece_.end, calendar_, plan_.point);
    if (behind == nullptr || !fields_.leave(behind)) {
      const char* const end = fields_.field_end(field);
      const bool begun = std::all_of(
          field, end, [](char c) { return is_digit(c) || std::string_view{"-/:. T"}.find(c) != std::string_view::npos; });
      return begun && piece_.open && end == piece_.end ? Skip::CutOff : Skip::Garbage;
    }
    return time_column_read();
  }

  [[nodiscard]] std::optional<Skip> read_time(Use use, const char* field) noexcept {
    const char* p = field;
    int whole = 0;
    for (; p != piece_.end && is_digit(*p); ++p)
      if (p - field < 4) whole = whole * 10 + (*p - '0');
    const auto digits = p - field;
    double second = whole;
    int decimals = 0;
    if (use == Use::Second && digits > 0 && p != piece_.end && *p == plan_.point) {
      p = parse_number(field, piece_.end, second, decimals, plan_.point);
    }
    if (digits == 0 || p == nullptr || !fields_.leave(p)) return Skip::Garbage;
    const bool fits = use == Use::Year ? digits == 4 || (digits < 4 && p == piece_.end) : digits <= 2;
    if (!fits) odd_time_ = true;
    if (use == Use::Second)
      calendar_.second = second, calendar_.decimals = decimals;
    else
      calendar_.date[static_cast<std::size_t>(use) - static_cast<std::size_t>(Use::Year)] = whole;
    return time_column_read();
  }

  [[nodiscard]] std::optional<Skip> time_column_read() noexcept {
    if (++time_seen_ < plan_.time_columns) return std::nullopt;
    if (odd_time_) return Skip::BadTime;
    if (plan_.format.time == "host-date") calendar_.date[3] %= 24;  // old firmware of GSM-19 goes on to hour 57
    const auto time = calendar_.utc();
    if (!time) return Skip::BadTime;
    time_ = *time;
    has_time_ = true;
    return std::nullopt;
  }

  const Plan& plan_;
  const Piece piece_;
  const bool strict_;
  Fields fields_;
  double* channels_;
  double* soh_;
  std::size_t at_ = 0;                ///< the column being read
  std::uint32_t unknown_ = 0;         ///< fields without a value
  std::size_t first_number_ = kNone;  ///< the first channel that holds one
  std::size_t last_number_ = kNone;   ///< the last one
  std::size_t cut_channel_ = kNone;   ///< its number stands at the very end of the line, and may have been longer
  bool empty_end_ = false;            ///< the last field has nothing in it behind its delimiter
  std::size_t garbled_ = kNone;       ///< a channel that is no number, and does not say that it has none
  std::size_t misplaced_ = kNone;     ///< a number where a hemisphere should be, or the other way round
  std::size_t odd_channel_ = kNone;   ///< its decimals are not those of the profile
  std::uint64_t odd_soh_ = 0;         ///< the same of state of health, as bits; also where the profile does not say
  bool somewhere_ = false;            ///< an angle is not 0
  CalendarTime calendar_;
  int time_seen_ = 0;
  bool odd_time_ = false;  ///< digits, but not as many as a time has
  bool has_time_ = false;
  mth5::UtcNanos time_{};
  std::string_view token_{};
};

/// A whole frame may begin at `p`: the cheap look that rejects nearly every byte. Where the year, or a time by its form, comes
/// first that is what it looks like, whatever stands before it; else only the beginning of a field, which bounds the work for any
/// input.
[[nodiscard]] bool may_begin_frame(const Plan& plan, const Fields& fields, const char* p) {
  const auto& first = plan.format.columns.front();
  if (first.use == Use::Form) {
    if (first.name.starts_with("%s") && is_digit(p[-1])) return false;  // the end of a longer number
    CalendarTime ignored;
    const char* const behind = is_digit(*p) ? read_time_form(first.name, p, fields.end(), ignored, plan.point) : nullptr;
    return behind != nullptr && behind != fields.end() && fields.is_separator(*behind);
  }
  if (first.use != Use::Year) return fields.is_separator(p[-1]) && !fields.is_separator(*p);
  return fields.end() - p > 4 && fields.is_separator(p[4]) && is_digit(p[0]) && is_digit(p[1]) && is_digit(p[2]) &&
         is_digit(p[3]);
}

/// The first frame behind the front of `piece`, or nullptr. @param whole  false: a time that exists is enough
[[nodiscard]] const char* find_frame(const Plan& plan, const Piece& piece, bool whole) {
  const Fields fields{plan.format.delimiter, piece.begin, piece.end};
  for (const char* p = piece.begin + 1; p < piece.end; ++p) {
    if (!may_begin_frame(plan, fields, p)) continue;
    const Piece rest{p, piece.end, piece.complete, piece.open};
    const Attempt attempt = Parser<false>{plan, rest, true, nullptr, nullptr}.run();
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
  return result(format, Parser<true>{plan, trimmed(fields, complete), false, channels.data(), soh.data()}.run(), fields.size());
}

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
  return found;
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
    attempt = Parser<true>{plan, piece, !first || !complete, channels.data(), soh.data()}.run();
    if (attempt.good ? attempt.fits : !first) break;
    const char* const frame = find_frame(plan, piece, first);
    if (frame == nullptr) break;
    bytes = static_cast<std::size_t>(frame - line.data());
    piece = trimmed(line.first(bytes), false);
  }
  return result(format, attempt, bytes);
}

}  // namespace daq::decode
