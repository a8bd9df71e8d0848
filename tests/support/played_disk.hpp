#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "mth5/io.hpp"

namespace support {

/// A disk that does what a test wants, before the real one; the real one alone again when it goes. One at a time. Thread: any.
class PlayedDisk final : public mth5::Io {
 public:
  PlayedDisk() { mth5::use_io(this); }
  ~PlayedDisk() override { mth5::use_io(nullptr); }
  PlayedDisk(const PlayedDisk&) = delete;
  PlayedDisk& operator=(const PlayedDisk&) = delete;

  /// Somebody else has taken all room but this, in bytes, or nothing: there is room as on the real disk.
  void leave(std::optional<std::int64_t> bytes) { left_ = bytes.value_or(kAll); }
  /// What needs room is refused, whatever is left.
  void refuse_writes(bool refused) { refused_ = refused; }
  /// Bytes are refused, though there is room and space can be set aside.
  void refuse_bytes(bool refused) { bytes_refused_ = refused; }
  /// The next fdatasync fails with this.
  void fail_next_sync(int error) { sync_error_ = error; }
  /// Of all calls that change something the one of this number, from 1, fails with this; those before and behind it do not.
  void fail(std::int64_t nth, int error) {
    calls_ = 0;
    call_error_ = error;
    nth_ = nth;
  }
  /// Whether that one has been.
  [[nodiscard]] bool failed() const { return nth_ > 0 && calls_ >= nth_; }

  [[nodiscard]] ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t at) const override {
    if (bytes_refused_) errno = ENOSPC;
    return bytes_refused_ || refuses(true) ? -1 : Io::pwrite(fd, bytes, size, at);
  }
  [[nodiscard]] int ftruncate(int fd, off_t size) const override { return refuses(false) ? -1 : Io::ftruncate(fd, size); }
  [[nodiscard]] int fallocate(int fd, off_t size) const override { return refuses(true) ? -1 : Io::fallocate(fd, size); }
  [[nodiscard]] int posix_fallocate(int fd, off_t size) const override {
    return refuses(true) ? errno : Io::posix_fallocate(fd, size);
  }
  [[nodiscard]] int fdatasync(int fd) const override {
    if (const int error = sync_error_.exchange(0); error != 0) {
      errno = error;
      return -1;
    }
    return refuses(false) ? -1 : Io::fdatasync(fd);
  }
  [[nodiscard]] int fsync(int fd) const override { return refuses(false) ? -1 : Io::fsync(fd); }
  [[nodiscard]] std::optional<std::int64_t> free_bytes(const std::filesystem::path& directory) const override {
    const std::int64_t left = left_;
    return left == kAll ? Io::free_bytes(directory) : std::optional{left};
  }

 private:
  /// And sets errno.
  bool refuses(bool needs_room) const {
    if (needs_room && refused_) {
      errno = ENOSPC;
      return true;
    }
    if (++calls_ != nth_) return false;
    errno = call_error_;
    return true;
  }

  static constexpr std::int64_t kAll = -1;
  std::atomic<std::int64_t> left_{kAll};
  std::atomic<bool> refused_{false}, bytes_refused_{false};
  std::atomic<std::int64_t> nth_{0};
  std::atomic<int> call_error_{0};
  mutable std::atomic<int> sync_error_{0};
  mutable std::atomic<std::int64_t> calls_{0};
};

}  // namespace support
