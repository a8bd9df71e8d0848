#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mth5/descriptor.hpp"

namespace support {

/// A program under test: started without a shell, stdin from /dev/null, what it prints kept in memory files (it never blocks on
/// us). Killed and reaped by the destructor and when the test dies. Thread: one.
class Process {
 public:
  /// @param argv  argv[0] is a path, or a name looked up in PATH
  /// @param env   added to our own environment
  /// @param cwd   "" = ours
  /// @throws std::runtime_error if it cannot be started
  [[nodiscard]] static Process start(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env = {},
                                     const std::filesystem::path& cwd = {});
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running() { return !wait(std::chrono::milliseconds{0}); }
  /// Exit code, or 128 + number of the signal that ended it; nullopt: it still runs at the deadline.
  [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds deadline = std::chrono::seconds{30});
  /// Sends a signal; nothing happens if it has ended.
  void signal(int number);
  /// SIGTERM, then its exit code; SIGKILL at the deadline (the code is then 137).
  int terminate(std::chrono::milliseconds deadline = std::chrono::seconds{30});

  /// Everything printed so far.
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;
  /// Waits until stdout or stderr matches (ECMAScript, anywhere in the text).
  /// @returns the first group, or the match where there is none; nullopt at the deadline or when the program has ended without it
  [[nodiscard]] std::optional<std::string> wait_for_output(const std::string& regex,
                                                           std::chrono::milliseconds deadline = std::chrono::seconds{30});

 private:
  Process() = default;

  pid_t pid_ = -1;
  mth5::Descriptor pid_fd_, out_fd_, err_fd_;
  std::optional<int> code_;
};

/// Runs a program to its end.
struct Finished {
  int code;
  std::string out, err;
};
/// @throws std::runtime_error if it has not ended at the deadline
[[nodiscard]] Finished run(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env = {},
                           std::chrono::milliseconds deadline = std::chrono::seconds{60});

}  // namespace support
