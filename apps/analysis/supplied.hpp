#pragma once

#include <vector>

#include "analysis/series.hpp"

/// Fill values of one run at times that another run has samples of: what came too late for the run that was filled meanwhile.
/// Thread: that of the readers.
namespace analysis {

/// A gap that was filled in a run, and the file it was recorded in.
struct Filled {
  std::size_t file;
  Gap gap;
};

/// Moves what other parts have out of the gaps of a series: into series.supplied. @returns what is left of the gaps
[[nodiscard]] std::vector<Gap> take_supplied(Series& series, const std::vector<Filled>& gaps, Files files);

/// How many of the fill values of a channel of a part, in its samples [first, end), another part has a sample for.
/// @throws as Reader::read()
[[nodiscard]] std::int64_t count_supplied(const Series& series, const Series::Part& part, const std::string& component,
                                          std::int64_t first, std::int64_t end, Files files);

}  // namespace analysis
