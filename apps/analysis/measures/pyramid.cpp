#include "analysis/measures/pyramid.hpp"

#include <algorithm>
#include <cmath>

namespace analysis {

namespace {

constexpr std::int64_t kFiner = 4;
constexpr std::int64_t kFinest = 10'000'000;                  ///< ns: shorter cells nobody sees
constexpr std::int64_t kLongest = 32LL * 86'400'000'000'000;  ///< ns: that the last level is to hold
constexpr std::chrono::minutes kSet{1};

std::int64_t floor_to(std::int64_t time, std::int64_t length) {
  const auto number = time / length;
  return time % length < 0 ? number - 1 : number;
}

std::size_t place_of(std::int64_t number, std::int64_t places) {
  return static_cast<std::size_t>((number % places + places) % places);
}

void put_together(Pyramid::Cell& cell, const Pyramid::Cell& other) {
  if (other.n == 0) return;
  cell.min = cell.n == 0 ? other.min : std::min(cell.min, other.min);
  cell.max = cell.n == 0 ? other.max : std::max(cell.max, other.max);
  cell.sum += other.sum;
  cell.n += other.n;
}

}  // namespace

void Pyramid::begin(const Block& block) {
  levels_.clear();
  rate_ = block.rate;
  start_ = end_ = block.start;
  const double period = 1e9 / rate_;
  const double samples = std::max(1.0, std::ceil(static_cast<double>(kFinest) / period));
  for (auto length = std::max<std::int64_t>(1, std::llround(std::min(samples * period, 1e15)));; length *= kFiner) {
    levels_.push_back({length, std::numeric_limits<std::int64_t>::min()});
    if (length >= kLongest / kCells) break;
  }
}

void Pyramid::add(const Block& block) {
  if (block.values.empty() || !(block.rate > 0)) return;
  if (levels_.empty() || block.rate != rate_ || block.start + kSet < end_) begin(block);
  put(block);
  end_ = std::max(end_, block.end());
  start_ = std::min(start_, block.start);
}

void Pyramid::add_older(const Block& block) {
  if (levels_.empty() || block.values.empty() || block.rate != rate_) return;
  put(block);
  start_ = std::min(start_, block.start);
}

void Pyramid::put(const Block& block) {
  const auto length = levels_.front().length;
  const auto size = static_cast<std::int64_t>(block.values.size());
  for (std::int64_t i = 0; i < size;) {
    const auto time = mth5::sample_time(block.start, rate_, i).time_since_epoch().count();
    const auto number = floor_to(time, length);
    const double to_next = static_cast<double>((number + 1) * length - time) * 1e-9 * rate_;
    const auto end = std::clamp<std::int64_t>(i + std::llround(std::ceil(to_next - 1e-6)), i + 1, size);
    Cell cell;
    for (; i < end; ++i) {
      const double value = block.values[static_cast<std::size_t>(i)];
      if (!std::isfinite(value)) continue;
      cell.min = cell.n == 0 ? value : std::min(cell.min, value);
      cell.max = cell.n == 0 ? value : std::max(cell.max, value);
      cell.sum += value;
      ++cell.n;
    }
    if (cell.n > 0) put(time, cell);
  }
}

void Pyramid::put(std::int64_t time_ns, const Cell& cell) {
  for (auto& level : levels_) {
    const auto number = floor_to(time_ns, level.length);
    level.newest = std::max(level.newest, number);
    if (level.newest - number >= kCells) continue;
    if (level.pages.empty()) level.pages.resize(static_cast<std::size_t>(kPages));
    const auto page_number = floor_to(number, kOfPage);
    auto& page = level.pages[place_of(page_number, kPages)];
    if (page.number != page_number) {
      page.number = page_number;
      page.cells.assign(static_cast<std::size_t>(kOfPage), {});
    }
    auto& there = page.cells[static_cast<std::size_t>(number - page_number * kOfPage)];
    put_together(there, cell);
  }
}

const Pyramid::Cell* Pyramid::Level::cell(std::int64_t number) const {
  if (pages.empty()) return nullptr;
  const auto page_number = floor_to(number, kOfPage);
  const auto& page = pages[place_of(page_number, kPages)];
  if (page.number != page_number) return nullptr;
  const auto& found = page.cells[static_cast<std::size_t>(number - page_number * kOfPage)];
  return found.n > 0 ? &found : nullptr;
}

const Pyramid::Level& Pyramid::level_for(mth5::UtcNanos from) const {
  const auto time = from.time_since_epoch().count();
  for (const auto& level : levels_)
    if (level.newest - floor_to(time, level.length) < kCells) return level;
  return levels_.back();
}

std::vector<Pyramid::Cell> Pyramid::columns(mth5::UtcNanos from, std::chrono::nanoseconds width, std::size_t count) const {
  std::vector<Cell> made(count);
  if (levels_.empty() || levels_.front().pages.empty() || width.count() <= 0) return made;  // pages: of values, not of NaN
  const auto& level = level_for(from);
  const auto begin = from.time_since_epoch().count();
  const auto first = floor_to(begin, level.length);
  const auto last = std::min(floor_to(begin + static_cast<std::int64_t>(count) * width.count() - 1, level.length), level.newest);
  for (auto number = std::max(first, level.newest - kCells + 1); number <= last; ++number) {
    const auto* cell = level.cell(number);
    if (cell == nullptr) continue;
    const auto column = std::max<std::int64_t>(0, number * level.length - begin) / width.count();
    if (column < static_cast<std::int64_t>(count)) put_together(made[static_cast<std::size_t>(column)], *cell);
  }
  // Where cells are longer than a column is wide it is so until they end, and half as long again: times of samples are not exact.
  if (level.length + level.length / 2 > width.count())
    for (std::size_t i = 0; i < count; ++i) {
      if (made[i].n > 0) continue;
      const auto time = begin + static_cast<std::int64_t>(i) * width.count();
      if (time >= end_.time_since_epoch().count()) break;
      const auto number = floor_to(time, level.length);
      const auto* cell = level.cell(number);
      if (cell == nullptr && time - number * level.length < level.length / 2) cell = level.cell(number - 1);
      if (cell != nullptr) made[i] = *cell;
    }
  return made;
}

}  // namespace analysis
