#include "acquisition/timing/stamps.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "acquisition/timing/clock.hpp"

namespace daq::timing {

namespace {

/// From one stamp to the next; max() if it is more than any step, wild times included.
mth5::Nanos advance(mth5::UtcNanos from, mth5::UtcNanos to) {
  constexpr double kMost = 7200;  // s
  return std::abs(seconds_between(from, to)) > kMost ? mth5::Nanos::max() : to - from;
}

/// 1 s, 100 ms, … 1 ns.
bool is_decimal(mth5::Nanos step) {
  for (mth5::Nanos one = std::chrono::seconds{1}; one.count() > 0; one /= 10)
    if (one == step) return true;
  return false;
}

}  // namespace

double Stamps::step_s() const { return seconds(step_); }

bool Stamps::is_step(std::int64_t n) const {
  return step_.count() > 0 && std::abs(step_s() - static_cast<double>(n) * period_s_) < 1e-6 * step_s();
}

bool Stamps::steps() const { return before_ && advance(*before_, *last_) == step_; }

bool Stamps::skips() const { return before_ && advance(*before_, *last_) == 2 * step_; }

bool Stamps::is_finer_than_told(const decode::Frame& frame, mth5::UtcNanos time) {
  constexpr int kSure = 3;  // in a row: a clock that was set once is no proof
  if (finer_ == kSure || !before_ || time == *before_) return finer_ == kSure;
  const auto on = advance(*before_, time);
  finer_ = frame.time_step < told_ && on.count() > 0 && on < told_ ? finer_ + 1 : 0;
  return finer_ == kSure;
}

Stamps::Learnt Stamps::take(const decode::Frame& frame, mth5::UtcNanos time, bool in_run) {
  before_ = std::exchange(last_, time);
  const auto repeated = std::exchange(repeated_, before_ == time ? repeated_ + 1 : 0);
  if (told_.count() > 0 && !is_finer_than_told(frame, time))
    return std::exchange(step_, told_) == told_ ? Learnt::Nothing : Learnt::Step;
  auto learnt = Learnt::Nothing;
  // Blocks of whole seconds have the second in which they begin, and begin with it: that is exact.
  const double steps =
      frame.time_step.count() > 0 ? static_cast<double>(frame.n_samples) * period_s_ / seconds(frame.time_step) : 0;
  const bool blocks = frame.n_samples > 1 && seconds(frame.time_step) > period_s_ && std::round(steps) >= 1 &&
                      std::abs(steps - std::round(steps)) < 1e-6 * steps;
  const auto printed = blocks ? mth5::Nanos{0} : frame.time_step;
  if (!printed_ || printed < *printed_) {
    if (!repeats_) {
      step_ = printed;
      learnt = Learnt::Step;
    }
    printed_ = printed;
  }
  if (!before_ || time == *before_) return learnt;
  const auto step = advance(*before_, time);
  if (repeats_ && step.count() > 0 && step < step_) {  // they only stood still
    repeats_ = false;
    step_ = *printed_;
    return Learnt::Step;
  }
  const double frame_s = static_cast<double>(frame.n_samples) * period_s_;
  if (in_run || repeated == 0 || step <= step_ || !is_decimal(step) || seconds(step) < 1.5 * frame_s ||
      static_cast<double>(repeated) * frame_s > seconds(step))
    return learnt;
  repeats_ = true;
  step_ = step;
  return Learnt::Repeats;
}

double RateTold::even_spacing() const { return seconds_between(even_since_, *last_) / static_cast<double>(even_samples_); }

void RateTold::add_even(mth5::UtcNanos time, double step_s, bool follows) {
  constexpr double kEven = 0.25, kExact = 0.02;  // samples; of the time between two
  step_s_ = step_s;
  const double passed = last_ ? seconds_between(*last_, time) : 0;
  if (!follows || passed <= 0 || step_s > kExact * passed) {
    even_ = 0;
    return;
  }
  const double uneven = even_ > 0 ? std::abs(passed - static_cast<double>(n_) * even_spacing()) : 0;
  if (uneven > kEven / rate_ + 2 * step_s) even_ = 0;
  if (even_++ == 0) {
    even_since_ = *last_;
    even_samples_ = 0;
    uneven_s_ = 0;
  } else {
    uneven_s_ = std::max(uneven_s_, uneven);
  }
  even_samples_ += n_;
}

std::optional<double> RateTold::instead_of(double seconds_per_sample) const {
  // Times of short frames may agree by chance: of these it takes more.
  constexpr int kFew = 3, kSome = 8, kMany = 32;
  constexpr std::int64_t kLong = 16, kMiddling = 8;  // samples
  constexpr double kDrifts = 400e-6, kMost = 0.09, kRounding = 10e-9;
  if (even_ < (n_ >= kLong ? kFew : n_ >= kMiddling || counted_ ? kSome : kMany)) return std::nullopt;
  const double spacing = even_spacing();
  const double off = std::abs(spacing - seconds_per_sample);
  const double sure = (even_ < kSome ? 16 : even_ < kMany ? 8 : 4) * (uneven_s_ + kRounding) + 2 * step_s_;
  if (off <= kDrifts * seconds_per_sample || off * static_cast<double>(even_samples_) <= sure ||
      std::abs(spacing * rate_ - 1) > kMost)
    return std::nullopt;
  return spacing;
}

void RateTold::add(mth5::UtcNanos time, std::int64_t n, double step_s, bool counted, bool follows) {
  constexpr double kSame = 0.05;
  counted_ = counted;
  add_even(time, step_s, follows);
  if (last_ == time) {
    n_ += n;
    return;
  }
  const double passed = last_ && *last_ < time ? seconds_between(*last_, time) / static_cast<double>(n_) : 0;
  if (passed > 0 && std::abs(passed - per_sample_) <= kSame * per_sample_) {
    per_sample_ += (passed - per_sample_) / static_cast<double>(++agree_);
  } else {
    per_sample_ = passed;
    agree_ = 1;
  }
  last_ = time;
  n_ = n;
}

std::optional<double> RateTold::other() const {
  constexpr std::int64_t kSteadily = 60;  // times
  constexpr double kDiffers = 0.1;        // no clock drifts so far
  if (agree_ < kSteadily || std::abs(per_sample_ * rate_ - 1) <= kDiffers) return std::nullopt;
  return 1 / per_sample_;
}

void Scatter::add(mth5::UtcNanos time, std::int64_t n) {
  if (last_) per_sample_[n_++ % kLately] = seconds_between(*last_, time) / static_cast<double>(n_samples_);
  last_ = time;
  n_samples_ = n;
}

double Scatter::most_s() const {
  constexpr double kMedians = 4;   // of what two stamps differ by: beyond it lies hardly any single one
  constexpr double kApart = 0.75;  // of a frame: further apart something is missing, or came again
  auto values = per_sample_;
  auto end = values.begin() + static_cast<std::ptrdiff_t>(std::min(n_, kLately));
  const auto median = [&] {
    const auto middle = values.begin() + (end - values.begin()) / 2;
    std::nth_element(values.begin(), middle, end);
    return *middle;
  };
  if (end == values.begin()) return 0;
  const double usual = median();
  std::for_each(values.begin(), end, [&](double& value) { value = std::abs(value - usual); });
  end = std::remove_if(values.begin(), end, [&](double apart) { return apart > kApart * std::abs(usual); });
  return end - values.begin() < kLeast ? 0 : kMedians * median() * static_cast<double>(n_samples_);
}

}  // namespace daq::timing
