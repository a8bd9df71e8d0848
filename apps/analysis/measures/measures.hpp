#pragma once

#include <cstdint>
#include <optional>

#include "analysis/block.hpp"
#include "analysis/measures/envelope.hpp"
#include "analysis/measures/histogram.hpp"
#include "analysis/measures/repeats.hpp"
#include "analysis/measures/spikes.hpp"
#include "analysis/measures/statistics.hpp"

namespace analysis {

/// All that is measured of one channel without a Fourier transform, over any stretch of time: fed by blocks in order of time,
/// put together from parts in order of time, kept between two readings. However it is cut, the figures are the same (mean, std
/// and heights to rounding). Thread: a value.
class Measures {
 public:
  void add(const Block& block);
  /// @param later  of samples after all of these
  void merge(const Measures& later);
  /// For CBOR (state.hpp). load() undoes it. @throws mth5::FormatError if it is no such thing
  [[nodiscard]] nlohmann::json save() const;
  void load(const nlohmann::json& saved);

  [[nodiscard]] const Statistics& statistics() const { return statistics_; }
  [[nodiscard]] const Histogram& histogram() const { return histogram_; }
  [[nodiscard]] const Repeats& repeats() const { return repeats_; }
  [[nodiscard]] const Spikes& spikes() const { return spikes_; }
  [[nodiscard]] const Jumps& jumps() const { return jumps_; }
  [[nodiscard]] const Envelope& envelope() const { return envelope_; }

  /// Samples that are cut off: at the limits of the channel where they are known, or in rows at an extreme as repeats() has them,
  /// whichever are more.
  [[nodiscard]] std::int64_t clipped() const;
  /// Of clipped(), those at known limits: one is enough.
  [[nodiscard]] std::int64_t at_limits() const { return at_limits_; }
  /// How far the largest sample is from its limit, in dB of the limit; 0 where one has reached it. NaN if limits are not known.
  [[nodiscard]] double headroom_db() const;

  /// Time of the first sample and behind the last, missing ones too; nullopt if there is none.
  [[nodiscard]] std::optional<mth5::UtcNanos> start() const { return rate_ > 0 ? std::optional{start_} : std::nullopt; }
  [[nodiscard]] std::optional<mth5::UtcNanos> end() const { return rate_ > 0 ? std::optional{end_} : std::nullopt; }
  [[nodiscard]] double rate() const { return rate_; }  ///< Hz; 0 if there is no sample
  /// Samples with a value of those that fit between start() and end(), in percent, at most 100; NaN if there is none.
  [[nodiscard]] double percent() const;

 private:
  mth5::UtcNanos start_{}, end_{};
  double rate_ = 0;
  ClipLimits limits_;
  std::int64_t at_limits_ = 0;
  Statistics statistics_;
  Histogram histogram_;
  Repeats repeats_;
  Spikes spikes_;
  Jumps jumps_;
  Envelope envelope_;
};

}  // namespace analysis
