#pragma once

#include <cstdint>
#include <filesystem>

/// What was in a file before it was changed, so that a repair can be taken back. doc/journal.md has its bytes. Thread: one.
namespace mth5::vfd {

class UndoFile {
 public:
  /// Makes a new file for what will be changed of the one open as `fd`. @throws FileError if `path` exists
  UndoFile(int fd, const std::filesystem::path& path);
  ~UndoFile();
  UndoFile(const UndoFile&) = delete;
  UndoFile& operator=(const UndoFile&) = delete;

  /// Saves what is there of [at, at + size). @throws FileError
  void save(std::uint64_t at, std::uint64_t size);
  /// To be called between save() and the change. @throws FileError
  void sync();

 private:
  int fd_;
  std::filesystem::path path_;
  int out_;
  std::uint64_t size_;  ///< of the file when it began
  std::uint64_t written_ = 0;
  bool unsynced_ = true;
};

/// Puts back what was saved, the last first, and the size. @throws FileError, FormatError (not such a file, or cut short)
void put_back(int fd, const std::filesystem::path& path, const std::filesystem::path& before);

}  // namespace mth5::vfd
