#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

/// Keeps those who read a program's log from holding the program up: a stalled journald, a terminal stopped with Ctrl-S, `|
/// less`.
namespace cli {

/// Copies lines from one descriptor to another through a bounded queue in memory. What is written into the first is always taken
/// at once; what nobody takes from the second waits, then is dropped, counted, and reported in its place when there is room
/// again.
///
/// Two threads: one that only reads `in`, so that it never waits for `out`; one that only writes `out`, and may sit in write(2)
/// for ever. They are detached for that reason: a thread that cannot be woken must not be waited for either. They own what they
/// touch, except the two descriptors, which must stay open until the process ends.
/// Lines are put into `in` by any thread; the class itself belongs to one thread.
class LineRelay {
 public:
  /// One line, with its newline, about `n` lines that were lost; `why`: "nobody read the log", or what the system said.
  using LossLine = std::function<std::string(std::uint64_t n, const std::string& why)>;

  static constexpr std::size_t kCapacity = std::size_t{1} << 20;     ///< bytes that wait at most: some 10,000 lines
  static constexpr std::size_t kLongestLine = std::size_t{1} << 16;  ///< bytes; a longer one is cut in two

  /// Starts the threads, with all signals blocked.
  /// @param in   read end of a pipe; made non-blocking
  /// @param out  where lines go; its flags are left alone, others may share it
  LineRelay(int in, int out, LossLine loss_line, std::size_t capacity = kCapacity);

  /// Waits until everything put into `in` so far has been written to `out`, for `limit` at most; also what has no newline yet.
  /// @returns false if something is left
  [[nodiscard]] bool flush(std::chrono::milliseconds limit);
  /// Lines that never reached `out`, so far. Thread: any.
  [[nodiscard]] std::uint64_t dropped() const;
  /// Whether something waits; for signal handlers: takes no lock.
  [[nodiscard]] bool busy() const noexcept;

  /// Between these two the threads have no memory under way, so that the process may fork. Thread: the one that forks.
  void hold();
  void let_go();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// From here on everything that this process writes to descriptor 2, whoever writes it (spdlog, libmth5, HDF5, the C++ run-time),
/// goes through a LineRelay to where descriptor 2 led before. At most once a process. What sanitizers report is written too,
/// though they end the process. A fatal signal that nobody else handles (SIGABRT, SIGSEGV, …) waits up to a second for what has
/// been written, then takes its course. The relay's threads stand still while the process forks. @throws std::system_error if
/// there is no pipe to be had
void relay_stderr(LineRelay::LossLine loss_line);

/// Where descriptor 2 led before relay_stderr(), else 2: for isatty.
[[nodiscard]] int original_stderr();
/// Lines lost so far; 0 without a relay. Thread: any.
[[nodiscard]] std::uint64_t dropped_stderr_lines();

/// Waits until what was written to stderr has been taken, for `limit` at most; at once without a relay.
void flush_stderr(std::chrono::milliseconds limit = std::chrono::seconds{1});
/// flush_stderr(), then ends the process at once, with nothing destroyed. Thread: any.
[[noreturn]] void leave(int code, std::chrono::milliseconds limit = std::chrono::seconds{1});

}  // namespace cli
