#pragma once

#include <cmath>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "mth5/time.hpp"

/// Values of the reports as JSON: what is not known is null, never a guess. Thread: pure.
namespace analysis::json {

using Json = nlohmann::ordered_json;

inline Json number(double value) { return std::isfinite(value) ? Json(value) : Json{}; }
inline Json text(const std::string& value) { return value.empty() ? Json{} : Json(value); }
inline Json time(std::optional<mth5::UtcNanos> value) { return value ? Json(mth5::to_iso(*value)) : Json{}; }
inline Json rate(double hz) { return hz > 0 ? Json(hz) : Json{}; }

}  // namespace analysis::json
