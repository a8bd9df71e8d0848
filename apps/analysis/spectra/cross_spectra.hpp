#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "mth5/time.hpp"

namespace analysis {

/// Samples of several channels at the same times; NaN where there is none. Thread: a value.
struct Frames {
  mth5::UtcNanos start;                                ///< of the first of each
  double rate = 0;                                     ///< Hz, > 0
  std::vector<std::span<const double>> channels = {};  ///< all of the same length
};

/// Auto and cross spectra of all pairs of channels by Welch's method (periodic Hann window, half overlap, mean taken out of each
/// segment, one-sided density), over several decades: each further stage is the one before at a tenth of its rate, with the same
/// number of samples a segment.
///
/// A segment that touches a gap, or a NaN of one of both channels, does not count. Segments begin at multiples of half a segment
/// on the grid of samples since 1970, and the samples at both ends of a part are kept: however the series is cut, the same
/// segments are counted. Thread: a value.
class CrossSpectra {
 public:
  /// @param segment  samples; even, at least 16     @param stages  1 = full rate only
  CrossSpectra(std::size_t channels, std::size_t segment, std::size_t stages = 1);

  /// @param frames  after all samples so far; with the number of channels given above
  void add(const Frames& frames);
  /// @param later  of samples after all of these, made with the same arguments
  void merge(const CrossSpectra& later);
  /// For CBOR (state.hpp). load() undoes it. @throws mth5::FormatError if it is no such thing
  [[nodiscard]] nlohmann::json save() const;
  void load(const nlohmann::json& saved);

  [[nodiscard]] std::size_t channels() const { return channels_; }
  [[nodiscard]] std::size_t segment() const { return segment_; }
  [[nodiscard]] std::size_t stages() const { return stages_.size(); }
  [[nodiscard]] double rate(std::size_t stage) const;  ///< Hz; 0 without samples
  /// Hz between two lines; those of a spectrum are 0, step, … rate / 2.
  [[nodiscard]] double step(std::size_t stage) const { return rate(stage) / static_cast<double>(segment_); }
  /// From where to where a stage is the one to look at, in Hz, for one spectrum over all decades: up to half of the full rate, or
  /// what the filter before a tenth of a rate lets pass (0.35 of the new one), and down to where the next stage begins; the last
  /// one down to its second line, as the mean is taken out.
  [[nodiscard]] std::pair<double, double> band(std::size_t stage) const;
  /// How many segments both channels have.
  [[nodiscard]] std::int64_t segments(std::size_t a, std::size_t b, std::size_t stage = 0) const;
  /// Mean of conj(A) B, in units of both per Hz, one per line; empty if there is no segment. Of a channel with itself, its power
  /// spectral density.
  [[nodiscard]] std::vector<std::complex<double>> cross(std::size_t a, std::size_t b, std::size_t stage = 0) const;
  [[nodiscard]] std::vector<double> density(std::size_t channel, std::size_t stage = 0) const;
  /// Squared coherence of two channels, of which the part that noise of so few segments has is taken out: b = 1 / (0.94 K),
  /// (g - b) / (1 - b), not less than 0. Empty with less than 16 segments: nothing can be said.
  [[nodiscard]] std::vector<double> coherence(std::size_t a, std::size_t b, std::size_t stage = 0) const;

 private:
  struct Stage {
    bool any = false;
    bool one = true;                   ///< no gap so far: the head may still grow
    std::int64_t first = 0, next = 0;  ///< numbers of the first sample and of the one behind the last, since 1970
    std::vector<double> head, tail;    ///< frames, fewer than context(): the first up to a gap, and the last after one
    std::vector<std::vector<std::complex<double>>> sums;  ///< by pair
    std::vector<std::int64_t> counts;
  };
  [[nodiscard]] std::size_t pair(std::size_t a, std::size_t b) const;
  [[nodiscard]] std::size_t context() const;
  void feed(std::size_t stage, std::span<const double> frames, std::int64_t first);
  void merge(std::size_t stage, const Stage& later, bool joined);
  void extend_head(Stage& stage, std::span<const double> frames) const;
  void keep_end(Stage& stage) const;
  /// All segments, and samples of the next stage, that need a frame from number `seam` on; with `over_seam`, one before it too.
  void use(std::size_t stage, std::span<const double> frames, std::int64_t first, std::int64_t seam, bool over_seam);
  void count(Stage& stage, std::span<const double> frames) const;

  std::size_t channels_, segment_;
  double rate_ = 0;
  mth5::UtcNanos start_{}, end_{};
  std::vector<Stage> stages_;
};

}  // namespace analysis
