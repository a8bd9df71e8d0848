#include "mth5/clock.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "mth5/error.hpp"

namespace mth5 {

namespace {

// Times in ns since 1970 need 63 bits; a double has 53. On machines whose long double is a double, the lines below still start
// at an anchor, so that only the distance from it is rounded.
using Real = long double;

constexpr Real kSlack = 3600e9L;  ///< ns

Real ns(UtcNanos t) { return static_cast<Real>(t.time_since_epoch().count()); }

UtcNanos moved(UtcNanos from, Real by_ns) {
  constexpr Real kEnd = 9.2e18L;  // a damaged index must not overflow
  const Real to = std::clamp(ns(from) + by_ns, -kEnd, kEnd);
  return to >= kEnd || to <= -kEnd ? UtcNanos{Nanos{static_cast<std::int64_t>(to)}}
                                   : from + Nanos{static_cast<std::int64_t>(std::llround(by_ns))};
}

/// Hz
Real true_rate(double sample_rate, double ppm) {
  const bool known = std::isfinite(ppm) && std::abs(ppm) <= RunClock::kMostPpm;
  return static_cast<Real>(sample_rate) * (1 + (known ? static_cast<Real>(ppm) : 0) * 1e-6L);
}

/// ns from one sample to the next.
Real spacing(double sample_rate, double ppm) { return 1e9L / true_rate(sample_rate, ppm); }

}  // namespace

RunClock::RunClock(UtcNanos start, double sample_rate, std::int64_t n_samples, std::vector<ClockAnchor> anchors)
    : start_{start}, sample_rate_{sample_rate > 0 ? sample_rate : 0}, n_samples_{n_samples} {
  std::stable_sort(anchors.begin(), anchors.end(), [](const auto& a, const auto& b) { return a.sample < b.sample; });
  for (auto& anchor : anchors) {
    const auto off = [&] { return std::abs(ns(anchor.utc) - ns(plain(anchor.sample))); };
    const auto most = [&] {
      const auto samples = static_cast<Real>(anchor.sample);
      return kSlack + samples * (spacing(sample_rate_, -kMostPpm) - spacing(sample_rate_, 0));
    };
    const bool can_be =
        sample_rate_ > 0 && anchor.sample >= 0 && anchor.sample < std::max<std::int64_t>(n_samples, 1) && off() <= most();
    if (can_be && !anchors_.empty() && anchors_.back().sample == anchor.sample) {  // told again: the last word holds
      anchors_.back() = std::move(anchor);
      ++refused_;
    } else if (can_be && (anchors_.empty() || anchor.utc > anchors_.back().utc)) {
      anchors_.push_back(std::move(anchor));
    } else {
      ++refused_;
    }
  }
}

UtcNanos RunClock::plain(std::int64_t sample) const {
  if (sample_rate_ <= 0) return start_;
  constexpr double kMostSeconds = 9e9;
  return std::abs(static_cast<double>(sample)) / sample_rate_ < kMostSeconds
             ? sample_time(start_, sample_rate_, sample)
             : moved(start_, static_cast<Real>(sample) * spacing(sample_rate_, 0));
}

UtcNanos RunClock::utc_of(std::int64_t sample) const {
  if (anchors_.empty()) return plain(sample);
  const auto after = std::upper_bound(anchors_.begin(), anchors_.end(), sample,
                                      [](std::int64_t value, const ClockAnchor& anchor) { return value < anchor.sample; });
  const auto& from = after == anchors_.begin() ? *after : *std::prev(after);
  const Real distance = static_cast<Real>(sample) - static_cast<Real>(from.sample);
  if (after == anchors_.begin() || after == anchors_.end()) return moved(from.utc, distance * spacing(sample_rate_, from.ppm));
  return moved(from.utc, distance * (ns(after->utc) - ns(from.utc)) / static_cast<Real>(after->sample - from.sample));
}

double RunClock::rate_behind() const {
  return anchors_.empty() ? sample_rate_ : static_cast<double>(true_rate(sample_rate_, anchors_.back().ppm));
}

std::vector<UtcNanos> RunClock::times(std::int64_t first, std::size_t count) const {
  std::vector<UtcNanos> times;
  if (count > times.max_size()) throw StateError{"times of " + std::to_string(count) + " samples: there cannot be so many"};
  times.reserve(count);
  constexpr auto kLast = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i < count; ++i) {
    const auto by = static_cast<std::int64_t>(i);
    times.push_back(utc_of(first > kLast - by ? kLast : first + by));
  }
  return times;
}

double RunClock::largest_axis_error() const {
  if (anchors_.empty()) return std::numeric_limits<double>::quiet_NaN();
  Real most = 0;
  const auto add = [&](std::int64_t sample) { most = std::max(most, std::abs(ns(utc_of(sample)) - ns(plain(sample)))); };
  for (const auto& anchor : anchors_) add(anchor.sample);  // between them both axes are straight lines
  add(0);
  add(std::max<std::int64_t>(n_samples_ - 1, 0));
  return static_cast<double>(most * 1e-9L);
}

}  // namespace mth5
