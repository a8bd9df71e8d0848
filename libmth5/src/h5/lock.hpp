#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "mth5/descriptor.hpp"

namespace mth5::h5 {

/// Where the writer's lock lies: one byte far beyond any end of file. Page: doc/acquisition.md.
inline constexpr std::int64_t kLockOffset = 0x7fff'ffff'ffff'0000;

/// The writer's own lock (open file description, so it ends with the process and with nothing else). It is exclusive, and for
/// that a descriptor is needed that may write: who may only read the file cannot pass for its writer. Thread: one.
class WriterLock {
 public:
  WriterLock() = default;
  /// Whoever may read a file can keep an exclusive lock off it by a shared one. The lock of a file that a writer makes is taken
  /// before others can open it, so this concerns only files that are there already.
  /// @param nobody_writes  asked where only a shared lock is in the way: true = known for certain, and the file is taken without
  ///                       the lock; empty = in doubt refused
  /// @throws BusyError if another process holds it, FileError if the file cannot be opened
  explicit WriterLock(const std::filesystem::path& path, const std::function<bool()>& nobody_writes = {});
  /// Makes a new file and locks it before anybody else may open it.
  /// @param name  of the file in messages @throws FileError if it exists or cannot be made
  static WriterLock create(const std::filesystem::path& path, const std::filesystem::path& name);

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  Descriptor fd_;
};

/// Whether a writer holds the lock of the file open as `fd` (reading is enough). Shared locks, of readers, do not count.
[[nodiscard]] bool is_write_locked(int fd);

}  // namespace mth5::h5
