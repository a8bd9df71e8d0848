#include "acquisition/timing/envelope.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace daq::timing {
namespace {

constexpr double kUnknownDelay = 0.1;  ///< s, a usual one, as long as the points do not say

constexpr double kNoCrystal = 2e-3;  ///< drift
constexpr double kSure = 6;          ///< standard deviations

/// Appends to a lower hull (Andrew's monotone chain): amortised constant.
template <class Point>
void append(std::vector<Point>& hull, const Point& p) {
  if (!hull.empty() && hull.back().x == p.x) {
    if (hull.back().y <= p.y) return;
    hull.pop_back();
  }
  const auto turns_left = [&](const Point& a, const Point& b) {
    return (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x) > 0;
  };
  while (hull.size() >= 2 && !turns_left(hull[hull.size() - 2], hull.back())) hull.pop_back();
  hull.push_back(p);
}

}  // namespace

void LowerEnvelope::join_blocks() {
  std::deque<Block> joined;
  for (auto& block : blocks_) {
    if (joined.empty() || block.first_x - joined.back().first_x > 2 * block_width_) {
      joined.push_back(std::move(block));
      continue;
    }
    auto& to = joined.back();
    for (const auto& p : block.hull) append(to.hull, p);
    to.sum_x += block.sum_x + block.n * (block.first_x - to.first_x);
    to.n += block.n;
  }
  blocks_ = std::move(joined);
  block_width_ *= 2;
}

double LowerEnvelope::mean_low(double y, double slope) const {
  double sum = 0;
  for (const auto& block : blocks_) {
    double low = std::numeric_limits<double>::infinity();
    for (const auto& p : block.hull) low = std::min(low, p.y - (y + slope * (p.x - last_x_)));
    sum += std::max(0.0, low);
  }
  return sum / (static_cast<double>(blocks_.size()) - 2);
}

void LowerEnvelope::add(double x, double y) {
  if (blocks_.size() >= kBlocks && block_width_ < most_width_) join_blocks();
  if (blocks_.empty() || x - blocks_.back().first_x > block_width_ || blocks_.back().hull.size() >= kMaxPoints) {
    if (blocks_.size() >= kBlocks) blocks_.pop_front();
    while (!blocks_.empty() && x - blocks_.front().first_x > (kBlocks + 1) * most_width_) blocks_.pop_front();
    blocks_.push_back({.hull = {}, .first_x = x});
  }
  auto& block = blocks_.back();
  append(block.hull, Point{x, y});
  block.sum_x += x - block.first_x;
  ++block.n;
  ++n_;
  line_.y += line_.slope * (x - last_x_);
  last_x_ = x;
  const double excess = y - line_.y;
  if (n_ > 1) mean_excess_ += (std::max(0.0, excess) - mean_excess_) / static_cast<double>(std::min<std::size_t>(n_, 256));
  constexpr double kNanosecond = 1e-9;  // rounding makes no new corner
  if (n_ == 1 || excess < -kNanosecond || x >= next_fit_) fit();
}

void LowerEnvelope::fit() {
  hull_.clear();
  double n = 0, sum_x = 0;
  for (const auto& block : blocks_) {
    for (const auto& p : block.hull) append(hull_, p);
    n += block.n;
    sum_x += block.sum_x + block.n * (block.first_x - last_x_);
  }
  const double mean_x = last_x_ + sum_x / n;
  double edge = 0, edge_sigma = prior_sigma_ * 1e6, mean_sigma = std::max(mean_excess_, kUnknownDelay);
  const double span = hull_.back().x - hull_.front().x;
  if (hull_.size() >= 2) {
    const auto above =
        std::upper_bound(hull_.begin() + 1, hull_.end() - 1, mean_x, [](double x, const Point& p) { return x < p.x; });
    const auto below = above - 1;
    edge = (above->y - below->y) / (above->x - below->x);
    // The lowest points of the blocks scatter above the line as those of a fit by least squares do round theirs.
    constexpr std::size_t kLeastBlocks = 8;
    if (blocks_.size() >= kLeastBlocks) {
      const double low = std::max(1e-9, mean_low(above->y + edge * (last_x_ - above->x), edge));
      mean_sigma = low / std::sqrt(static_cast<double>(blocks_.size()));
      edge_sigma = mean_sigma * std::sqrt(12.0) / span;
    }
  }
  // No crystal is so far off: what the points say is all there is.
  const double off = std::abs(edge - prior_slope_);
  const bool contradicted = off > kNoCrystal && off > kSure * std::hypot(prior_sigma_, edge_sigma);
  const double weight = contradicted ? 1 : prior_sigma_ * prior_sigma_ / (prior_sigma_ * prior_sigma_ + edge_sigma * edge_sigma);
  line_.slope = prior_slope_ + weight * (edge - prior_slope_);
  line_.slope_sigma = std::sqrt(weight) * edge_sigma;
  line_.y = hull_.front().y + line_.slope * (last_x_ - hull_.front().x);
  for (const auto& p : hull_) line_.y = std::min(line_.y, p.y + line_.slope * (last_x_ - p.x));
  line_.y_sigma = std::hypot(std::max(mean_sigma, 2 * mean_excess_ / n), line_.slope_sigma * (last_x_ - mean_x));
  next_fit_ = last_x_ + most_width_ / 10;
}

void LowerEnvelope::restart() {
  blocks_.clear();
  prior_slope_ = line_.slope;
  line_ = {.slope = prior_slope_, .slope_sigma = prior_sigma_};
  n_ = 0;
  mean_excess_ = 0;
  next_fit_ = 0;
  last_x_ = 0;
}

}  // namespace daq::timing
