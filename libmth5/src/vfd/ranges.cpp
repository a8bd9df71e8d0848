#include "vfd/ranges.hpp"

#include <algorithm>

namespace mth5::vfd {

void RedoRanges::carve(std::uint64_t from, std::uint64_t to) {
  auto it = ranges_.upper_bound(from);
  if (it != ranges_.begin()) --it;
  while (it != ranges_.end() && it->first < to) {
    const std::uint64_t at = it->first;
    const std::uint64_t end = at + it->second.bytes.size();
    if (end <= from) {
      ++it;
      continue;
    }
    const Contents old = std::move(it->second);
    it = ranges_.erase(it);
    const auto part = [&](std::uint64_t a, std::uint64_t b) {
      const char* first = old.bytes.data() + (a - at);
      ranges_.emplace_hint(it, a, Contents{std::vector<char>(first, first + (b - a)), old.order});
    };
    if (at < from) part(at, from);
    if (end > to) part(to, end);
  }
}

void RedoRanges::put(std::uint64_t at, std::span<const char> bytes) {
  if (bytes.empty()) return;
  const auto same = ranges_.find(at);
  const std::uint64_t order = ++puts_;
  if (same != ranges_.end() && same->second.bytes.size() >= bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), same->second.bytes.begin());
    same->second.order = order;
    return;
  }
  carve(at, at + bytes.size());
  ranges_.emplace(at, Contents{std::vector<char>(bytes.begin(), bytes.end()), order});
}

std::vector<const RedoRanges::Map::value_type*> RedoRanges::as_written() const {
  std::vector<const Map::value_type*> all;
  all.reserve(ranges_.size());
  for (const auto& range : ranges_) all.push_back(&range);
  std::sort(all.begin(), all.end(), [](const auto* a, const auto* b) {
    return std::pair{a->second.order, a->first} < std::pair{b->second.order, b->first};
  });
  return all;
}

void RedoRanges::forget_oldest(std::uint64_t until, std::uint64_t most_bytes) {
  std::uint64_t bytes = 0;
  for (const auto& [at, contents] : ranges_) bytes += contents.bytes.size();
  for (const auto* range : as_written()) {
    if (bytes <= most_bytes || range->second.order > until) return;
    bytes -= range->second.bytes.size();
    ranges_.erase(ranges_.find(range->first));
  }
}

void DirectRanges::carve(std::uint64_t from, std::uint64_t to) {
  auto it = extents_.upper_bound(from);
  if (it != extents_.begin()) --it;
  while (it != extents_.end() && it->first < to) {
    const std::uint64_t at = it->first;
    const std::uint64_t end = it->second.end;
    if (end <= from) {
      ++it;
      continue;
    }
    const bool samples = it->second.samples;
    it = extents_.erase(it);
    const auto part = [&](std::uint64_t a, std::uint64_t b) {
      extents_.emplace_hint(it, a, Extent{.end = b, .growing = {}, .value = {}, .samples = samples});
      new_.push_back(a);
    };
    if (at < from) part(at, from);
    if (end > to) part(to, end);
  }
}

void DirectRanges::add(std::uint64_t at, std::span<const char> bytes, bool samples) {
  if (bytes.empty()) return;
  const std::uint64_t end = at + bytes.size();
  const auto next = extents_.upper_bound(at);
  const auto before = next == extents_.begin() ? extents_.end() : std::prev(next);
  const bool free = (next == extents_.end() || next->first >= end) && (before == extents_.end() || before->second.end <= at);
  if (!free) carve(at, end);
  if (free && samples && before != extents_.end() && before->second.end == at && before->second.growing &&
      at - before->first < kMost) {
    before->second.growing->add(bytes.data(), bytes.size());
    before->second.value.reset();
    before->second.end = end;
    if (before->second.listed) new_.push_back(before->first);
    before->second.listed = false;
    return;
  }
  Extent& added = extents_.emplace(at, Extent{.end = end, .growing = {}, .value = {}, .samples = samples}).first->second;
  new_.push_back(at);
  if (samples)
    added.growing.emplace().add(bytes.data(), bytes.size());
  else
    added.value = hash_of(bytes.data(), bytes.size());
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> DirectRanges::metadata() const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> all;
  for (const auto& [at, extent] : extents_)
    if (!extent.samples) all.emplace_back(at, extent.end - at);
  return all;
}

void RangeSet::assign(const RedoRanges& changes) {
  ranges_.clear();
  for (const auto& [at, contents] : changes.ranges()) {
    const std::uint64_t size = contents.bytes.size();
    if (!ranges_.empty() && ranges_.back().second == at)
      ranges_.back().second += size;
    else
      ranges_.emplace_back(at, at + size);
  }
}

bool RangeSet::contains(std::uint64_t from, std::uint64_t to) const {
  const auto next = std::upper_bound(ranges_.begin(), ranges_.end(), std::pair{from, UINT64_MAX});
  return next != ranges_.begin() && std::prev(next)->second >= to;
}

}  // namespace mth5::vfd
