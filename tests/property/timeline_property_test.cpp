#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <set>
#include <vector>

#include "acquisition/timing/timeline.hpp"

namespace {

using namespace daq::timing;
using daq::decode::Batch;

const mth5::UtcNanos kStart = *mth5::from_calendar(2020, 10, 4, 0, 0, 0);

/// Checks each call against the ones before, and keeps what it took.
class Checked final : public Sink {
 public:
  Checked(const Options& options, std::function<bool()> takes) : options_{options}, takes_{std::move(takes)} {}

  bool samples(const Block& block) override {
    RC_ASSERT(block.n > 0);
    RC_ASSERT(block.n_filled >= 0 && block.n_filled < block.n);
    if (!takes_()) return false;
    if (values_.empty()) RC_ASSERT(block.new_run);
    if (block.new_run) {
      run_start_ = block.start;
      run_n_ = 0;
      last_anchor_ = -1;
      ++runs_;
    }
    RC_ASSERT(block.start == mth5::sample_time(run_start_, options_.sample_rate, run_n_));
    if (block.gap) {
      take(*block.gap);
      RC_ASSERT(block.gap->filled == (block.n_filled > 0));
      if (block.gap->filled) RC_ASSERT(block.gap->n_samples == block.n_filled && !block.new_run);
    } else {
      RC_ASSERT(block.n_filled == 0);
    }
    for (std::int64_t i = 0; i < block.n; ++i) {
      const double value = block.values[i];
      RC_ASSERT(std::isnan(value) == (i < block.n_filled));
      if (!std::isnan(value)) RC_ASSERT(ids_.insert(value).second);  // none twice
      values_.push_back(std::isnan(value) ? -1 : value);
      times_.push_back(mth5::sample_time(run_start_, options_.sample_rate, run_n_++));
    }
    return true;
  }
  void gap(const Gap& gap) override {
    RC_ASSERT(gap.reason == GapReason::RingFull);  // behind it comes nothing
    take(gap);
  }
  void anchor(const Anchor& anchor) override {
    const bool again = anchor.sample == last_anchor_ && !last_locked_;
    RC_ASSERT((anchor.sample > last_anchor_ || again) && anchor.sample < run_n_);
    RC_ASSERT(anchor.uncertainty_s >= 0 && std::isfinite(anchor.uncertainty_s) && !std::isinf(anchor.ppm));
    last_anchor_ = anchor.sample;
    last_locked_ = anchor.locked;
  }

  std::vector<Gap> gaps_;
  std::uint64_t missing_ = 0;
  std::vector<double> values_;  ///< -1 = fill
  std::vector<mth5::UtcNanos> times_;
  int runs_ = 0;

 private:
  void take(const Gap& gap) {
    RC_ASSERT(gap.n_samples >= 0);
    gaps_.push_back(gap);
    missing_ += static_cast<std::uint64_t>(gap.n_samples);
  }
  Options options_;
  std::function<bool()> takes_;
  mth5::UtcNanos run_start_{};
  std::int64_t run_n_ = 0, last_anchor_ = -1;
  bool last_locked_ = false;
  std::set<double> ids_;
};

/// Frames of a clock that mostly runs, and jumps, stops, repeats and jitters.
Batch wild_frames(const Options& options) {
  Batch batch;
  double index = 0, id = 0;
  const auto n = *rc::gen::inRange(0, 60);
  const bool with_counter = options.counter_modulus != 0;
  for (int i = 0; i < n; ++i) {
    const auto length = *rc::gen::weightedElement<std::uint32_t>({{6, 1}, {1, 0}, {1, 2}, {1, 7}});
    double shown = index;
    switch (*rc::gen::inRange(0, 16)) {
      case 0:
        index += *rc::gen::inRange(1, 9), shown = index;
        break;
      case 1:
        index -= *rc::gen::inRange(1, 9), shown = index;
        break;
      case 2:
        // any of the years a decoder can give
        shown = std::floor(*rc::gen::inRange(-1'000'000, 700'000) * 1e4 * options.sample_rate);
        break;
      case 3:
        shown = index + *rc::gen::inRange(-100, 100) / 100.0;
        break;
      case 4:
        shown = index - 1;
        break;
      default:
        break;
    }
    const auto offset = std::chrono::nanoseconds{std::llround(shown / options.sample_rate * 1e9)};
    batch.frames.push_back({.n_samples = length,
                            .first = batch.samples.size(),
                            .time = kStart + offset,
                            .kind = *rc::gen::weightedElement<daq::decode::TimeKind>({{8, daq::decode::TimeKind::Gps},
                                                                                      {1, daq::decode::TimeKind::Device},
                                                                                      {1, daq::decode::TimeKind::None},
                                                                                      {1, daq::decode::TimeKind::Host}}),
                            .counter = with_counter ? std::optional{static_cast<std::uint64_t>(id) % 100} : std::nullopt,
                            .after_skip = *rc::gen::inRange(0, 8) == 0});
    for (std::uint32_t k = 0; k < length; ++k) batch.samples.push_back(id++);
    index += length;
  }
  return batch;
}

Options any_options() {
  Options options;
  options.sample_rate = *rc::gen::element(1.0, 10.0, 256.0, 0.1, 3.0, 4096.0);
  options.tolerance_samples = *rc::gen::element(0.5, 0.1, 0.01, 0.9);
  options.fill_up_to = std::chrono::nanoseconds{std::llround(*rc::gen::inRange(0, 5) / options.sample_rate * 1e9)};
  options.accept_step_after = std::chrono::nanoseconds{std::llround(*rc::gen::inRange(0, 20) / options.sample_rate * 1e9)};
  options.counter_modulus = *rc::gen::element<std::uint64_t>(0, 0, 100);
  options.reanchor_after = *rc::gen::element(std::chrono::nanoseconds{0}, std::chrono::nanoseconds{100'000});
  options.remember = *rc::gen::element<std::size_t>(0, 16, 1 << 20);
  return options;
}

void check_identity(const Timeline& timeline) {
  const auto& c = timeline.counters();
  RC_ASSERT(c.decoded == std::accumulate(c.dropped.begin(), c.dropped.end(), c.passed + c.pending));
}

/// Pushes `all` in batches of up to `longest` frames.
void push(Timeline& timeline, const Batch& all, std::size_t longest, bool with_disconnects) {
  std::size_t sample = 0;
  for (std::size_t i = 0; i < all.frames.size();) {
    Batch part;
    for (std::size_t k = 0; k < longest && i < all.frames.size(); ++k, ++i) {
      part.frames.push_back(all.frames[i]);
      part.frames.back().first = part.samples.size();
      for (std::uint32_t s = 0; s < all.frames[i].n_samples; ++s) part.samples.push_back(all.samples[sample++]);
    }
    for (const auto& frame : part.frames) timeline.push(frame, part.samples.data() + frame.first);
    timeline.end_of_batch();
    check_identity(timeline);
    if (with_disconnects && *rc::gen::inRange(0, 5) == 0) timeline.disconnected();
  }
  timeline.finish();
  check_identity(timeline);
  RC_ASSERT(timeline.counters().pending == 0u);
}

RC_GTEST_PROP(Timeline, AccountsForEverySampleAndEveryGap, ()) {
  const auto options = any_options();
  const auto frames = wild_frames(options);
  const auto refusals = *rc::gen::element(0, 3, 10);  // of 10
  Checked sink{options, [&] { return *rc::gen::inRange(0, 10) >= refusals; }};
  Timeline timeline{options, 1, sink};
  push(timeline, frames, *rc::gen::element<std::size_t>(1, 5, 100), true);
  const auto& c = timeline.counters();
  const auto filled = static_cast<std::uint64_t>(std::count(sink.values_.begin(), sink.values_.end(), -1));
  RC_ASSERT(c.decoded == frames.samples.size());
  RC_ASSERT(c.filled == filled);
  RC_ASSERT(c.passed == sink.values_.size() - filled);
  RC_ASSERT(c.gaps == sink.gaps_.size());
  RC_ASSERT(c.missing == sink.missing_);
}

RC_GTEST_PROP(Timeline, GivesTheSameHoweverFramesAreBatched, ()) {
  const auto options = any_options();
  const auto frames = wild_frames(options);
  Checked one_sink{options, [] { return true; }}, many_sink{options, [] { return true; }};
  Timeline one{options, 1, one_sink}, many{options, 1, many_sink};
  push(one, frames, 1000, false);
  push(many, frames, *rc::gen::element<std::size_t>(1, 2, 7), false);
  RC_ASSERT(one.counters() == many.counters());
  RC_ASSERT(one_sink.values_ == many_sink.values_);
  RC_ASSERT(one_sink.times_ == many_sink.times_);
}

/// An instrument whose clock is off by some ppm and whose stamps jitter; what it loses is known.
struct Instrument {
  double rate = *rc::gen::element(0.1, 1.0, 10.0, 256.0, 3.0, 4096.0);
  double ppm = *rc::gen::inRange(-200, 201);
  double jitter = 0;  ///< samples, +-
  std::uint32_t per_frame = *rc::gen::element<std::uint32_t>(1, 1, 10, 100);
  std::int64_t sample = 0;

  void frames(Timeline& timeline, int n) {
    for (int i = 0; i < n; ++i) {
      const double offset = jitter > 0 ? *rc::gen::inRange(-1000, 1001) * jitter / 1000 : 0;
      const double seconds = (static_cast<double>(sample) * (1 - ppm * 1e-6) + offset) / rate;
      std::vector<double> values(per_frame);
      std::iota(values.begin(), values.end(), static_cast<double>(sample));
      timeline.push({.n_samples = per_frame,
                     .time = kStart + std::chrono::nanoseconds{std::llround(seconds * 1e9)},
                     .kind = daq::decode::TimeKind::Device},
                    values.data());
      timeline.end_of_batch();
      sample += per_frame;
    }
  }
};

RC_GTEST_PROP(Timeline, InventsNoGapUnderDriftAndJitter, ()) {
  Instrument instrument;
  instrument.jitter = *rc::gen::element(0.0, 0.05, 0.3);
  Options options;
  options.sample_rate = instrument.rate;
  Checked sink{options, [] { return true; }};
  Timeline timeline{options, 1, sink};
  instrument.frames(timeline, *rc::gen::inRange(2, 400));
  timeline.finish();
  check_identity(timeline);
  RC_ASSERT(sink.runs_ == 1);
  RC_ASSERT(sink.gaps_.empty());
  RC_ASSERT(timeline.counters().passed == static_cast<std::uint64_t>(instrument.sample));
}

RC_GTEST_PROP(Timeline, TellsGapsToTheSampleUnderDriftAndJitter, ()) {
  Instrument instrument;
  instrument.jitter = *rc::gen::element(0.0, 0.2);
  const std::int64_t longest = instrument.jitter > 0 ? 500 : 5000;
  Options options;
  options.sample_rate = instrument.rate;
  Checked sink{options, [] { return true; }};
  Timeline timeline{options, 1, sink};
  std::vector<std::int64_t> lost, told;
  const auto gaps = *rc::gen::inRange(1, 6);
  for (int i = 0; i < gaps; ++i) {
    instrument.frames(timeline, *rc::gen::inRange(60, 200));
    lost.push_back(*rc::gen::weightedOneOf<std::int64_t>(
        {{1, rc::gen::just<std::int64_t>(1)}, {3, rc::gen::inRange<std::int64_t>(1, longest)}}));
    instrument.sample += lost.back();
  }
  instrument.frames(timeline, 10);
  timeline.finish();
  check_identity(timeline);
  for (const auto& gap : sink.gaps_) told.push_back(gap.n_samples);
  RC_ASSERT(told == lost);
  RC_ASSERT(daq::ledger::sum(timeline.counters().dropped) == 0u);
}

}  // namespace
