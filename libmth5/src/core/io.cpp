#include "mth5/io.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>

namespace mth5 {

namespace {

const Io the_system;
std::atomic<const Io*> in_use{&the_system};

}  // namespace

ssize_t Io::pread(int fd, void* bytes, std::size_t size, off_t at) const { return ::pread(fd, bytes, size, at); }

ssize_t Io::pwrite(int fd, const void* bytes, std::size_t size, off_t at) const { return ::pwrite(fd, bytes, size, at); }

int Io::ftruncate(int fd, off_t size) const { return ::ftruncate(fd, size); }

int Io::fallocate(int fd, off_t size) const { return ::fallocate(fd, 0, 0, size); }

int Io::posix_fallocate(int fd, off_t size) const { return ::posix_fallocate(fd, 0, size); }

int Io::fdatasync(int fd) const { return ::fdatasync(fd); }

int Io::fsync(int fd) const { return ::fsync(fd); }

std::optional<std::int64_t> Io::free_bytes(const std::filesystem::path& directory) const {
  struct statvfs info {};
  if (statvfs(directory.c_str(), &info) != 0) return std::nullopt;
  return static_cast<std::int64_t>(info.f_bavail) * static_cast<std::int64_t>(info.f_frsize);
}

void use_io(const Io* io) noexcept { in_use = io == nullptr ? &the_system : io; }

const Io& io() noexcept { return *in_use.load(std::memory_order_relaxed); }

}  // namespace mth5
