#pragma once

#include <optional>

#include "acquisition/config/config.hpp"
#include "mth5/time.hpp"

namespace daq::recorder {

/// Where a file with a sample of this time ends by `output.roll.every`: the first mark behind it. Marks are counted from `at` on
/// 1970-01-01. nullopt: nowhere. Pure.
[[nodiscard]] std::optional<mth5::UtcNanos> mark_behind(const config::Output& output, mth5::UtcNanos time);

}  // namespace daq::recorder
