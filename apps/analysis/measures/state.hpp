#pragma once

#include <limits>
#include <vector>

#include <nlohmann/json.hpp>

#include "mth5/time.hpp"

/// How measures are kept between two readings: as JSON values whose numbers are exact. A NaN is one, so they are stored as CBOR,
/// which has it, and not as text. Thread: pure.
namespace analysis::state {

using Json = nlohmann::json;

inline Json time(mth5::UtcNanos value) { return value.time_since_epoch().count(); }
inline mth5::UtcNanos time(const Json& value) { return mth5::UtcNanos{mth5::Nanos{value.get<std::int64_t>()}}; }

}  // namespace analysis::state
