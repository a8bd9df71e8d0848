#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "acquisition/decode/number.hpp"
#include "acquisition/decode/text_fields.hpp"
#include "acquisition/decode/time_form.hpp"

/// A frame from the fields of a line.
namespace daq::decode {
namespace {

using Use = TextColumn::Use;
constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

/// [d]ddmm.mmmm -> degrees, as if the minutes had been read by themselves: rounded to the decimals printed.
[[nodiscard]] double from_degrees_minutes(double value, int decimals) {
  const double degrees = std::trunc(value / 100);
  const double scale = kPowerOfTen[std::min(static_cast<std::size_t>(decimals), kPowerOfTen.size() - 1)];
  const double minutes = std::nearbyint((value - degrees * 100) * scale) / scale;
  return std::abs(minutes) <= 60 ? degrees + minutes / 60 : kNotKnown;
}

[[nodiscard]] std::size_t digits_at(const char* p, const char* end) {
  if (p != end && (*p == '-' || *p == '+')) ++p;
  return static_cast<std::size_t>(std::find_if_not(p, end, is_digit) - p);
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
  if (end - p == 4 && (*p == '-' || *p == '+')) ++p;  // as C prints it
  if (end - p == 3 && is(p[0], 'n') && is(p[1], 'a') && is(p[2], 'n')) return true;
  return std::all_of(p, end, [](char c) { return c == '*' || c == '?' || c == '-' || c == '#'; });
}

/// Of a column with padding.
[[nodiscard]] std::pair<const char*, const char*> without_blanks(const char* p, const char* end) {
  while (p != end && (*p == ' ' || *p == '\t')) ++p;
  while (end != p && (end[-1] == ' ' || end[-1] == '\t')) --end;
  return {p, end};
}

[[nodiscard]] bool is_hemisphere(const char* p, const char* end) {
  return end - p == 1 && (*p == 'N' || *p == 'S' || *p == 'E' || *p == 'W');
}

/// One try to read a frame from the front of `piece`.
enum class Aim : std::uint8_t { Look, Store, Show };

/// Look: tells only whether it is one. Show: what stands in each column, too.
///
/// A field that gives no value never costs the others, but it raises the question whether the fields are where they should be.
/// A number in the place of a hemisphere, or the other way round, says that fields are missing or too many: then only numbers
/// with as many decimals as the profile says are believed, and a channel that has not makes it no frame.
template <Aim kAim>
class Parser {
  static constexpr bool kStore = kAim != Aim::Look;

 public:
  /// @param strict  only what is a frame without doubt
  Parser(const Plan& plan, const Piece& piece, bool strict, double* channels, double* soh,
         std::vector<std::string_view>* shown = nullptr)
      : plan_{plan},
        piece_{piece},
        strict_{strict},
        fields_{plan.format.delimiter, piece.begin, piece.end},
        channels_{channels},
        soh_{soh},
        shown_{shown} {}

  [[nodiscard]] Attempt run() noexcept {
    const auto columns = plan_.columns;
    std::size_t i = 0;
    for (const char* field; i < columns.size() && (field = next_field(i)) != nullptr; ++i) {
      at_ = i;
      const auto width = columns[i].width;
      if (width > static_cast<std::size_t>(piece_.end - field)) {
        if (i < plan_.required || field == piece_.end) break;
        fields_.leave_fixed(piece_.end);  // the beginning of one that may be missing
        break;
      }
      if constexpr (kAim == Aim::Show) {
        const auto [begin, end] = without_blanks(field, width > 0 ? field + width : field_end(field));
        shown_->emplace_back(begin, static_cast<std::size_t>(end - begin));
      }
      const auto bad = width > 0 ? read_fixed(columns[i], field, field + width) : read(columns[i], field, i + 1 < columns.size());
      if (bad) return refused(*bad, *bad == Skip::BadTime ? bad_time_column() : i);
    }
    const bool short_line = is_short(i);
    if (short_line) {
      if (const auto bad = check_short(i)) return refused(*bad, *bad == Skip::BadValue ? odd_channel_ : i);
    } else {
      if (i < plan_.required) return refused(odd_time_ ? Skip::Garbage : Skip::CutOff, i);
      if (cut_channel_ != kNone) return refused(Skip::CutOff, cut_channel_);
    }
    if (i < columns.size() && !piece_.complete) return refused(Skip::CutOff, i);
    if (piece_.joined && plan_.required == columns.size()) return refused(Skip::CutOff, columns.size() - 1);
    if (garbled_ != kNone && (strict_ || first_number_ == kNone)) return refused(Skip::BadValue, garbled_);
    const char* const more = fields_.next();
    const bool all = more == nullptr || more == piece_.end;
    if (odd_channel_ != kNone && (strict_ || !all)) return refused(Skip::BadValue, odd_channel_);
    if (misplaced_ != kNone && (odd_channel_ != kNone || (strict_ && !plan_.decimals_known)))
      return refused(Skip::BadValue, misplaced_);
    const bool fits = i == columns.size() && all && garbled_ == kNone && misplaced_ == kNone && odd_channel_ == kNone;
    if constexpr (kStore) {
      if (short_line && !keep_front_of_two()) return refused(Skip::ShortLine, columns.size());
      settle(i);
    }
    return {.good = true,
            .time = time_,
            .decimals = calendar_.decimals,
            .has_time = true,
            .fits = fits,
            .unknown = unknown_,
            .short_line = short_line,
            .token = token_,
            .column = odd_channel_ != kNone ? odd_channel_ : columns.size()};
  }

 private:
  static constexpr auto kNone = static_cast<std::size_t>(-1);

  [[nodiscard]] Attempt refused(Skip why, std::size_t column) const {
    return {.why = why, .has_time = has_time_, .column = column};
  }

  [[nodiscard]] const char* next_field(std::size_t i) {
    const auto columns = plan_.columns;
    // Blanks in front of a column of a width belong to it, but where they are what parts it from the one before.
    const bool parted = i > 0 && columns[i - 1].width == 0 && (plan_.format.delimiter == ' ' || columns[i].use == Use::Text);
    const bool padded = columns[i].width > 0 && (i > 0 ? !parted : columns[i].use != Use::Text);
    return padded ? fields_.here() : fields_.next();
  }

  /// A column of so many characters.
  [[nodiscard]] std::optional<Skip> read_fixed(const TextColumn& column, const char* field, const char* end) noexcept {
    const auto [begin, behind] = without_blanks(field, end);
    switch (column.use) {
      case Use::Text:
        if (!std::equal(field, end, column.name.begin(), column.name.end())) return Skip::Garbage;
        break;
      case Use::Channel:
      case Use::Soh:
        if (!read_fixed_number(column, begin, behind)) return Skip::BadValue;
        break;
      case Use::Form:
        if (read_time_form(column.name, begin, behind, calendar_, plan_.point) != behind) return Skip::Garbage;
        fields_.leave_fixed(end);
        note_parts(column.name);
        return time_column_read(false);
      default:
        break;
    }
    fields_.leave_fixed(end);
    return std::nullopt;
  }

  /// @returns whether it has its digits
  [[nodiscard]] bool read_fixed_number(const TextColumn& column, const char* field, const char* end) noexcept {
    const bool channel = column.use == Use::Channel;
    double value = 0;
    int decimals = 0;
    if (number(column, field, end, value, decimals) == end && field != end) {
      if (!has_its_digits(column, field, value)) return false;
      if (channel && column.decimals >= 0 && decimals != column.decimals && odd_channel_ == kNone && value != column.missing)
        odd_channel_ = at_;
      if (channel && first_number_ == kNone) first_number_ = at_;
      if (channel) last_number_ = at_;
    } else {
      if (channel && !says_no_value(field, end) && garbled_ == kNone) garbled_ = at_;
      ++unknown_;
      value = kNotKnown;
    }
    if constexpr (kStore) (channel ? channels_ : soh_)[column.index] = worth(column, value);
    return true;
  }

  [[nodiscard]] bool has_its_digits(const TextColumn& column, const char* field, double value) const noexcept {
    return column.digits == 0 || digits_at(field, piece_.end) == column.digits || (column.missing && value == *column.missing);
  }

  /// Behind a column that has no width: its end is a delimiter, or the text that follows.
  [[nodiscard]] bool leave(const char* p) noexcept {
    const auto columns = plan_.columns;
    const bool text_follows = at_ + 1 < columns.size() && columns[at_ + 1].use == Use::Text;
    if (!text_follows || p == piece_.end || *p != columns[at_ + 1].name.front()) return fields_.leave(p);
    fields_.go_on_at(p);
    return true;
  }
  [[nodiscard]] const char* field_end(const char* field) const noexcept {
    const char* const end = fields_.field_end(field);
    const auto columns = plan_.columns;
    if (at_ + 1 >= columns.size() || columns[at_ + 1].use != Use::Text) return end;
    return std::find(field, end, columns[at_ + 1].name.front());
  }

  /// What a number means.
  [[nodiscard]] double worth(const TextColumn& column, double value) noexcept {
    if (column.missing && value == *column.missing) {
      ++unknown_;
      return kNotKnown;
    }
    if (column.scale == 1 && column.offset == 0) return value;
    const double scaled = value * column.scale + column.offset;
    if (!std::isinf(scaled)) return scaled;
    ++unknown_;
    return kNotKnown;
  }

  [[nodiscard]] std::optional<Skip> read(const TextColumn& column, const char* field, bool more_columns) noexcept {
    switch (column.use) {
      case Use::Skip:
        static_cast<void>(leave(field_end(field)));
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
    if (plan_.longest == 0 || time_seen_ < plan_.time_columns) return false;
    return !is_whole(n_read + count_fields(fields_));
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
    const auto columns = plan_.columns;
    for (auto i = n - 1; i < columns.size(); ++i) {
      if (columns[i].use != Use::Channel) continue;
      if (i >= n_read || i == last_number_) ++unknown_;
      if constexpr (kStore) channels_[columns[i].index] = kNotKnown;
    }
    return std::nullopt;
  }

  /// More fields than any whole line has, and the last ones are those of the end of a line: the front of one and the end of
  /// another, which may meet in any field but the first few. What stands in those is whole; the other channels are not known.
  /// @returns false: nothing of it is left, or not its time
  [[nodiscard]] bool keep_front_of_two() noexcept {
    const Fields all{plan_.format.delimiter, piece_.begin, piece_.end};
    const auto n = count_fields(all);
    if (n <= plan_.longest || plan_.format.checksum == "nmea" || !ends_like_a_line(all, n - plan_.longest)) return true;
    const auto sure = n - plan_.longest;
    if (plan_.time_columns > 0 && plan_.last_time >= sure) return false;
    bool any = false;
    const auto columns = plan_.columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].use != Use::Channel) continue;
      any |= i < sure;
      if (i >= sure && !std::isnan(std::exchange(channels_[columns[i].index], kNotKnown))) ++unknown_;
    }
    return any;
  }

  /// The channels that would be the second line's, wherever the two met, have their decimals where they would stand.
  [[nodiscard]] bool ends_like_a_line(const Fields& all, std::size_t n_more) const noexcept {
    if (!plan_.decimals_known) return false;
    std::size_t at = 0;
    bool like = true;
    for_each_field(all, [&](const char* field, const char* end) {
      const auto i = at++ - n_more;
      if (at <= n_more || i > plan_.last_channel || i + n_more <= plan_.last_channel) return;
      const auto& column = plan_.columns[i];
      if (column.use != Use::Channel || column.hex) return;
      double value = 0;
      int decimals = 0;
      like &= parse_number(field, end, value, decimals, plan_.point) == end && decimals == column.decimals;
    });
    return like;
  }

  /// A number of it is as long as all others.
  [[nodiscard]] static bool has_end(const TextColumn& column) { return column.hex && column.bits > 0; }

  /// The number in `field` could be the first part of a longer one.
  [[nodiscard]] bool may_be_cut(const char* field_end, bool more_columns) const {
    return piece_.open && field_end == piece_.end && (more_columns || !piece_.complete);
  }

  [[nodiscard]] std::optional<Skip> read_channel(const TextColumn& column, const char* field, bool more_columns) noexcept {
    double value = 0;
    int decimals = 0;
    const char* const behind = number(column, field, piece_.end, value, decimals);
    if (behind == nullptr || !leave(behind)) {
      const char* const end = field_end(field);
      const bool begun = field != end || !piece_.complete;
      if (begun && may_be_cut(end, more_columns) && may_become_number(column, plan_.point, field, end)) {
        if (!may_be_short()) return Skip::CutOff;
        cut_channel_ = at_;
      }
      static_cast<void>(leave(end));
      note_unknown(field, end);
      if (cut_channel_ == kNone && !says_no_value(field, end) && garbled_ == kNone) garbled_ = at_;
      empty_end_ = field == piece_.end;
      value = kNotKnown;
    } else {
      const bool full = has_its_digits(column, field, value);
      const bool odd = column.decimals >= 0 ? decimals != column.decimals : !piece_.complete && !has_end(column);
      if ((odd || !full) && may_be_cut(behind, more_columns)) {
        if (!may_be_short()) return Skip::CutOff;
        cut_channel_ = at_;
      } else if (!full) {
        return Skip::BadValue;
      } else if (odd && column.decimals >= 0 && odd_channel_ == kNone && value != column.missing) {
        odd_channel_ = at_;
      }
      if (first_number_ == kNone) first_number_ = at_;
      last_number_ = at_;
    }
    if constexpr (kStore) channels_[column.index] = worth(column, value);
    return std::nullopt;
  }

  /// As parse_number(), by the column's form.
  [[nodiscard]] const char* number(const TextColumn& column, const char* field, const char* end, double& value,
                                   int& decimals) const noexcept {
    return column.hex ? parse_hex(field, end, column.bits, value) : parse_number(field, end, value, decimals, plan_.point);
  }

  /// The line may be one that keeps what is whole, so that a number at its very end need not make it no frame.
  [[nodiscard]] bool may_be_short() const { return !plan_.format.lengths.empty() && !strict_ && piece_.complete; }

  void read_soh(const TextColumn& column, const char* field, bool more_columns) noexcept {
    double value = 0;
    int decimals = 0;
    const char* behind = number(column, field, piece_.end, value, decimals);
    if (behind == nullptr || !leave(behind)) {
      behind = field_end(field);
      static_cast<void>(leave(behind));
      empty_end_ = field == piece_.end;
      value = kNotKnown;
      note_unknown(field, behind);
    } else if (may_be_cut(behind, more_columns) &&
               (column.decimals > 0
                    ? decimals != column.decimals
                    : (!piece_.complete && column.decimals < 0 && !has_end(column)) || (more_columns && !is_whole(at_ + 1)))) {
      value = kNotKnown;
      ++unknown_;
    } else {
      if (decimals != column.decimals) odd_soh_ |= bit(column.index);
      if (column.degrees_minutes && value != 0) somewhere_ = true;
    }
    if constexpr (kStore)
      soh_[column.index] = column.degrees_minutes ? from_degrees_minutes(value, decimals) : worth(column, value);
  }

  void read_token(const char* field) noexcept {
    const char* const end = field_end(field);
    static_cast<void>(leave(end));
    const bool good = !says_no_value(field, end) && end - field <= static_cast<std::ptrdiff_t>(ledger::kLongestToken) &&
                      std::all_of(field, end, [](char c) { return c > ' ' && c < '\x7f'; }) && !may_be_cut(end, true);
    if (good)
      token_ = {field, static_cast<std::size_t>(end - field)};
    else
      ++unknown_;
  }

  void read_hemisphere(const TextColumn& column, const char* field) noexcept {
    const char* const end = field_end(field);
    static_cast<void>(leave(end));
    const bool good = is_hemisphere(field, end);
    double value = 0;
    int decimals = 0;
    if (!good) ++unknown_;
    if (!good && misplaced_ == kNone && parse_number(field, end, value, decimals) == end) misplaced_ = at_;
    if constexpr (kStore) {
      double& angle = soh_[column.index];
      const bool possible = good && angle <= (*field == 'N' || *field == 'S' ? 90 : 180);
      angle = !possible ? kNotKnown : *field == 'S' || *field == 'W' ? -angle : angle;
    }
  }

  /// A field without a value; a hemisphere is one that belongs elsewhere.
  void note_unknown(const char* field, const char* end) noexcept {
    ++unknown_;
    if (is_hemisphere(field, end) && misplaced_ == kNone) misplaced_ = at_;
  }

  /// What can be told only when all fields have been seen.
  void settle(std::size_t n_read) noexcept {
    const auto columns = plan_.columns;
    for (auto i = n_read; i < columns.size(); ++i)  // a position without its hemisphere is not known either
      if (columns[i].use == Use::Soh || columns[i].use == Use::Hemisphere) soh_[columns[i].index] = kNotKnown;
    if (somewhere_ && misplaced_ == kNone) return;
    for (std::size_t i = 0; i < n_read; ++i) {
      if (columns[i].use != Use::Soh) continue;
      double& value = soh_[columns[i].index];
      // All angles are 0: no fix. Misplaced fields: before them decimals tell who is who, but an angle is worth nothing.
      const bool misplaced = misplaced_ != kNone && (i > misplaced_ || (odd_soh_ & bit(columns[i].index)) != 0);
      const bool doubtful = columns[i].degrees_minutes || misplaced;
      if (!doubtful || std::isnan(value)) continue;
      value = kNotKnown;
      ++unknown_;
    }
  }

  [[nodiscard]] static std::uint64_t bit(std::size_t index) { return std::uint64_t{1} << std::min(index, std::size_t{63}); }

  [[nodiscard]] std::optional<Skip> read_form(const TextColumn& column, const char* field) noexcept {
    const char* const behind = read_time_form(column.name, field, piece_.end, calendar_, plan_.point);
    if (behind == nullptr || !leave(behind)) {
      const char* const end = field_end(field);
      const bool begun = std::all_of(
          field, end, [](char c) { return is_digit(c) || std::string_view{"-+/:. TZ"}.find(c) != std::string_view::npos; });
      return begun && piece_.open && end == piece_.end ? Skip::CutOff : Skip::Garbage;
    }
    note_parts(column.name);
    const auto last = column.name.back();
    return time_column_read((last == 's' || last == 'S') && may_be_cut(behind, false));
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
    if (digits == 0 || p == nullptr || !leave(p)) return Skip::Garbage;
    const bool fits = use == Use::Year ? digits == 4 || (digits < 4 && p == piece_.end) : digits <= 2;
    if (!fits) {
      if (!odd_time_) odd_time_column_ = at_;
      odd_time_ = true;
    }
    part_column_[static_cast<std::size_t>(use) - static_cast<std::size_t>(Use::Year)] = at_;
    if (use == Use::Second)
      calendar_.second = second, calendar_.decimals = decimals;
    else
      calendar_.date[static_cast<std::size_t>(use) - static_cast<std::size_t>(Use::Year)] = whole;
    return time_column_read(may_be_cut(p, false));
  }

  /// Which of the columns of a time that does not exist says what cannot be.
  [[nodiscard]] std::size_t bad_time_column() const {
    if (odd_time_) return odd_time_column_;
    const auto& d = calendar_.date;
    CalendarTime known;  // the parts up to the first that makes no time with those before it
    known.date = {d[0], 1, 1, 0, 0};
    for (std::size_t part = 0; part < d.size(); ++part) {
      known.date[part] = d[part];
      if (!known.utc()) return part_column_[part];
    }
    return part_column_[d.size()];
  }
  /// A column of this form is being read.
  void note_parts(std::string_view form) noexcept {
    constexpr std::array<std::string_view, 6> kLetters{"Yy", "mb", "d", "H", "M", "S"};
    for (std::size_t part = 0; part < kLetters.size(); ++part)
      for (const char letter : kLetters[part])
        if (gives(form, letter)) part_column_[part] = at_;
  }

  /// @param cut  more digits may have followed
  [[nodiscard]] std::optional<Skip> time_column_read(bool cut) noexcept {
    if (cut) return Skip::CutOff;
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
  std::size_t odd_time_column_ = 0;
  std::array<std::size_t, 6> part_column_{};  ///< which column gives it: year to second
  bool has_time_ = false;
  mth5::UtcNanos time_{};
  std::string_view token_{};
  std::vector<std::string_view>* shown_;  ///< Show: by column, as far as it was read
};

}  // namespace

Attempt read_frame(const Plan& plan, const Piece& piece, bool strict, double* channels, double* soh) noexcept {
  return Parser<Aim::Store>{plan, piece, strict, channels, soh}.run();
}

Attempt look_for_frame(const Plan& plan, const Piece& piece) noexcept {
  return Parser<Aim::Look>{plan, piece, true, nullptr, nullptr}.run();
}

namespace {

struct Shown {
  Attempt attempt{};
  std::vector<std::string_view> fields{};  ///< as far as they were read
};

Shown show(const TextFormat& format, std::string_view line, std::string& scratch) {
  if (format.columns.empty()) return {};
  auto own = format;
  if (format.json) {
    if (json_fields(format, line, scratch).end == nullptr) return {.attempt = {.column = format.columns.size()}};
    line = scratch;
    own.delimiter = kJsonDelimiter;
  } else if (format.checksum == "nmea") {
    const auto front = line.find('$'), star = line.rfind('*');
    if (front == std::string_view::npos || star == std::string_view::npos || star < front)
      return {.attempt = {.column = format.columns.size()}};
    line = line.substr(front + 1, star - front - 1);
  }
  std::vector<double> channels(format.n_channels), soh(format.n_soh);
  const Plan plan{own};
  Shown shown;
  Parser<Aim::Show> parser{plan, trimmed(line, true), false, channels.data(), soh.data(), &shown.fields};
  shown.attempt = parser.run();
  return shown;
}

}  // namespace

std::vector<std::string_view> text_fields(const TextFormat& format, std::string_view line, std::string& scratch) {
  auto shown = show(format, line, scratch);
  return shown.attempt.good ? std::move(shown.fields) : std::vector<std::string_view>{};
}

RefusedField refused_field(const TextFormat& format, std::string_view line, std::string& scratch) {
  const auto shown = show(format, line, scratch);
  const auto column = shown.attempt.column;
  if (shown.attempt.good || column >= shown.fields.size()) return {.column = format.columns.size()};
  return {column, shown.fields[column]};
}

}  // namespace daq::decode
