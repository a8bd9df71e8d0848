#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Durations as people write them. Thread: pure functions.
namespace mth5 {

namespace duration_detail {
struct Unit {
  std::string_view name;
  std::int64_t ns;
};
inline constexpr std::array<Unit, 7> kUnits{{{"d", 86'400'000'000'000},
                                             {"h", 3'600'000'000'000},
                                             {"min", 60'000'000'000},
                                             {"s", 1'000'000'000},
                                             {"ms", 1'000'000},
                                             {"us", 1'000},
                                             {"ns", 1}}};
}  // namespace duration_detail

/// "250ms", "0.5s", "5min", "1h", "1d"; units ns us ms s min h d. nullopt for anything else.
[[nodiscard]] inline std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  long double number = 0;  // 64 bits of mantissa: whole nanoseconds stay exact
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view unit{stop, static_cast<std::size_t>(text.data() + text.size() - stop)};
  for (const auto& known : duration_detail::kUnits) {
    if (known.name != unit) continue;
    const long double ns = number * static_cast<long double>(known.ns);
    if (ns >= static_cast<long double>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    return std::chrono::nanoseconds{std::llround(ns)};
  }
  return std::nullopt;
}

/// In the largest unit that needs no decimals.
[[nodiscard]] inline std::string format_duration(std::chrono::nanoseconds duration) {
  if (duration.count() == 0) return "0s";
  for (const auto& unit : duration_detail::kUnits)
    if (duration.count() % unit.ns == 0) return std::to_string(duration.count() / unit.ns) + std::string{unit.name};
  return std::to_string(duration.count()) + "ns";  // not reached: 1 ns divides everything
}

/// A length of time for people, in its two largest units: "3 d 4 h", "59 min 3 s", "0 s"; "unknown" for NaN.
[[nodiscard]] inline std::string rough_duration(double seconds) {
  if (seconds != seconds) return "unknown";
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 4> kUnits{{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}};
  auto left = static_cast<std::int64_t>(std::clamp(seconds, 0.0, 1e15));
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    const auto [size, name] = kUnits.at(i);
    if (left < size && size > 1) continue;
    std::string text = std::to_string(left / size) + " " + std::string{name};
    left %= size;
    if (i + 1 < kUnits.size() && left >= kUnits.at(i + 1).first)
      text += " " + std::to_string(left / kUnits.at(i + 1).first) + " " + std::string{kUnits.at(i + 1).second};
    return text;
  }
  return "0 s";  // not reached: the last unit takes any rest
}

}  // namespace mth5
