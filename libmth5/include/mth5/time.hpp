#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// UTC times and sample times. Thread: all functions here may be called from any thread; all but those of HostClock are pure.
namespace mth5 {

using Nanos = std::chrono::nanoseconds;
/// UTC, ns since 1970-01-01T00:00:00 without leap seconds (POSIX time), good from 1678 to 2261.
using UtcNanos = std::chrono::sys_time<Nanos>;

/// The MTH5 time text: `2020-10-01T00:00:00+00:00`; decimals only where there are any, 3, 6 or 9 of them.
/// Source: mth5-format, section 2.4 "Time text" (Python rounds what is below 1 us).
[[nodiscard]] std::string to_mth5_time(UtcNanos t);

/// ISO 8601 with `Z`, for people: `2020-10-01T00:00:00Z`, decimals as in to_mth5_time().
[[nodiscard]] std::string to_iso(UtcNanos t);

/// Reads `YYYY-MM-DD[(T| )hh:mm[:ss[.f…]]][Z|±hh[:]mm]`; no zone means UTC; at most 9 decimals count, further ones are cut.
/// nullopt for anything else: a 30 February, hour 24, a leap second (`:60`; MTH5 has none), text behind the time.
[[nodiscard]] std::optional<UtcNanos> parse_time(std::string_view text);

/// UTC of a calendar time; nullopt unless it exists (month 1…12, the day in that month, 0 <= second < 60, year 1678…2261).
[[nodiscard]] std::optional<UtcNanos> from_calendar(int year, int month, int day, int hour, int minute, double second);

/// Time of sample `index` of a series that starts at `start`: start + index / sample_rate, rounded to the ns.
/// Exact for any index at integer rates: whole seconds are counted apart from the rest. sample_rate in Hz, > 0.
[[nodiscard]] UtcNanos sample_time(UtcNanos start, double sample_rate, std::int64_t index);

/// Samples from `from` to `to` at sample_rate (Hz), as a real number: negative if `to` is earlier.
[[nodiscard]] double samples_between(UtcNanos from, UtcNanos to, double sample_rate);

/// The clocks of the host. All of the library and of the programs read them through host_now() and steady_now(), so that a test
/// can put its own behind them and needs not wait. Called from any thread.
class HostClock {
 public:
  virtual ~HostClock() = default;
  [[nodiscard]] virtual UtcNanos utc() const = 0;
  /// Never goes back, whoever sets the clock.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point steady() const = 0;
};

/// From now on time comes from `clock`, which outlives its use; nullptr: from the host again. Thread: any.
void use_host_clock(const HostClock* clock) noexcept;

/// Now, by the host's clock.
[[nodiscard]] UtcNanos host_now();
/// Now, by the clock that measures how long something takes.
[[nodiscard]] std::chrono::steady_clock::time_point steady_now();

}  // namespace mth5
