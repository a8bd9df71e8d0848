#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "analysis/block.hpp"
#include "analysis/measures/state.hpp"

namespace analysis {

/// Shows every window of a fixed number of samples to whoever looks for something in it, each once, however the samples are cut
/// into blocks and the blocks into parts: the samples at both ends are kept, so that the windows over the seam of two parts are
/// seen when they are merged. A window never reaches over a gap between two blocks; NaN within blocks are shown. Thread: a value.
class Sliding {
 public:
  /// Of the samples of a window, by their index in it.
  class Time {
   public:
    Time(mth5::UtcNanos reference, double rate, std::int64_t index) : reference_{reference}, rate_{rate}, index_{index} {}
    [[nodiscard]] mth5::UtcNanos of(std::size_t sample) const {
      return mth5::sample_time(reference_, rate_, index_ + static_cast<std::int64_t>(sample));
    }
    /// The same of the window that begins so many samples later.
    [[nodiscard]] Time later(std::size_t samples) const {
      return {reference_, rate_, index_ + static_cast<std::int64_t>(samples)};
    }

   private:
    mth5::UtcNanos reference_;
    double rate_;
    std::int64_t index_;
  };

  explicit Sliding(std::size_t width) : width_{width} {}

  /// @param look  called with samples in a row, of which it is to see each window of `width` samples, and with their Time
  template <class Look>
  void add(const Block& block, Look&& look) {
    if (block.values.empty()) return;
    if (!any_) start_ = block.start;
    if (any_ && !goes_on(end_, block.start, block.rate)) tail_.clear(), one_ = false;
    any_ = true;
    rate_ = block.rate;
    extend_head(block.values);
    end_ = block.end();
    // A block is longer than a window, and of each channel of an hour many of these are kept: none keeps room for a block.
    thread_local std::vector<double> samples;
    samples.assign(tail_.begin(), tail_.end());
    samples.insert(samples.end(), block.values.begin(), block.values.end());
    show(samples, look, end_, samples.size());
    tail_.assign(samples.end() - static_cast<std::ptrdiff_t>(std::min(samples.size(), width_ - 1)), samples.end());
  }

  /// @param later  of samples after all of these, with the same width
  template <class Look>
  void merge(const Sliding& later, Look&& look) {
    if (!later.any_) return;
    if (!any_) {
      *this = later;
      return;
    }
    const bool joined = goes_on(end_, later.start_, rate_);
    end_ = later.end_;
    if (!joined) {
      tail_ = later.tail_;
      one_ = false;
      return;
    }
    extend_head(later.head_);
    auto seam = tail_;  // of both less than a window: every window in it lies over the seam
    seam.insert(seam.end(), later.head_.begin(), later.head_.end());
    show(seam, look, later.start_, tail_.size());
    if (later.one_)
      tail_.insert(tail_.end(), later.tail_.begin(), later.tail_.end());
    else
      tail_ = later.tail_;
    keep_end();
    one_ = one_ && later.one_;
  }

  [[nodiscard]] state::Json save() const {
    return {{"width", width_},          {"any", any_},   {"one", one_},  {"rate", rate_}, {"start", state::time(start_)},
            {"end", state::time(end_)}, {"head", head_}, {"tail", tail_}};
  }
  void load(const state::Json& saved) {
    width_ = saved.at("width");
    any_ = saved.at("any");
    one_ = saved.at("one");
    rate_ = saved.at("rate");
    start_ = state::time(saved.at("start"));
    end_ = state::time(saved.at("end"));
    head_ = saved.at("head").get<std::vector<double>>();
    tail_ = saved.at("tail").get<std::vector<double>>();
  }

 private:
  void extend_head(std::span<const double> values) {
    if (!one_) return;
    const std::size_t n = std::min(width_ - 1 - std::min(width_ - 1, head_.size()), values.size());
    head_.insert(head_.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(n));
  }
  void keep_end() {
    if (tail_.size() >= width_) tail_.erase(tail_.begin(), tail_.end() - static_cast<std::ptrdiff_t>(width_ - 1));
  }
  /// @param reference  time of the sample `index` of these
  template <class Look>
  void show(std::span<const double> samples, Look& look, mth5::UtcNanos reference, std::size_t index) const {
    if (samples.size() >= width_) look(samples, Time{reference, rate_, -static_cast<std::int64_t>(index)});
  }

  std::size_t width_;
  bool any_ = false;
  bool one_ = true;  ///< no gap so far: the head may still grow
  double rate_ = 0;
  mth5::UtcNanos start_{}, end_{};
  std::vector<double> head_, tail_;  ///< at most width - 1 samples: the first, up to a gap, and the last, after one
};

}  // namespace analysis
