#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace support {

/// Names no honest program writes: commands for a terminal as C0 and C1, marks that turn text round, what is not UTF-8, formulas,
/// lines that look like another line of a report.
struct HostileNames {
  std::string survey, station, run;
  std::vector<std::string> components;
};
[[nodiscard]] const HostileNames& hostile_names();

/// A closed MTH5 file, sound in itself, with these names for its groups and channels, such text in units, and in the tables of
/// /Acquisition (layout 2).
void write_hostile_file(const std::filesystem::path& path);

}  // namespace support
