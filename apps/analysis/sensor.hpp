#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "analysis/block.hpp"
#include "analysis/series.hpp"
#include "mth5/reader.hpp"

namespace analysis {

/// What a file says of the sensor of a channel, beside its attributes.
struct Sensor {
  ClipLimits limits;                             ///< in the units of the samples
  std::vector<std::pair<double, double>> noise;  ///< Hz, and units of the samples per root of Hz, by frequency; empty = not known
};

/// Of /Acquisition (clip_limits, sensor_noise); nothing is known where there are no such tables, or of a channel that has other
/// units than they. @param channel  number in the file    @throws mth5::FormatError if a table is damaged
[[nodiscard]] Sensor sensor_of(const mth5::Reader& file, const Series& series, std::size_t channel);

/// A noise curve between its points, straight where both axes are logarithmic; nullopt beyond them. Pure.
[[nodiscard]] std::optional<double> noise_at(const std::vector<std::pair<double, double>>& noise, double hz);

}  // namespace analysis
