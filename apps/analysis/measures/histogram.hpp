#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace analysis {

/// How often which value came: bins of equal width, a power of two, that grows with the range, so that there are always enough
/// bins and never too many. The width follows from the extremes alone: the result is the same to the last bit in whatever order
/// samples come and parts are merged. Thread: a value.
class Histogram {
 public:
  static constexpr std::int64_t kMostBins = 1024;  ///< the range is divided into more than half as many

  /// What is not finite is left out.
  void add(std::span<const double> values);
  void merge(const Histogram& other);
  [[nodiscard]] nlohmann::json save() const;
  void load(const nlohmann::json& saved);

  [[nodiscard]] std::int64_t count() const { return count_; }
  /// Value that a share of the samples does not exceed: 0.5 is the median. Right to half a bin, at most 1/1024 of the range.
  /// NaN if there is no sample.
  [[nodiscard]] double quantile(double share) const;
  [[nodiscard]] double median() const { return quantile(0.5); }
  /// Share of the samples at 0.9 or more of the largest distance from the median, on the side where it is larger; 1 if all are
  /// the same, NaN if there is none. A channel that rests on its supply has much there, a bell curve next to nothing.
  [[nodiscard]] double rail_share() const;

 private:
  void widen(double low, double high);
  void coarsen(int exponent);

  int exponent_ = 0;        ///< of the width of a bin, 2^exponent
  std::int64_t first_ = 0;  ///< number of the first bin: floor(value / width)
  std::vector<std::int64_t> bins_;
  std::int64_t count_ = 0;
  double low_ = 0, high_ = 0;
};

}  // namespace analysis
