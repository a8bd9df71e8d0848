#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "mth5/time.hpp"

/// Values of the reports as JSON: what is not known is null, never a guess. Thread: pure.
namespace analysis::json {

using Json = nlohmann::ordered_json;

inline Json number(double value) { return std::isfinite(value) ? Json(value == 0 ? 0.0 : value) : Json{}; }  // no -0
inline Json text(const std::string& value) { return value.empty() ? Json{} : Json(value); }
inline Json time(std::optional<mth5::UtcNanos> value) { return value ? Json(mth5::to_iso(*value)) : Json{}; }
inline Json rate(double hz) { return hz > 0 ? Json(hz) : Json{}; }

/// Integers that not every parser keeps to the last digit, those beyond 2^53, become texts.
inline void keep_digits(nlohmann::json& value) {
  constexpr std::int64_t kExact = std::int64_t{1} << 53;
  if (value.is_structured()) {
    for (auto& one : value) keep_digits(one);
  } else if (value.is_number_unsigned()) {
    if (const auto n = value.get<std::uint64_t>(); n > static_cast<std::uint64_t>(kExact)) value = std::to_string(n);
  } else if (value.is_number_integer()) {
    if (const auto n = value.get<std::int64_t>(); n > kExact || n < -kExact) value = std::to_string(n);
  }
}

/// One line of ASCII with its keys in order: names of files may hold commands for a terminal, and bytes that are not UTF-8 (they
/// become U+FFFD). A parser gets every other text back as it is in the file.
template <class AnyJson>
[[nodiscard]] std::string dump(const AnyJson& value) {
  nlohmann::json sorted = value;
  keep_digits(sorted);
  return sorted.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace analysis::json
