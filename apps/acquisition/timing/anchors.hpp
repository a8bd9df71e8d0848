#pragma once

#include <cstdint>
#include <optional>

#include "acquisition/timing/clock.hpp"
#include "acquisition/timing/sink.hpp"

/// Which anchors a run gets.
namespace daq::timing {

/// At a run's begin (arrivals: as soon as the clock is locked) and at its end; between them where the line from the last one no
/// longer gives UTC to kept_s(): at first after a second, then two, four… and from then on once a minute at most; every hour
/// anyway. So a reader that draws straight lines between anchors, and on from the last one by its ppm, is right to kept_s()
/// wherever the clock did not move by more within a minute. A clock that was set within the tolerance gets two, one on each side.
/// Pure. Thread: one.
class Anchors {
 public:
  Anchors(double sample_rate, Sink& sink);

  /// Samples of the run up to `last` are stored; sample 0 lies at `first_position` of the clock.
  void stored(const Clock& clock, std::int64_t first_position, std::int64_t last, decode::TimeKind kind);
  /// The run is over.
  void end_of_run();

 private:
  void give(const Anchor& anchor);

  const double rate_;
  const double kept_s_;
  Sink& sink_;
  std::optional<Anchor> given_;  ///< the last one of this run
  std::optional<Anchor> first_;  ///< not given yet: sample 0 as the clock says now
  std::optional<Anchor> last_;   ///< of the last sample, if it is not given
  double least_spacing_ = 1;     ///< s
};

}  // namespace daq::timing
