#pragma once

#include <spdlog/logger.h>

#include "acquisition/config/config.hpp"

namespace daq::recorder {

/// A data file has its name with its first samples; one that is killed before, as in the middle of a roll, leaves it as
/// ".NAME.PID.part". Of the stations of this configuration such a file is brought to its last commit, in a child with limits;
/// then one without a sample goes, and one with samples, which are nowhere else, gets its name. What cannot be read stays as it
/// is. Each is told in the log. Who calls it holds the locks of the stations. Thread: one, before the recorder runs. Never throws
/// for what a file holds.
void clear_unnamed(const config::Config& config, spdlog::logger& log);

}  // namespace daq::recorder
