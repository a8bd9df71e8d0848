#include "acquisition/timing/memory.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "acquisition/timing/clock.hpp"

namespace daq::timing {

mth5::UtcNanos Memory::Segment::end() const { return plus_seconds(start, static_cast<double>(n) * period); }

double as_stored(double value, const StoredAs& as) {
  const auto whole = [&](auto low, auto high) {
    return std::isnan(value) ? as.unknown : std::clamp<double>(std::nearbyint(value), low, high);
  };
  switch (as.type) {
    case mth5::SampleType::Int16:
      return whole(std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max());
    case mth5::SampleType::Int32:
      return whole(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
    case mth5::SampleType::Float32:
      return static_cast<double>(static_cast<float>(value));
    case mth5::SampleType::Float64:
      break;
  }
  return value;
}

bool is_clipped(double value, const StoredAs& as) {
  if (std::isnan(value)) return false;
  const bool whole = as.type == mth5::SampleType::Int16 || as.type == mth5::SampleType::Int32;
  return whole ? as_stored(value, as) != std::nearbyint(value) : std::isfinite(value) && std::isinf(as_stored(value, as));
}

Memory::Memory(std::size_t rows, std::size_t n_channels, std::vector<StoredAs> stored_as)
    : n_channels_{n_channels},
      stored_as_{std::move(stored_as)},
      row_(stored_as_.empty() ? 0 : n_channels),
      pages_((rows + kPage - 1) / kPage + 1) {}

std::uint64_t Memory::hash(const double* row) const {
  if (!stored_as_.empty()) {
    for (std::size_t c = 0; c < n_channels_; ++c) row_[c] = as_stored(row[c], stored_as_[c]);
    row = row_.data();
  }
  return XXH3_64bits(row, n_channels_ * sizeof *row);
}

void Memory::add(mth5::UtcNanos start, mth5::UtcNanos end, const double* values, std::int64_t n, double slack_s) {
  for (std::int64_t i = 0; i < n; ++i, values += n_channels_) {
    const auto row = static_cast<std::size_t>(rows_ + i);
    auto& page = pages_[row / kPage % pages_.size()];
    if (!page) page = std::make_unique<std::array<std::uint64_t, kPage>>();
    (*page)[row % kPage] = hash(values);
  }
  const bool joins = [&] {
    if (segments_.empty()) return false;
    const auto& last = segments_.back();
    const auto expected = plus_seconds(last.start, static_cast<double>(last.n + n) * last.period);
    return std::abs(seconds_between(last.end(), start)) <= slack_s && std::abs(seconds_between(expected, end)) <= slack_s;
  }();
  if (joins) {
    segments_.back().n += n;
  } else {
    segments_.push_back({rows_, n, start, seconds_between(start, end) / static_cast<double>(n)});
  }
  rows_ += n;
  front_ = std::max(front_, end);
  const auto kept = static_cast<std::int64_t>((pages_.size() - 1) * kPage);
  while (!segments_.empty() && (segments_.size() > kSegments || segments_.front().first + segments_.front().n <= rows_ - kept)) {
    segments_.pop_front();
    if (hint_ > 0) --hint_;
  }
}

bool Memory::is(std::int64_t row, std::uint64_t hash) const {
  if (row < 0 || row >= rows_ || row < rows_ - static_cast<std::int64_t>((pages_.size() - 1) * kPage)) return false;
  const auto at = static_cast<std::size_t>(row);
  return (*pages_[at / kPage % pages_.size()])[at % kPage] == hash;
}

bool Memory::has(const Segment& segment, mth5::UtcNanos time, std::uint64_t hash, double tolerance_s) const {
  const double at = seconds_between(segment.start, time);
  const double length = static_cast<double>(segment.n) * segment.period;
  if (at < -tolerance_s || at > length + tolerance_s) return false;
  const auto nearest = static_cast<std::int64_t>(std::llround(at / segment.period));
  for (const auto index : {nearest, nearest - 1, nearest + 1}) {
    if (index < 0 || index >= segment.n) continue;
    if (std::abs(at - static_cast<double>(index) * segment.period) <= tolerance_s && is(segment.first + index, hash)) return true;
  }
  return false;
}

bool Memory::has(mth5::UtcNanos time, const double* row, double tolerance_s) {
  if (segments_.empty() || time > plus_seconds(front_, tolerance_s)) return false;
  const auto wanted = hash(row);
  for (std::size_t i = hint_; i < std::min(hint_ + 2, segments_.size()); ++i)
    if (has(segments_[i], time, wanted, tolerance_s)) return hint_ = i, true;
  for (std::size_t i = segments_.size(); i-- > 0;)
    if (has(segments_[i], time, wanted, tolerance_s)) return hint_ = i, true;
  return false;
}

bool Memory::has_back(std::int64_t back, const double* row) const { return is(rows_ - back, hash(row)); }

double Memory::taken_s(mth5::UtcNanos from, mth5::UtcNanos to) const {
  double taken = 0;
  if (from >= front_) return 0;
  for (const auto& segment : segments_)
    taken += std::max(0.0, seconds_between(std::max(from, segment.start), std::min(to, segment.end())));
  return taken;
}

}  // namespace daq::timing
