#include "acquisition/decode/calendar.hpp"

namespace daq::decode {

using std::chrono::hours;

std::optional<mth5::UtcNanos> from_calendar(int year, int month, int day, int hour, int minute, double second) {
  const bool leap =
      second >= 60 && second < 61 && hour == 23 && minute == 59 && ((month == 6 && day == 30) || (month == 12 && day == 31));
  if (!leap) return mth5::from_calendar(year, month, day, hour, minute, second);
  const auto before = mth5::from_calendar(year, month, day, hour, minute, second - 1);
  if (!before) return std::nullopt;
  return *before + std::chrono::seconds{1};
}

mth5::UtcNanos DayUnroller::at(mth5::Nanos time_of_day, std::optional<mth5::UtcNanos> near) {
  constexpr mth5::Nanos kDay = hours{24};
  const auto around = near.value_or(last_);
  const auto midnight = std::chrono::floor<std::chrono::days>(around);
  auto time = mth5::UtcNanos{midnight} + (time_of_day % kDay + kDay) % kDay;
  if (time - around > kDay / 2) time -= kDay;
  if (around - time > kDay / 2) time += kDay;
  return last_ = time;
}

mth5::UtcNanos DayUnroller::at_arrival(mth5::Nanos time_of_day, mth5::UtcNanos arrival) {
  constexpr mth5::Nanos kJump = hours{1}, kHalfDay = hours{12};
  const auto expected = [&](const Seen& seen) { return seen.time + (arrival - seen.arrival); };
  auto time = at(time_of_day, believed_ ? expected(*believed_) : near_.value_or(arrival));
  const auto agrees = [&](const std::optional<Seen>& with) { return with && std::chrono::abs(time - expected(*with)) < kJump; };
  const bool played_back =  // more was taken than could have been while it came: arrivals tell nothing of a jump
      believed_ && believed_->time - first_.time > 2 * (believed_->arrival - first_.arrival) + std::chrono::seconds{2};
  if (believed_ && !agrees(believed_) && !played_back && std::chrono::abs(believed_->time - believed_->arrival) <= kHalfDay)
    time = at(time_of_day, arrival);  // the instrument's clock was set
  const Seen now{time, arrival};
  if (!believed_) first_ = now;
  if (!believed_ || agrees(believed_) || agrees(jumped_)) {
    believed_ = now;
    jumped_.reset();
  } else {
    jumped_ = now;
  }
  return time;
}

mth5::UtcNanos unroll_gps_week(mth5::UtcNanos time, mth5::UtcNanos not_before) {
  constexpr mth5::Nanos kWeeks = hours{24 * 7 * 1024};
  constexpr mth5::UtcNanos kWeekZero{std::chrono::sys_days{std::chrono::January / 6 / 1980}};
  if (time >= not_before || time < kWeekZero) return time;
  const auto short_by = not_before - time;
  return time + kWeeks * ((short_by + kWeeks - mth5::Nanos{1}) / kWeeks);
}

}  // namespace daq::decode
