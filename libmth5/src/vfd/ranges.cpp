#include "vfd/ranges.hpp"

namespace mth5::vfd {

void RedoRanges::carve(std::uint64_t from, std::uint64_t to) {
  auto it = ranges_.upper_bound(from);
  if (it != ranges_.begin()) --it;
  while (it != ranges_.end() && it->first < to) {
    const std::uint64_t at = it->first;
    const std::uint64_t end = at + it->second.size();
    if (end <= from) {
      ++it;
      continue;
    }
    std::vector<char> old = std::move(it->second);
    it = ranges_.erase(it);
    const auto part = [&](std::uint64_t a, std::uint64_t b) {
      const char* first = old.data() + (a - at);
      ranges_.emplace_hint(it, a, std::vector<char>(first, first + (b - a)));
    };
    if (at < from) part(at, from);
    if (end > to) part(to, end);
  }
}

void RedoRanges::put(std::uint64_t at, std::span<const char> bytes) {
  if (bytes.empty()) return;
  const auto same = ranges_.find(at);
  if (same != ranges_.end() && same->second.size() >= bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), same->second.begin());
    return;
  }
  carve(at, at + bytes.size());
  ranges_.emplace(at, std::vector<char>(bytes.begin(), bytes.end()));
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
    it = extents_.erase(it);
    if (at < from) extents_.emplace_hint(it, at, Extent{from, {}, {}});
    if (end > to) extents_.emplace_hint(it, to, Extent{end, {}, {}});
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
    return;
  }
  Extent& added = extents_.emplace(at, Extent{end, {}, {}}).first->second;
  if (samples)
    added.growing.emplace().add(bytes.data(), bytes.size());
  else
    added.value = hash_of(bytes.data(), bytes.size());
}

void RangeSet::assign(const RedoRanges& changes) {
  ranges_.clear();
  for (const auto& [at, bytes] : changes.ranges()) {
    if (!ranges_.empty() && ranges_.back().second == at)
      ranges_.back().second += bytes.size();
    else
      ranges_.emplace_back(at, at + bytes.size());
  }
}

bool RangeSet::contains(std::uint64_t from, std::uint64_t to) const {
  const auto next = std::upper_bound(ranges_.begin(), ranges_.end(), std::pair{from, UINT64_MAX});
  return next != ranges_.begin() && std::prev(next)->second >= to;
}

}  // namespace mth5::vfd
