#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace analysis {

/// How often which value came: bins of equal width, a power of two, of which only those with a sample are kept. The width is the
/// least with which no more than kMostBins have one, so a few samples far away cost a few bins, and not the resolution of all
/// others; as many values or fewer are kept exactly. It follows from the set of values alone: the result is the same to the last
/// bit in whatever order samples come and parts are merged. Thread: a value.
class Histogram {
 public:
  static constexpr std::size_t kMostBins = 1024;

  /// What is not finite is left out.
  void add(std::span<const double> values);
  void merge(const Histogram& other);
  [[nodiscard]] nlohmann::json save() const;
  void load(const nlohmann::json& saved);

  [[nodiscard]] std::int64_t count() const { return count_; }
  /// Value that a share of the samples does not exceed: 0.5 is the median. Right to half a bin: to the last bit where there are
  /// no more than kMostBins different values, and never worse than 1/1024 of the range. NaN if there is no sample.
  [[nodiscard]] double quantile(double share) const;
  [[nodiscard]] double median() const { return quantile(0.5); }
  /// The least difference between neighbouring values, as far as bins tell them apart: what the converter resolves, at most.
  /// Infinity if there is one value or none.
  [[nodiscard]] double least_gap() const;
  /// Share of the samples at 0.9 or more of the largest distance from the median, on the side where it is larger; 1 if all are
  /// the same, NaN if there is none. A channel that rests on its supply has much there, a bell curve next to nothing.
  [[nodiscard]] double rail_share() const;

 private:
  struct Bin {
    double edge;  ///< the lower one, a multiple of the width
    std::int64_t n;
  };

  void add_few(std::span<const double> values);
  void add_many(std::span<const double> values);
  [[nodiscard]] static std::vector<Bin> widened(const std::vector<Bin>& bins, int exponent);
  [[nodiscard]] double middle_of(const Bin& bin) const;
  void join(const std::vector<Bin>& others);
  void coarsen();

  static constexpr int kLeastExponent = -1074;  ///< of the least double: every value has a bin of its own

  int exponent_ = kLeastExponent;  ///< of the width of a bin, 2^exponent
  std::vector<Bin> bins_;          ///< with a sample, in order
  std::int64_t count_ = 0;
  double low_ = 0, high_ = 0;
};

}  // namespace analysis
