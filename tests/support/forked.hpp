#pragma once

#include <sys/mman.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <new>
#include <string>

#include "mth5/descriptor.hpp"

namespace support {

/// What became of a function that ran in a process of its own.
struct Ended {
  int code;           ///< of exit, or 128 + number of the signal that ended it
  std::string err;    ///< what it printed on stderr
  bool hung = false;  ///< it was killed at the deadline
  std::int64_t most_memory_kib = 0;
};

/// Runs `body` in a child and waits for it: HDF5 shares what one process has open, keeps what a failed call left behind, and one
/// that crashes takes only its own process along. HDF5 is shut down in the child as at the end of a program; an exception that
/// leaves the body is code 99 and its text. Thread: one, and no other may run.
[[nodiscard]] Ended forked(const std::function<int()>& body, std::chrono::seconds deadline = std::chrono::seconds{60});

/// As forked(), but does not wait.
class Child {
 public:
  explicit Child(const std::function<int()>& body);
  ~Child();  ///< kills it
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Once. @throws std::logic_error after that
  [[nodiscard]] Ended wait(std::chrono::seconds deadline = std::chrono::seconds{60});
  /// SIGKILL; nothing happens if it has been waited for.
  void kill_now();

 private:
  pid_t pid_ = -1;
  mth5::Descriptor pid_fd_, err_fd_;
};

/// A value that a process and those it forks later have in common. T must be good as zeros, and copied by bytes.
template <class T>
class Shared {
 public:
  Shared() : memory_{mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)} {
    if (memory_ == MAP_FAILED) throw std::bad_alloc{};
    new (memory_) T{};
  }
  ~Shared() { munmap(memory_, sizeof(T)); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  T& operator*() const { return *static_cast<T*>(memory_); }
  T* operator->() const { return static_cast<T*>(memory_); }

 private:
  void* memory_;
};

}  // namespace support
