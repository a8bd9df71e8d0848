#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <vector>

#include "mth5/descriptor.hpp"

/// What was in a file before it was changed, so that a repair can be taken back. doc/journal.md has its bytes. Thread: one.
namespace mth5::vfd {

/// Which file, and at which state: of the header of its journal and of its newest record; all 0 in a file without a journal.
struct FileState {
  std::uint64_t file_id = 0, sequence = 0;
};
/// @throws FileError
[[nodiscard]] FileState state_of(int fd, const std::filesystem::path& path);

class UndoFile {
 public:
  /// What lies behind the last commit is kept up to here, in bytes on disk; holes in it are kept whatever their length.
  static constexpr std::uint64_t kMostTail = std::uint64_t{256} << 20;

  /// Makes a new file for what will be changed of the one open as `fd`. @throws FileError if `path` exists
  UndoFile(int fd, const std::filesystem::path& path);
  /// Removes the file if sync() was never called: nothing was changed, so it is of no use.
  ~UndoFile();
  UndoFile(const UndoFile&) = delete;
  UndoFile& operator=(const UndoFile&) = delete;

  /// Saves what is there of [at, at + size), but for what was saved before and what is behind the end. In pieces, whatever the
  /// size. @throws FileError
  void save(std::uint64_t at, std::uint64_t size);
  /// The same from `at` to the end of the file: of holes only where they are, of the rest as much as kMostTail.
  void save_tail(std::uint64_t at);
  /// To be called between save() and the change: file and name are durable then. @throws FileError
  void sync();
  /// All changes are made and synced: notes the state that they led to. Only in that state put_back() takes them back.
  void finish();
  /// Bytes of the tail that were over kMostTail.
  [[nodiscard]] std::uint64_t not_kept() const { return not_kept_; }

 private:
  void save_piece(std::uint64_t at, std::uint64_t size);
  void append(std::uint64_t kind, std::uint64_t at, const std::vector<char>& body);

  struct Piece {
    std::uint64_t at, size;
  };
  int fd_;  ///< of its writer
  std::filesystem::path path_;
  Descriptor out_;
  std::uint64_t size_;  ///< of the file when it began
  std::uint64_t written_ = 0, not_kept_ = 0, tail_bytes_ = 0;
  bool unsynced_ = true, needed_ = false;
  std::map<std::uint64_t, std::uint64_t> saved_;  ///< from, to
  std::vector<Piece> pieces_;                     ///< in the order of the file
  std::vector<char> buffer_;
};

enum class Recovered {
  Whole,  ///< finish() was called: the file must be exactly as it was then, or on its way back
  Broken  ///< it broke off, and the caller knows that this file is the one it was at work on
};

/// Puts back what was saved, and the size; the journal last. Nothing is changed if anything does not fit.
/// @returns bytes that were behind the last commit and were not kept
/// @throws FileError, FormatError (no such file, damaged), StateError (of another file, of another state of it, or broken off)
std::uint64_t put_back(int fd, const std::filesystem::path& path, const std::filesystem::path& before, Recovered recovered);

/// Whether the process that began it ended before it had saved, and changed, anything. @throws FileError
[[nodiscard]] bool is_only_begun(const std::filesystem::path& before);
/// Whether finish() was called for it. @throws FileError, FormatError
[[nodiscard]] bool is_finished(const std::filesystem::path& before);

}  // namespace mth5::vfd
