#pragma once

#include <optional>

#include "analysis/measures/measures.hpp"
#include "analysis/measures/statistics.hpp"
#include "analysis/spectra/spectrum.hpp"

namespace analysis {

/// What is measured of a channel over an hour or so, to be put together with what comes behind it. Whatever is reported of a
/// channel comes of such pieces, be they measured now or kept from an earlier run, so that both give the same figures to the last
/// bit. Thread: a value.
class Piece {
 public:
  /// @param rate  Hz; 0 = not known: then there are the statistics only    @param quality  measures all of it, else the
  /// statistics
  Piece(double rate, bool quality);
  /// @param block  of samples after all so far, NaN where there is none
  void add(const Block& block);
  /// @param later  of samples after all of these, measured as these are
  void merge(const Piece& later);

  [[nodiscard]] const Statistics& statistics() const { return measures_ ? measures_->statistics() : statistics_; }
  [[nodiscard]] const std::optional<Measures>& measures() const { return measures_; }  ///< nullopt: only the statistics
  /// Of the power line, as mains_db(); nullopt where nobody knows.
  [[nodiscard]] std::optional<double> mains() const;

  /// For CBOR (state.hpp). load() undoes it. @throws mth5::FormatError if it is no such thing
  [[nodiscard]] state::Json save() const;
  [[nodiscard]] static Piece load(const state::Json& saved, double rate);
  /// The same without what is not asked for.
  [[nodiscard]] Piece only_statistics() const;

 private:
  Statistics statistics_;  ///< without measures
  std::optional<Measures> measures_;
  std::optional<Spectrum> spectrum_;  ///< of mains_segment(); of a rate that has the power line in it
};

}  // namespace analysis
