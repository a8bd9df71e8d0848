#pragma once

#include <optional>
#include <string>

#include "analysis/spectra/natural.hpp"
#include "analysis/verdict/verdict.hpp"

namespace analysis {

/// What the spectrum of a channel is shown in.
struct FieldScale {
  double factor = 1;                                        ///< of the samples; of their power spectral density its square
  std::string units;                                        ///< of the density: "nT^2/Hz", "(mV/km)^2/Hz"
  std::optional<UsualRange> (*usual)(double hz) = nullptr;  ///< of the natural field; nullptr: of such units nobody knows
};
/// @param physical  by the gain of its filters where that is known; false: as it is stored
[[nodiscard]] FieldScale field_scale(const ChannelFacts& facts, bool physical = true);

/// What the samples of a channel are shown in.
struct ShownUnits {
  double factor = 1;   ///< of the samples
  std::string symbol;  ///< "nT"
};
/// @param physical  as of field_scale()
[[nodiscard]] ShownUnits shown_units(const ChannelFacts& facts, bool physical);

}  // namespace analysis
