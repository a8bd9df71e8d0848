#include "analysis/measures/envelope.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "analysis/lanes.hpp"
#include "analysis/median.hpp"

namespace analysis {

namespace {

void put_together(Envelope::Cell& cell, const Envelope::Cell& other) {
  if (other.n == 0) return;
  if (cell.n == 0) {
    cell = other;
    return;
  }
  cell.min = std::min(cell.min, other.min);
  cell.max = std::max(cell.max, other.max);
  cell.mean += (other.mean - cell.mean) * (static_cast<double>(other.n) / static_cast<double>(cell.n + other.n));
  cell.n += other.n;
}

}  // namespace

void Envelope::add(const Block& block) {
  const auto size = static_cast<std::int64_t>(block.values.size());
  for (std::int64_t i = 0; i < size;) {
    const auto second = std::chrono::floor<std::chrono::seconds>(mth5::sample_time(block.start, block.rate, i));
    const std::int64_t number = second.time_since_epoch().count() >> shift_;
    const mth5::UtcNanos next{std::chrono::seconds{(number + 1) << shift_}};
    const double exact = mth5::samples_between(block.start, next, block.rate);
    const auto end = std::clamp<std::int64_t>(std::llround(std::ceil(std::min(exact, 1e15) - 1e-6)), i + 1, size);
    const double first = block.values[static_cast<std::size_t>(i)];
    const double shift = std::isfinite(first) ? first : 0;  // of a constant the mean is the constant
    const auto totals =
        totals_of(block.values.subspan(static_cast<std::size_t>(i), static_cast<std::size_t>(end - i)), shift, is_finite);
    i = end;
    if (totals.n == 0) continue;
    const Cell part{totals.n, totals.low, totals.high, shift + totals.sum / static_cast<double>(totals.n)};
    put(number, part);
    fit();
  }
}

void Envelope::coarsen() {
  std::size_t n = 0;
  for (const auto& [number, cell] : cells_) {
    if (n > 0 && cells_[n - 1].first == number >> 1)
      put_together(cells_[n - 1].second, cell);
    else
      cells_[n++] = {number >> 1, cell};
  }
  cells_.resize(n);
  cells_.shrink_to_fit();
  ++shift_;
}

void Envelope::put(std::int64_t number, const Cell& cell) {
  const auto before = [](const auto& one, std::int64_t other) { return one.first < other; };
  const auto at = cells_.empty() || cells_.back().first < number  // most often, as time goes on
                      ? cells_.end()
                      : std::lower_bound(cells_.begin(), cells_.end(), number, before);
  if (at != cells_.end() && at->first == number)
    put_together(at->second, cell);
  else
    cells_.insert(at, {number, cell});
}

void Envelope::fit() {
  while (cells_.size() > 1 && cells_.back().first - cells_.front().first >= kMostCells) coarsen();
}

void Envelope::merge(const Envelope& other) {
  if (other.cells_.empty()) return;
  Envelope same = other;
  while (same.shift_ < shift_) same.coarsen();
  while (shift_ < same.shift_) coarsen();
  std::vector<std::pair<std::int64_t, Cell>> cells;
  cells.reserve(cells_.size() + same.cells_.size());  // and no more: many of these are kept
  auto ours = cells_.begin();
  for (const auto& one : same.cells_) {
    for (; ours != cells_.end() && ours->first <= one.first; ++ours) cells.push_back(*ours);
    if (!cells.empty() && cells.back().first == one.first)
      put_together(cells.back().second, one.second);
    else
      cells.push_back(one);
  }
  cells.insert(cells.end(), ours, cells_.end());
  cells_ = std::move(cells);
  fit();
}

double Envelope::drift_per_hour(std::optional<mth5::UtcNanos> from, std::optional<mth5::UtcNanos> to) const {
  Envelope few = *this;
  std::erase_if(few.cells_, [&](const auto& cell) {
    const mth5::UtcNanos begin{cell.first * cell_length()};
    return (from && begin < *from) || (to && begin + cell_length() > *to);
  });
  while (few.cells_.size() > 256) few.coarsen();
  std::vector<double> slopes;
  slopes.reserve(few.cells_.size() * few.cells_.size() / 2);
  for (auto a = few.cells_.begin(); a != few.cells_.end(); ++a)
    for (auto b = std::next(a); b != few.cells_.end(); ++b)
      slopes.push_back((b->second.mean - a->second.mean) / static_cast<double>(b->first - a->first));
  if (few.cells_.size() < 3) return std::numeric_limits<double>::quiet_NaN();
  return median(slopes) * 3600 / static_cast<double>(few.length());
}

state::Json Envelope::save() const {
  state::Json cells = state::Json::array();
  for (const auto& [number, cell] : cells_) cells.push_back({number, cell.n, cell.min, cell.max, cell.mean});
  return {{"shift", shift_}, {"cells", cells}};
}

void Envelope::load(const state::Json& saved) {
  shift_ = saved.at("shift");
  cells_.clear();
  for (const auto& row : saved.at("cells"))
    put(row.at(0).get<std::int64_t>(),
        {row.at(1).get<std::int64_t>(), row.at(2).get<double>(), row.at(3).get<double>(), row.at(4).get<double>()});
}

}  // namespace analysis
