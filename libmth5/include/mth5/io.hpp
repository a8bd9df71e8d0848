#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>

namespace mth5 {

/// What is asked of the system for the bytes of data files and of the reserve, call by call: result and errno are those of the
/// call each is named after, EINTR included. All of the library and of the recorder asks through io(), so that a test can put a
/// disk of its own behind it that is full, dies or loses what it was given, and needs no mount: derive, and override what shall
/// go otherwise. Called from any thread.
class Io {
 public:
  virtual ~Io() = default;
  [[nodiscard]] virtual ssize_t pread(int fd, void* bytes, std::size_t size, off_t at) const;
  [[nodiscard]] virtual ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t at) const;
  [[nodiscard]] virtual int ftruncate(int fd, off_t size) const;
  [[nodiscard]] virtual int fallocate(int fd, off_t size) const;
  /// Writes where the file system cannot allocate. @returns 0 or the error
  [[nodiscard]] virtual int posix_fallocate(int fd, off_t size) const;
  [[nodiscard]] virtual int fdatasync(int fd) const;
  [[nodiscard]] virtual int fsync(int fd) const;
  /// Room for who is no superuser on the file system of a directory, in bytes (statvfs(3)); nullopt: it cannot be told,
  /// as where the directory has gone.
  [[nodiscard]] virtual std::optional<std::int64_t> free_bytes(const std::filesystem::path& directory) const;
};

/// From now on bytes go through `io`, which outlives its use; nullptr: to the system again. Thread: any.
void use_io(const Io* io) noexcept;

/// What bytes go through now.
[[nodiscard]] const Io& io() noexcept;

}  // namespace mth5
