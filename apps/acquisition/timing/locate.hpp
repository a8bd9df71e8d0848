#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "acquisition/decode/decoder.hpp"
#include "acquisition/timing/options.hpp"
#include "mth5/time.hpp"

/// Where a frame lies: by its counter first, then by count, then by time. Pure.
namespace daq::timing {

/// A frame as the timeline looks at it.
struct Piece {
  std::int64_t n = 0;
  const double* values = nullptr;  ///< [n][n_channels]
  decode::TimeKind kind = decode::TimeKind::Gps;
  bool stamped = true;  ///< by the instrument; else `time` is made of the arrival
  bool timed = true;    ///< false: `time` says nothing of where it lies
  bool still = false;   ///< the same time as the frame before: the clock stands, or is coarser than it says
  bool vague = false;   ///< not timed, and not by count either: what lies before it is not known until a time comes that is exact
  mth5::UtcNanos time{};
  std::optional<std::uint64_t> counter{};
  /// Its counter may have gone round since the frame before; false: times of arrival do not tell that here.
  bool turns = true;
  mth5::UtcNanos arrival{};

  /// Only the instrument's own time says where it lies.
  [[nodiscard]] bool lies_by_time() const { return stamped && timed && !counter; }
};

/// What the next frame of a row of samples would be.
struct End {
  mth5::UtcNanos time{};
  double seconds_per_sample = 1;  ///< by the clock, not nominal
  std::optional<std::uint64_t> counter{};
  std::int64_t last_n = 1;  ///< samples of the frame before
};

enum class Fit : std::uint8_t { Fits, Ahead, Behind };

struct Place {
  Fit fit = Fit::Fits;
  std::int64_t missing = 0;  ///< Ahead: samples between
  double ahead_s = 0;        ///< of its time, against the prediction
  bool clock_set = false;    ///< by the counter nothing is between, though its time is ahead or behind
  bool counted = false;      ///< `missing` is by counter and time alike
  bool on_grid = true;       ///< Ahead: a whole number of samples, within the tolerance
  /// Of `missing`: so many turns of the counter which nothing tells but that it arrived late.
  std::int64_t turns = 0;
};

/// What drift cannot do where times are cut to a sample: slip two steps within a few thousand samples. So of lost ones no more
/// than one in so many goes untold, whatever the clock did. Pure.
class Slips {
 public:
  /// A frame `late_s` behind the plain axis at `position`.
  void add(std::int64_t position, double late_s);
  /// s by which such a frame is further than the earliest of those lately; 0 if nothing is known.
  [[nodiscard]] double beyond(std::int64_t position, double late_s) const;
  void restart() { lowest_.clear(); }

 private:
  static constexpr std::int64_t kLately = 2500;  ///< samples: half of one at 200 ppm
  struct Low {
    std::int64_t position;
    double late_s;
  };
  std::deque<Low> lowest_;  ///< ascending: the least of lately, the least behind that, …
};

/// Rules, where both counter and time are there (`d` = how far the counter has gone beyond what it should, a whole number of
/// wraps added so that it comes as near to the time as it can):
///
///     counter says   time says              so
///     follows        follows                follows
///     d samples      the same               d samples are missing (counted); d < 0: came before
///     follows        something else         the clock was set, nothing is missing
///     d samples      follows                the counter began anew, nothing is missing
///     d > 0 samples  something else         d samples are missing, and the clock was set (counted, clock_set)
///     d < 0 samples  something else         the instrument began anew: by time; so too if the counter may have gone round
///
/// Arrivals are good to `arrival_tolerance` only; a counter beside them is believed within that, and only its wraps are theirs,
/// where these may have been at all (Piece::turns).
class Locator {
 public:
  explicit Locator(const Options& options);

  [[nodiscard]] Place place(const End& end, const Piece& piece) const;
  /// Counter of the frame behind one with `counter` and `n` samples; nullopt: cannot be told.
  [[nodiscard]] std::optional<std::uint64_t> next_counter(std::optional<std::uint64_t> counter, std::int64_t n) const;
  /// Samples by which it is further than the counter of `end`, which has one; < 0: back. By as few wraps as can be.
  [[nodiscard]] double counter_ahead(const End& end, std::uint64_t counter) const;
  /// Samples until the counter is what it was, of frames of so many; 0: never.
  [[nodiscard]] double turn(std::int64_t n_samples) const {
    return static_cast<double>(modulus_) * static_cast<double>(per_count(n_samples));
  }
  /// Within so many seconds a frame follows another. @param scatter_s  mean delay of arrivals
  [[nodiscard]] double tolerance_s(const Piece& piece) const { return piece.stamped ? stamp_tolerance_ : arrival_tolerance_; }
  void widen_arrivals(double scatter_s);
  /// What it is for arrivals that are even.
  [[nodiscard]] double least_arrival_tolerance_s() const { return least_arrival_tolerance_; }
  /// Stamps are cut to this step; frames have so many samples.
  void cut_stamps(mth5::Nanos step, std::int64_t n_samples);
  /// Stamps that are off by more do not follow, though the tolerance of the stream is more. Cut ones keep theirs.
  void narrow_stamps(double tolerance_s);
  /// Stamps scatter by so much: a tolerance that is less would see a gap, or a wild time, in each. Up to half a sample.
  void widen_stamps(double scatter_s);
  /// Less than half a sample: widen_stamps() has a meaning.
  [[nodiscard]] bool is_tight() const { return least_exact_tolerance_ < 0.5 / rate_; }
  /// s by which a frame's stamp may be late only because stamps are cut; 0: they are not.
  [[nodiscard]] double cut_late_s() const { return cut_late_; }
  /// What the tolerance would be, were stamps exact: beyond it a frame fits only because stamps are cut.
  [[nodiscard]] double exact_tolerance_s() const { return exact_tolerance_; }

 private:
  [[nodiscard]] std::uint64_t per_count(std::int64_t n_samples) const {
    return samples_per_count_ == 0 ? static_cast<std::uint64_t>(n_samples) : samples_per_count_;
  }
  [[nodiscard]] Place by_counter(const End& end, const Piece& piece, double ahead, double tolerance) const;

  const double rate_;
  const std::uint64_t modulus_;
  const std::uint64_t samples_per_count_;
  const double least_exact_tolerance_;
  double exact_tolerance_;
  double stamp_tolerance_;
  double cut_late_ = 0;  ///< s by which stamps may be late as they are cut
  double narrow_;
  const double least_arrival_tolerance_;
  double arrival_tolerance_;
};

}  // namespace daq::timing
