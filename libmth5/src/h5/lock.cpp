#include "h5/lock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "mth5/error.hpp"

namespace mth5::h5 {

namespace {

struct flock lock_byte() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kLockOffset;
  lock.l_len = 1;
  return lock;
}

}  // namespace

WriterLock::WriterLock(const std::filesystem::path& path) : fd_{open(path.c_str(), O_RDWR | O_CLOEXEC)} {
  if (fd_ < 0) throw FileError{path.string() + ": " + std::generic_category().message(errno)};
  struct flock lock = lock_byte();
  if (fcntl(fd_, F_OFD_SETLK, &lock) == 0) return;
  const int error = errno;
  close(std::exchange(fd_, -1));
  if (error == EAGAIN || error == EACCES) throw BusyError{path.string() + ": another process is writing this file", 0};
  throw FileError{path.string() + ": cannot be locked: " + std::generic_category().message(error)};
}

WriterLock::WriterLock(WriterLock&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}

WriterLock& WriterLock::operator=(WriterLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

WriterLock::~WriterLock() {
  if (fd_ >= 0) close(fd_);
}

bool is_write_locked(int fd) {
  struct flock lock = lock_byte();
  return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace mth5::h5
