#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "acquisition/decode/text.hpp"

/// A line of text as columns and fields. Internal to decode/.
namespace daq::decode {

[[nodiscard]] constexpr bool is_time(TextColumn::Use use) { return use >= TextColumn::Use::Year && use <= TextColumn::Use::Form; }

/// What is the same for all lines of a format.
struct Plan {
  const TextFormat& format;
  std::span<const TextColumn> columns;  ///< its own, with their number at hand
  std::size_t required = 0;             ///< columns up to the last one without which there is no sample: channel or time
  std::size_t last_channel = 0, last_time = 0;
  std::size_t longest = 0;  ///< fields of a whole line, where the format lists them
  int time_columns = 0;
  bool decimals_known = true;  ///< of all channels
  char point;                  ///< before decimals

  explicit Plan(const TextFormat& f) : format{f}, columns{f.columns}, point{f.decimal == "comma" ? ',' : '.'} {
    if (!f.lengths.empty()) longest = *std::max_element(f.lengths.begin(), f.lengths.end());
    for (std::size_t i = 0; i < f.columns.size(); ++i) {
      const auto use = f.columns[i].use;
      if (use == TextColumn::Use::Channel && f.columns[i].decimals < 0) decimals_known = false;
      if (is_time(use)) ++time_columns;
      if (is_time(use)) last_time = i;
      if (use == TextColumn::Use::Channel) last_channel = i;
      if (is_time(use) || use == TextColumn::Use::Channel) required = i + 1;
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
  /// Where the next column begins if it follows the one before without anything between; nullptr at the end.
  [[nodiscard]] const char* here() const { return p_ == end_ ? nullptr : p_; }
  /// Leaves a column of so many characters, or one that a text follows, at `p`; a delimiter behind it goes with it.
  void leave_fixed(const char* p) {
    if (!leave(p)) go_on_at(p);
  }
  /// Nothing lies between the column that ends at `p` and the next one.
  void go_on_at(const char* p) {
    one_more_ = false;
    p_ = p;
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

/// What is left in `rest`, none at the end of the line. @param take  called with begin and end of each
template <class Take>
void for_each_field(Fields rest, Take take) {
  for (const char* field; (field = rest.next()) != nullptr && field != rest.end();) {
    const char* const end = rest.field_end(field);
    take(field, end);
    static_cast<void>(rest.leave(end));
  }
}

[[nodiscard]] inline std::size_t count_fields(const Fields& rest) {
  std::size_t n = 0;
  for_each_field(rest, [&](const char*, const char*) { ++n; });
  return n;
}

/// Part of a line without the blanks behind it.
struct Piece {
  const char* begin;
  const char* end;
  bool complete;        ///< a line end follows
  bool open;            ///< no blank or '\r' behind the last field: it may have been cut
  bool joined = false;  ///< another line follows right there: the last field may be cut, and hold the front of one more
};

[[nodiscard]] inline Piece trimmed(std::span<const char> text, bool complete) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* p = end;
  while (p != begin && (p[-1] == ' ' || p[-1] == '\t' || p[-1] == '\r')) --p;
  return {begin, p, complete, p == end};
}

[[nodiscard]] inline std::size_t count_fields(char delimiter, const Piece& piece) {
  return count_fields(Fields{delimiter, piece.begin, piece.end});
}

/// What one try to read a frame found.
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

/// One try to read a frame from the front of `piece`. @param strict  only what is a frame without doubt
[[nodiscard]] Attempt read_frame(const Plan& plan, const Piece& piece, bool strict, double* channels, double* soh) noexcept;
/// The same, strict, that only looks.
[[nodiscard]] Attempt look_for_frame(const Plan& plan, const Piece& piece) noexcept;

/// As the public one, of a plan that is made once.
[[nodiscard]] TextLine decode_line(const Plan& plan, std::span<const char> line, bool complete, std::span<double> channels,
                                   std::span<double> soh, std::optional<mth5::UtcNanos> near = {}) noexcept;

/// What stands in the columns of a line that is one frame, in their order; fewer if it ends before; none if it is no frame.
/// @param scratch  what is given back may lie in it
[[nodiscard]] std::vector<std::string_view> text_fields(const TextFormat& format, std::string_view line, std::string& scratch);
/// The field that makes a line no frame.
struct RefusedField {
  std::size_t column = 0;   ///< as many as there are: the line is good, or it is none of them
  std::string_view text{};  ///< may lie in the scratch
};
[[nodiscard]] RefusedField refused_field(const TextFormat& format, std::string_view line, std::string& scratch);

/// The values at the keys of the columns of a JSON object, one behind the other as decode_fields() takes them.
/// @param text  begins with '{'
struct JsonFields {
  const char* end = nullptr;  ///< behind the object; nullptr: it is none
  bool cut = false;           ///< it is none because the line ends
};
[[nodiscard]] JsonFields json_fields(const TextFormat& format, std::string_view text, std::string& fields);
/// Between those: no JSON text holds it.
inline constexpr char kJsonDelimiter = '\x1f';

}  // namespace daq::decode
