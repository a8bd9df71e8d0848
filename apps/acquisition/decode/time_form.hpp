#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "acquisition/decode/calendar.hpp"
#include "mth5/time.hpp"

/// Times and dates as an instrument prints them. Internal to decode/, but for check_time_form().
namespace daq::decode {

/// What a calendar needs; Year to Second, in this order. Several columns may fill one.
struct CalendarTime {
  std::array<int, 5> date{1970, 1, 1, 0, 0};  ///< year, month, day, hour, minute
  double second = 0;
  std::optional<mth5::UtcNanos> whole{};  ///< the time by itself, from %s or %Q
  int decimals = 0;                       ///< of `second`, as it is printed
  std::chrono::minutes ahead{0};          ///< of UTC, from %z

  /// nullopt: no such date or time.
  [[nodiscard]] std::optional<mth5::UtcNanos> utc() const {
    if (whole) return whole;
    const auto local = from_calendar(date[0], date[1], date[2], date[3], date[4], second);
    return local ? std::optional{*local - ahead} : local;
  }
};

/// Reads the text at `p` by a form such as "%m-%d-%Y" or "%H:%M:%S": %Y has four digits, %y %m %d %H %M %S two, %-m %-d %-H %-M
/// %-S one or two, %s (seconds since 1970) ten, %Q (milliseconds since 1970) thirteen, which all must be there; %b is a month's
/// name of three letters, in English; %z is how far it is ahead of UTC: +hh:mm, +hhmm, +hh, or Z. Decimals may stand behind %S
/// and %s. Any other character stands for itself.
/// @returns behind it; nullptr if the text has not this form
[[nodiscard]] const char* read_time_form(std::string_view form, const char* p, const char* end, CalendarTime& out,
                                         char point = '.') noexcept;

/// Whether a form gives %Y, %-d or the like. @param letter  'Y', 'd' …
[[nodiscard]] bool gives(std::string_view form, char letter) noexcept;
/// The same form for numbers without a zero in front.
[[nodiscard]] std::string unpadded_form(std::string_view form);
/// What is wrong with a form, "" = nothing. @param parts  gets which of year (bit 0) to second (bit 5), %z (bit 6) it gives
[[nodiscard]] std::string check_time_form(std::string_view form, unsigned& parts);

}  // namespace daq::decode
