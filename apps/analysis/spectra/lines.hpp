#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mth5/time.hpp"

namespace analysis {

/// A narrow line that is none of the power grid: ripple control, a railway at 16.7 Hz, the switching of a cathodic protection.
struct Line {
  double hz = 0;
  double db = 0;              ///< its highest point above the median of what lies within 5 Hz
  mth5::UtcNanos since = {};  ///< of the first spectrum with it
};

/// Those of one spectrum, by frequency: 6 dB or more above the median within 5 Hz and above what is three to four steps beside
/// it, so that a broad hump is none. Left out are harmonics of 50 and 60 Hz, and the ends of the spectrum.
[[nodiscard]] std::vector<Line> narrow_lines(std::span<const double> density, double step);

/// Seconds between pulses that come all the time, as of the cathodic protection of a pipeline: narrow lines at multiples of one
/// frequency, the first of them and three of the first six at least. From 7 to 30 s, in a spectrum of samples or means each
/// second; nullopt: there are none. @param density  of 256 s or more a segment
[[nodiscard]] std::optional<double> pulses_of(std::span<const double> density, double step);

/// Below, what is narrow lies between too few lines of a spectrum.
[[nodiscard]] constexpr bool knows_lines(double rate) { return rate >= 40; }

/// Lines that stay where they are: seen for two hours, never gone for more than a quarter of one. Thread: a value.
class SteadyLines {
 public:
  /// @param time  of the spectrum; in order
  void add(std::span<const double> density, double step, mth5::UtcNanos time);
  /// By frequency; of those nearer than 0.15 Hz the strongest.
  [[nodiscard]] std::vector<Line> lines() const;

 private:
  struct Seen : Line {
    mth5::UtcNanos last = {};
  };
  std::vector<Seen> seen_;
};

}  // namespace analysis
