#include "acquisition/timing/timeline.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace daq::timing {
namespace {

/// Period in ns if that is a whole number: then times of samples need no more than a product.
mth5::Nanos whole_period(double sample_rate) {
  const double period = 1e9 / sample_rate;
  return mth5::Nanos{period == std::floor(period) && period * sample_rate == 1e9 ? static_cast<std::int64_t>(period) : 0};
}

}  // namespace

Timeline::Timeline(const Options& options, std::size_t n_channels, Sink& sink)
    : options_{options},
      n_channels_{n_channels},
      period_{whole_period(options.sample_rate)},
      max_fill_{
          static_cast<std::int64_t>(mth5::samples_between({}, mth5::UtcNanos{options.fill_up_to}, options.sample_rate) + 1e-6)},
      sink_{sink} {}

void Timeline::end_of_batch() {
  give_out();
  if (held_ && held_->values != held_values_.data()) {  // the batch goes, the held frame stays
    held_values_.assign(held_->values, held_->values + static_cast<std::size_t>(held_->series.n) * n_channels_);
    held_->values = held_values_.data();
  }
}

void Timeline::disconnected() { events_.disconnected = true; }

void Timeline::finish() {
  if (held_) confirm_held();
  give_out();
  if (lost_ && run_) {
    const Gap gap = gap_until(time_of(*run_, run_->n), {});
    sink_.gap(gap);
    count_gap(gap);
    stored_end_ = time_of(*run_, run_->n);
    lost_ = false;
  }
  run_.reset();
  back_.reset();
}

std::optional<mth5::UtcNanos> Timeline::last_time() const {
  if (held_) return time_of(held_->series, held_->series.n - 1);
  if (run_) return time_of(*run_, run_->n - 1);
  return std::nullopt;
}

void Timeline::push(const decode::Frame& frame, const double* values) {
  if (frame.n_samples == 0) return;
  const std::int64_t n = frame.n_samples;
  counters_.decoded += frame.n_samples;
  if (frame.after_skip) events_.bad_data = true;

  Placed placed{Place::Later};
  if (run_) {
    placed = place(*run_, frame.time, n);
    if (placed.place == Place::Earlier || placed.place == Place::Known) return drop_earlier(frame, placed.place, values);
  }
  if (held_) {
    const Placed to_held = place(held_->series, frame.time, n);
    if (to_held.place == Place::Known) return drop(Drop::Duplicate, n);
    if (to_held.place == Place::Earlier) {
      contradict_held();
    } else {
      confirm_held();
      placed = to_held;
    }
  }
  if (placed.place == Place::Later) return hold(frame, values);
  drop(Drop::Duplicate, placed.known);
  append(values + static_cast<std::size_t>(placed.known) * n_channels_, n - placed.known);
}

void Timeline::append(const double* values, std::int64_t n) {
  if (block_.n != 0 && block_.values + static_cast<std::size_t>(block_.n) * n_channels_ == values) {
    block_.n += n;
  } else {
    give_out();
    block_ = {.start = time_of(*run_, run_->n), .values = values, .n = n, .new_run = lost_};
    if (lost_) block_.gap = gap_until(block_.start, events_);
  }
  run_->n += n;
  events_ = {};
  back_.reset();
}

void Timeline::hold(const decode::Frame& frame, const double* values) {
  held_ = Held{{frame.time, frame.n_samples}, values, std::exchange(events_, {})};
  counters_.pending = frame.n_samples;
}

void Timeline::confirm_held() {
  give_out();
  const Held held = *held_;
  held_.reset();
  counters_.pending = 0;
  back_.reset();
  if (run_ && !lost_) {
    const auto missing = mth5::samples_between(time_of(*run_, run_->n), held.series.start, options_.sample_rate);
    const auto n_missing = samples_to(time_of(*run_, run_->n), held.series.start);
    const bool on_grid = std::abs(missing - static_cast<double>(n_missing)) <= options_.tolerance_samples;
    // Shorter than the limit is not enough: a step of the grid inside a run would make every later frame a gap.
    if (on_grid && n_missing > 0 && n_missing <= max_fill_) return fill_and_append(held, n_missing);
  }
  begin_run(held.series.start, held.values, held.series.n, held.events, false);
}

void Timeline::contradict_held() {
  drop(Drop::BadTime, held_->series.n);
  counters_.pending = 0;
  events_.disconnected |= held_->events.disconnected;
  events_.bad_data = true;
  held_.reset();
}

void Timeline::drop_earlier(const decode::Frame& frame, Place where, const double* values) {
  const std::int64_t n = frame.n_samples;
  const auto is_at = [&](mth5::UtcNanos expected) {
    return frame.time == expected ||
           std::abs(mth5::samples_between(expected, frame.time, options_.sample_rate)) <= options_.tolerance_samples;
  };
  const bool repeated = back_ && is_at(back_->last);
  const bool even = back_ && is_at(back_->next);
  if (even && frame.time - back_->start >= options_.accept_step_after) {
    if (held_) contradict_held();
    give_out();
    return begin_run(frame.time, values, n, {}, true);
  }
  drop(where == Place::Known ? Drop::Duplicate : Drop::Backward, n);
  if (repeated) return;
  if (!even) back_ = Back{.start = frame.time};
  back_->last = frame.time;
  back_->next = time_of({frame.time, 0}, n);
}

void Timeline::begin_run(mth5::UtcNanos start, const double* values, std::int64_t n, Events events, bool clock_step) {
  block_ = {.start = start, .values = values, .n = n, .new_run = true};
  if (stored_end_) {
    if (clock_step) {  // what the ring lost before is told by the old clock
      block_.gap = gap_until(run_ ? time_of(*run_, run_->n) : start, events);
      if (!lost_) block_.gap->reason = GapReason::ClockStep;
    } else {
      block_.gap = gap_until(start, events);
    }
  }
  run_ = Series{start, n};
  back_.reset();
  if (clock_step) events_ = {};
}

void Timeline::fill_and_append(const Held& held, std::int64_t n_missing) {
  const auto fill = static_cast<std::size_t>(n_missing) * n_channels_;
  const auto own = static_cast<std::size_t>(held.series.n) * n_channels_;
  fill_values_.assign(fill, std::numeric_limits<double>::quiet_NaN());
  fill_values_.insert(fill_values_.end(), held.values, held.values + own);
  block_ = {.start = time_of(*run_, run_->n),
            .values = fill_values_.data(),
            .n = n_missing + held.series.n,
            .n_filled = n_missing,
            .gap = gap_until(held.series.start, held.events)};
  block_.gap->filled = true;
  run_->n += block_.n;
}

void Timeline::give_out() {
  if (block_.n == 0) return;
  const Block block = std::exchange(block_, {});
  const std::int64_t n_own = block.n - block.n_filled;
  if (!stored_end_) stored_end_ = block.start;
  if (!sink_.samples(block)) {
    drop(Drop::RingFull, n_own);
    lost_ = true;
    return;
  }
  if (block.gap) count_gap(*block.gap);
  counters_.passed += static_cast<std::uint64_t>(n_own);
  counters_.filled += static_cast<std::uint64_t>(block.n_filled);
  lost_ = false;
  if (block.new_run) run_ = Series{block.start, block.n};
  stored_end_ = time_of(*run_, run_->n);
}

void Timeline::count_gap(const Gap& gap) {
  ++counters_.gaps;
  counters_.missing += static_cast<std::uint64_t>(gap.n_samples);
}

Gap Timeline::gap_until(mth5::UtcNanos end, Events events) const {
  const GapReason reason = lost_                 ? GapReason::RingFull
                           : events.disconnected ? GapReason::Disconnected
                           : events.bad_data     ? GapReason::BadData
                                                 : GapReason::NoData;
  return {*stored_end_, std::max<std::int64_t>(0, samples_to(*stored_end_, end)), reason, false};
}

mth5::UtcNanos Timeline::time_of(const Series& series, std::int64_t index) const {
  if (period_.count() != 0) return series.start + index * period_;
  return mth5::sample_time(series.start, options_.sample_rate, index);
}

std::int64_t Timeline::samples_to(mth5::UtcNanos from, mth5::UtcNanos to) const {
  return std::llround(mth5::samples_between(from, to, options_.sample_rate));
}

Timeline::Placed Timeline::place(const Series& series, mth5::UtcNanos time, std::int64_t n) const {
  const auto end = time_of(series, series.n);
  if (time == end) return {Place::Contiguous};
  const double ahead = mth5::samples_between(end, time, options_.sample_rate);
  if (ahead > options_.tolerance_samples) return {Place::Later};
  if (ahead >= -options_.tolerance_samples) return {Place::Contiguous};
  const double index = mth5::samples_between(series.start, time, options_.sample_rate);
  const std::int64_t nearest = std::llround(index);
  if (nearest < 0 || std::abs(index - static_cast<double>(nearest)) > options_.tolerance_samples) return {Place::Earlier};
  const std::int64_t known = series.n - nearest;
  return known < n ? Placed{Place::Overlaps, known} : Placed{Place::Known};
}

}  // namespace daq::timing
