#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <numeric>

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
    if (!takes_()) return false;
    const auto start = block.start;
    const std::span<const double> values{block.values, static_cast<std::size_t>(block.n)};
    const auto n = values.size();
    const bool new_run = block.new_run;
    if (block.gap) gap(*block.gap);
    if (values_.empty()) RC_ASSERT(new_run);
    if (new_run) {
      if (!values_.empty()) RC_ASSERT(gap_.has_value());
      run_start_ = start;
      run_n_ = 0;
    }
    RC_ASSERT(start == mth5::sample_time(run_start_, options_.sample_rate, run_n_));
    if (gap_) {
      ++gaps_;
      missing_ += static_cast<std::uint64_t>(gap_->n_samples);
      RC_ASSERT(gap_->filled == !new_run);
      if (!values_.empty()) RC_ASSERT(gap_->start == end_);
      if (gap_->filled) {
        for (std::int64_t i = 0; i < gap_->n_samples; ++i) RC_ASSERT(std::isnan(values[static_cast<std::size_t>(i)]));
      } else if (start >= gap_->start) {
        const auto between = std::llround(mth5::samples_between(gap_->start, start, options_.sample_rate));
        // A clock that stepped back while the ring was full: the loss is as long as it was by the old clock.
        RC_ASSERT(gap_->n_samples == between || (gap_->reason == GapReason::RingFull && gap_->n_samples > between));
      }
      gap_.reset();
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (!std::isnan(values[i]) && last_id_) RC_ASSERT(values[i] > *last_id_);  // in order, none twice
      if (!std::isnan(values[i])) last_id_ = values[i];
      values_.push_back(std::isnan(values[i]) ? -1 : values[i]);
      times_.push_back(mth5::sample_time(run_start_, options_.sample_rate, run_n_++));
    }
    end_ = mth5::sample_time(run_start_, options_.sample_rate, run_n_);
    return true;
  }
  void gap(const Gap& gap) override {
    RC_ASSERT(gap.n_samples >= 0);
    gap_ = gap;
  }

  void anchor(const Anchor&) override {}

  std::optional<Gap> gap_;  ///< announced
  std::uint64_t gaps_ = 0, missing_ = 0;
  std::vector<double> values_;  ///< -1 = fill
  std::vector<mth5::UtcNanos> times_;

 private:
  Options options_;
  std::function<bool()> takes_;
  mth5::UtcNanos run_start_{}, end_{};
  std::int64_t run_n_ = 0;
  std::optional<double> last_id_;
};

/// Frames of a clock that mostly runs, and jumps, stops, repeats and jitters.
Batch wild_frames(const Options& options) {
  Batch batch;
  double index = 0, id = 0;
  const auto n = *rc::gen::inRange(0, 60);
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
                            .after_skip = *rc::gen::inRange(0, 8) == 0});
    for (std::uint32_t k = 0; k < length; ++k) batch.samples.push_back(id++);
    index += length;
  }
  return batch;
}

Options any_options() {
  Options options;
  options.sample_rate = *rc::gen::element(1.0, 10.0, 256.0, 0.1, 3.0, 4096.0);
  options.tolerance_samples = *rc::gen::element(0.5, 0.1, 0.0, 0.9);
  options.fill_up_to = std::chrono::nanoseconds{std::llround(*rc::gen::inRange(0, 5) / options.sample_rate * 1e9)};
  options.accept_step_after = std::chrono::nanoseconds{std::llround(*rc::gen::inRange(0, 20) / options.sample_rate * 1e9)};
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
  if (sink.gap_) {  // told by finish(): behind it comes nothing
    RC_ASSERT(sink.gap_->reason == GapReason::RingFull);
    RC_ASSERT(c.gaps == sink.gaps_ + 1);
    RC_ASSERT(c.missing == sink.missing_ + static_cast<std::uint64_t>(sink.gap_->n_samples));
  } else {
    RC_ASSERT(c.gaps == sink.gaps_);
    RC_ASSERT(c.missing == sink.missing_);
  }
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

}  // namespace
