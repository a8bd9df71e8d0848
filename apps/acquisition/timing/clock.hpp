#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "acquisition/decode/decoder.hpp"
#include "acquisition/timing/envelope.hpp"
#include "acquisition/timing/options.hpp"
#include "mth5/time.hpp"

/// Which UTC the samples of a stream have.
namespace daq::timing {

[[nodiscard]] inline double seconds(mth5::Nanos t) { return std::chrono::duration<double>(t).count(); }
/// Seconds from `from` to `to`, exact to the nanosecond within a century.
[[nodiscard]] double seconds_between(mth5::UtcNanos from, mth5::UtcNanos to);
/// `t` and so many seconds, kept within what UtcNanos can say.
[[nodiscard]] mth5::UtcNanos plus_seconds(mth5::UtcNanos t, double seconds);
/// How well UTC is kept: 20 us, or a hundredth of a sample if that is more.
[[nodiscard]] double kept_s(double sample_rate);

/// A line through the times of frames: UTC = origin + position / rate + offset + drift * (what passed since). `position` counts
/// samples since restart(), missing ones too.
///
/// Stamps (gps, device): least squares in which older frames weigh less (Options::window, a tenth of it where stamps are exact to
/// a hundredth of a sample, so that a warming crystal is followed), a frame far off counts as one three standard deviations off,
/// and the drift is at first 0 +- 100 ppm. So the line is right from the second frame on, a jump shows at once, and jitter is
/// averaged. A clock that was set by less than the tolerance is followed after eight frames. Arrivals (host, none): the line
/// below them all, see LowerEnvelope. Pure; about 40 ns a frame; 1 kB, for arrivals up to 64 kB.
class Clock {
 public:
  explicit Clock(const Options& options);

  /// Sample 0 was taken at `t`. What is known of the drift stays.
  void restart(mth5::UtcNanos t, bool stamped);
  /// Stamps are cut to this step: the line may lie below UTC by up to so much.
  void cut_stamps(mth5::Nanos step);
  /// The next `n_samples`, the first of which was taken at `time`, if that is known.
  void add(std::int64_t n_samples, std::optional<mth5::UtcNanos> time);
  /// The next `n_samples` are missing.
  void skip(std::int64_t n_samples) { position_ += n_samples; }

  /// The computer's own clock is known to so many s; 0 = nobody was asked, infinity = who was asked does not know it. Of times of
  /// arrival: they are locked and known no better than it is.
  void host_clock(double known_to_s) { host_known_to_s_ = known_to_s; }

  /// Frames have shown that samples are so far apart (s), and not as the line says: it begins anew at the last frame, near that.
  void assume(double seconds_per_sample);

  [[nodiscard]] std::int64_t position() const { return position_; }  ///< of the next sample
  [[nodiscard]] bool stamped() const { return stamped_; }
  [[nodiscard]] mth5::UtcNanos utc(std::int64_t position) const;
  /// s from the plain axis (since restart(), by the nominal rate) at `position` to `t`.
  [[nodiscard]] double beyond_axis(std::int64_t position, mth5::UtcNanos t) const {
    return seconds_between(nominal(position), t);
  }
  [[nodiscard]] double seconds_per_sample() const { return (1 + drift_) / rate_; }
  /// > 0: samples come faster than the nominal rate says; from one to the next it is 1 / (rate * (1 + ppm / 10^6)). NaN: stamps
  /// are so coarse that the drift is not known to 50 ppm yet.
  [[nodiscard]] double ppm() const;
  /// UTC is told to so many s at best: kept_s(), or what coarse stamps leave open.
  [[nodiscard]] double precision_s() const { return coarse() ? std::max(kept_s_, cut_s_ / 2) : kept_s_; }
  [[nodiscard]] double residual_s() const { return residual_; }
  [[nodiscard]] double scatter_s() const;  ///< of the times round the line, one standard deviation; arrivals: mean delay
  /// Of utc(position()); at least what the step of the stamps, or the computer's clock, leaves open. Infinity: not known.
  [[nodiscard]] double uncertainty_s() const;
  /// The samples come at this rate (Hz), where it is another one than any clock drifts to, for certain.
  [[nodiscard]] std::optional<double> other_rate() const;
  [[nodiscard]] bool settled() const;                     ///< enough frames, small residuals
  [[nodiscard]] bool locked() const;                      ///< settled, and not by stamps too coarse to tell
  [[nodiscard]] std::string_view why_not_locked() const;  ///< for people; "" = it is

  /// The clock was set by less than the tolerance: until the sample before `position` the line was another one.
  struct Set {
    std::int64_t position;
    mth5::UtcNanos before;  ///< UTC of the sample before
  };
  /// Frames lie on one side of the line: it is being pulled there, and soon will have been set, or not.
  [[nodiscard]] bool in_doubt() const { return aside_ != 0; }
  [[nodiscard]] const std::optional<Set>& set() const { return set_; }  ///< the last time, since restart()

 private:
  [[nodiscard]] mth5::UtcNanos nominal(std::int64_t position) const;
  [[nodiscard]] double offset(std::int64_t position) const;
  void add_stamp(double dx, double y);
  void add_coarse(double x, double y);
  [[nodiscard]] bool coarse() const;
  [[nodiscard]] bool moved_aside();
  void forget_frames();
  [[nodiscard]] double unknown_scatter2() const;  ///< s^2, until frames tell

  const double rate_;
  const mth5::Nanos period_;  ///< 0 if it is no whole number of ns
  const double window_s_;
  const double tolerance_s_;
  const double kept_s_;
  double cut_s_ = 0;            ///< step of the stamps
  double host_known_to_s_ = 0;  ///< the computer's clock
  bool stamped_ = true;
  mth5::UtcNanos origin_{};
  std::int64_t position_ = 0;
  std::int64_t last_ = 0;  ///< position of the last frame that had a time: where the line is told
  double offset_ = 0;      ///< s, there
  double last_y_ = 0;      ///< s, the same by that frame's own time
  double drift_ = 0;       ///< s/s
  double residual_ = 0;    ///< s
  std::int64_t n_ = 0;     ///< frames with a time
  // Least squares round the last frame: sums over frames of weight, x, x^2, y, x y, and what was known before.
  double w_ = 0, wx_ = 0, wxx_ = 0, wy_ = 0, wxy_ = 0;
  double scatter2_ = 0;
  double mean_residual_ = 0;  ///< s, of the last 32 frames or so
  /// Coarse stamps: least squares over all since restart(), as means and sums of squares round them. Those of a minute say
  /// nothing.
  struct {
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  } long_;
  std::optional<double> long_drift_;  ///< s/s, once it is known
  double prior_drift_ = 0, prior_sigma_;
  double decay_dx_ = -1, decay_ = 1;
  std::optional<Set> set_;
  int aside_ = 0;  ///< frames in a row on one side (sign) of the line, further off than they used to be
  double aside_limit_ = 0;
  std::int64_t aside_since_ = 0;  ///< position
  LowerEnvelope envelope_;
};

}  // namespace daq::timing
