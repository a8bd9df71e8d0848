#include "analysis/measures/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/lanes.hpp"
#include "analysis/measures/state.hpp"

namespace analysis {

namespace {

/// Least exponent with which the numbers of bins fit into int64 and are exact as double.
int least_exponent(double low, double high) {
  const double largest = std::max(std::abs(low), std::abs(high));
  return largest > 0 ? std::max(std::ilogb(largest) - 50, -1070) : -1070;
}

/// floor(), without a call of it.
std::int64_t whole_below(double value) {
  const auto towards_0 = static_cast<std::int64_t>(value);
  return towards_0 - (value < static_cast<double>(towards_0) ? 1 : 0);
}

std::int64_t bin_of(double value, int exponent) { return static_cast<std::int64_t>(std::floor(std::ldexp(value, -exponent))); }

std::int64_t span_of(double low, double high, int exponent) { return bin_of(high, exponent) - bin_of(low, exponent) + 1; }

int exponent_for(double low, double high) {
  int exponent = least_exponent(low, high);
  const double range = high / 2 - low / 2;                                   // halves: their difference cannot overflow
  if (range > 0) exponent = std::max(exponent, std::ilogb(range) + 1 - 11);  // no finer than would be too many
  while (span_of(low, high, exponent) > Histogram::kMostBins) ++exponent;
  return exponent;
}

}  // namespace

void Histogram::coarsen(int exponent) {
  if (exponent <= exponent_) return;
  const int by = std::min(exponent - exponent_, 62);
  const std::int64_t first = first_ >> by;
  std::vector<std::int64_t> bins;
  if (!bins_.empty())
    bins.assign(static_cast<std::size_t>(((first_ + static_cast<std::int64_t>(bins_.size()) - 1) >> by) - first + 1), 0);
  for (std::size_t i = 0; i < bins_.size(); ++i)
    bins[static_cast<std::size_t>(((first_ + static_cast<std::int64_t>(i)) >> by) - first)] += bins_[i];
  exponent_ = exponent;
  first_ = first;
  bins_ = std::move(bins);
}

void Histogram::widen(double low, double high) {
  if (count_ > 0 && low >= low_ && high <= high_) return;
  low_ = count_ > 0 ? std::min(low_, low) : low;
  high_ = count_ > 0 ? std::max(high_, high) : high;
  const int exponent = exponent_for(low_, high_);
  if (count_ == 0) {
    exponent_ = exponent;
    first_ = bin_of(low_, exponent_);
    bins_.clear();
  }
  coarsen(exponent);
  const auto first = std::min(first_, bin_of(low_, exponent_));
  const auto end = std::max(first_ + static_cast<std::int64_t>(bins_.size()), bin_of(high_, exponent_) + 1);
  if (end - first <= static_cast<std::int64_t>(bins_.size())) return;
  std::vector<std::int64_t> bins(static_cast<std::size_t>(end - first), 0);  // and no more room: many of these are kept
  std::copy(bins_.begin(), bins_.end(), bins.begin() + (first_ - first));
  bins_ = std::move(bins);
  first_ = first;
}

void Histogram::add(std::span<const double> values) {
  const auto totals = totals_of(values, 0, is_finite);
  if (totals.n == 0) return;
  widen(totals.low, totals.high);
  // A width that is a power of two divides exactly, so floor() of the product is floor() of the quotient.
  const double scale = exponent_ >= -1020 ? std::ldexp(1.0, -exponent_) : 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    const auto bin = scale > 0 ? whole_below(value * scale) : bin_of(value, exponent_);
    ++bins_[static_cast<std::size_t>(bin - first_)];
    ++count_;
  }
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  widen(other.low_, other.high_);
  Histogram same = other;
  same.coarsen(exponent_);
  for (std::size_t i = 0; i < same.bins_.size(); ++i) bins_[static_cast<std::size_t>(same.first_ - first_) + i] += same.bins_[i];
  count_ += other.count_;
}

double Histogram::quantile(double share) const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  // As numpy counts them: sample number share * (n - 1), between two samples on the line through both.
  const double wanted = std::clamp(share, 0.0, 1.0) * static_cast<double>(count_ - 1);
  const auto value_at = [&](std::int64_t rank) {
    std::int64_t before = 0;
    for (std::size_t i = 0; i < bins_.size(); ++i) {
      if (before + bins_[i] > rank)
        return std::clamp(std::ldexp(static_cast<double>(first_ + static_cast<std::int64_t>(i)) + 0.5, exponent_), low_, high_);
      before += bins_[i];
    }
    return high_;
  };
  const auto rank = static_cast<std::int64_t>(wanted);
  const double value = value_at(rank);
  const double part = wanted - static_cast<double>(rank);
  return part > 0 ? value + part * (value_at(rank + 1) - value) : value;
}

double Histogram::rail_share() const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  if (low_ == high_) return 1;
  const double middle = median();
  const double edge = 0.9 * std::max(high_ - middle, middle - low_);
  std::int64_t above = 0;
  std::int64_t below = 0;
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    const double value = std::ldexp(static_cast<double>(first_ + static_cast<std::int64_t>(i)) + 0.5, exponent_);
    if (value - middle >= edge) above += bins_[i];
    if (middle - value >= edge) below += bins_[i];
  }
  return static_cast<double>(std::max(above, below)) / static_cast<double>(count_);
}

state::Json Histogram::save() const {
  return {{"exponent", exponent_}, {"first", first_}, {"bins", bins_}, {"count", count_}, {"low", low_}, {"high", high_}};
}

void Histogram::load(const state::Json& saved) {
  exponent_ = saved.at("exponent");
  first_ = saved.at("first");
  bins_ = saved.at("bins").get<std::vector<std::int64_t>>();
  count_ = saved.at("count");
  low_ = saved.at("low");
  high_ = saved.at("high");
}

}  // namespace analysis
