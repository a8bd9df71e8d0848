#pragma once

#include <optional>

#include "mth5/time.hpp"

/// Times as instruments tell them, where the calendar alone does not say enough. For decoders. Pure.
namespace daq::decode {

/// UTC of a calendar time, leap seconds included: second 60 of a minute before midnight, UTC, at the end of a June or December
/// (the only ones there have been) is the first of the day behind it, as UtcNanos has no place of its own for it. So a sample of
/// it comes at the time of the next one; the timeline begins a new run there (clock-step) and drops neither. nullopt as
/// mth5::from_calendar().
[[nodiscard]] std::optional<mth5::UtcNanos> from_calendar(int year, int month, int day, int hour, int minute, double second);

/// Times of day without a date, one behind the other: each lies within half a day of the one before, so midnight is passed both
/// ways.
class DayUnroller {
 public:
  /// @param near  a time within half a day of the first one: by the date the recording began; nullopt: its arrival is
  explicit DayUnroller(std::optional<mth5::UtcNanos> near) : near_{near}, last_{near.value_or(mth5::UtcNanos{})} {}

  /// @param time_of_day  since midnight; whole days in it do not count (old firmware of GSM-19 goes on to hour 57)
  /// @param near         where more than half a day may have passed: a time within half a day
  [[nodiscard]] mth5::UtcNanos at(mth5::Nanos time_of_day, std::optional<mth5::UtcNanos> near = std::nullopt);
  /// The date of times that came without one, by when they came: the first lies within half a day of its arrival, unless its date
  /// is known, each further
  /// one within half a day of where the time before and what passed since put it. So nothing is a day off where an instrument
  /// keeps the time of another zone, or a recording is played back around midnight. A time that jumps by an hour or more is of an
  /// instrument that was set, and lies by its arrival; in a recording that is played back faster than it was taken it follows a
  /// gap, and lies within half a day of the one before. It moves the others only when the next one agrees with it.
  [[nodiscard]] mth5::UtcNanos at_arrival(mth5::Nanos time_of_day, mth5::UtcNanos arrival);

 private:
  struct Seen {
    mth5::UtcNanos time, arrival;
  };
  std::optional<mth5::UtcNanos> near_;
  mth5::UtcNanos last_;
  Seen first_{};
  std::optional<Seen> believed_, jumped_;
};

/// `time` moved on by as many 1024 weeks as it takes to be at or behind `not_before`: what receivers say that count the weeks of
/// GPS with ten bits. Times before week 0 of GPS are nobody's and stay.
[[nodiscard]] mth5::UtcNanos unroll_gps_week(mth5::UtcNanos time, mth5::UtcNanos not_before);

}  // namespace daq::decode
