#pragma once

#include <cstdint>
#include <span>

/// The step of a ladder of spectra: samples at a tenth of their rate. Thread: constant.
namespace analysis {

inline constexpr std::int64_t kTenth = 10;
inline constexpr std::int64_t kReach = 83;  ///< of the filter before a tenth of the rate, samples to both sides
inline constexpr double kPassed = 0.35;     ///< of the new rate: passed; what is above 0.65 of it is 80 dB down

/// The filter, 2 kReach + 1 taps: a low pass to half of a tenth of the rate, Kaiser window; the sum is 1.
[[nodiscard]] std::span<const double> low_pass();

}  // namespace analysis
