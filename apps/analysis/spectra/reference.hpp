#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analysis/spectra/field_scale.hpp"

namespace analysis {

/// What a site holds its spectra against in place of the typical range of the natural field and of the noise that profiles know;
/// what is empty stays as that is. Thread: a value.
struct Reference {
  using Curve = std::vector<std::pair<double, double>>;  ///< Hz, and units per root of Hz, by frequency
  struct Range {
    Curve low, high;
  };
  Range magnetic, electric;            ///< nT and mV/km
  std::map<std::string, Curve> noise;  ///< by component, in the units of the samples
};

/// What the site says of the natural field in such a channel; nullptr: nothing.
[[nodiscard]] const Reference::Range* own_range(const Reference* own, const ChannelFacts& facts);
/// Between what a channel usually lies at a frequency, in the units of its scale; nullopt: nobody knows.
/// @param own  nullptr: there is none
[[nodiscard]] std::optional<UsualRange> usual_range(const Reference* own, const ChannelFacts& facts, const FieldScale& scale,
                                                    double hz);
/// The noise of the sensor of a channel: the site's, else the one of the profile.
[[nodiscard]] const Reference::Curve& noise_curve(const Reference* own, const std::string& component,
                                                  const Reference::Curve& of_profile);
/// At a frequency, in the units of its samples; nullopt: nobody knows.
[[nodiscard]] std::optional<double> sensor_noise(const Reference* own, const ChannelFacts& facts, double hz);

}  // namespace analysis
