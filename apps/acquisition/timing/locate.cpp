#include "acquisition/timing/locate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "acquisition/timing/clock.hpp"

namespace daq::timing {
namespace {

/// s an exact stamp of this stream may be off the line.
double exact_tolerance(const Options& o) {
  constexpr double kRounding = 5e-9;  // times and predictions are whole nanoseconds
  return std::max({o.tolerance_samples / o.sample_rate, seconds(o.tolerance_floor), kRounding});
}

/// s an arrival may be off the line at least: stalls of a second are nothing unusual.
double arrival_tolerance(const Options& o) { return std::max({1.0, 2 / o.sample_rate, exact_tolerance(o)}); }

/// A whole number that a double can be: 100 years at 1 MHz.
std::int64_t whole(double samples) { return std::llround(std::clamp(samples, -4e15, 4e15)); }

}  // namespace

void Slips::add(std::int64_t position, double late_s) {
  constexpr double kRounding = 1e-6;  // s
  while (!lowest_.empty() && lowest_.front().position < position - kLately) lowest_.pop_front();
  while (!lowest_.empty() && lowest_.back().late_s >= late_s - kRounding) {
    late_s = std::min(late_s, lowest_.back().late_s);
    lowest_.pop_back();
  }
  lowest_.push_back({position, late_s});
}

double Slips::beyond(std::int64_t position, double late_s) const {
  for (const auto& low : lowest_)
    if (low.position >= position - kLately) return late_s - low.late_s;
  return 0;
}

Locator::Locator(const Options& options)
    : rate_{options.sample_rate},
      modulus_{options.counter_modulus},
      samples_per_count_{options.samples_per_count},
      least_exact_tolerance_{exact_tolerance(options)},
      exact_tolerance_{least_exact_tolerance_},
      stamp_tolerance_{exact_tolerance_},
      narrow_{std::numeric_limits<double>::infinity()},
      least_arrival_tolerance_{arrival_tolerance(options)},
      arrival_tolerance_{least_arrival_tolerance_} {}

void Locator::widen_arrivals(double scatter_s) { arrival_tolerance_ = std::max(least_arrival_tolerance_, 10 * scatter_s); }

void Locator::cut_stamps(mth5::Nanos step, std::int64_t n_samples) {
  const double frame = static_cast<double>(n_samples) / rate_;
  // Frames within a step: the first of each is between none and one frame late, and the phase of that moves with the drift. Else
  // a stamp is late by up to a step, and drift makes it slip by a whole one; a quarter is for the line itself.
  cut_late_ = seconds(step) > frame ? frame + 0.5 / rate_ : 1.25 * seconds(step);
  narrow_stamps(narrow_);
}

void Locator::narrow_stamps(double tolerance_s) {
  narrow_ = tolerance_s;
  const double narrow = std::min(exact_tolerance_, narrow_);
  stamp_tolerance_ = cut_late_ > narrow ? std::max(exact_tolerance_, cut_late_) : narrow;
}

void Locator::widen_stamps(double scatter_s) {
  exact_tolerance_ = std::max(least_exact_tolerance_, std::min(0.5 / rate_, scatter_s));
  narrow_stamps(narrow_);
}

std::optional<std::uint64_t> Locator::next_counter(std::optional<std::uint64_t> counter, std::int64_t n) const {
  if (!counter) return std::nullopt;
  const auto samples = static_cast<std::uint64_t>(n);
  if (samples_per_count_ != 0 && samples % samples_per_count_ != 0) return std::nullopt;
  const std::uint64_t step = samples_per_count_ == 0 ? 1 : samples / samples_per_count_;
  return modulus_ == 0 ? *counter + step : (*counter + step) % modulus_;
}

double Locator::counter_ahead(const End& end, std::uint64_t counter) const {
  const double samples = static_cast<double>(per_count(end.last_n));
  if (modulus_ == 0) return samples * static_cast<double>(static_cast<std::int64_t>(counter - *end.counter));
  const std::uint64_t forward = (counter % modulus_ + modulus_ - *end.counter % modulus_) % modulus_;
  const bool back = forward > modulus_ / 2;
  return samples * (back ? -static_cast<double>(modulus_ - forward) : static_cast<double>(forward));
}

Place Locator::by_counter(const End& end, const Piece& piece, double ahead, double tolerance) const {
  const double raw = counter_ahead(end, *piece.counter);
  const double wrap = turn(end.last_n);
  const double nearest = wrap > 0 && piece.timed ? std::round((ahead - raw) / wrap) : 0;
  const double wraps = piece.stamped ? nearest : std::max(0.0, nearest);  // nothing arrives before it is taken
  const double least = raw < 0 ? 1 : 0;
  const double by_arrival = piece.stamped ? 0 : std::max(0.0, wraps - least);
  if (by_arrival > 0 && !piece.turns) {  // how late it came says nothing
    const auto n = whole(raw + least * wrap);
    return {.fit = n == 0 ? Fit::Fits : Fit::Ahead, .missing = n, .ahead_s = ahead * end.seconds_per_sample, .counted = true};
  }
  const double counted = raw + wraps * wrap;
  const double ahead_s = ahead * end.seconds_per_sample;
  const auto by = [&](double samples, bool both) {
    const auto n = whole(samples);
    return Place{.fit = n == 0  ? Fit::Fits
                        : n > 0 ? Fit::Ahead
                                : Fit::Behind,
                 .missing = std::max<std::int64_t>(n, 0),
                 .ahead_s = ahead_s,
                 .counted = both,
                 .turns = samples == raw ? 0 : whole(by_arrival)};
  };
  if (!piece.timed) return by(counted, false);
  if (std::abs(counted - ahead) <= tolerance) return by(counted, true);
  if (!piece.stamped && std::abs(raw) <= tolerance) return by(raw, true);
  if (std::abs(ahead) <= tolerance) return {.ahead_s = ahead_s};
  if (raw == 0) return {.fit = ahead > 0 ? Fit::Ahead : Fit::Behind, .ahead_s = ahead_s, .clock_set = true};
  // It went on, and did not begin anew, while the clock was set: what is missing is known all the same, if it went round no time.
  if (piece.stamped && *piece.counter > *end.counter && raw > 0 && (wrap == 0 || ahead < wrap / 2)) {
    Place lost = by(raw, true);
    lost.fit = ahead > 0 ? Fit::Ahead : Fit::Behind;
    lost.clock_set = true;
    return lost;
  }
  Place place = by(ahead, false);
  place.on_grid = std::abs(ahead - std::round(ahead)) <= tolerance;
  return place;
}

Place Locator::place(const End& end, const Piece& piece) const {
  const double ahead = piece.timed ? seconds_between(end.time, piece.time) / end.seconds_per_sample : 0;
  const double tolerance = tolerance_s(piece) * rate_;
  if (piece.counter && end.counter) return by_counter(end, piece, ahead, tolerance);
  if (std::abs(ahead) <= tolerance) return {.ahead_s = ahead * end.seconds_per_sample};
  const auto n = whole(ahead);
  return {.fit = ahead > 0 ? Fit::Ahead : Fit::Behind,
          .missing = std::max<std::int64_t>(n, 0),
          .ahead_s = ahead * end.seconds_per_sample,
          .on_grid = std::abs(ahead - static_cast<double>(n)) <= tolerance};
}

}  // namespace daq::timing
