#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Durations as people write them: "250ms", "10s", "1.5h". Thread: pure functions.
namespace mth5 {

namespace duration_detail {
struct Unit {
  std::string_view name;
  std::int64_t ns;
};
/// Longest first, so that format_duration() finds the shortest text.
inline constexpr std::array<Unit, 8> kUnits{{{"w", 604'800'000'000'000},
                                             {"d", 86'400'000'000'000},
                                             {"h", 3'600'000'000'000},
                                             {"min", 60'000'000'000},
                                             {"s", 1'000'000'000},
                                             {"ms", 1'000'000},
                                             {"us", 1'000},
                                             {"ns", 1}}};
}  // namespace duration_detail

/// A number, not negative, and a unit (ns us ms s min h d w) without a blank; rounded to the ns. nullopt for anything else, and
/// beyond 200 years.
[[nodiscard]] inline std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !(number >= 0) || std::signbit(number)) return std::nullopt;
  const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  for (const auto& known : duration_detail::kUnits) {
    if (known.name != unit) continue;
    const double ns = number * static_cast<double>(known.ns);
    if (ns > 6.3e18) return std::nullopt;
    return std::chrono::nanoseconds{std::llround(ns)};
  }
  return std::nullopt;
}

/// In the largest unit that takes it without decimals: "90s", "1h", "0s".
[[nodiscard]] inline std::string format_duration(std::chrono::nanoseconds duration) {
  if (duration.count() == 0) return "0s";
  for (const auto& unit : duration_detail::kUnits)
    if (duration.count() % unit.ns == 0) return std::to_string(duration.count() / unit.ns) + std::string{unit.name};
  return {};  // not reached: everything is a multiple of 1 ns
}

}  // namespace mth5
