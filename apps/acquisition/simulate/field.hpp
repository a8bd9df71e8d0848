#pragma once

#include <cstdint>
#include <vector>

#include "acquisition/simulate/random.hpp"
#include "mth5/time.hpp"

namespace daq::simulate {

/// The electromagnetic field at a quiet site, as deviation from its mean: a red spectrum (a sum of first-order processes with
/// time constants from 1 s to 3 days, so about 1/f), the daily variation, electric fields that follow the magnetic ones as over a
/// 2-D earth (100 and 30 ohm m), 50 Hz mains that wander by some 20 mHz and alias to where the rate puts them, rare electric
/// spikes. Same rate, start and seed: same field. Thread: one.
class NaturalField {
 public:
  struct Sample {
    double bx, by, bz;  ///< nT
    double ex, ey;      ///< mV/km
  };
  /// @param rate_hz  > 0
  NaturalField(double rate_hz, std::uint64_t seed);
  /// The next sample. @param time  its UTC, for the daily variation
  Sample next(mth5::UtcNanos time);

 private:
  struct Process {  ///< x and y part of one time constant
    double keep;    ///< what is left of the value after one sample
    double sigma_nt;
    double ex_per_by, ey_per_bx;  ///< mV/km per nT
    double x, y;                  ///< in units of sigma
  };
  double rate_hz_;
  Random random_;
  std::vector<Process> processes_;
  double mains_offset_hz_ = 0;
  double mains_phase_ = 0;
};

}  // namespace daq::simulate
