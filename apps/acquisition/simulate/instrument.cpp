#include "acquisition/simulate/instrument.hpp"

#include <algorithm>
#include <array>

#include "acquisition/simulate/lemi424.hpp"

namespace daq::simulate {

std::optional<Signal> parse_signal(std::string_view text) {
  if (text == "mt") return Signal::Mt;
  if (text == "sine") return Signal::Sine;
  if (text == "counter") return Signal::Counter;
  return std::nullopt;
}

std::span<const Instrument> instruments() {
  static const std::array table{lemi424()};
  return table;
}

const Instrument* find_instrument(std::string_view name) {
  const auto all = instruments();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Instrument& instrument) { return instrument.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace daq::simulate
