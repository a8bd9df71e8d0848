#pragma once

#include <cstdint>
#include <optional>

#include "acquisition/decode/decoder.hpp"
#include "acquisition/ledger/reasons.hpp"
#include "mth5/time.hpp"

/// What a timeline tells whoever stores samples.
namespace daq::timing {

using ledger::Drop;
using ledger::GapReason;

struct Gap {
  mth5::UtcNanos start;    ///< of the first missing sample, by the clock that held until then
  std::int64_t n_samples;  ///< missing; 0 where a clock was set or drifted and nothing is lost
  GapReason reason;
  bool filled;  ///< the samples() that follow begin with n_samples of NaN and the run goes on
};

/// What goes into a file next, as one piece.
struct Block {
  mth5::UtcNanos start{};          ///< by the run's plain axis: start of the run + i / sample rate
  const double* values = nullptr;  ///< [n][n_channels], good until the call returns
  std::int64_t n = 0;
  std::int64_t n_filled = 0;  ///< of n, at the front: NaN for samples that are missing
  bool new_run = false;       ///< do not continue the last run
  std::optional<Gap> gap{};   ///< before it. None before a new run: all that lies between is stored already
};

/// What ties the samples of a run to UTC: sample `sample` was taken at `utc`.
struct Anchor {
  std::int64_t sample = 0;  ///< index in the run that the samples() before went to, without regard to files
  mth5::UtcNanos utc{};
  decode::TimeKind kind = decode::TimeKind::Gps;
  double residual_s = 0;     ///< of the last frame's time against the clock's line
  double ppm = 0;            ///< by how much the samples come faster than the nominal rate says
  double uncertainty_s = 0;  ///< of `utc`, one standard deviation; a constant delay nobody configured is not in it
  bool locked = false;       ///< the line is good: enough frames, small residuals
};

/// Takes what the timeline found out, in order. Called on the thread of push().
class Sink {
 public:
  virtual ~Sink() = default;
  /// False says that the block could not be taken (ring full): the timeline then counts its samples as RingFull and makes them a
  /// gap; what was said of a gap before them is announced again, longer, before the next ones (one gap for one outage).
  virtual bool samples(const Block& block) = 0;
  /// A gap with nothing behind it: finish() announces those.
  virtual void gap(const Gap& gap) = 0;
  /// Follows the samples() that it is of. In the order of `sample` within a run; the same one again where more is known of it:
  /// the last word holds.
  virtual void anchor(const Anchor& anchor) = 0;
};

}  // namespace daq::timing
