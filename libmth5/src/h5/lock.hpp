#pragma once

#include <cstdint>
#include <filesystem>

namespace mth5::h5 {

/// Where the writer's lock lies: one byte far beyond any end of file. Page: doc/acquisition.md.
inline constexpr std::int64_t kLockOffset = 0x7fff'ffff'ffff'0000;

/// The writer's own lock (open file description, so it ends with the process and with nothing else). Thread: one.
class WriterLock {
 public:
  WriterLock() = default;
  /// @throws BusyError if another process holds it, FileError if the file cannot be opened
  explicit WriterLock(const std::filesystem::path& path);
  WriterLock(WriterLock&& other) noexcept;
  WriterLock& operator=(WriterLock&& other) noexcept;
  ~WriterLock();

  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

/// Whether a writer holds the lock of the file open as `fd` (reading is enough).
[[nodiscard]] bool is_write_locked(int fd);

}  // namespace mth5::h5
