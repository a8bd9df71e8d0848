#pragma once

#include <string>

#include "acquisition/config/config.hpp"
#include "acquisition/simulate/instrument.hpp"

namespace daq::simulate {

/// The instrument of a profile with `miniseed:`. A record is one record of 512 bytes for each channel, of one time: whole numbers
/// in 32 bits (numbers of 64 bits where the channel is none of whole numbers), as many as fit or a second has. Signals as for
/// framed(). @param profile  its decoder is a MiniSeedFormat
[[nodiscard]] Instrument miniseed(const config::Instrument& profile);

/// NET.STA.LOC.CHA of a code of the profile: XX.SIM for what it leaves open, and the band letter of the rate.
[[nodiscard]] std::string simulated_id(const std::string& code, double rate_hz);

}  // namespace daq::simulate
