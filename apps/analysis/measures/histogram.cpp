#include "analysis/measures/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/lanes.hpp"
#include "analysis/measures/state.hpp"

namespace analysis {

namespace {

constexpr int kMostExponent = 1016;        ///< with which no more than 512 bins are possible
constexpr std::size_t kFirstChunk = 1024;  ///< samples of which the width is known about
constexpr std::size_t kChunk = 1 << 13;    ///< samples put into bins at a time
constexpr std::size_t kFew = 128;          ///< of which fewer are looked up one by one
constexpr std::int64_t kDense = 1 << 12;   ///< bins counted by their number, without a look for them

/// The multiple of 2^exponent at or below a value. Of a value that is larger than 2^53 widths it is the value: all doubles there
/// are multiples. One that no double is, is the lowest double, for all values of that bin alike.
double edge_of(double value, int exponent) {
  const double widths = std::ldexp(value, -exponent);
  if (!(std::abs(widths) < 0x1p53)) return value;
  return std::max(std::ldexp(std::floor(widths), exponent), std::numeric_limits<double>::lowest()) + 0.0;  // no -0
}

/// floor(), without a call of it.
std::int64_t whole_below(double value) {
  const auto towards_0 = static_cast<std::int64_t>(value);
  return towards_0 - (value < static_cast<double>(towards_0) ? 1 : 0);
}

}  // namespace

std::vector<Histogram::Bin> Histogram::widened(const std::vector<Bin>& bins, int exponent) {
  std::vector<Bin> wider;
  for (const auto& bin : bins) {
    const double edge = edge_of(bin.edge, exponent);
    if (!wider.empty() && wider.back().edge == edge)
      wider.back().n += bin.n;
    else
      wider.push_back({edge, bin.n});
  }
  wider.shrink_to_fit();  // many of these are kept
  return wider;
}

/// Puts bins of the same width to these; may leave too many.
void Histogram::join(const std::vector<Bin>& others) {
  std::vector<Bin> all;
  all.reserve(bins_.size() + others.size());
  auto one = bins_.begin();
  for (const auto& other : others) {
    while (one != bins_.end() && one->edge < other.edge) all.push_back(*one++);
    if (one != bins_.end() && one->edge == other.edge)
      all.push_back({one->edge, one->n + other.n}), ++one;
    else
      all.push_back(other);
  }
  all.insert(all.end(), one, bins_.end());
  bins_ = std::move(all);
}

/// To the least width with which there are not too many: bins of a smaller one lie each in one of a larger one, so that it does
/// not matter when this is done.
void Histogram::coarsen() {
  if (bins_.size() <= kMostBins) return;
  const auto bins_with = [&](int exponent) {
    std::size_t n = 0;
    double last = std::numeric_limits<double>::quiet_NaN();
    for (const auto& bin : bins_)
      if (const double edge = edge_of(bin.edge, exponent); edge != last) ++n, last = edge;
    return n;
  };
  int too_small = exponent_;
  int enough = kMostExponent;
  while (enough - too_small > 1) {
    const int between = too_small + (enough - too_small) / 2;
    (bins_with(between) > kMostBins ? too_small : enough) = between;
  }
  exponent_ = enough;
  bins_ = widened(bins_, exponent_);
}

void Histogram::add_few(std::span<const double> values) {
  std::vector<double> edges;
  edges.reserve(values.size());
  for (const double value : values)
    if (std::isfinite(value)) edges.push_back(edge_of(value, exponent_));
  std::sort(edges.begin(), edges.end());
  std::vector<Bin> others;
  auto at = bins_.begin();
  for (const double edge : edges) {
    at = std::lower_bound(at, bins_.end(), edge, [](const Bin& bin, double wanted) { return bin.edge < wanted; });
    if (at != bins_.end() && at->edge == edge)
      ++at->n;
    else if (!others.empty() && others.back().edge == edge)
      ++others.back().n;
    else
      others.push_back({edge, 1});
  }
  if (!others.empty()) join(others);
}

/// Most of them lie about the middle of those so far.
void Histogram::add_many(std::span<const double> values) {
  const double scale = std::ldexp(1.0, -exponent_);
  const double middle = bins_[bins_.size() / 2].edge * scale;
  if (exponent_ < -1020 || !(std::abs(middle) < 0x1p52)) return add_few(values);
  const auto first = static_cast<std::int64_t>(middle) - kDense / 2;
  const auto from = static_cast<double>(first), to = static_cast<double>(first + kDense);
  std::vector<std::int64_t> counts(kDense, 0);
  std::vector<double> others;
  for (const double value : values) {
    // A width that is a power of two divides exactly, so floor() of the product is floor() of the quotient.
    const double widths = value * scale;
    if (widths >= from && widths < to)
      ++counts[static_cast<std::size_t>(whole_below(widths) - first)];
    else
      others.push_back(value);
  }
  std::vector<Bin> near;
  for (std::int64_t i = 0; i < kDense; ++i)
    if (const auto n = counts[static_cast<std::size_t>(i)]; n > 0)
      near.push_back({std::ldexp(static_cast<double>(first + i), exponent_), n});
  join(near);
  if (!others.empty()) add_few(others);
}

void Histogram::add(std::span<const double> values) {
  const auto totals = totals_of(values, 0, is_finite);
  if (totals.n == 0) return;
  low_ = count_ > 0 ? std::min(low_, totals.low) : totals.low;
  high_ = count_ > 0 ? std::max(high_, totals.high) : totals.high;
  count_ += static_cast<std::int64_t>(totals.n);
  while (!values.empty()) {
    const auto chunk = values.first(std::min(bins_.empty() ? kFirstChunk : kChunk, values.size()));
    values = values.subspan(chunk.size());
    if (bins_.empty() || chunk.size() < kFew)
      add_few(chunk);
    else
      add_many(chunk);
    coarsen();
  }
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  low_ = count_ > 0 ? std::min(low_, other.low_) : other.low_;
  high_ = count_ > 0 ? std::max(high_, other.high_) : other.high_;
  count_ += other.count_;
  const int exponent = std::max(exponent_, other.exponent_);
  if (exponent > exponent_) bins_ = widened(bins_, exponent);
  exponent_ = exponent;
  join(exponent > other.exponent_ ? widened(other.bins_, exponent) : other.bins_);
  coarsen();
}

double Histogram::middle_of(const Bin& bin) const {
  const double half = exponent_ > kLeastExponent ? std::ldexp(0.5, exponent_) : 0;
  return bin.edge + half;
}

double Histogram::quantile(double share) const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  // As numpy counts them: sample number share * (n - 1), between two samples on the line through both.
  const double wanted = std::clamp(share, 0.0, 1.0) * static_cast<double>(count_ - 1);
  const auto value_at = [&](std::int64_t rank) {
    std::int64_t before = 0;
    for (const auto& bin : bins_) {
      if (before + bin.n > rank) return std::clamp(middle_of(bin), low_, high_);
      before += bin.n;
    }
    return high_;
  };
  const auto rank = static_cast<std::int64_t>(wanted);
  const double value = value_at(rank);
  const double part = wanted - static_cast<double>(rank);
  return part > 0 ? value + part * (value_at(rank + 1) - value) : value;
}

double Histogram::least_gap() const {
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 1; i < bins_.size(); ++i) least = std::min(least, bins_[i].edge - bins_[i - 1].edge);
  return least;
}

double Histogram::rail_share() const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  if (low_ == high_) return 1;
  const double middle = median();
  const double edge = 0.9 * std::max(high_ - middle, middle - low_);
  std::int64_t above = 0;
  std::int64_t below = 0;
  for (const auto& bin : bins_) {
    const double value = middle_of(bin);
    if (value - middle >= edge) above += bin.n;
    if (middle - value >= edge) below += bin.n;
  }
  return static_cast<double>(std::max(above, below)) / static_cast<double>(count_);
}

state::Json Histogram::save() const {
  std::vector<double> edges;
  std::vector<std::int64_t> counts;
  for (const auto& bin : bins_) edges.push_back(bin.edge), counts.push_back(bin.n);
  return {{"exponent", exponent_}, {"edges", edges}, {"bins", counts}, {"count", count_}, {"low", low_}, {"high", high_}};
}

void Histogram::load(const state::Json& saved) {
  exponent_ = saved.at("exponent");
  const auto& edges = saved.at("edges");
  const auto& counts = saved.at("bins");
  bins_.clear();
  for (std::size_t i = 0; i < counts.size(); ++i) bins_.push_back({edges.at(i), counts.at(i)});
  count_ = saved.at("count");
  low_ = saved.at("low");
  high_ = saved.at("high");
}

}  // namespace analysis
