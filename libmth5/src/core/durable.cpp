#include "core/durable.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "mth5/error.hpp"

namespace mth5::core {

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what, int error) {
  throw FileError{path.string() + ": " + what + ": " + std::generic_category().message(error)};
}

}  // namespace

void rename_new(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno != EINVAL && errno != ENOSYS) fail(to, "cannot be created", errno);
  // A file system without RENAME_NOREPLACE: link() refuses an existing name as well.
  if (link(from.c_str(), to.c_str()) != 0) fail(to, "cannot be created", errno);
  if (unlink(from.c_str()) != 0) fail(from, "cannot be removed after it was linked to its final name", errno);
}

void sync_directory(const std::filesystem::path& directory) {
  const int fd = open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail(directory, "cannot be opened", errno);
  const int rc = fsync(fd);
  const int error = errno;
  close(fd);
  // EINVAL: a file system that cannot sync directories keeps their names in order by itself (fsync(2)).
  if (rc != 0 && error != EINVAL) fail(directory, "cannot be synced", error);
}

void sync_data(int fd, const std::filesystem::path& path) {
  while (fdatasync(fd) != 0)
    if (errno != EINTR) fail(path, "fdatasync failed, this file takes no more samples", errno);
}

}  // namespace mth5::core
