#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace summary {

/// Writes a page of a day into a directory, and its index.html anew from the pages that are there. Both as ReportFile does.
/// @param date  2026-05-01    @param inputs  files that are reported on
/// @throws mth5::FileError
void write_day_page(const std::filesystem::path& directory, const std::string& date, const std::string& page,
                    const std::vector<std::filesystem::path>& inputs);

}  // namespace summary
