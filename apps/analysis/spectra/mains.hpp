#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

/// The power line in a power spectral density. Thread: pure.
namespace analysis {

/// Of the power lines there are, in Hz.
inline constexpr std::array kGrids{50.0, 60.0};

/// Lowest level that is told: there is no line.
inline constexpr double kNoLine = -20;

/// Power of the line at 50 or 60 Hz (whichever stands higher) against that of the floor in the same band of 2 Hz, in dB; the
/// floor is the median of what is 2 to 5 Hz beside it. A line farther than 0.25 Hz from both is none. nullopt where the spectrum
/// reaches neither: at 1 Hz nobody knows.
/// @param density  units squared per Hz, at 0, step, 2 step …    @param step  Hz
[[nodiscard]] std::optional<double> mains_db(std::span<const double> density, double step);

/// Whether a spectrum at this rate (Hz) reaches the power line.
[[nodiscard]] bool knows_mains(double rate);

/// Samples of a segment for it at a sample rate (Hz): a power of two, at least 4 s, so that the spectrum has a line each 0.25 Hz;
/// between 256 and 65,536.
[[nodiscard]] std::size_t mains_segment(double rate);

}  // namespace analysis
