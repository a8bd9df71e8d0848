#include "mth5/time.hpp"

#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <limits>

namespace mth5 {
namespace {

__extension__ typedef __int128 Int128;

constexpr std::int64_t kBillion = 1'000'000'000;
constexpr std::int64_t kDay = 86'400;  // seconds
constexpr int kFirstYear = 1678;
constexpr int kLastYear = 2261;

struct Split {
  std::int64_t seconds;
  std::int64_t nanos;  // 0 … 999'999'999, also before 1970
};

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }

Split split(UtcNanos t) {
  const std::int64_t count = t.time_since_epoch().count();
  const std::int64_t seconds = floor_div(count, kBillion);
  // Not count - seconds * kBillion: the product leaves int64 in the first second of the range.
  return {seconds, (count % kBillion + kBillion) % kBillion};
}

UtcNanos clamped(Int128 nanos) {
  constexpr Int128 lowest = std::numeric_limits<std::int64_t>::min();
  constexpr Int128 highest = std::numeric_limits<std::int64_t>::max();
  return UtcNanos{Nanos{static_cast<std::int64_t>(nanos < lowest ? lowest : nanos > highest ? highest : nanos)}};
}

std::string print(UtcNanos t, const char* zone) {
  const auto [seconds, nanos] = split(t);
  const std::int64_t days = floor_div(seconds, kDay);
  const std::int64_t second = seconds - days * kDay;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d", int(date.year()), unsigned(date.month()),
                unsigned(date.day()), int(second / 3600), int(second / 60 % 60), int(second % 60));
  std::string out{text.data()};
  if (nanos != 0) {
    const int decimals = nanos % 1'000'000 == 0 ? 3 : nanos % 1'000 == 0 ? 6 : 9;
    const std::int64_t shown = decimals == 3 ? nanos / 1'000'000 : decimals == 6 ? nanos / 1'000 : nanos;
    std::snprintf(text.data(), text.size(), ".%0*lld", decimals, static_cast<long long>(shown));
    out += text.data();
  }
  return out + zone;
}

/// Takes what it needs from the front of `rest`.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_{text} {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] bool next_is_digit() const { return !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; }
  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// Exactly n digits into `value`.
  bool number(int n, int& value) {
    value = 0;
    for (int i = 0; i < n; ++i)
      if (!digit(value)) return false;
    return true;
  }
  bool digit(int& value) {
    if (!next_is_digit()) return false;
    value = value * 10 + (rest_[0] - '0');
    rest_.remove_prefix(1);
    return true;
  }
  void skip_digits() {
    while (next_is_digit()) rest_.remove_prefix(1);
  }

 private:
  std::string_view rest_;
};

/// Seconds since 1970; nullopt where the calendar has no such time.
constexpr std::optional<std::int64_t> calendar_seconds(int year, int month, int day, int hour, int minute, int second) {
  if (year < kFirstYear || year > kLastYear || month < 1 || day < 1 || hour < 0 || minute < 0 || second < 0) return std::nullopt;
  if (month > 12 || day > 31 || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  return days * kDay + (std::int64_t{hour} * 60 + minute) * 60 + second;
}

/// nullopt beyond the years this library vouches for (a zone or rounding can lead there).
std::optional<UtcNanos> in_range(std::int64_t seconds, std::int64_t nanos) {
  constexpr std::int64_t first = *calendar_seconds(kFirstYear, 1, 1, 0, 0, 0);
  constexpr std::int64_t last = *calendar_seconds(kLastYear, 12, 31, 23, 59, 59);
  seconds += nanos / kBillion;
  nanos %= kBillion;
  if (seconds < first || seconds > last) return std::nullopt;
  return UtcNanos{Nanos{seconds * kBillion + nanos}};
}

constexpr std::int64_t kSmall = std::int64_t{1} << 31;  ///< twice a product of one with kBillion fits

/// A sample rate as a fraction of integers.
struct Ratio {
  std::int64_t numerator;
  std::int64_t denominator;
};

/// Rates outside of this give no usable time axis: slower than a sample in 300 years, or many samples in a nanosecond.
bool is_usable(double rate) { return rate >= 1e-10 && rate <= 1e15; }

/// The simplest fraction that is `rate` as a double. Who writes 0.1 or 7.9999 Hz means 1/10 and 79999/10000, not the nearest
/// binary number: at index 10^9 of 0.1 Hz those two differ by half a microsecond. Continued fraction, in exact integers.
Ratio as_ratio(double rate) {
  if (rate >= 1 && rate < double{kSmall} && rate == std::floor(rate)) return {static_cast<std::int64_t>(rate), 1};
  int exponent = 0;
  const double mantissa = std::frexp(rate, &exponent);  // rate = mantissa * 2^exponent
  Int128 n = static_cast<std::int64_t>(std::ldexp(mantissa, 53));
  Int128 d = 1;
  exponent -= 53;
  if (exponent >= 0)
    n <<= exponent;
  else
    d <<= -exponent;  // at most 2^86, for 1e-10
  Int128 p0 = 0, p1 = 1, q0 = 1, q1 = 0;
  while (d != 0) {
    const Int128 a = n / d;
    const Int128 p2 = a * p1 + p0;
    const Int128 q2 = a * q1 + q0;
    p0 = p1, p1 = p2, q0 = q1, q1 = q2;
    if (static_cast<double>(p1) / static_cast<double>(q1) == rate) break;
    const Int128 rest = n % d;
    n = d, d = rest;
  }
  return {static_cast<std::int64_t>(p1), static_cast<std::int64_t>(q1)};
}

}  // namespace

std::string to_mth5_time(UtcNanos t) { return print(t, "+00:00"); }

std::string to_iso(UtcNanos t) { return print(t, "Z"); }

std::optional<UtcNanos> parse_time(std::string_view text) {
  Scanner in{text};
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, nanos = 0;
  if (!in.number(4, year) || !in.take('-') || !in.number(2, month) || !in.take('-') || !in.number(2, day)) return std::nullopt;
  if (in.take('T') || in.take(' ')) {
    if (!in.number(2, hour) || !in.take(':') || !in.number(2, minute)) return std::nullopt;
    if (in.take(':')) {
      if (!in.number(2, second)) return std::nullopt;
      if (in.take('.')) {
        if (!in.next_is_digit()) return std::nullopt;
        for (int i = 0; i < 9; ++i)
          if (!in.digit(nanos)) nanos *= 10;
        in.skip_digits();
      }
    }
  }
  std::int64_t offset = 0;  // seconds east of Greenwich
  const bool east = in.take('+');
  if (east || in.take('-')) {
    int hours = 0, minutes = 0;
    if (!in.number(2, hours)) return std::nullopt;
    in.take(':');
    if (!in.number(2, minutes) || hours > 23 || minutes > 59) return std::nullopt;
    offset = (std::int64_t{hours} * 60 + minutes) * (east ? 60 : -60);
  } else {
    in.take('Z');
  }
  if (!in.at_end()) return std::nullopt;
  const auto seconds = calendar_seconds(year, month, day, hour, minute, second);
  return seconds ? in_range(*seconds - offset, nanos) : std::nullopt;
}

std::optional<UtcNanos> from_calendar(int year, int month, int day, int hour, int minute, double second) {
  if (!(second >= 0 && second < 60)) return std::nullopt;
  const auto seconds = calendar_seconds(year, month, day, hour, minute, 0);
  return seconds ? in_range(*seconds, std::llround(second * 1e9)) : std::nullopt;
}

UtcNanos sample_time(UtcNanos start, double sample_rate, std::int64_t index) {
  if (index == 0 || !(sample_rate > 0)) return start;
  const Int128 origin = start.time_since_epoch().count();
  // Beyond the range of the clock whatever the start; also keeps the integers below from overflowing.
  constexpr double whole_range = 2e10;  // seconds
  const double seconds_about = static_cast<double>(index) / sample_rate;
  if (!(std::abs(seconds_about) < whole_range)) return clamped(index > 0 ? Int128{1} << 100 : -(Int128{1} << 100));
  if (!is_usable(sample_rate)) return clamped(origin + static_cast<Int128>(std::round(seconds_about * 1e9)));
  const auto [p, q] = as_ratio(sample_rate);
  if (q == 1 && p < kSmall && index >= 0 && index < kSmall) {  // most samples: nothing below needs 128 bits
    const std::int64_t nanos = ((index % p) * kBillion * 2 + p) / (p * 2);
    return clamped(origin + index / p * kBillion + nanos);
  }
  const Int128 total =
      Int128{index < 0 ? -(index + 1) : index} * q + (index < 0 ? q : 0);  // |index| * q, also of the lowest index
  const Int128 seconds = total / p;
  const Int128 nanos = ((total % p) * kBillion * 2 + p) / (Int128{p} * 2);  // to the nearest
  const Int128 elapsed = seconds * kBillion + nanos;
  return clamped(index < 0 ? origin - elapsed : origin + elapsed);
}

double samples_between(UtcNanos from, UtcNanos to, double sample_rate) {
  const Int128 nanos = Int128{to.time_since_epoch().count()} - from.time_since_epoch().count();
  if (!is_usable(sample_rate)) return static_cast<double>(nanos) * 1e-9 * sample_rate;
  // Whole samples apart from the rest, so that a difference of years keeps its fraction of a sample as long as a double can.
  const auto [p, q] = as_ratio(sample_rate);
  const Int128 unit = Int128{q} * kBillion;
  const Int128 seconds = nanos / unit;  // of q each; nanos * p may not fit, so in two steps
  const Int128 rest = (nanos % unit) * p;
  const Int128 whole = seconds * p + rest / unit;
  return static_cast<double>(whole) + static_cast<double>(rest % unit) / static_cast<double>(unit);
}

namespace {

class OwnClock final : public HostClock {
  [[nodiscard]] UtcNanos utc() const override { return std::chrono::time_point_cast<Nanos>(std::chrono::system_clock::now()); }
  [[nodiscard]] std::chrono::steady_clock::time_point steady() const override { return std::chrono::steady_clock::now(); }
};

const OwnClock own_clock;
std::atomic<const HostClock*> clock_in_use{&own_clock};

}  // namespace

void use_host_clock(const HostClock* clock) noexcept { clock_in_use = clock == nullptr ? &own_clock : clock; }

UtcNanos host_now() { return clock_in_use.load(std::memory_order_relaxed)->utc(); }

std::chrono::steady_clock::time_point steady_now() { return clock_in_use.load(std::memory_order_relaxed)->steady(); }

}  // namespace mth5
