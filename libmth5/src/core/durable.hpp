#pragma once

#include <filesystem>

/// The few file system calls whose results must not be lost. @throws FileError with path and reason
namespace mth5::core {

/// Renames, but never over an existing file.
void rename_new(const std::filesystem::path& from, const std::filesystem::path& to);
/// Makes the names in a directory durable (a new file's data are of no use if its name is lost).
void sync_directory(const std::filesystem::path& directory);
/// fdatasync; the first failure is final for the file (the page cache may have dropped what it could not write).
void sync_data(int fd, const std::filesystem::path& path);

}  // namespace mth5::core
