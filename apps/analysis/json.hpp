#pragma once

#include <cmath>
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

/// One line of ASCII: names of files may hold commands for a terminal, and bytes that are not UTF-8 (they become U+FFFD). A
/// parser gets every other text back as it is in the file.
template <class AnyJson>
[[nodiscard]] std::string dump(const AnyJson& value) {
  return value.dump(-1, ' ', true, AnyJson::error_handler_t::replace);
}

}  // namespace analysis::json
