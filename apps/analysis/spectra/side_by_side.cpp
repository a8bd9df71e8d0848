#include "analysis/spectra/side_by_side.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace analysis {

namespace {

constexpr double kWait = 60;             ///< s
constexpr std::int64_t kMost = 1 << 14;  ///< frames at once

}  // namespace

bool SideBySide::add(std::size_t channel, const Block& block) {
  if (block.values.empty()) return true;
  auto& end = ends_[channel];
  const bool follows = end.any && goes_on(end.time, block.start, rate_);
  const auto first = follows ? end.number : std::llround(mth5::samples_between(mth5::UtcNanos{}, block.start, rate_));
  if (end.any && first < end.number) return false;
  pending_[channel].push_back({first, {block.values.begin(), block.values.end()}});
  end = {true, pending_[channel].back().end(), block.end()};
  return true;
}

void SideBySide::take(const std::function<void(const Frames&)>& give) {
  std::int64_t newest = INT64_MIN;
  for (const auto& end : ends_)
    if (end.any) newest = std::max(newest, end.number);
  if (newest == INT64_MIN) return;
  std::int64_t oldest = newest;
  for (const auto& pieces : pending_)
    if (!pieces.empty()) oldest = std::min(oldest, std::max(next_, pieces.front().first));
  auto until = newest;
  for (const auto& end : ends_) {
    const auto number = end.any ? end.number : oldest;
    if (static_cast<double>(newest - number) <= kWait * rate_) until = std::min(until, number);
  }
  std::vector<std::vector<double>> columns(pending_.size());
  while (true) {
    std::int64_t first = INT64_MAX;
    for (auto& pieces : pending_) {
      while (!pieces.empty() && pieces.front().end() <= next_) pieces.pop_front();
      if (!pieces.empty()) first = std::min(first, std::max(next_, pieces.front().first));
    }
    if (first >= until) return;
    // Up to where a piece begins or ends.
    auto end = std::min(until, first + kMost);
    for (const auto& pieces : pending_) {
      if (pieces.empty()) continue;
      const auto& piece = pieces.front();
      end = std::min(end, piece.first > first ? piece.first : piece.end());
    }
    const auto n = static_cast<std::size_t>(end - first);
    Frames frames{mth5::sample_time(mth5::UtcNanos{}, rate_, first), rate_};
    for (std::size_t c = 0; c < pending_.size(); ++c) {
      columns[c].assign(n, std::numeric_limits<double>::quiet_NaN());
      if (!pending_[c].empty() && pending_[c].front().first <= first) {
        const auto& piece = pending_[c].front();
        const auto from = piece.values.begin() + static_cast<std::ptrdiff_t>(first - piece.first);
        std::copy(from, from + static_cast<std::ptrdiff_t>(n), columns[c].begin());
      }
      frames.channels.emplace_back(columns[c]);
    }
    give(frames);
    next_ = end;
  }
}

}  // namespace analysis
