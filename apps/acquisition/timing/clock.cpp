#include "acquisition/timing/clock.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "acquisition/ledger/clock_now.hpp"
#include "mth5/clock.hpp"

namespace daq::timing {
namespace {

constexpr double kCrystal = 100e-6;     ///< drift of a crystal nobody knows anything of, one standard deviation
constexpr double kSameCrystal = 10e-6;  ///< what remains unknown once it was measured
constexpr double kNearTold = 2e-3;      ///< what remains unknown where the first few frames have told another rate
/// Beyond it is no clock; slow or fast, its ppm is one that readers believe.
constexpr double kMaxDrift = 1e-6 * mth5::RunClock::kMostPpm / (1 + 1e-6 * mth5::RunClock::kMostPpm);
constexpr double kLeastScatter = 1e-9;  ///< s; times are whole nanoseconds
constexpr std::int64_t kLockedFrames = 16;
constexpr double kKnownDrift = kCrystal / 2;

mth5::Nanos whole_period(double sample_rate) {
  const double period = 1e9 / sample_rate;
  return mth5::Nanos{period == std::floor(period) && period * sample_rate == 1e9 ? static_cast<std::int64_t>(period) : 0};
}

double window_of(const Options& options) { return std::chrono::duration<double>(options.window).count(); }

}  // namespace

double seconds_between(mth5::UtcNanos from, mth5::UtcNanos to) {
  std::int64_t nanos = 0;
  if (__builtin_sub_overflow(to.time_since_epoch().count(), from.time_since_epoch().count(), &nanos))
    return 1e-9 * (static_cast<double>(to.time_since_epoch().count()) - static_cast<double>(from.time_since_epoch().count()));
  return 1e-9 * static_cast<double>(nanos);
}

mth5::UtcNanos plus_seconds(mth5::UtcNanos t, double seconds) {
  constexpr double kEnd = 9.2e18;  // ns, a little before the last one there is
  const double nanos = seconds * 1e9;
  if (std::abs(static_cast<double>(t.time_since_epoch().count()) + nanos) > kEnd)
    return mth5::UtcNanos{mth5::Nanos{static_cast<std::int64_t>(nanos > 0 ? kEnd : -kEnd)}};
  if (std::abs(nanos) > kEnd) return plus_seconds(plus_seconds(t, seconds / 2), seconds / 2);
  return t + mth5::Nanos{std::llround(nanos)};
}

double kept_s(double sample_rate) { return std::max(20e-6, 0.01 / sample_rate); }

Clock::Clock(const Options& options)
    : rate_{options.sample_rate},
      period_{whole_period(options.sample_rate)},
      window_s_{window_of(options)},
      tolerance_s_{std::max(options.tolerance_samples / options.sample_rate,
                            std::chrono::duration<double>(options.tolerance_floor).count())},
      kept_s_{kept_s(options.sample_rate)},
      prior_sigma_{kCrystal},
      envelope_{2 * window_of(options), kCrystal} {}

void Clock::restart(mth5::UtcNanos t, bool stamped) {
  if (stamped_ != stamped) {
    drift_ = 0;
    prior_sigma_ = kCrystal;
    envelope_ = LowerEnvelope{2 * window_s_, kCrystal};
    long_drift_.reset();
  } else if (n_ < kLockedFrames) {
    drift_ = prior_drift_;
  } else if (stamped) {
    const double det = w_ * wxx_ - wx_ * wx_;
    if (det > 0 && scatter2_ * w_ / det < kSameCrystal * kSameCrystal) prior_sigma_ = kSameCrystal;
  }
  envelope_.restart();
  stamped_ = stamped;
  origin_ = t;
  position_ = last_ = n_ = 0;
  offset_ = residual_ = 0;
  set_.reset();
  long_ = {};
  forget_frames();
  scatter2_ = unknown_scatter2();
}

void Clock::assume(double seconds_per_sample) {
  drift_ = std::clamp(seconds_per_sample * rate_ - 1, -kMaxDrift, kMaxDrift);
  offset_ = last_y_;
  n_ = 0;
  prior_sigma_ = kNearTold;
  forget_frames();
  scatter2_ = unknown_scatter2();
}

void Clock::add(std::int64_t n_samples, std::optional<mth5::UtcNanos> time) {
  if (time) {
    const double y = last_y_ = seconds_between(nominal(position_), *time);
    residual_ = y - offset(position_);
    if (stamped_) {
      if (coarse()) add_coarse(static_cast<double>(position_) / rate_, y);
      add_stamp(static_cast<double>(position_ - last_) / rate_, y);
    } else {
      envelope_.add(static_cast<double>(position_) / rate_, y);
      offset_ = envelope_.line().y;
      drift_ = std::clamp(envelope_.line().slope, -kMaxDrift, kMaxDrift);
    }
    last_ = position_;
    ++n_;
  }
  position_ += n_samples;
}

double Clock::unknown_scatter2() const { return std::pow(std::max(kLeastScatter, tolerance_s_ / 16), 2); }

void Clock::forget_frames() {
  prior_drift_ = drift_;
  w_ = wx_ = wxx_ = wy_ = wxy_ = 0;
  mean_residual_ = 0;
  aside_ = 0;
}

bool Clock::moved_aside() {
  constexpr int kSure = 8;
  if (aside_ == 0) {
    aside_limit_ = std::max(2 * std::sqrt(scatter2_), kept_s_);
    aside_since_ = position_;
  }
  const int side = std::abs(residual_) <= aside_limit_ ? 0 : residual_ > 0 ? 1 : -1;
  if (aside_ * side < 0) aside_since_ = position_;
  aside_ = side == 0 ? 0 : aside_ * side > 0 ? aside_ + side : side;
  return std::abs(aside_) >= kSure;
}

void Clock::add_stamp(double dx, double y) {
  const double r2 = residual_ * residual_;
  if (n_ > 8 && moved_aside()) {
    set_ = Set{aside_since_, utc(aside_since_ - 1)};
    forget_frames();
  } else if (n_ > 0) {
    // No frame pulls harder than one at three standard deviations; the deviation itself grows with what was really seen.
    const double limit = 3 * std::sqrt(scatter2_);
    if (n_ > 8 && std::abs(residual_) > limit) y += std::copysign(limit, residual_) - residual_;
    mean_residual_ += (residual_ - mean_residual_) / static_cast<double>(std::min<std::int64_t>(n_, 32));
    scatter2_ = std::max(kLeastScatter * kLeastScatter,
                         scatter2_ + (r2 - scatter2_) / static_cast<double>(std::min<std::int64_t>(n_ + 3, 32)));
    if (dx != decay_dx_ || n_ % 16 == 0) {
      decay_dx_ = dx;
      // What the line lags behind a crystal whose rate moves is no jitter: a longer memory would lag further, and a shorter less.
      const double jitter = std::sqrt(std::max(0.0, scatter2_ - mean_residual_ * mean_residual_));
      const double lag = std::max(0.0, std::abs(mean_residual_) - jitter / 2);
      const double window = window_s_ * std::clamp(jitter / kept_s_, 0.1, 1.0) * kept_s_ / (kept_s_ + 4 * lag);
      decay_ = std::exp(-dx / std::max(window, 32 * dx));
    }
    wxx_ += dx * (dx * w_ - 2 * wx_);
    wx_ -= dx * w_;
    wxy_ -= dx * wy_;
    w_ *= decay_, wx_ *= decay_, wxx_ *= decay_, wy_ *= decay_, wxy_ *= decay_;
  }
  w_ += 1;
  wy_ += y;
  const double prior = scatter2_ / (prior_sigma_ * prior_sigma_);
  const double det = w_ * (wxx_ + prior) - wx_ * wx_;
  drift_ = std::clamp((w_ * (wxy_ + prior * prior_drift_) - wx_ * wy_) / det, -kMaxDrift, kMaxDrift);
  offset_ = (wy_ - drift_ * wx_) / w_;
}

bool Clock::coarse() const { return stamped_ && 1.5 * cut_s_ > kKnownDrift * window_s_ / 10; }

void Clock::add_coarse(double x, double y) {
  constexpr double kLongest = 86400;  // s
  auto& l = long_;
  l.n += 1;
  const double dx = x - l.x;
  l.x += dx / l.n;
  l.y += (y - l.y) / l.n;
  l.xx += dx * (x - l.x);
  l.xy += dx * (y - l.y);
  const double span = std::sqrt(12 * l.xx / l.n);
  // Errors of up to a step that all help one another turn the line by no more than this.
  if (1.5 * cut_s_ <= kKnownDrift * span) long_drift_ = std::clamp(l.xy / l.xx, -kMaxDrift, kMaxDrift);
  if (span > kLongest) l.n /= 2, l.xx /= 2, l.xy /= 2;
}

double Clock::ppm() const {
  const auto drift = coarse() ? long_drift_.value_or(std::numeric_limits<double>::quiet_NaN()) : drift_;
  return -drift / (1 + drift) * 1e6;
}

double Clock::offset(std::int64_t position) const { return offset_ + drift_ * static_cast<double>(position - last_) / rate_; }

mth5::UtcNanos Clock::nominal(std::int64_t position) const {
  if (period_.count() != 0) return origin_ + position * period_;
  return mth5::sample_time(origin_, rate_, position);
}

mth5::UtcNanos Clock::utc(std::int64_t position) const { return plus_seconds(nominal(position), offset(position)); }

double Clock::scatter_s() const { return stamped_ ? std::sqrt(scatter2_) : envelope_.mean_excess(); }

double Clock::uncertainty_s() const {
  const double ahead = static_cast<double>(position_ - last_) / rate_;
  // Two by two: of three the library makes NaN where one is infinite.
  if (!stamped_) return std::hypot(std::hypot(envelope_.line().y_sigma, envelope_.line().slope_sigma * ahead), host_known_to_s_);
  const double cut = cut_s_ / std::sqrt(3.0);  // of the true time behind the stamp, evenly between none and a step
  if (n_ == 0) return std::hypot(std::sqrt(scatter2_), cut);
  const double known = wxx_ + scatter2_ / (prior_sigma_ * prior_sigma_);
  const double det = w_ * known - wx_ * wx_;
  const double variance = (known - 2 * ahead * wx_ + ahead * ahead * w_) / det;
  // Residuals that mostly have one sign are no scatter: the crystal's rate moves, and the line is off by as much.
  const double off = mean_residual_ * mean_residual_ > scatter2_ / 4 ? mean_residual_ : 0;
  return std::hypot(std::sqrt(scatter2_ * std::max(0.0, variance)), cut, off);
}

void Clock::cut_stamps(mth5::Nanos step) { cut_s_ = std::chrono::duration<double>(step).count(); }

std::optional<double> Clock::other_rate() const {
  constexpr double kDrifts = 0.005, kSure = 6, kLong = 20;  // s
  constexpr double kWaited = 1;                             // s that arrivals are late: they had waited, which is no rate
  // Of arrivals not what the clock is kept within.
  const double drift = stamped_ ? drift_ : envelope_.line().slope;
  const bool sure = stamped_ ? settled()
                             : n_ >= kLockedFrames && static_cast<double>(last_) / rate_ >= kLong && scatter_s() < kWaited &&
                                   std::abs(drift) > kSure * envelope_.line().slope_sigma;
  if (!sure || std::abs(drift) <= kDrifts || drift <= -1) return std::nullopt;
  return rate_ / (1 + drift);
}

bool Clock::locked() const {
  return settled() && (stamped_ ? cut_s_ <= tolerance_s_ : host_known_to_s_ <= ledger::kGoodArrivals);
}

std::string_view Clock::why_not_locked() const {
  if (locked()) return "";
  if (n_ < (stamped_ ? kLockedFrames : 2 * kLockedFrames)) return "too few times yet";
  if (!stamped_ && settled()) return "the computer's clock is not known to 10 ms";
  if (!stamped_) return "times of arrival: not known to 10 ms and 50 ppm yet";
  return settled() ? "times are cut to about a sample or more" : "times scatter beyond the tolerance";
}

bool Clock::settled() const {
  if (stamped_) return n_ >= kLockedFrames && scatter2_ <= std::pow(std::max(tolerance_s_, cut_s_), 2) / 4;
  constexpr double kLockedSeconds = 60;
  return n_ >= 2 * kLockedFrames && static_cast<double>(last_) / rate_ >= kLockedSeconds &&
         envelope_.line().y_sigma <= ledger::kGoodArrivals && envelope_.line().slope_sigma <= kKnownDrift;
}

}  // namespace daq::timing
