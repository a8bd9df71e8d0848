#pragma once

#include "acquisition/config/config.hpp"
#include "acquisition/simulate/instrument.hpp"

namespace daq::simulate {

/// The instrument of a profile with `text:`, as the profile describes it: columns, forms of times, decimals, delimiter, checksum,
/// JSON keys, end of line. A record is a line; header lines stand before the first one. Times have as many decimals as the rate
/// needs, numbers three where the profile gives none. State of health is constant. Without lock (where the profile lists several
/// lengths) a line has the least of them. Signals: `mt` is NaturalField on the field of a middle latitude, `sine` 1000 times a
/// sine of 20 samples, `counter` index * 8 + channel as a whole number. @param profile  its decoder is a TextFormat
[[nodiscard]] Instrument lined(const config::Instrument& profile);

}  // namespace daq::simulate
