#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/spectra/cross_spectra.hpp"
#include "analysis/spectra/natural.hpp"
#include "analysis/spectra/station_spectra.hpp"
#include "analysis/verdict/verdict.hpp"

namespace view {

using analysis::StationSpectra;

/// A point of a spectrum on a screen: lines of neighbouring frequencies put together.
struct SpectrumPoint {
  double mean = 0, max = 0;  ///< units squared per Hz
  int lines = 0;             ///< 0: there is none
  double spread = 0;         ///< sum over the lines of 1 / segments

  /// Standard deviation of the mean, as a part of it: one line of K segments has 1.04 / sqrt(K) with half overlap, and
  /// neighbours are not independent.
  [[nodiscard]] double scatter() const;
};
/// Of `count` bands of equal width on a logarithmic or linear axis, each line from the stage that it is to be read from.
[[nodiscard]] std::vector<SpectrumPoint> banded_spectrum(const analysis::CrossSpectra& spectra, std::size_t channel,
                                                         double from_hz, double to_hz, std::size_t count, bool linear);
/// Mean squared coherence of two channels between two frequencies, without what noise has; nullopt: not enough data yet.
[[nodiscard]] std::optional<double> mean_coherence(const analysis::CrossSpectra& spectra, std::size_t a, std::size_t b,
                                                   double from_hz, double to_hz);

}  // namespace view
