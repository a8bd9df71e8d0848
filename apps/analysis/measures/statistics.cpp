#include "analysis/measures/statistics.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/lanes.hpp"
#include "analysis/measures/state.hpp"

namespace analysis {

void Statistics::add(std::span<const double> values) {
  // As distances from the first value: of a constant they are 0 exactly, where its sum would be rounded.
  const auto first = std::find_if(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
  const double shift = first != values.end() ? *first : 0;
  const auto known = [](double value) { return !std::isnan(value); };
  const auto totals = totals_of(values, shift, known);
  missing_ += static_cast<std::int64_t>(values.size()) - totals.n;
  if (totals.n == 0) return;
  const double middle = totals.sum / static_cast<double>(totals.n);
  join(totals.n, shift + middle, sum_of_squares(values, shift, middle, known), totals.low, totals.high);
}

void Statistics::merge(const Statistics& other) {
  missing_ += other.missing_;
  if (other.count_ > 0) join(other.count_, other.mean_, other.sum_of_squares_, other.min_, other.max_);
}

void Statistics::join(std::int64_t n, double mean, double squares, double low, double high) {
  const auto total = static_cast<double>(count_ + n);
  const double delta = mean - mean_;
  sum_of_squares_ += squares + delta * delta * static_cast<double>(count_) * static_cast<double>(n) / total;
  mean_ = count_ == 0 ? mean : mean_ + delta * (static_cast<double>(n) / total);  // that of the first block to the last bit
  min_ = count_ == 0 ? low : std::min(min_, low);
  max_ = count_ == 0 ? high : std::max(max_, high);
  count_ += n;
}

double Statistics::std() const {
  return count_ > 0 ? std::sqrt(sum_of_squares_ / static_cast<double>(count_)) : std::numeric_limits<double>::quiet_NaN();
}

state::Json Statistics::save() const {
  return {{"count", count_}, {"missing", missing_}, {"mean", mean_}, {"squares", sum_of_squares_}, {"min", min_}, {"max", max_}};
}

void Statistics::load(const state::Json& saved) {
  count_ = saved.at("count");
  missing_ = saved.at("missing");
  mean_ = saved.at("mean");
  sum_of_squares_ = saved.at("squares");
  min_ = saved.at("min");
  max_ = saved.at("max");
}

}  // namespace analysis
