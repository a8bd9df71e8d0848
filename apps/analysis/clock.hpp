#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "mth5/channel.hpp"
#include "mth5/reader.hpp"

/// The clock of a stream, from the anchors of /Acquisition/clock/<stream> (libmth5/doc/acquisition.md). Thread: that of the
/// reader.
namespace analysis {

/// Where GPS began: a time before it is of a clock that began at 0 and was not set.
constexpr mth5::UtcNanos kFirstTime{std::chrono::sys_days{std::chrono::year{1980} / 1 / 6}};
constexpr std::chrono::hours kFuture{1};  ///< a time may be ahead of the host's clock: by more it is of a clock gone wrong

struct ClockSummary {
  std::string stream;
  std::string source;         ///< of the newest anchor: "gps", "device", "host", "none"
  mth5::UtcNanos time{};      ///< of the newest anchor
  double ppm = 0;             ///< of the instrument's clock against UTC, + = fast; NaN = not known
  double residual_us = 0;     ///< of the newest anchor against the line fitted through those before it; NaN = not known
  double uncertainty_us = 0;  ///< of the time of the newest anchor; NaN = not known
  double axis_error_s = 0;    ///< Reader::largest_axis_error() of that of its runs with the largest, as of now; NaN = not known
  bool locked = false;
  std::string station = {};  ///< of the stream; "" where the file does not say
  double sample_rate = 0;    ///< the same, Hz; 0
  std::string runs_of = {};  ///< stream_of() the run of the newest anchor
};

/// One per stream with a clock, in order of name; empty for files without.
/// @throws mth5::FormatError if a table lacks a column
[[nodiscard]] std::vector<ClockSummary> read_clocks(const mth5::Reader& file);

/// Index of the sample of a run that is nearest to a time, by its clock; before the run it is negative, behind it more than there
/// are. Without a sample rate it is 0.
[[nodiscard]] std::int64_t nearest_sample(mth5::UtcNanos time, const mth5::RunClock& clock, const mth5::RunInfo& run);

/// Times of the first and the last sample of a run by its clock; of a run without samples twice where the first would be.
[[nodiscard]] std::pair<mth5::UtcNanos, mth5::UtcNanos> ends_of(const mth5::RunClock& clock, const mth5::RunInfo& run);

/// So many of the first samples of a run are not of the future: all of it if its last one is no further ahead than kFuture. Else
/// its clock is wrong, and it is those up to now; of a run that begins later than that, none.
[[nodiscard]] std::int64_t samples_until(mth5::UtcNanos now, const mth5::RunClock& clock, const mth5::RunInfo& run);

/// source, ppm, residual_us, axis_error_s, locked; null where not known.
[[nodiscard]] nlohmann::ordered_json to_json(const ClockSummary& clock);
/// "locked", or "NOT LOCKED (+-2 ms)": how well its times are known, and that they are of arrival.
[[nodiscard]] std::string locked_text(const ClockSummary& clock);
/// "gps, locked, +12.3 ppm, residual 4 us, axis off by up to 0.5 s".
[[nodiscard]] std::string to_text(const ClockSummary& clock);

}  // namespace analysis
