#pragma once

#include <filesystem>
#include <optional>

#include "acquisition/config/config.hpp"

namespace mth5d {

/// mth5d --finalize: becomes mth5-recover --finalize for the files of this configuration that are closed, the oldest first, as
/// output.finalize and output.retention say; a unit of its own runs it (systemd/mth5-finalize@.service). Nothing goes on in a
/// closed file, so recorders may run. Waits for the next time while the recorder of this configuration tells of a battery below
/// output.finalize_wait_below.
/// @param status_file  of that recorder; nullopt: where it puts it by itself
/// @returns kDone if there is nothing to do; else it does not return @throws mth5::FileError mth5-recover does not run
int finalize(const daq::config::Config& config, const std::optional<std::filesystem::path>& status_file);

}  // namespace mth5d
