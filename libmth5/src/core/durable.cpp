#include "core/durable.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"
#include "mth5/io.hpp"

namespace mth5::core {

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what, int error) {
  const std::error_code code{error, std::generic_category()};
  throw FileError{path.string() + ": " + what + ": " + code.message(), code};
}

}  // namespace

bool rename_new(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST) return false;
  if (errno != EINVAL && errno != ENOSYS) fail(to, "cannot be created", errno);
  // A file system without RENAME_NOREPLACE: link() refuses an existing name as well.
  if (link(from.c_str(), to.c_str()) != 0) {
    if (errno == EEXIST) return false;
    fail(to, "cannot be created", errno);
  }
  if (unlink(from.c_str()) != 0) fail(from, "cannot be removed after it was linked to its final name", errno);
  return true;
}

void sync_directory(const std::filesystem::path& directory) {
  const Descriptor fd{open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) fail(directory, "cannot be opened", errno);
  int rc = io().fsync(fd.get());
  while (rc != 0 && errno == EINTR) rc = io().fsync(fd.get());
  // EINVAL: a file system that cannot sync directories keeps their names in order by itself (fsync(2)).
  if (rc != 0 && errno != EINVAL) fail(directory, "cannot be synced", errno);
}

void sync_data(int fd, const std::filesystem::path& path) {
  while (io().fdatasync(fd) != 0)
    if (errno != EINTR) fail(path, "fdatasync failed, this file takes no more samples", errno);
}

void write_all(int fd, const void* bytes, std::size_t size, std::uint64_t at, const std::filesystem::path& path,
               const std::function<bool()>& make_room) {
  const char* from = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t n = io().pwrite(fd, from, size, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int error = n < 0 ? errno : ENOSPC;
      if ((error == ENOSPC || error == EDQUOT) && make_room && make_room()) continue;
      fail(path, "write failed", error);
    }
    from += n;
    at += static_cast<std::uint64_t>(n);
    size -= static_cast<std::size_t>(n);
  }
}

void read_all(int fd, void* bytes, std::size_t size, std::uint64_t at, const std::filesystem::path& path) {
  char* to = static_cast<char*>(bytes);
  while (size > 0) {
    const ssize_t n = io().pread(fd, to, size, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path, "read failed", errno);
    if (n == 0) break;
    to += n;
    at += static_cast<std::uint64_t>(n);
    size -= static_cast<std::size_t>(n);
  }
  if (size > 0) std::memset(to, 0, size);
}

void set_size(int fd, std::uint64_t size, const std::filesystem::path& path) {
  while (io().ftruncate(fd, static_cast<off_t>(size)) != 0)
    if (errno != EINTR) fail(path, "its size cannot be set", errno);
}

std::uint64_t size_of(int fd, const std::filesystem::path& path) {
  struct stat info {};
  if (fstat(fd, &info) != 0) fail(path, "cannot be looked at", errno);
  return static_cast<std::uint64_t>(info.st_size);
}

}  // namespace mth5::core
