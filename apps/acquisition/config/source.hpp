#pragma once

#include "acquisition/config/instrument.hpp"

namespace daq::config {

/// The station that sources without one of their own use; found = the key is there, good or not.
struct Station {
  mth5::Metadata metadata{mth5::Kind::Station};
  bool location_known = false;
};
[[nodiscard]] Station read_station(const Node& map, const std::string& path, Report& report);

/// Reads survey, station or channel attributes and lists them; reports an id that is missing or that MTH5 refuses.
void read_object(const Node& map, const std::string& path, mth5::Metadata& metadata, Report& report);

/// What sources have in common, unless they say otherwise.
struct Common {
  std::optional<Station> station;
  Gap gap;
  Clock clock;
};

/// Reads the one input of a source.
[[nodiscard]] Input read_input(MapReader& source, Report& report);

/// Reads `commands` of a source or a profile, if it is there, over what `commands` holds.
void read_commands(MapReader& map, Commands& commands, Report& report);
/// `simulate:` of a profile.
void read_simulated(MapReader& map, Simulated& simulated, Report& report);

/// Reads one item of `sources`.
[[nodiscard]] Source read_source(const Node& map, const std::string& path, const Common& common, Profiles& profiles,
                                 Report& report);

/// Whether an item of `sources` is one that only tells of the computer's clock.
[[nodiscard]] bool is_clock_source(const Node& map);
/// Reads it.
[[nodiscard]] ClockSource read_clock_source(const Node& map, const std::string& path, Report& report);

}  // namespace daq::config
