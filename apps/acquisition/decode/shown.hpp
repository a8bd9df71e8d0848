#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "acquisition/decode/description.hpp"

namespace daq::decode {

/// A channel, or a quantity of state of health, of a description.
struct Quantity {
  bool soh = false;
  std::size_t index = 0;
};

/// What stands in a frame where a quantity is read, for people: of text its field ("12.70V"), with that of its hemisphere; of a
/// binary frame the bytes of its number ("0x41 'A'"), of samples the first one. "": it stands nowhere in it, or it is not one
/// frame.
/// @param frame  one that the decoder takes, with its end mark; lines of text that are no frames may stand before it
[[nodiscard]] std::string shown(const Description& description, std::span<const char> frame, Quantity quantity);

/// What may help where a line of text is refused: decimals behind another sign, a time with its offset from UTC. "": nothing is
/// known. @param line  what is refused and what follows it, as far as it is there
[[nodiscard]] std::string advice(const Description& description, std::span<const char> line);
/// The same of a field that is no number.
[[nodiscard]] std::string advice_of_number(const Description& description, std::string_view field);

/// Where whole lines of text always have so many fields, and nothing in the profile tells one that is made of two halves. "": the
/// profile does, or lines have now more fields, now fewer, or they are too few to say. @param beginning  of a recording
[[nodiscard]] std::string advice_of_lengths(const Description& description, std::string_view beginning);

}  // namespace daq::decode
