#pragma once

#include <filesystem>
#include <vector>

#include "analysis/formats/formats.hpp"

namespace summary {

/// Writes the pages of a day into a directory, and its index.html anew from the pages of days that are there. Each as ReportFile
/// does.
/// @param pages  the last one is 2026-05-01.html, the others those that it leads to    @param inputs  files that are reported on
/// @throws mth5::FileError
void write_day_pages(const std::filesystem::path& directory, const std::vector<analysis::Page>& pages,
                     const std::vector<std::filesystem::path>& inputs);

}  // namespace summary
