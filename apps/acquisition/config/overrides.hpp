#pragma once

#include "acquisition/config/config.hpp"
#include "acquisition/config/report.hpp"

namespace daq::config {

/// Puts the environment's and the command line's values into the tree, in that order, each with its own place. Paths may be
/// written `sources.lemi.x`, `sources.0.x` and `sources[0].x`. Setting a key of another kind of input replaces the source's
/// input: who says
/// --set sources.lemi.file.path=day.TXT wants the file instead of the serial line.
void apply_overrides(Node& root, const Overrides& overrides, Report& report);

/// All keys outside `sources` that a config may hold, metadata in dotted form.
[[nodiscard]] std::vector<std::string> plain_keys();

}  // namespace daq::config
