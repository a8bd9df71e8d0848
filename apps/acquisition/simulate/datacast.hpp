#pragma once

#include "acquisition/config/config.hpp"
#include "acquisition/simulate/instrument.hpp"

namespace daq::simulate {

/// The instrument of a profile with `datacast:`. A record is the packets of all channels of one time, four times a second, in one
/// datagram where it goes by UDP. Samples are whole numbers; signals as for framed(). @param profile  its decoder is a
/// DatacastFormat
[[nodiscard]] Instrument datacast(const config::Instrument& profile);

}  // namespace daq::simulate
