#pragma once

#include <cstdint>
#include <optional>

#include "mth5/time.hpp"

/// When frames came, against when they were taken: what tells a pause from a clock that was set.
namespace daq::timing {

/// Frames arrive some time after their own time, never much sooner than the least of these delays. So a frame that seems to come
/// before it was taken was stamped by a clock that was set forward; behind a pause the delay is what it was. Works through bursts
/// and stalls; says nothing while frames come much faster than they were taken (a backlog, a replay), or where the jump is lost
/// in the jitter. Pure. Thread: one.
class Arrivals {
 public:
  /// A frame whose time is believed. @param length_s  of its samples
  void add(mth5::UtcNanos arrival, mth5::UtcNanos time, double length_s);
  /// Did frames go on coming while the time jumped forward by `jump_s` to `time`? nullopt: cannot be told.
  [[nodiscard]] std::optional<bool> flowed(mth5::UtcNanos arrival, mth5::UtcNanos time, double jump_s) const;
  /// Nothing came for `jump_s` longer than the frames before explain, and arrivals are even enough to say so.
  [[nodiscard]] bool paused(mth5::UtcNanos arrival, double jump_s) const;
  /// For how long nothing came before `arrival`, beyond what the frames before would explain (s); 0 if not clearly so.
  [[nodiscard]] double pause_s(mth5::UtcNanos arrival) const;
  /// Delays are measured anew: the frames' clock was set, or the source was opened anew.
  void restart();

 private:
  [[nodiscard]] bool live() const { return n_ >= 2 && passed_ >= taken_ / 2; }

  std::int64_t n_ = 0;
  mth5::UtcNanos last_arrival_{};
  double last_length_ = 0;
  double passed_ = 0, taken_ = 0;        ///< s, lately: between arrivals, in samples
  double least_ = 0, least_before_ = 0;  ///< least delay of this spell, of the one before
  double spell_ = 0;                     ///< s of samples in this spell
  double excess_ = 0;                    ///< mean delay over the least one
};

/// Times of arrival that all stay late, where nothing counts the frames: a loss that looked like a burst when it came, as one
/// shortly before it had made arrivals uncertain, or that of one slow sample, which is no more than a single frame may be late.
/// Pure. Thread: one.
class StaysLate {
 public:
  /// @param limit_s  what a single one may be late without any meaning; window_s  of the clock; period_s  of a sample
  StaysLate(double limit_s, double window_s, double period_s);
  /// A frame that arrived `late_s` behind what the clock says, where arrivals scatter by `scatter_s` lately.
  void add(double late_s, double scatter_s, mth5::UtcNanos arrival);
  /// s by which all of lately are late at least, if they are many over a long time; else 0.
  [[nodiscard]] double least_s() const {
    return frames_ >= (steady_ ? kSteadyFrames : kFrames) && passed_s_ >= (steady_ ? kSteady_s : long_s_) ? least_s_ : 0;
  }
  void restart() { frames_ = 0; }

 private:
  static constexpr int kFrames = 64, kSteadyFrames = 16;
  static constexpr double kSteady_s = 5;
  static constexpr double kSlow_s = 0.1;      ///< of a sample: no line between instrument and computer becomes so much slower
  static constexpr double kMostOfOne = 0.75;  ///< of a sample
  const double limit_s_, long_s_, period_s_;
  bool steady_ = false;  ///< when the spell began, arrivals were so even that it tells a sample
  int frames_ = 0;
  mth5::UtcNanos since_{};
  double passed_s_ = 0, least_s_ = 0;
};

}  // namespace daq::timing
