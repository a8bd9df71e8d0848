#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "analysis/measures/state.hpp"

/// The files of a cache: JSON as CBOR, with what it is of and a checksum. Thread: any.
namespace analysis::cache_file {

/// FNV-1a: names in data files may hold anything, and are no names of files.
[[nodiscard]] std::string hash(std::string_view text);
/// @param identity  what the file is of, and whatever it follows from
[[nodiscard]] std::filesystem::path path_of(const std::filesystem::path& directory, const std::string& identity);
/// An object; nullopt: there is none. @throws mth5::FormatError, mth5::FileError
[[nodiscard]] std::optional<state::Json> read(const std::filesystem::path& path, const std::string& identity);
/// Beside it and renamed; of two programs that write it at once, one wins. @returns 0, or errno: why it is not there
[[nodiscard]] int write(const std::filesystem::path& path, const std::string& identity, state::Json pieces);

}  // namespace analysis::cache_file
