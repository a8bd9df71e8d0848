#pragma once

#include <filesystem>

#include "analysis/spectra/reference.hpp"

namespace site {

/// The curves of a site, from a file in YAML (mth5-monitor(1), REFERENCE CURVES).
/// @throws cli::ConfigError with a line for each thing that is wrong in it; mth5::FileError if it cannot be read
[[nodiscard]] analysis::Reference read_reference(const std::filesystem::path& path);

}  // namespace site
