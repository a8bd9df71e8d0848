#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace daq::ledger {

using Steady = std::chrono::steady_clock;

/// Durations of one kind of call: count, last, longest, and the 99th percentile of the last 512.
class Durations {
 public:
  void add(std::chrono::nanoseconds duration);
  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] std::int64_t last_us() const { return last_us_; }
  [[nodiscard]] std::int64_t max_us() const { return max_us_; }
  /// No more than one in a hundred took longer (nearest rank); 0 before the first.
  [[nodiscard]] std::int64_t p99_us() const;

 private:
  std::array<std::int32_t, 512> recent_us_{};
  std::int64_t count_ = 0, last_us_ = 0, max_us_ = 0;
};

}  // namespace daq::ledger
