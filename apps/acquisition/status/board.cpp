#include "acquisition/status/board.hpp"

#include <algorithm>
#include <limits>

namespace daq::status {

void Durations::add(std::chrono::nanoseconds duration) {
  last_us_ = duration.count() / 1000;
  max_us_ = std::max(max_us_, last_us_);
  recent_us_.at(static_cast<std::size_t>(count_) % recent_us_.size()) =
      static_cast<std::int32_t>(std::min<std::int64_t>(last_us_, std::numeric_limits<std::int32_t>::max()));
  ++count_;
}

std::int64_t Durations::p99_us() const {
  const auto n = static_cast<std::ptrdiff_t>(std::min<std::int64_t>(count_, static_cast<std::int64_t>(recent_us_.size())));
  if (n == 0) return 0;
  auto sorted = recent_us_;
  const auto at = sorted.begin() + (n - 1) * 99 / 100;
  std::nth_element(sorted.begin(), at, sorted.begin() + n);
  return *at;
}

void Arrivals::add(std::uint64_t before, Steady::time_point now, std::uint64_t safe) {
  // The last mark at or before the first sample that is not safe still counts; those in front of it do not.
  auto needed = std::partition_point(marks_.begin(), marks_.end(), [&](const Mark& mark) { return mark.before <= safe; });
  if (needed != marks_.begin()) marks_.erase(marks_.begin(), needed - 1);
  if (!marks_.empty() && now < marks_.back().time + every_ && marks_.back().before > safe) return;
  if (marks_.size() < kMost / 4) every_ = kEvery;
  if (marks_.size() == kMost) {  // a medium that stalls for long: every other mark will do
    std::size_t kept = 0;
    for (std::size_t i = 0; i < marks_.size(); i += 2) marks_[kept++] = marks_[i];
    marks_.resize(kept);
    every_ *= 2;
  }
  marks_.push_back({marks_.empty() ? before : std::max(before, marks_.back().before), now});
}

std::optional<Steady::time_point> Arrivals::of_first_after(std::uint64_t safe) const {
  const auto after = std::partition_point(marks_.begin(), marks_.end(), [&](const Mark& mark) { return mark.before <= safe; });
  if (after == marks_.begin()) return std::nullopt;
  return (after - 1)->time;
}

AtRisk at_risk(const SourceEntry& source, const WrittenEntry& written, Steady::time_point now) {
  const std::uint64_t safe = written.durable + written.lost;
  if (source.received() <= safe) return {};
  const auto since = source.arrivals.of_first_after(safe);
  return {source.received() - safe, since ? std::chrono::duration<double>(now - *since).count() : 0};
}

}  // namespace daq::status
