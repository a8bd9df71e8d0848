#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "mth5/error.hpp"

/// A first look at a file, without HDF5. Thread: any.
namespace mth5 {

enum class FileState { Live, Closed, WriterDied };
/// "live", "closed", "writer-died".
[[nodiscard]] std::string_view to_string(FileState state);

/// What is known of a file without HDF5: from its superblock and the writer's lock. Cheap: two system calls and one read.
/// Live: a writer holds the lock, or the file is flagged as open for writing. Whose flag it is cannot be told without HDF5, and
/// of a program that does not take our lock (Python `mth5`) nothing tells its death: WriterDied comes from Reader::state() alone.
/// @throws FileError if it cannot be opened, FormatError if it is not an HDF5 file or the version of its superblock is none
/// (known to nobody, and its checksum does not fit), UnsupportedError if its superblock is of a version that this HDF5 does not
/// know. Never blocks on what is no regular file.
struct Probe {
  FileState state;
  std::uint8_t superblock_version;  ///< from 2 on HDF5 has checksums over its own structures
  std::uint8_t consistency_flags;   ///< HDF5 superblock: 1 open for writing, 4 SWMR
  bool locked;                      ///< a libmth5 writer lives
};
[[nodiscard]] Probe probe(const std::filesystem::path& path);

/// Whether a file has the superblock of HDF5, of whatever version and state. False for what is no regular file.
/// @throws FileError it cannot be read
[[nodiscard]] bool is_hdf5(const std::filesystem::path& path);

/// Whether a file keeps a journal: what was synced survives a cut of power. Files of Python have none, and those made before
/// there was one.
/// @throws FileError
[[nodiscard]] bool has_journal(const std::filesystem::path& path);

}  // namespace mth5
