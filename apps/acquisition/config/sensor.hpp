#pragma once

#include "acquisition/config/config.hpp"
#include "acquisition/config/map_reader.hpp"

namespace daq::config {

/// `clip_limits` and `noise` of a channel, in a profile or over it: what is there is put into `channel`.
void read_sensor(MapReader& map, ChannelProfile& channel, Report& report);

}  // namespace daq::config
