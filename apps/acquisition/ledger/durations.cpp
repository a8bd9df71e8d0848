#include "acquisition/ledger/durations.hpp"

#include <algorithm>
#include <limits>

namespace daq::ledger {

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
  const auto at = sorted.begin() + (n * 99 + 99) / 100 - 1;
  std::nth_element(sorted.begin(), at, sorted.begin() + n);
  return *at;
}

}  // namespace daq::ledger
