#pragma once

#include <cstdint>
#include <vector>

#include "acquisition/simulate/earth.hpp"
#include "acquisition/simulate/random.hpp"
#include "mth5/time.hpp"

namespace daq::simulate {

/// The electromagnetic field at a site, as deviation from its mean: a magnetic one with the spectrum of a middling day (falling
/// to the dead band between 1 and 5 Hz, Schumann resonances, then a floor) and the daily variation; electric ones that it makes
/// in the given earth; then what is no signal: 50 Hz mains that wander by some 20 mHz, with the odd harmonics up to 450 Hz, of
/// which a hundredth aliases to where the rate puts it; self-potentials that drift; rare electric spikes. Same rate, start, seed
/// and earth: same field. Thread: one.
class NaturalField {
 public:
  struct Sample {
    double bx, by, bz;  ///< nT
    double ex, ey;      ///< mV/km
  };
  /// @param rate_hz  > 0
  NaturalField(double rate_hz, std::uint64_t seed, const Earth& earth = {});
  /// The next sample. @param time  its UTC, for the daily variation
  Sample next(mth5::UtcNanos time);

 private:
  /// Noise through two low passes, or through a resonance: y = gain * noise + b1 * y before + b2 * y before that.
  struct Process {
    double gain, b1, b2;
    double x1 = 0, x2 = 0, y1 = 0, y2 = 0;
  };

  double rate_hz_;
  Random random_;
  EarthFilter x_by_y_, y_by_x_;
  std::vector<Process> processes_;
  double drift_x_ = 0, drift_y_ = 0;
  double mains_offset_hz_ = 0;
  double mains_phase_ = 0;
};

}  // namespace daq::simulate
