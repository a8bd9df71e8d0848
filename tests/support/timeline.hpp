#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "acquisition/timing/timeline.hpp"

/// A timeline, what it is told and what it says.
namespace test {

inline const mth5::UtcNanos kStart = *mth5::from_calendar(2020, 10, 4, 0, 0, 0);

inline std::string number(double value) { return std::isnan(value) ? "nan" : std::to_string(std::llround(value)); }
inline mth5::Nanos nanos(double seconds) { return mth5::Nanos{std::llround(seconds * 1e9)}; }

/// Keeps all it takes, and says it as text: "run@0: 0 1 2", "+@3: 3", "gap@4 n=2 no-data filled". Times in samples since kStart.
class Notes final : public daq::timing::Sink {
 public:
  struct Run {
    mth5::UtcNanos start;
    std::vector<double> values;  ///< of the first channel
    std::vector<daq::timing::Anchor> anchors;

    [[nodiscard]] mth5::UtcNanos axis(std::size_t i, double rate) const {
      return mth5::sample_time(start, rate, static_cast<std::int64_t>(i));
    }
    /// As readers do: straight between anchors, on from the last by its ppm.
    [[nodiscard]] mth5::UtcNanos utc(std::size_t i, double rate) const {
      if (anchors.empty()) return axis(i, rate);
      const auto sample = static_cast<std::int64_t>(i);
      std::size_t k = anchors.size() - 1;
      while (k > 0 && anchors[k].sample > sample) --k;
      double period = 1 / (rate * (1 + (std::isnan(anchors[k].ppm) ? 0 : anchors[k].ppm) * 1e-6));
      if (k + 1 < anchors.size())
        period = std::chrono::duration<double>(anchors[k + 1].utc - anchors[k].utc).count() /
                 static_cast<double>(anchors[k + 1].sample - anchors[k].sample);
      return anchors[k].utc + nanos(static_cast<double>(sample - anchors[k].sample) * period);
    }
  };

  Notes(double rate, std::size_t n_channels) : rate_{rate}, n_channels_{n_channels} {}

  bool samples(const daq::timing::Block& block) override {
    EXPECT_GT(block.n, 0);
    if (refuse) return false;
    if (block.gap) {
      lines.push_back(text(*block.gap));
      gaps.push_back(*block.gap);
      EXPECT_EQ(block.gap->filled, block.n_filled > 0);
    }
    if (block.new_run) runs.push_back({block.start, {}, {}});
    if (runs.empty()) {
      ADD_FAILURE() << "samples without a run";
      return true;
    }
    auto& run = runs.back();
    EXPECT_EQ(block.start, run.axis(run.values.size(), rate_)) << "the axis of a run is start + i / rate";
    std::string line = (block.new_run ? "run@" : "+@") + index(block.start) + ":";
    for (std::int64_t i = 0; i < block.n; ++i) {
      const double value = block.values[static_cast<std::size_t>(i) * n_channels_];
      run.values.push_back(value);
      if (quiet) continue;
      line += " " + number(value);
    }
    lines.push_back(line);
    return true;
  }
  void gap(const daq::timing::Gap& gap) override {
    announced = text(gap);
    gaps.push_back(gap);
  }
  void anchor(const daq::timing::Anchor& anchor) override {
    if (runs.empty()) {
      ADD_FAILURE() << "an anchor without a run";
      return;
    }
    auto& run = runs.back();
    EXPECT_GE(anchor.sample, 0);
    EXPECT_LT(anchor.sample, static_cast<std::int64_t>(run.values.size()));
    if (!run.anchors.empty() && anchor.sample == run.anchors.back().sample) {  // told again
      EXPECT_FALSE(run.anchors.back().locked);
      run.anchors.pop_back();
    }
    if (!run.anchors.empty()) {
      EXPECT_GT(anchor.sample, run.anchors.back().sample);
    }
    run.anchors.push_back(anchor);
  }
  [[nodiscard]] std::size_t stored() const {
    std::size_t n = 0;
    for (const auto& run : runs) n += run.values.size();
    return n;
  }

  bool refuse = false;
  bool quiet = false;  ///< no values in the lines
  std::string announced;
  std::vector<std::string> lines;
  std::vector<daq::timing::Gap> gaps;
  std::vector<Run> runs;

 private:
  [[nodiscard]] std::string text(const daq::timing::Gap& gap) const {
    return "gap@" + index(gap.start) + " n=" + std::to_string(gap.n_samples) + " " + std::string{to_string(gap.reason)} +
           (gap.filled ? " filled" : "");
  }
  [[nodiscard]] std::string index(mth5::UtcNanos t) const {
    return number(std::chrono::duration<double>(t - kStart).count() * rate_);
  }
  double rate_;
  std::size_t n_channels_;
};

/// Frames of two channels.
struct Line {
  daq::timing::Options options;
  Notes notes;
  daq::timing::Timeline timeline;

  explicit Line(const daq::timing::Options& o = {}) : options{o}, notes{o.sample_rate, 2}, timeline{o, 2, notes} {}

  struct Frame {
    double time;  ///< samples since kStart; values are the same, counted on
    std::uint32_t n = 1;
    bool after_skip = false;
    std::optional<double> value{};  ///< of the first sample, where it is not the time
    std::optional<std::uint64_t> counter{};
    double arrival = 0;  ///< s since kStart
    daq::decode::TimeKind kind = daq::decode::TimeKind::Gps;
    mth5::Nanos step{};  ///< to which the digits of its time are cut
  };
  /// Frames of one batch.
  Line& push(const std::vector<Frame>& frames) {
    std::vector<double> samples;
    std::vector<std::size_t> first;
    for (const auto& frame : frames) {
      first.push_back(samples.size());
      for (std::uint32_t i = 0; i < frame.n; ++i)
        for (int c = 0; c < 2; ++c) samples.push_back(frame.value.value_or(std::round(frame.time)) + i);
    }
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const auto& frame = frames[i];
      timeline.push({.n_samples = frame.n,
                     .first = first[i],
                     .time = kStart + nanos(frame.time / options.sample_rate),
                     .kind = frame.kind,
                     .counter = frame.counter,
                     .time_step = frame.step,
                     .after_skip = frame.after_skip,
                     .arrival = kStart + nanos(frame.arrival)},
                    samples.data() + first[i]);
    }
    timeline.end_of_batch();
    check();
    return *this;
  }
  /// Each in a batch of its own; arrivals say nothing.
  Line& push_each(double from, double to) {
    for (double t = from; t <= to; ++t) push({{t}});
    return *this;
  }
  Line& finish() {
    timeline.finish();
    check();
    EXPECT_EQ(timeline.counters().pending, 0u);
    return *this;
  }
  [[nodiscard]] std::uint64_t dropped(daq::ledger::Drop reason) const {
    return timeline.counters().dropped[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] std::uint64_t dropped() const { return daq::ledger::sum(timeline.counters().dropped); }
  void check() const {
    const auto& c = timeline.counters();
    EXPECT_EQ(c.decoded, c.passed + c.pending + daq::ledger::sum(c.dropped));
    EXPECT_EQ(c.passed + c.filled, notes.stored());
  }
};

}  // namespace test
