#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "mth5/time.hpp"

/// UTC of the samples of a run whose instrument has a clock of its own. The sample rate in a file is nominal; how the samples lay
/// against UTC is in /Acquisition/clock, as anchors (doc/acquisition.md). Thread: values, no sharing.
namespace mth5 {

/// A sample whose UTC is known.
struct ClockAnchor {
  std::int64_t sample = 0;  ///< index in its run
  UtcNanos utc;
  std::string kind;                                              ///< where the time comes from: "gps", "device", "host", "none"
  double residual_s = std::numeric_limits<double>::quiet_NaN();  ///< of this time against the fitted line; NaN = not known
  double ppm = std::numeric_limits<double>::quiet_NaN();         ///< > 0: samples come faster than the nominal rate says
  double uncertainty_s = std::numeric_limits<double>::quiet_NaN();  ///< of `utc`
  bool locked = false;                                              ///< the clock followed its source

  friend bool operator==(const ClockAnchor&, const ClockAnchor&) = default;
};

/// The clock of one run: straight lines between its anchors, and from the last one on with its ppm. Where there are none it is
/// the plain axis, start + sample / rate.
class RunClock {
 public:
  /// How far the rate of samples may lie beside the nominal one: a board's that is set otherwise than its profile says. What lies
  /// further is no clock, and not believed.
  static constexpr double kMostPpm = 110'000;

  /// Takes anchors in any order; those that cannot be (a sample before the run or beyond its end, further off the plain axis than
  /// an hour and kMostPpm explain, a time not after that of an earlier sample) are left out and counted.
  /// @param sample_rate  Hz; 0 = not known: there is no axis, and all samples have the time `start`
  RunClock(UtcNanos start, double sample_rate, std::int64_t n_samples, std::vector<ClockAnchor> anchors);

  /// In the order of their samples.
  [[nodiscard]] const std::vector<ClockAnchor>& anchors() const { return anchors_; }
  /// Hz, nominal; 0 = not known.
  [[nodiscard]] double sample_rate() const { return sample_rate_; }
  /// Hz, by which samples follow one another behind the last anchor; nominal where there is none, or its ppm makes no sense.
  [[nodiscard]] double rate_behind() const;
  /// How many were left out.
  [[nodiscard]] std::size_t refused() const { return refused_; }
  /// The newest anchor: ppm, lock and uncertainty as of now. nullptr if there is none.
  [[nodiscard]] const ClockAnchor* newest() const { return anchors_.empty() ? nullptr : &anchors_.back(); }

  /// UTC of any sample, rounded to the ns; it may lie before the run or behind its end.
  [[nodiscard]] UtcNanos utc_of(std::int64_t sample) const;
  /// start + sample / rate: what a reader of `start` and `sample_rate` alone takes it for.
  [[nodiscard]] UtcNanos plain(std::int64_t sample) const;
  /// UTC of `count` samples from `first` on: the exact axis of a window. @throws StateError if no memory can hold so many
  [[nodiscard]] std::vector<UtcNanos> times(std::int64_t first, std::size_t count) const;
  /// The most by which the plain axis is off within the run, in s, >= 0. NaN if there is no anchor: nobody knows.
  [[nodiscard]] double largest_axis_error() const;

 private:
  UtcNanos start_;
  double sample_rate_;
  std::int64_t n_samples_;
  std::vector<ClockAnchor> anchors_;
  std::size_t refused_ = 0;
};

}  // namespace mth5
