#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace mth5 {

/// Owns a file descriptor, or none (-1): closes it at its own end, and leaves errno as it was. Thread: one at a time.
class Descriptor {
 public:
  Descriptor() = default;
  /// What open(2) and the like give; -1 = none.
  explicit Descriptor(int fd) noexcept : fd_{fd} {}
  Descriptor(Descriptor&& other) noexcept : fd_{other.release()} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this == &other) return *this;
    reset();
    fd_ = other.release();
    return *this;
  }
  ~Descriptor() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  /// The caller closes it from here on.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void reset() noexcept {
    const int error = errno;
    (void)close();
    errno = error;
  }
  /// For who has written: some file systems report only now that it failed. @returns 0, or the error of close(2)
  [[nodiscard]] int close() noexcept { return fd_ < 0 || ::close(release()) == 0 ? 0 : errno; }

 private:
  int fd_ = -1;
};

}  // namespace mth5
