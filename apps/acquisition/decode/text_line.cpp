#include <algorithm>
#include <cmath>
#include <limits>

#include "acquisition/decode/number.hpp"
#include "acquisition/decode/text.hpp"

namespace daq::decode {
namespace {

using Use = TextColumn::Use;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

[[nodiscard]] constexpr bool is_time(Use use) { return use >= Use::Year && use <= Use::Second; }

/// [d]ddmm.mmmm -> degrees, as if the minutes had been read by themselves: rounded to the decimals printed.
[[nodiscard]] double from_degrees_minutes(double value, int decimals) {
  const double degrees = std::trunc(value / 100);
  const double scale = kPowerOfTen[std::min(static_cast<std::size_t>(decimals), kPowerOfTen.size() - 1)];
  const double minutes = std::nearbyint((value - degrees * 100) * scale) / scale;
  return degrees + minutes / 60;
}

/// `text` is the beginning of a number, perhaps: what a cut leaves.
[[nodiscard]] bool may_become_number(const char* p, const char* end) {
  return std::all_of(p, end, [](char c) { return is_digit(c) || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E'; });
}

[[nodiscard]] bool is_nan_text(const char* p, const char* end) {
  const auto is = [](char c, char small) { return (c | 0x20) == small; };
  return end - p == 3 && is(p[0], 'n') && is(p[1], 'a') && is(p[2], 'n');
}

/// What is the same for all lines of a format.
struct Plan {
  const TextFormat& format;
  std::size_t required = 0;  ///< columns up to the last one without which there is no sample: channel or time
  int time_columns = 0;

  explicit Plan(const TextFormat& f) : format{f} {
    for (std::size_t i = 0; i < f.columns.size(); ++i) {
      const Use use = f.columns[i].use;
      if (is_time(use)) ++time_columns;
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

  /// Where the next field begins; nullptr behind the last one.
  [[nodiscard]] const char* next() {
    while (p_ != end_ && is_blank(*p_)) ++p_;
    return p_ == end_ ? nullptr : p_;
  }
  /// Leaves the field if it ends at `p`.
  [[nodiscard]] bool leave(const char* p) {
    if (delimiter_ != ' ')
      while (p != end_ && is_blank(*p)) ++p;
    if (p != end_ && !is_separator(*p)) return false;
    p_ = p != end_ && delimiter_ != ' ' ? p + 1 : p;
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
  bool has_time = false;  ///< good, or bad behind a time that exists
  bool fits = false;      ///< as many columns as the format has, no less and no more
};

/// One try to read a record from the front of `piece`. kStore false: only looks.
template <bool kStore>
class Parser {
 public:
  Parser(const Plan& plan, const Piece& piece, double* channels, double* soh)
      : plan_{plan}, piece_{piece}, fields_{plan.format.delimiter, piece.begin, piece.end}, channels_{channels}, soh_{soh} {}

  [[nodiscard]] Attempt run() noexcept {
    const auto& columns = plan_.format.columns;
    std::size_t i = 0;
    for (const char* field; i < columns.size() && (field = fields_.next()) != nullptr; ++i) {
      const auto bad = read(columns[i], field, i + 1 < columns.size());
      if (bad) return {.why = *bad, .has_time = has_time_};
    }
    if (i < plan_.required) return {.why = odd_time_ ? Skip::Garbage : Skip::CutOff, .has_time = has_time_};
    if (i < columns.size() && !piece_.complete) return {.why = Skip::CutOff, .has_time = has_time_};
    const bool fits = i == columns.size() && fields_.next() == nullptr;
    if constexpr (kStore)
      for (; i < columns.size(); ++i)  // a position without its hemisphere is not known either
        if (columns[i].use == Use::Soh || columns[i].use == Use::Hemisphere) soh_[columns[i].index] = kUnknown;
    return {.good = true, .time = time_, .has_time = has_time_, .fits = fits};
  }

 private:
  [[nodiscard]] std::optional<Skip> read(const TextColumn& column, const char* field, bool more_columns) noexcept {
    switch (column.use) {
      case Use::Skip:
        static_cast<void>(fields_.leave(fields_.field_end(field)));
        return std::nullopt;
      case Use::Channel:
        return read_channel(column, field, more_columns);
      case Use::Soh:
        return read_soh(column, field, more_columns);
      case Use::Hemisphere: {
        const char c = *field;
        if ((c != 'N' && c != 'S' && c != 'E' && c != 'W') || !fields_.leave(field + 1)) return Skip::BadValue;
        if constexpr (kStore)
          if (c == 'S' || c == 'W') soh_[column.index] = -soh_[column.index];
        return std::nullopt;
      }
      default:
        return read_time(column.use, field);
    }
  }

  /// The number in `field` could be the first part of a longer one.
  [[nodiscard]] bool may_be_cut(const char* field_end, bool more_columns) const {
    return piece_.open && field_end == piece_.end && (more_columns || !piece_.complete);
  }

  [[nodiscard]] std::optional<Skip> read_channel(const TextColumn& column, const char* field, bool more_columns) noexcept {
    double value = 0;
    int decimals = 0;
    const char* const behind = parse_number(field, piece_.end, value, decimals);
    if (behind == nullptr || !fields_.leave(behind)) {
      const char* const field_end = fields_.field_end(field);
      return may_be_cut(field_end, more_columns) && may_become_number(field, field_end) ? Skip::CutOff : Skip::BadValue;
    }
    if (column.decimals >= 0 && decimals != column.decimals && may_be_cut(behind, more_columns)) return Skip::CutOff;
    if constexpr (kStore) channels_[column.index] = value;
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Skip> read_soh(const TextColumn& column, const char* field, bool more_columns) noexcept {
    double value = 0;
    int decimals = 0;
    const char* behind = parse_number(field, piece_.end, value, decimals);
    if (behind == nullptr || !fields_.leave(behind)) {
      value = kUnknown;
      behind = fields_.field_end(field);
      const bool known_form =
          behind == field || is_nan_text(field, behind) || (may_be_cut(behind, more_columns) && may_become_number(field, behind));
      if (!known_form || !fields_.leave(behind)) return Skip::BadValue;
    } else if (may_be_cut(behind, more_columns) && (column.decimals <= 0 ? more_columns : decimals != column.decimals)) {
      value = kUnknown;
    }
    if constexpr (kStore) soh_[column.index] = column.degrees_minutes ? from_degrees_minutes(value, decimals) : value;
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Skip> read_time(Use use, const char* field) noexcept {
    const char* p = field;
    int whole = 0;
    for (; p != piece_.end && is_digit(*p); ++p)
      if (p - field < 4) whole = whole * 10 + (*p - '0');
    const auto digits = p - field;
    double second = whole;
    if (use == Use::Second && digits > 0 && p != piece_.end && *p == '.') {
      int decimals = 0;
      p = parse_number(field, piece_.end, second, decimals);
    }
    if (digits == 0 || p == nullptr || !fields_.leave(p)) return Skip::Garbage;
    const bool fits = use == Use::Year ? digits == 4 || (digits < 4 && p == piece_.end) : digits <= 2;
    if (!fits) odd_time_ = true;
    if (use == Use::Second)
      second_ = second;
    else
      date_[static_cast<std::size_t>(use) - static_cast<std::size_t>(Use::Year)] = whole;
    if (++time_seen_ < plan_.time_columns) return std::nullopt;
    if (odd_time_) return Skip::BadTime;
    const auto time = mth5::from_calendar(date_[0], date_[1], date_[2], date_[3], date_[4], second_);
    if (!time) return Skip::BadTime;
    time_ = *time;
    has_time_ = true;
    return std::nullopt;
  }

  const Plan& plan_;
  const Piece piece_;
  Fields fields_;
  double* channels_;
  double* soh_;
  std::array<int, 5> date_{1970, 1, 1, 0, 0};
  double second_ = 0;
  int time_seen_ = 0;
  bool odd_time_ = false;  ///< digits, but not as many as a time has
  bool has_time_ = false;
  mth5::UtcNanos time_{};
};

/// A whole record may begin at `p`: the cheap look that rejects nearly every byte. Where the year comes first that is four digits
/// and a separator, whatever stands before them; else only the beginning of a field, which bounds the work for any input.
[[nodiscard]] bool may_begin_record(const Plan& plan, const Fields& fields, const char* p) {
  if (plan.format.columns.front().use != Use::Year) return fields.is_separator(p[-1]) && !fields.is_separator(*p);
  return fields.end() - p > 4 && fields.is_separator(p[4]) && is_digit(p[0]) && is_digit(p[1]) && is_digit(p[2]) &&
         is_digit(p[3]);
}

/// The first record behind the front of `piece`, or nullptr. @param whole  false: a time that exists is enough
[[nodiscard]] const char* find_record(const Plan& plan, const Piece& piece, bool whole) {
  const Fields fields{plan.format.delimiter, piece.begin, piece.end};
  for (const char* p = piece.begin + 1; p < piece.end; ++p) {
    if (!may_begin_record(plan, fields, p)) continue;
    const Piece rest{p, piece.end, piece.complete, piece.open};
    const Attempt attempt = Parser<false>{plan, rest, nullptr, nullptr}.run();
    if (whole ? attempt.good : attempt.has_time) return p;
  }
  return nullptr;
}

}  // namespace

TextLine decode_line(const TextFormat& format, std::span<const char> line, bool complete, std::span<double> channels,
                     std::span<double> soh) noexcept {
  if (format.columns.empty()) return {.bytes = line.size()};
  const Plan plan{format};
  Piece piece = trimmed(line, complete);
  std::size_t bytes = line.size();
  Attempt attempt;
  // Lost bytes, a line end among them, leave two records in one line. What is before the second one needs all its columns. If it
  // has more than those, there may be the front of a third between the two.
  for (bool first = true;; first = false) {
    attempt = Parser<true>{plan, piece, channels.data(), soh.data()}.run();
    if (attempt.good ? attempt.fits : !first) break;
    const char* const record = find_record(plan, piece, first);
    if (record == nullptr) break;
    bytes = static_cast<std::size_t>(record - line.data());
    piece = trimmed(line.first(bytes), false);
  }
  return {.bytes = bytes, .good = attempt.good, .why = attempt.why, .time = attempt.time};
}

}  // namespace daq::decode
