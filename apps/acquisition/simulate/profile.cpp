#include "acquisition/simulate/profile.hpp"

#include "acquisition/simulate/datacast.hpp"
#include "acquisition/simulate/frames.hpp"
#include "acquisition/simulate/lines.hpp"
#include "acquisition/simulate/miniseed.hpp"

namespace daq::simulate {

namespace {

struct Maker {
  const config::Instrument& profile;
  Instrument operator()(const decode::TextFormat&) const { return lined(profile); }
  Instrument operator()(const decode::FrameFormat&) const { return framed(profile); }
  Instrument operator()(const decode::DatacastFormat&) const { return datacast(profile); }
  Instrument operator()(const decode::MiniSeedFormat&) const { return miniseed(profile); }
};

}  // namespace

Instrument from_profile(const config::Instrument& profile) { return std::visit(Maker{profile}, profile.decoder); }

}  // namespace daq::simulate
