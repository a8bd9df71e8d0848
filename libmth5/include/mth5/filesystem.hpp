#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "mth5/descriptor.hpp"

/// What libmth5 asks of the file system. Thread: any.
namespace mth5 {

/// The kind of network or user-space file system that `path` lies on: "NFS", "CIFS", "SMB2", "FUSE", "9p" and the like; nullopt
/// for a local one. There a reader of another host sees writes in any order, so that SWMR is not guaranteed, and the writer's
/// lock may hold nobody off. A path that does not exist yet is judged by the nearest directory above it that does.
/// @throws FileError if the path cannot be looked at
[[nodiscard]] std::optional<std::string_view> network_file_system(const std::filesystem::path& path);

/// Opens a regular file for reading. Never waits, whatever has the name: a FIFO that nobody writes would hold open(2) for ever.
/// @returns a descriptor with O_CLOEXEC
/// @throws FileError "PATH: cannot be read: REASON": it is not there, may not be read, or is a directory, a FIFO, a device
[[nodiscard]] Descriptor open_regular(const std::filesystem::path& path);

/// All of a regular file, or of a longer one the first `most` bytes.
/// @throws FileError as open_regular(), and if the file system fails
[[nodiscard]] std::string read_regular(const std::filesystem::path& path, std::size_t most);

/// All of a text to a file, a pipe or a socket, at once or bit by bit. Waits for room where the descriptor is one that does not
/// block. In a child of fork() too.
/// @returns 0, or the errno of what the system refused: then a part may have been written
[[nodiscard]] int write_all(int fd, std::string_view text) noexcept;

}  // namespace mth5
