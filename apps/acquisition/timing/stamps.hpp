#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "acquisition/decode/frame.hpp"
#include "mth5/time.hpp"

namespace daq::timing {

/// What step the times of a stream are cut to: as it is told, else as their digits or their repeating show. Pure. Thread: one.
class Stamps {
 public:
  /// @param resolution  as Options::stamp_resolution
  Stamps(double sample_rate, mth5::Nanos resolution) : period_s_{1 / sample_rate}, told_{resolution} {}

  enum class Learnt {
    Nothing,
    Step,    ///< step() may be another
    Repeats  ///< times that began by repeating themselves are coarser than their digits: those before are a part of a step
  };
  /// The next stamp, of `frame`. @param in_run  a run has begun: repeating shows no step any more
  Learnt take(const decode::Frame& frame, mth5::UtcNanos time, bool in_run);

  /// That stamps are cut to; 0 = exact.
  [[nodiscard]] mth5::Nanos step() const { return step_; }
  [[nodiscard]] double step_s() const;
  /// `n` samples take less than a step: several frames of so many have the same stamp.
  [[nodiscard]] bool within_step(std::int64_t n) const { return step_s() > static_cast<double>(n) * period_s_; }
  /// `n` samples take just a step.
  [[nodiscard]] bool is_step(std::int64_t n) const;

  /// Of the newest: the same as the one before.
  [[nodiscard]] bool still() const { return before_ == last_; }
  /// Of the newest: a step behind the one before.
  [[nodiscard]] bool steps() const;
  /// Of the newest: two steps behind the one before.
  [[nodiscard]] bool skips() const;
  /// Frames in a row with the time of the one before.
  [[nodiscard]] std::int64_t repeated() const { return repeated_; }

 private:
  /// What was said of it is not so: times go on by less, again and again.
  bool is_finer_than_told(const decode::Frame& frame, mth5::UtcNanos time);

  const double period_s_;
  const mth5::Nanos told_;
  int finer_ = 0;  ///< times in a row that went on by less than told
  std::optional<mth5::UtcNanos> before_, last_;
  mth5::Nanos step_{0};
  std::optional<mth5::Nanos> printed_;  ///< the finest that their digits have shown
  bool repeats_ = false;                ///< `step_` is what times showed that repeat themselves
  std::int64_t repeated_ = 0;
};

/// How far the stamps of a stream scatter, whatever is missing among them. Pure. Thread: one.
class Scatter {
 public:
  /// A frame of `n` samples.
  void add(mth5::UtcNanos time, std::int64_t n);
  /// s that a stamp may well lie beside its line; 0 until enough are known.
  [[nodiscard]] double most_s() const;

 private:
  static constexpr std::size_t kLately = 16;
  static constexpr std::ptrdiff_t kLeast = 4;
  std::optional<mth5::UtcNanos> last_;
  std::array<double, kLately> per_sample_{};  ///< s from one stamp to the next, of a sample
  std::size_t n_ = 0;
  std::int64_t n_samples_ = 0;  ///< of the newest frame
};

/// The rate that stamps tell, where it is steadily another than was said. Pure. Thread: one.
class RateTold {
 public:
  explicit RateTold(double sample_rate) : rate_{sample_rate} {}
  /// A frame of `n` samples. @param step_s  its time is cut to; counted: it has a counter; follows: which, if so, says that none
  /// are missing
  void add(mth5::UtcNanos time, std::int64_t n, double step_s, bool counted, bool follows);
  /// Hz; nullopt where they agree, or do not agree with each other.
  [[nodiscard]] std::optional<double> other() const;
  /// s from one sample to the next, where frames that are evenly apart contradict `seconds_per_sample`: by more than a clock
  /// drifts, and further than they are uneven.
  [[nodiscard]] std::optional<double> instead_of(double seconds_per_sample) const;

 private:
  void add_even(mth5::UtcNanos time, double step_s, bool follows);
  [[nodiscard]] double even_spacing() const;

  const double rate_;
  std::optional<mth5::UtcNanos> last_;
  std::int64_t n_ = 0;      ///< samples since the time went on
  std::int64_t agree_ = 0;  ///< times that went on by the same per sample
  double per_sample_ = 0;   ///< s, mean of them
  // The same to what the stamps are worth: frames in a row that are evenly apart.
  mth5::UtcNanos even_since_{};
  std::int64_t even_samples_ = 0;
  int even_ = 0;         ///< times between them
  double uneven_s_ = 0;  ///< the most by which one of these was another than the mean before
  bool counted_ = false;
  double step_s_ = 0;
};

}  // namespace daq::timing
