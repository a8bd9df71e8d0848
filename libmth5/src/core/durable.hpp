#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>

/// The few file system calls whose results must not be lost: gone on with after EINTR and after a part. @throws FileError with
/// path and reason
namespace mth5::core {

/// Renames, but never over an existing file. @returns whether the name was free
[[nodiscard]] bool rename_new(const std::filesystem::path& from, const std::filesystem::path& to);
/// Makes the names in a directory durable (a new file's data are of no use if its name is lost).
void sync_directory(const std::filesystem::path& directory);
/// fdatasync; the first failure is final for the file (the page cache may have dropped what it could not write).
void sync_data(int fd, const std::filesystem::path& path);

/// @param make_room  asked where the disk (or the quota) is full: true = try again
void write_all(int fd, const void* bytes, std::size_t size, std::uint64_t at, const std::filesystem::path& path,
               const std::function<bool()>& make_room = {});
/// What lies beyond the end of the file is read as zeros.
void read_all(int fd, void* bytes, std::size_t size, std::uint64_t at, const std::filesystem::path& path);
void set_size(int fd, std::uint64_t size, const std::filesystem::path& path);
[[nodiscard]] std::uint64_t size_of(int fd, const std::filesystem::path& path);

}  // namespace mth5::core
