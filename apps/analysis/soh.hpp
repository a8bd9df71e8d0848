#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "analysis/series.hpp"

/// State of health of the instruments, from /Acquisition/state_of_health (libmth5/doc/acquisition.md). Thread: that of the
/// reader.
namespace analysis {

/// The tables of sources and streams of which none is of the station; none if it is "": all are wanted.
[[nodiscard]] std::set<std::string> tables_of_others(const mth5::Reader& file, const std::string& station);

/// The newest value of each quantity with its unit, `battery_V`; NaN = not known.
/// @param leave_out  tables, as tables_of_others() has them
[[nodiscard]] std::map<std::string, double> newest_soh(const mth5::Reader& file, const std::set<std::string>& leave_out);

/// What the instruments of a station say of themselves, over all files.
struct Health {
  std::optional<double> battery_V;  ///< the last that is known; the lowest of several batteries
  struct NoFix {
    mth5::UtcNanos since;  ///< of the last row with a fix
    double seconds;        ///< from then to the newest row
  };
  std::optional<NoFix> no_fix;  ///< of a GPS that had one (satellites, gps_fix) and has none now; the longest of several
};
/// @param now  rows of later times are left out: of a clock that was wrong
[[nodiscard]] Health read_health(Files files, const std::string& station, mth5::UtcNanos now);

}  // namespace analysis
