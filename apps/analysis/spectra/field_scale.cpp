#include "analysis/spectra/field_scale.hpp"

#include "analysis/table_text.hpp"
#include "mth5/metadata.hpp"

namespace analysis {

namespace {

/// In the units that its filters lead to.
ChannelFacts physical_of(const ChannelFacts& facts) {
  auto made = facts;
  made.units = facts.physical_units;
  made.physical_units.clear();
  return made;
}

}  // namespace

ShownUnits shown_units(const ChannelFacts& facts, bool physical) {
  if (physical && !facts.physical_units.empty()) return {1 / facts.gain, mth5::unit_symbol(facts.physical_units)};
  return {1, mth5::unit_symbol(facts.units)};
}

FieldScale field_scale(const ChannelFacts& facts, bool physical) {
  if (physical && !facts.physical_units.empty()) {
    auto scale = field_scale(physical_of(facts), false);
    scale.factor /= facts.gain;
    return scale;
  }
  const auto symbol = mth5::unit_symbol(facts.units);
  if (facts.kind == mth5::Kind::Magnetic && symbol == "nT") return {1, "nT^2/Hz", natural_magnetic};
  const double mv = millivolts(facts);
  if (facts.kind == mth5::Kind::Electric && symbol == "mV/km") return {1, "(mV/km)^2/Hz", natural_electric};
  if (facts.kind == mth5::Kind::Electric && mv > 0 && facts.dipole_m > 0)
    return {1000 * mv / facts.dipole_m, "(mV/km)^2/Hz", natural_electric};
  return {1, (symbol.empty() ? "units" : shown(symbol)) + "^2/Hz", nullptr};
}

}  // namespace analysis
