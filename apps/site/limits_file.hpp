#pragma once

#include <filesystem>

#include "analysis/verdict/limits.hpp"

namespace site {

/// The limits of a site, from a file in YAML (config/mth5-summary.limits.yaml explains it).
/// @throws cli::ConfigError with a line for each thing that is wrong in it; mth5::FileError if it cannot be read
[[nodiscard]] analysis::SiteLimits read_limits(const std::filesystem::path& path);

}  // namespace site
