#pragma once

#include <chrono>
#include <cstdint>

namespace cli {

/// Says on a terminal how far long work has come, from the second second on, a few times a second. Thread: one.
class ProgressBar {
 public:
  /// @param fd  where it goes; nothing is said if it is no terminal
  ProgressBar(int fd, bool wanted);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() { clear(); }

  /// @param done, all  samples; another `all`, or less done: another piece of work
  void show(std::int64_t done, std::int64_t all);
  /// The line is free for others.
  void clear();

 private:
  int fd_;
  bool wanted_;
  bool shown_ = false;
  std::chrono::nanoseconds next_;  ///< by steady_now(): when it is drawn
};

}  // namespace cli
