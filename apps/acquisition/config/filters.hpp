#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/config/map_reader.hpp"

/// `filters:` of a channel: the stages between the field and its samples. Page: apps/acquisition/doc/filters.md.
namespace daq::config {

/// A table of a response: three numbers a line (Hz, amplitude, phase), between blanks, tabs, commas or semicolons; lines before
/// the first of them are a header, of which `StaticGain N` multiplies the amplitudes; empty lines and those with # are passed
/// over. Or, of a text that begins with {, the sensor_calibration of a header of Metronix: f in Hz, a in mV/nT, p in degrees.
struct ResponseTable {
  std::vector<mth5::Response> rows;  ///< by ascending frequency, phases as in the text
  std::string problem;               ///< "line 7: ...", "" = good
};
[[nodiscard]] ResponseTable parse_response_table(std::string_view text);

/// Reads the list, nearest to the field first. @param channel  its map: a profile's or a site's
[[nodiscard]] std::vector<FilterProfile> read_filters(MapReader& channel, Report& report);

/// Says in the channel's metadata through which filters its samples have gone, when all is known of the channel: those of a
/// dipole get their gain and their name, or go if it has no length; all must follow one another and end in the channel's units.
/// @returns what is wrong, "" = nothing
[[nodiscard]] std::string apply_filters(ChannelProfile& channel);

/// The names of filters that two channels of the list give to different ones, "" = none.
[[nodiscard]] std::string clashing_filter(const std::vector<ChannelProfile>& channels);

}  // namespace daq::config
