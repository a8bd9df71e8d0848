#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include <nlohmann/json_fwd.hpp>

namespace analysis {

/// Count, extremes, mean and standard deviation of a series seen in blocks; NaN (missing values) are counted apart.
/// Blocks are joined by the parallel form of Welford's update (Chan, Golub, LeVeque 1979): no catastrophic cancellation, one
/// pass. Thread: a value.
class Statistics {
 public:
  void add(std::span<const double> values);

  void merge(const Statistics& other);
  [[nodiscard]] nlohmann::json save() const;
  void load(const nlohmann::json& saved);

  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] std::int64_t missing() const { return missing_; }
  [[nodiscard]] double min() const { return min_; }  ///< NaN if nothing was seen
  [[nodiscard]] double max() const { return max_; }
  [[nodiscard]] double mean() const { return count_ > 0 ? mean_ : std::numeric_limits<double>::quiet_NaN(); }
  /// Of the population (divisor n), as numpy's std().
  [[nodiscard]] double std() const;

 private:
  void join(std::int64_t n, double mean, double squares, double low, double high);

  std::int64_t count_ = 0;
  std::int64_t missing_ = 0;
  double mean_ = 0;
  double sum_of_squares_ = 0;  ///< of deviations from the mean
  double min_ = std::numeric_limits<double>::quiet_NaN();
  double max_ = std::numeric_limits<double>::quiet_NaN();
};

}  // namespace analysis
