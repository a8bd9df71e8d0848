#include "acquisition/simulate/profile.hpp"

#include "acquisition/simulate/frames.hpp"
#include "acquisition/simulate/lines.hpp"

namespace daq::simulate {

Instrument from_profile(const config::Instrument& profile) {
  return std::holds_alternative<decode::FrameFormat>(profile.decoder) ? framed(profile) : lined(profile);
}

}  // namespace daq::simulate
