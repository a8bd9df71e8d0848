#include "h5/lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <system_error>

#include "mth5/error.hpp"

namespace mth5::h5 {

namespace {

struct flock lock_byte(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = kLockOffset;
  lock.l_len = 1;
  return lock;
}

[[noreturn]] void fail(const std::filesystem::path& path, const char* what, int error) {
  const std::error_code code{error, std::generic_category()};
  throw FileError{path.string() + ": " + what + code.message(), code};
}

/// As the process's file creation mask has it. umask(2) can only be read by changing it, which other threads would notice.
mode_t creation_mask() {
  std::ifstream in{"/proc/self/status"};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("Umask:")) return static_cast<mode_t>(std::strtoul(line.c_str() + 6, nullptr, 8));
  return 077;
}

}  // namespace

WriterLock::WriterLock(const std::filesystem::path& path, const std::function<bool()>& nobody_writes)
    : fd_{open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK)} {
  if (!fd_) fail(path, "", errno);
  struct flock lock = lock_byte(F_WRLCK);
  if (fcntl(fd_.get(), F_OFD_SETLK, &lock) == 0) return;
  const int error = errno;
  const bool taken = error == EAGAIN || error == EACCES;
  const bool by_writer = taken && is_write_locked(fd_.get());
  if (taken && !by_writer && nobody_writes && nobody_writes()) return;
  if (by_writer) throw BusyError{path.string() + ": another process is writing this file", 0};
  if (taken)
    throw BusyError{path.string() +
                        ": a process that only reads this file holds a lock on it, so that nobody can be sure to be "
                        "its only writer; end that one (lslocks shows it)",
                    0};
  fail(path, "cannot be locked: ", error);
}

WriterLock WriterLock::create(const std::filesystem::path& path, const std::filesystem::path& name) {
  WriterLock made;
  made.fd_ = Descriptor{open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!made.fd_) fail(name, "cannot be created: ", errno);
  struct flock lock = lock_byte(F_WRLCK);
  if (fcntl(made.fd(), F_OFD_SETLK, &lock) != 0) {
    const int error = errno;
    unlink(path.c_str());
    fail(name, "cannot be locked: ", error);
  }
  // A file system without modes has none to set.
  (void)fchmod(made.fd(), 0644 & ~creation_mask());
  return made;
}

bool is_write_locked(int fd) {
  // Asked for a shared lock, as that only an exclusive one is in the way of.
  struct flock lock = lock_byte(F_RDLCK);
  return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace mth5::h5
