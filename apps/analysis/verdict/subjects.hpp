#pragma once

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/clock.hpp"
#include "analysis/flow.hpp"
#include "analysis/ledger.hpp"
#include "analysis/soh.hpp"
#include "analysis/verdict/verdict.hpp"
#include "mth5/probe.hpp"

/// What rules look at beside channels, of what is known of them. Thread: pure.
namespace analysis {

struct FileFacts {
  std::string path;
  bool unreadable = false;                                           ///< not all of it can be read
  std::optional<mth5::FileState> state;                              ///< nullopt: nothing else is to be said of it
  bool unbalanced = false;                                           ///< its ledger, or that cannot be read
  bool disk_was_full = false;                                        ///< it was closed because of it, and no other was begun
  std::optional<mth5::UtcNanos> closed = {};                         ///< when that was
  double disk_full_in_s = std::numeric_limits<double>::quiet_NaN();  ///< from now on; NaN: not known
};
/// Figures unreadable, writer_died, unbalanced, disk_full, disk_days.
[[nodiscard]] Subject file_subject(const FileFacts& file);

/// Figure silent_s. @param stream  stream_of() its runs    @param flow  nullopt unless a file of it is live
/// @param began  it is known that others of the station have begun: then it may take a minute more
[[nodiscard]] Subject stream_subject(const std::string& station, const std::string& stream, double sample_rate,
                                     const std::optional<Flow>& flow, bool began);

/// Figure unused of each source: bytes that were no data, or samples that came twice, too late or at wrong times, whichever share
/// is the larger. Not of less than ten minutes of samples, as a source may begin in the middle of a line.
/// @param before  the same ledger at an earlier time: of what came since
[[nodiscard]] std::vector<Subject> source_subjects(const Ledger& ledger, const Ledger* before = nullptr);

/// Adds clock_set. @param times  the clock of the stream was set    @param last  of them
void add_clock_set(Subject& stream, std::int64_t times, std::optional<mth5::UtcNanos> last);

/// Adds clock_ppm (without sign) and axis_error_s to a stream, of its clocks.
void add_clock(Subject& stream, double sample_rate, std::span<const ClockSummary> clocks);

/// Figures battery_V, no_fix_s.
[[nodiscard]] Subject station_subject(const std::string& station, const Health& health);

/// Adds lock_percent of the worst GPS to a station, where it lacks a fix still, and the losses of the last hour that are over.
void add_locks(Subject& station, const Health& health);

/// Takes the lock off the clocks of a station whose GPS has no fix now.
void take_locks(std::span<ClockSummary> clocks, const std::string& station, const Health& health);

/// Adds ahead_s to a station, or keeps the larger one: how far the last sample of a run is ahead of now; 0 if it is not.
void add_ahead(Subject& station, mth5::UtcNanos last, mth5::UtcNanos now);

/// Adds temperature_C to a station, or keeps the higher one. @param at  nullopt: now
void add_temperature(Subject& station, double celsius, std::optional<mth5::UtcNanos> at = {});

/// Adds `present` to a channel. @param stored  samples with a value    @param most  of any channel of its stream
void add_present(Subject& channel, std::int64_t stored, std::int64_t most);

}  // namespace analysis
