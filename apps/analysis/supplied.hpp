#pragma once

#include <vector>

#include "analysis/series.hpp"

/// Fill values of one run at times that another run has samples of: what came too late for the run that was filled meanwhile.
/// Thread: that of the readers.
namespace analysis {

/// Moves what other parts have out of the filled gaps of a series: into series.supplied. @returns what is left of them
[[nodiscard]] std::vector<Gap> take_supplied(Series& series, const std::vector<RecordedGap>& filled, Files files);

/// How many of the fill values of a channel of a part, in its samples [first, end), another part has a sample for.
/// @throws as Reader::read()
[[nodiscard]] std::int64_t count_supplied(const Series& series, const Series::Part& part, const std::string& component,
                                          std::int64_t first, std::int64_t end, Files files);

}  // namespace analysis
