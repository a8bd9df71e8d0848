#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "mth5/channel.hpp"
#include "mth5/reader.hpp"

/// What belongs together over runs and files, and what is missing between. Thread: that of the readers.
namespace analysis {

using Window = mth5::TimeRange;
using mth5::indexes_within;

struct Gap {
  std::string survey, station;
  std::string run_before, run_after;  ///< "" = none, or not known
  mth5::UtcNanos start{};             ///< of the first missing sample
  std::int64_t samples = 0;
  double sample_rate = 0;  ///< Hz; 0 = not known
  std::string reason;      ///< "" = not known
  bool filled = false;     ///< the run goes on with fill values; else it ended

  /// Of the first sample after the gap.
  [[nodiscard]] mth5::UtcNanos end() const { return sample_rate > 0 ? mth5::sample_time(start, sample_rate, samples) : start; }
};

/// Runs of one station with the same sample rate and the same channels, in order of time: what would be one run had nothing
/// stopped it.
struct Series {
  struct Part {
    std::size_t file;  ///< index of the reader
    std::size_t run;   ///< index in its runs()
  };
  std::string survey, station;
  double sample_rate = 0;
  std::vector<std::string> components;
  std::vector<Part> parts;
  std::vector<Gap> gaps;  ///< in order of time, filled ones too
};

/// Gaps are those between the runs. Where the recorder wrote its own list (/Acquisition/gaps), its rows replace what was derived
/// between the same two runs, and add what runs cannot tell: reasons, filled gaps.
[[nodiscard]] std::vector<Series> find_series(std::span<const std::unique_ptr<mth5::Reader>> files);

/// The gaps of a series as they show in a window: cut at its edges, and with what is missing before the first and after the last
/// sample where the window has an edge there.
[[nodiscard]] std::vector<Gap> gaps_within(const Series& series, const Window& window,
                                           std::span<const std::unique_ptr<mth5::Reader>> files);

/// Stored samples of what should be there, in percent; NaN where nothing is expected.
[[nodiscard]] double completeness(std::int64_t expected, std::int64_t missing);

[[nodiscard]] nlohmann::ordered_json to_json(const Gap& gap);

}  // namespace analysis
