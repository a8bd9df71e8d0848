#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "analysis/block.hpp"
#include "analysis/measures/measures.hpp"
#include "analysis/spectra/lines.hpp"
#include "analysis/spectra/spectrum.hpp"

namespace analysis {

/// What is measured of a channel that grows, over the last ten minutes and over the last hour, without a look at the samples
/// again: of each of the last minutes, and of each ten minutes before, one Measures. Minutes are those of the hour on the clock.
/// A few hundred KiB, however long it gets. Thread: a value.
class History {
 public:
  /// @param block  of samples after all so far; where its time is before theirs, the clock was set back, and all begins again
  void add(const Block& block);
  /// @param block  of samples before all so far, which is the same as if they had come first, but for a segment of the spectrum
  ///               at the seam; ignored where its time is not before theirs
  void add_older(const Block& block);

  /// Of the last ten minutes, and up to a minute more. Good until the next add().
  [[nodiscard]] Measures recent();
  /// Of the last hour, and up to ten minutes more. Good until the next add().
  [[nodiscard]] Measures hour();
  /// mains_db() of the last five to ten minutes; nullopt where nobody knows: at 1 Hz, and before there is a spectrum.
  [[nodiscard]] std::optional<double> mains() const;
  /// Narrow lines of the last hours, of spectra of five minutes since the first add(): older samples do not count.
  [[nodiscard]] std::vector<Line> lines() const { return lines_.lines(); }
  /// Seconds between the pulses of the last hour (pulses_of() of the means of seconds); nullopt: there are none, or less than
  /// half an hour is known.
  [[nodiscard]] std::optional<double> pulses() const;
  /// How many times as noisy the last ten minutes are as those before were, in the median of an hour of them; NaN where less than
  /// half an hour is known, or nothing moves. @param recent  of recent()
  [[nodiscard]] double times_as_noisy(const Measures& recent) const;
  /// Rows of equal samples of all so far.
  [[nodiscard]] const Repeats& rows() const { return rows_; }
  /// Time of the first sample of all; nullopt if there is none.
  [[nodiscard]] std::optional<mth5::UtcNanos> start() const { return start_; }

 private:
  struct Part {
    std::int64_t number;  ///< since 1970
    Measures measures;
  };
  void begin_minute(std::int64_t number);
  void end_minute(const Part& minute);
  void forget_before(std::int64_t minute);
  void merge(History later);
  void add_to_spectra(const Block& block, std::int64_t minute);
  /// Of all parts put together; as of before, if it is known.
  [[nodiscard]] static Measures together(const std::deque<Part>& parts, std::optional<Measures>& known);

  std::optional<mth5::UtcNanos> start_;
  std::deque<Part> minutes_, tens_;               ///< that are over; tens_: the last one may grow
  std::optional<Part> minute_;                    ///< that is not over
  std::optional<Measures> of_minutes_, of_tens_;  ///< together(), where it is known
  Repeats rows_;                                  ///< of all samples so far
  /// Of the last five to ten minutes, and of what is to be that: the second takes the place of the first.
  std::optional<Spectrum> spectrum_, next_spectrum_;
  std::int64_t spectrum_of_ = 0;  ///< five minutes since 1970, of next_spectrum_
  SteadyLines lines_;
  struct Pulses {
    std::int64_t of;  ///< number of the last ten minutes that it is of
    std::optional<double> period;
  };
  mutable std::optional<Pulses> pulses_;        ///< where they are known
  mutable std::optional<double> noise_before_;  ///< of the hour before the last ten minutes, where it is known
};

}  // namespace analysis
