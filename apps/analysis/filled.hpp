#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "analysis/series.hpp"

/// Values in a file that stand for missing ones. Thread: pure.
namespace analysis {

using Ranges = std::vector<std::pair<std::int64_t, std::int64_t>>;

/// Where a channel of a run holds fill values: of the recorder's gaps, as indexes [first, second) of its samples.
[[nodiscard]] Ranges filled_ranges(const Series& series, const Series::Part& part, const mth5::RunInfo& run,
                                   const std::string& component);

/// Sets to NaN what is in the ranges. @param first  index in the run of values[0]
void leave_out(std::span<double> values, std::int64_t first, const Ranges& filled);
/// Sets to NaN what has the fill value of the dataset.
void leave_out(std::span<double> values, const std::optional<double>& fill);

/// The index of a channel of a run; nullopt if the run has none of this name.
[[nodiscard]] std::optional<std::size_t> find_channel(const mth5::Reader& file, const mth5::RunInfo& run,
                                                      const std::string& component);

}  // namespace analysis
