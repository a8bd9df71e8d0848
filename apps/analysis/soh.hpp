#pragma once

#include <map>
#include <set>
#include <string>

#include "mth5/reader.hpp"

/// State of health of the instruments, from /Acquisition/state_of_health (libmth5/doc/acquisition.md). Thread: that of the
/// reader.
namespace analysis {

/// The tables of sources and streams of which none is of the station; none if it is "": all are wanted.
[[nodiscard]] std::set<std::string> tables_of_others(const mth5::Reader& file, const std::string& station);

/// The newest value of each quantity with its unit, `battery_V`; NaN = not known.
/// @param leave_out  tables, as tables_of_others() has them
[[nodiscard]] std::map<std::string, double> newest_soh(const mth5::Reader& file, const std::set<std::string>& leave_out);

}  // namespace analysis
