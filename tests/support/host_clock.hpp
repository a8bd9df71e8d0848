#pragma once

#include <atomic>

#include "mth5/time.hpp"

namespace support {

/// A host clock that stands still until it is moved; the host's own again when it goes. What waits (a condition, a timer) still
/// waits by the host's. One at a time. Thread: any.
class ClockByHand final : public mth5::HostClock {
 public:
  ClockByHand() { mth5::use_host_clock(this); }
  ~ClockByHand() override { mth5::use_host_clock(nullptr); }
  ClockByHand(const ClockByHand&) = delete;
  ClockByHand& operator=(const ClockByHand&) = delete;

  /// Time passes.
  void pass(mth5::Nanos time) {
    steady_ += time.count();
    utc_ += time.count();
  }
  /// Somebody sets the clock, as NTP does.
  void set(mth5::UtcNanos utc) { utc_ = utc.time_since_epoch().count(); }

  [[nodiscard]] mth5::UtcNanos utc() const override { return mth5::UtcNanos{mth5::Nanos{utc_}}; }
  [[nodiscard]] std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point{mth5::Nanos{steady_}};
  }

 private:
  std::atomic<std::int64_t> steady_{3'600'000'000'000};
  std::atomic<std::int64_t> utc_{1'777'593'600'000'000'000};  // 2026-05-01T00:00:00Z
};

}  // namespace support
