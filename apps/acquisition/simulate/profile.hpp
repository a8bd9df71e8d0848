#pragma once

#include "acquisition/config/config.hpp"
#include "acquisition/simulate/instrument.hpp"

namespace daq::simulate {

/// The instrument that a profile describes: see frames.hpp and lines.hpp.
[[nodiscard]] Instrument from_profile(const config::Instrument& profile);

}  // namespace daq::simulate
