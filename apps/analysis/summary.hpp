#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/ledger.hpp"
#include "analysis/series.hpp"
#include "analysis/statistics.hpp"

/// The report of mth5-summary: a pure function of the files and the window. Thread: that of the readers.
namespace analysis {

struct FileSummary {
  std::string path;
  mth5::FileState state;
  std::uintmax_t bytes;
  std::string version;
  std::vector<Ledger> ledger;
};

struct RunSummary {
  std::string file;
  mth5::RunInfo run;
};

/// One channel over all runs and files of its series.
struct ChannelSummary {
  std::size_t series = 0;  ///< channels of the same number have the same gaps
  std::string survey, station, component, units;
  double sample_rate = 0;
  std::int64_t n_samples = 0;  ///< in the files, within the window, fill values too
  std::int64_t expected = 0;   ///< n_samples and what is missing between
  std::int64_t missing = 0;    ///< in gaps, filled, or NaN
  Statistics values;           ///< of what is neither filled nor NaN
  std::vector<Gap> gaps;

  [[nodiscard]] double percent() const { return completeness(expected, missing); }
};

struct StationSummary {
  mth5::StationInfo station;
  std::optional<mth5::UtcNanos> start, end;  ///< of the first and last sample
};

struct Summary {
  Window window;
  std::vector<FileSummary> files;
  std::vector<StationSummary> stations;
  std::vector<RunSummary> runs;
  std::vector<ChannelSummary> channels;
};

/// Reads all samples within the window once, in blocks of 1 MiB.
[[nodiscard]] Summary summarise(std::span<const std::unique_ptr<mth5::Reader>> files, const Window& window);

/// One sample after the last of any of the files; nullopt if there is none.
[[nodiscard]] std::optional<mth5::UtcNanos> data_end(std::span<const std::unique_ptr<mth5::Reader>> files);

[[nodiscard]] nlohmann::ordered_json to_json(const Summary& summary);
/// For people: a table per station.
[[nodiscard]] std::string to_text(const Summary& summary);

}  // namespace analysis
