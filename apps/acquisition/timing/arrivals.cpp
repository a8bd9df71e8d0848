#include "acquisition/timing/arrivals.hpp"

#include <algorithm>
#include <cmath>

#include "acquisition/timing/clock.hpp"

namespace daq::timing {
namespace {

constexpr double kSpell = 300;       ///< s: the least delay is that of this spell and the one before
constexpr double kClockWasSet = 60;  ///< s: a step of the computer's own clock, or a very long stall: measure anew
constexpr double kForget = 7.0 / 8;  ///< each frame

}  // namespace

void Arrivals::restart() {
  n_ = 0;
  passed_ = taken_ = 0;
}

void Arrivals::add(mth5::UtcNanos arrival, mth5::UtcNanos time, double length_s) {
  const double delay = seconds_between(time, arrival);
  const double since = n_ > 0 ? seconds_between(last_arrival_, arrival) : 0;
  if (n_ > 0 && (since < 0 || since > kClockWasSet + 4 * last_length_)) restart();
  if (n_ == 0) {
    least_ = least_before_ = delay;
    spell_ = excess_ = 0;
  } else {
    passed_ = passed_ * kForget + since;
    taken_ = taken_ * kForget + last_length_;
    spell_ += last_length_;
    if (spell_ > kSpell) {
      least_before_ = least_;
      least_ = delay;
      spell_ = 0;
    }
    least_ = std::min(least_, delay);
    excess_ += (delay - std::min(least_, least_before_) - excess_) / 32;
  }
  last_arrival_ = arrival;
  last_length_ = length_s;
  ++n_;
}

std::optional<bool> Arrivals::flowed(mth5::UtcNanos arrival, mth5::UtcNanos time, double jump_s) const {
  if (!live() || jump_s < 4 * excess_) return std::nullopt;
  return seconds_between(time, arrival) < std::min(least_, least_before_) - jump_s / 2;
}

bool Arrivals::paused(mth5::UtcNanos arrival, double jump_s) const {
  return live() && jump_s >= 4 * excess_ && seconds_between(last_arrival_, arrival) - last_length_ >= 0.75 * jump_s;
}

double Arrivals::pause_s(mth5::UtcNanos arrival) const {
  if (!live()) return 0;
  const double pause = seconds_between(last_arrival_, arrival) - last_length_;
  return pause > std::max({1.0, 3 * last_length_, 4 * excess_}) ? pause : 0;
}

StaysLate::StaysLate(double limit_s, double window_s, double period_s)
    : limit_s_{limit_s}, long_s_{std::min(10.0, window_s / 4)}, period_s_{period_s} {}

void StaysLate::add(double late_s, double scatter_s, mth5::UtcNanos arrival) {
  constexpr double kNoJitter = 10;
  if (frames_ == 0) steady_ = period_s_ >= kSlow_s && kNoJitter * scatter_s <= kMostOfOne * period_s_;
  if (late_s <= (steady_ ? std::min(limit_s_, kMostOfOne * period_s_) : limit_s_)) return restart();
  if (frames_++ == 0) {
    since_ = arrival;
    least_s_ = late_s;
  }
  passed_s_ = seconds_between(since_, arrival);
  least_s_ = std::min(least_s_, late_s);
}

}  // namespace daq::timing
