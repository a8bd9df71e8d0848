#pragma once

#include <filesystem>
#include <optional>

namespace mth5d {

/// `mth5d --status`: prints what running daemons tell of themselves to stdout, as text or as one JSON object a line, which has
/// `age_s`, `running` and `stale` added.
/// @param file  nullopt: all status files of the folder where daemons put them
/// @returns 0 if at least one daemon runs, and all that run or should run report in time and get data from all sources; else 1
/// @throws mth5::FileError there is none, or `file` cannot be read, or its daemon does not run
int show_status(const std::optional<std::filesystem::path>& file, bool json);

}  // namespace mth5d
