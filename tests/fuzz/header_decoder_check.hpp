#pragma once

#include <cmath>

#include "acquisition/source/atss_files.hpp"
#include "decoder_check.hpp"

/// The header of a channel of .atss files: any text in the place of JSON.
namespace fuzz {

/// @returns 1 where it is one
inline std::uint64_t check_header_decoder(std::string_view bytes) {
  const auto header = daq::source::parse_atss_header(bytes);
  if (!header) return 0;
  for (const auto* text : {&header->units, &header->sensor}) {
    require(text->size() <= 4 * 40 * 10, "what is shown is short");
    for (const char c : *text) require(c != '\n' && c != '\0' && c != '\x1b', "what is shown can be shown");
  }
  for (const double value : {header->latitude, header->longitude, header->elevation, header->contact_resistance})
    require(!std::isinf(value), "a figure is a number, or not known");
  require(!(header->contact_resistance <= 0), "0 is not measured");
  require(!(std::abs(header->latitude) > 90) && !(std::abs(header->longitude) > 180), "a position is one of the earth");
  return 1;
}

}  // namespace fuzz
