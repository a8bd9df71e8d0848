#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "analysis/block.hpp"
#include "analysis/measures/state.hpp"

namespace analysis {

/// Power spectral density of a channel by Welch's method: periodic Hann window, half overlap, the mean taken out of each segment,
/// one-sided. A segment that touches a gap or a NaN does not count. Thread: a value.
class Spectrum {
 public:
  /// @param segment  samples; even
  explicit Spectrum(std::size_t segment) : segment_{segment}, sums_(segment / 2 + 1) {}

  /// @param block  of samples after all so far
  void add(const Block& block);
  /// Counts the segments of another one too, of the same rate and length of segment, of samples before or behind; none lies over
  /// the seam.
  void count(const Spectrum& other);

  /// What count() counts, for CBOR (state.hpp); load() undoes it in a Spectrum of the same segment. @throws mth5::FormatError it
  /// is of another
  [[nodiscard]] state::Json save() const;
  void load(const state::Json& saved);

  /// Units squared per Hz, one for each of 0, step(), … rate / 2; empty while there is no segment.
  [[nodiscard]] std::vector<double> density() const;
  /// Hz between two lines; 0 without samples.
  [[nodiscard]] double step() const { return rate_ / static_cast<double>(segment_); }
  [[nodiscard]] std::int64_t segments() const { return segments_; }

 private:
  std::size_t segment_;
  double rate_ = 0;
  mth5::UtcNanos end_{};
  std::vector<double> tail_;  ///< samples in a row, less than a segment
  std::vector<double> sums_;
  std::int64_t segments_ = 0;
};

/// The density of one segment alone, as a Spectrum has it. Thread: pure.
/// @param segment  an even number    @param rate  Hz    @param lines  empty if there is a NaN
void density_of(std::span<const double> segment, double rate, std::vector<double>& lines);

}  // namespace analysis
