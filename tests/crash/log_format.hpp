#pragma once

#include <cstdint>

/// What the recorder writes and the image builder reads: a header, then `payload` bytes, one event after the other in the order
/// in which the kernel had them. Only what succeeded is there.
namespace crash {

enum class Kind : std::uint32_t {
  Open,       ///< payload: path; size: of the file when it was opened, 0 if this call made it; offset: 1 if it made it
  Write,      ///< offset, payload: the bytes that were taken
  Resize,     ///< size
  Allocate,   ///< offset, size: posix_fallocate and fallocate mode 0
  SyncBegin,  ///< inode: of the file, or of the folder it lies in
  SyncEnd,    ///< size: 0, or the errno
  Rename,     ///< payload: from '\0' to
  Link,       ///< payload: from '\0' to
  Unlink,     ///< payload: path
  Note,       ///< payload: text of crash_note()
  Refused     ///< payload: a call that images cannot be made of (hole punching)
};

inline constexpr std::uint32_t kEventMagic = 0x68736172;

struct EventHeader {
  std::uint32_t magic;
  Kind kind;
  std::uint64_t inode;
  std::int64_t offset;
  std::int64_t size;
  std::uint64_t payload;
};

}  // namespace crash
