#pragma once

#include "acquisition/config/config.hpp"
#include "acquisition/simulate/instrument.hpp"

namespace daq::simulate {

/// The instrument of a profile with `frame:`, as the profile describes it: what it sends is made from the same description that
/// mth5d reads it by. A record is a frame of the first kind that has samples; several samples of a frame stand in one value of
/// the truth, with blanks between. What cannot be known from a profile is made up: state of health is constant, of several checks
/// the first is used. Signals: `mt` is NaturalField in nT and mV/km (a thousandth of them where a channel's units are counts),
/// `sine` 1000 times a sine of 20 samples, `counter` index * 8 + channel in the channel's own number, modulo what it can hold.
/// Without lock it says the first state that the profile names beside the locked one. @param profile  its decoder is a
/// FrameFormat
[[nodiscard]] Instrument framed(const config::Instrument& profile);

}  // namespace daq::simulate
