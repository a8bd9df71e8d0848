#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace daq::status {

/// Whether the recorder still works, for WATCHDOG=1 of systemd: its threads come round, and samples that come are committed. No
/// reason to say no is an instrument that is silent, a disk that is full or refuses (those are told, and a new process would find
/// the same), and a thread that the kernel holds in a call (state D: a disk that does not answer). No signal ends such a process,
/// and what waits in its ring would be lost with it. Thread: one.
class Watchdog {
 public:
  using Steady = std::chrono::steady_clock;

  /// Of one thread.
  struct Turn {
    Steady::time_point turned;  ///< came round last; max() when it has ended
    bool held = false;          ///< by the kernel, now
  };
  struct Seen {
    Steady::time_point now;
    Turn io, writer;
    std::uint64_t received = 0;  ///< samples
    std::uint64_t settled = 0;   ///< those that readers can see, or that are counted as lost
    bool outage = false;         ///< it is known, and told, why nothing is committed
  };

  /// @param limit  how long a thread may take for one turn
  explicit Watchdog(Steady::duration limit) : limit_{limit} {}

  /// To be called each second. @param commit_limit  how long samples may wait while more come and none is settled
  /// @returns what hangs, in words with its time; "" = nothing does
  [[nodiscard]] std::string look(const Seen& seen, Steady::duration commit_limit);

 private:
  [[nodiscard]] std::string hangs(const char* thread, const Turn& turn, Steady::time_point& excused,
                                  Steady::time_point now) const;

  Steady::duration limit_;
  Steady::time_point looked_{}, io_excused_{}, writer_excused_{};
  std::uint64_t received_ = 0, settled_ = 0;
  Steady::time_point received_at_{}, waiting_since_{Steady::time_point::max()};
};

/// Whether the kernel holds that thread of this process in a call that no signal ends (state D in /proc).
[[nodiscard]] bool is_held(pid_t thread);

}  // namespace daq::status
