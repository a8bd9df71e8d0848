#pragma once

#include <chrono>
#include <optional>

#include "mth5/descriptor.hpp"

namespace sim {

using Clock = std::chrono::steady_clock;

/// The one place the program waits, so that TERM, INT and HUP end every wait. The first one asks for an orderly end; from then on
/// a second one leaves at once (exit 130). Thread: main.
class Stop {
 public:
  Stop();
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  [[nodiscard]] bool requested() const { return requested_; }
  enum class Woke { Ready, Timeout, Stopped };
  /// Waits for `events` (poll) on `fd`; -1 = only for the time. `until` nullopt = without end. After the request Stopped comes no
  /// more, so whoever still waits needs a deadline.
  [[nodiscard]] Woke wait(int fd, short events, std::optional<Clock::time_point> until);
  /// Waits for the time. false: stop is requested.
  bool sleep_until(Clock::time_point until) { return wait(-1, 0, until) != Woke::Stopped; }

 private:
  void take_signal();

  mth5::Descriptor signal_fd_;
  bool requested_ = false;
};

}  // namespace sim
