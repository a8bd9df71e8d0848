#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "mth5/reader.hpp"

namespace analysis {

/// Samples that are missing: between runs, or in one that goes on with fill values. Thread: a value.
struct Gap {
  std::string survey, station;
  std::string component;              ///< "" = all channels
  std::string run_before, run_after;  ///< "" = none, or not known
  mth5::UtcNanos start{};             ///< of the first missing sample
  std::int64_t samples = 0;           ///< 0: the run ended, but the time went on without a gap (a clock that was set)
  double sample_rate = 0;             ///< Hz; 0 = not known
  std::string reason;                 ///< "" = not known
  bool filled = false;                ///< the run goes on with fill values; else it ended

  /// Of the first sample after the gap.
  [[nodiscard]] mth5::UtcNanos end() const { return sample_rate > 0 ? mth5::sample_time(start, sample_rate, samples) : start; }
};

/// The recorder's own list (/Acquisition/gaps, either layout), as it stands in the file; empty for files of other programs.
/// Surveys and sample rates are not in it. @throws mth5::FormatError if the table lacks a column
[[nodiscard]] std::vector<Gap> recorded_gaps(const mth5::Reader& file);

[[nodiscard]] nlohmann::ordered_json to_json(const Gap& gap);

}  // namespace analysis
