#include "acquisition/timing/memory.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "acquisition/timing/clock.hpp"

namespace daq::timing {

namespace {

/// Values that an int32 channel stores as they are; false: not all are, and `whole` says nothing. Without branches, so that it
/// takes several at a time: each sample pays for it.
bool are_whole(const double* values, std::size_t n, std::int32_t* whole) {
  constexpr double kLeast = std::numeric_limits<std::int32_t>::min(), kMost = std::numeric_limits<std::int32_t>::max();
  unsigned others = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double above = values[i] > kLeast ? values[i] : kLeast;  // of NaN, too
    whole[i] = static_cast<std::int32_t>(above < kMost ? above : kMost);
    others |= static_cast<unsigned>(static_cast<double>(whole[i]) != values[i]);
  }
  return others == 0;
}

bool is_int32(const StoredAs& as) { return as.type == mth5::SampleType::Int32; }

}  // namespace

mth5::UtcNanos Memory::Segment::end() const { return plus_seconds(start, static_cast<double>(n) * period); }

double as_stored(double value, const StoredAs& as) {
  const auto whole = [&](auto low, auto high) {
    return std::isnan(value) ? as.unknown : std::clamp<double>(std::nearbyint(value), low, high) + 0.0;  // there is no -0
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

Memory::Memory(std::size_t rows, std::size_t n_channels, std::vector<StoredAs> stored_as)
    : n_channels_{n_channels},
      stored_as_{std::move(stored_as)},
      row_(stored_as_.empty() ? 0 : n_channels),
      whole_(!stored_as_.empty() && std::all_of(stored_as_.begin(), stored_as_.end(), is_int32) ? n_channels : 0),
      pages_((rows + kPage - 1) / kPage + 1) {}

std::uint64_t Memory::hash(const double* row) const {
  const auto of_whole = [&] { return XXH3_64bits(whole_.data(), n_channels_ * sizeof(std::int32_t)); };
  if (!whole_.empty() && are_whole(row, n_channels_, whole_.data())) return of_whole();
  if (!stored_as_.empty()) {
    for (std::size_t c = 0; c < n_channels_; ++c) row_[c] = as_stored(row[c], stored_as_[c]);
    row = row_.data();
  }
  if (!whole_.empty() && are_whole(row, n_channels_, whole_.data())) return of_whole();
  return XXH3_64bits(row, n_channels_ * sizeof *row);
}

void Memory::add(mth5::UtcNanos start, mth5::UtcNanos end, const double* values, std::int64_t n, double slack_s,
                 double unsure_s) {
  for (std::int64_t i = 0; i < n; ++i, values += n_channels_) {
    const auto row = static_cast<std::size_t>(rows_ + i);
    auto& page = pages_[row / kPage % pages_.size()];
    if (!page) page = std::make_unique<std::array<std::uint64_t, kPage>>();
    (*page)[row % kPage] = hash(values);
  }
  const bool joins = [&] {
    if (segments_.empty()) return false;
    const auto& last = segments_.back();
    if (last.unsure != unsure_s) return false;
    const auto expected = plus_seconds(last.start, static_cast<double>(last.n + n) * last.period);
    return std::abs(seconds_between(last.end(), start)) <= slack_s && std::abs(seconds_between(expected, end)) <= slack_s;
  }();
  if (joins) {
    segments_.back().n += n;
  } else {
    segments_.push_back({rows_, n, start, seconds_between(start, end) / static_cast<double>(n), unsure_s});
    most_unsure_ = std::max(most_unsure_, unsure_s);
  }
  rows_ += n;
  front_ = std::max(front_, end);
  const auto kept = static_cast<std::int64_t>((pages_.size() - 1) * kPage);
  while (!segments_.empty() && (segments_.size() > kSegments || segments_.front().first + segments_.front().n <= rows_ - kept)) {
    segments_.pop_front();
    if (hint_ > 0) --hint_;
  }
}

mth5::UtcNanos Memory::begin() const {
  if (segments_.empty()) return mth5::UtcNanos::max();
  if (segments_.back().start >= segments_.front().start) return segments_.front().start;
  auto since = segments_.size() - 1;
  while (since > 1 && segments_[since - 1].start <= segments_[since].start) --since;
  return segments_[since].start;
}

bool Memory::is(std::int64_t row, std::uint64_t hash) const {
  if (row < 0 || row >= rows_ || row < rows_ - static_cast<std::int64_t>((pages_.size() - 1) * kPage)) return false;
  const auto at = static_cast<std::size_t>(row);
  return (*pages_[at / kPage % pages_.size()])[at % kPage] == hash;
}

std::optional<std::int64_t> Memory::find(const Segment& segment, mth5::UtcNanos time, std::uint64_t hash,
                                         double tolerance_s) const {
  const double at = seconds_between(segment.start, time);
  const double length = static_cast<double>(segment.n) * segment.period;
  if (at < -tolerance_s || at > length + tolerance_s) return std::nullopt;
  const auto nearest = static_cast<std::int64_t>(std::llround(at / segment.period));
  for (const auto index : {nearest, nearest - 1, nearest + 1}) {
    if (index < 0 || index >= segment.n) continue;
    const auto row = segment.first + index;
    if (std::abs(at - static_cast<double>(index) * segment.period) <= tolerance_s && is(row, hash)) return row;
  }
  return std::nullopt;
}

std::optional<std::int64_t> Memory::find(mth5::UtcNanos time, const double* row, double tolerance_s) {
  if (segments_.empty() || time > plus_seconds(front_, tolerance_s)) return std::nullopt;
  const auto wanted = hash(row);
  for (std::size_t i = hint_; i < std::min(hint_ + 2, segments_.size()); ++i)
    if (const auto found = find(segments_[i], time, wanted, tolerance_s)) return hint_ = i, found;
  for (std::size_t i = segments_.size(); i-- > 0;)
    if (const auto found = find(segments_[i], time, wanted, tolerance_s)) return hint_ = i, found;
  return std::nullopt;
}

std::optional<std::int64_t> Memory::find_one_of(mth5::UtcNanos time, const double* row, double tolerance_s, double sure_s) {
  if (const auto same = find(time, row, sure_s)) return same;
  const auto found = find(time, row, tolerance_s);
  const auto is_taken = [&](mth5::UtcNanos t) {
    return std::any_of(segments_.begin(), segments_.end(), [&](const Segment& s) { return s.start <= t && t < s.end(); });
  };
  if (!found || (is_taken(plus_seconds(time, -tolerance_s)) && is_taken(plus_seconds(time, tolerance_s)))) return found;
  return all_differ(*found) ? found : std::nullopt;
}

bool Memory::all_differ(std::int64_t row) const {
  constexpr std::int64_t kLeast = 64, kMost = 256;
  std::vector<std::uint64_t> hashes;
  for (auto r = row; r >= 0 && r > row - kMost && segment_of(r) != nullptr; --r) {
    const auto at = static_cast<std::size_t>(r);
    hashes.push_back((*pages_[at / kPage % pages_.size()])[at % kPage]);
  }
  std::sort(hashes.begin(), hashes.end());
  return std::ssize(hashes) >= kLeast && std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end();
}

Memory::Found Memory::find_all(std::span<const Row> rows, double tolerance_s) const {
  std::vector<std::uint64_t> wanted;
  for (const auto& row : rows) wanted.push_back(hash(row.values));
  const auto lies_at = [&](std::int64_t row, std::size_t i, double tolerance) {
    const auto time = time_of(row);
    return time && std::abs(seconds_between(*time, rows[i].time)) <= tolerance;
  };
  std::optional<Found> found;
  bool may_be_new = false;
  for (const auto& segment : segments_) {
    const double tolerance = tolerance_s + segment.unsure;
    const double at = seconds_between(segment.start, rows.front().time) / segment.period, most = tolerance / segment.period;
    if (at < -most || at > static_cast<double>(segment.n) + most) continue;
    const auto next = segment.first + segment.n;
    for (auto row = segment.first + static_cast<std::int64_t>(std::floor(at + most));
         row >= segment.first && row >= segment.first + static_cast<std::int64_t>(std::ceil(at - most)); --row) {
      if (row >= next) {
        may_be_new |= !lies_at(next, 0, tolerance + segment.period);  // nothing is there
        row = next;                                                   // the rows behind go on there
        continue;
      }
      std::size_t same = 0;
      const auto there = [&] {
        const auto number = row + static_cast<std::int64_t>(same);
        return number < next || lies_at(number, same, tolerance);
      };
      while (same < wanted.size() && there() && is(row + static_cast<std::int64_t>(same), wanted[same])) ++same;
      if (same < wanted.size() && there()) continue;  // something else is
      if (!found || same < found->n) found = Found{row, same};
      break;
    }
  }
  return found && (!may_be_new || all_differ(found->first)) ? *found : Found{};
}

const Memory::Segment* Memory::segment_of(std::int64_t row) const {
  const auto behind = std::upper_bound(segments_.begin(), segments_.end(), row,
                                       [](std::int64_t r, const Segment& segment) { return r < segment.first; });
  if (behind == segments_.begin() || row < 0) return nullptr;
  const auto& segment = *(behind - 1);
  return row < segment.first + segment.n ? &segment : nullptr;
}

std::optional<mth5::UtcNanos> Memory::time_of(std::int64_t row) const {
  const auto* segment = segment_of(row);
  if (segment == nullptr) return std::nullopt;
  return plus_seconds(segment->start, static_cast<double>(row - segment->first) * segment->period);
}

double Memory::unsure_s(mth5::UtcNanos time) const {
  double most = 0;
  if (most_unsure_ == 0) return most;
  for (const auto& segment : segments_)
    if (seconds_between(segment.start, time) >= -segment.unsure && seconds_between(time, segment.end()) >= -segment.unsure)
      most = std::max(most, segment.unsure);
  return most;
}

double Memory::taken_s(mth5::UtcNanos from, mth5::UtcNanos to) const {
  double taken = 0;
  if (from >= front_) return 0;
  for (const auto& segment : segments_)
    taken += std::max(0.0, seconds_between(std::max(from, segment.start), std::min(to, segment.end())));
  return taken;
}

}  // namespace daq::timing
