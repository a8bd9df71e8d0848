#pragma once

#include <limits>
#include <optional>
#include <string>

#include "analysis/flow.hpp"
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
  bool superseded = false;                                           ///< another file of its stations was written later
  double disk_full_in_s = std::numeric_limits<double>::quiet_NaN();  ///< forecast in it; 0: it was closed because of it
};
/// Figures unreadable, writer_died, unbalanced, disk_full, disk_days.
[[nodiscard]] Subject file_subject(const FileFacts& file);

/// Figure silent_s. @param flow  nullopt unless a file of it is live
/// @param began  it is known that others of the station have begun: then it may take a minute more
[[nodiscard]] Subject stream_subject(const std::string& station, double sample_rate, const std::optional<Flow>& flow, bool began);

/// Figures battery_V, no_fix_s.
[[nodiscard]] Subject station_subject(const std::string& station, const Health& health);

/// Adds `present` to a channel. @param stored  samples with a value    @param most  of any channel of its stream
void add_present(Subject& channel, std::int64_t stored, std::int64_t most);

}  // namespace analysis
