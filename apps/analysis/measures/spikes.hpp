#pragma once

#include <cstdint>
#include <optional>

#include "analysis/block.hpp"
#include "analysis/measures/sliding.hpp"

namespace analysis {

/// Samples that stand alone. Such a sample is outside the range of eight others around it by half of that range, the extremes of
/// these left out; it is farther from the median of the 2 k + 1 samples around than 6 robust standard deviations of those
/// (Hampel; k = 5, at fast rates 0.05 s); and it is entered by a step of more than 8 robust standard deviations of the first
/// differences in the 61 samples around. Neighbours count as one. Windows with a missing sample are left out. Thread: a value.
class Spikes {
 public:
  struct Spike {
    mth5::UtcNanos time;
    double height;  ///< above the median around it; negative: below
  };

  void add(const Block& block);
  /// @param later  of samples after all of these
  void merge(const Spikes& later);
  [[nodiscard]] state::Json save() const;
  void load(const state::Json& saved);

  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] const std::optional<Spike>& worst() const { return worst_; }  ///< of the largest height; the first of equals

 private:
  void look(std::span<const double> samples, const Sliding::Time& time);
  void judge(std::span<const double> window, const Sliding::Time& time);
  /// Samples before the one in question, and behind it.
  [[nodiscard]] std::size_t around() const;
  [[nodiscard]] std::size_t width() const { return 2 * around() + 2; }

  std::size_t reach_ = 0;  ///< k; 0 = no sample yet
  std::int64_t count_ = 0;
  std::optional<Spike> worst_;
  Sliding windows_{1};
};

/// Levels that jump and stay: the mean of a second (or a sample, at 1 Hz and below) differs from the one before the last by more
/// than 10 robust standard deviations of the differences in the 30 s before and after, and so do the medians of the 10 s before
/// and after, the trend taken out. A bias that was set, an electrode that was touched. Thread: a value.
class Jumps {
 public:
  struct Jump {
    mth5::UtcNanos time;  ///< of the first sample or second of the new level
    double height;
  };

  Jumps();
  void add(const Block& block);
  /// @param later  of samples after all of these
  void merge(const Jumps& later);
  [[nodiscard]] state::Json save() const;
  void load(const state::Json& saved);

  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] const std::optional<Jump>& last() const { return jump_; }
  [[nodiscard]] std::optional<mth5::UtcNanos> first() const { return first_jump_; }

 private:
  struct Second {
    std::int64_t number = 0;  ///< since 1970
    std::int64_t n = 0;       ///< samples with a value
    double sum = 0;
  };
  void end(const Second& second);
  void look(std::span<const double> samples, const Sliding::Time& time);
  void judge(std::span<const double> window, const Sliding::Time& time);

  double rate_ = 0;
  std::optional<Second> first_, last_;  ///< of the part: others may have samples of them too
  std::int64_t count_ = 0;
  std::optional<Jump> jump_;  ///< the last
  std::optional<mth5::UtcNanos> first_jump_;
  Sliding seconds_;
};

}  // namespace analysis
