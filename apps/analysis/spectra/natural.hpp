#pragma once

#include <optional>

/// What the natural field is like, to be held against a spectrum. Thread: pure.
namespace analysis {

/// Amplitude spectral densities between which something usually lies.
struct UsualRange {
  double low, high;
};

/// Of the horizontal magnetic field from quiet to active times, in nT per root Hz, from 1e-4 to 1000 Hz; beyond that nullopt. An
/// envelope of orders of magnitude after the grand spectrum of Constable and Constable (2004), Vozoff, Simpson and Bahr: typical,
/// and no limit.
[[nodiscard]] std::optional<UsualRange> natural_magnetic(double hz);
/// Of the electric field above it in mV/km per root Hz: E = sqrt(5 rho f) B, over ground of 10 to 1000 ohm m.
[[nodiscard]] std::optional<UsualRange> natural_electric(double hz);

}  // namespace analysis
