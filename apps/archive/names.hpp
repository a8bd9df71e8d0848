#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// Where archives and their manifests stand. Thread: any.
namespace archive {

inline constexpr std::string_view kFolder = "archive";
inline constexpr std::string_view kManifestSuffix = ".json";

/// Names that are tried for one archive: those before are of other files.
inline constexpr int kMostNames = 99;

namespace detail {
/// "" of the first, ".2" of the second: no name that a recorder gives by itself.
inline std::string number(int n) { return n > 1 ? "." + std::to_string(n) : ""; }
}  // namespace detail

/// Why archives cannot lie in a folder of that name, which may be made yet; "" if they can.
[[nodiscard]] inline std::string why_no_folder(const std::filesystem::path& folder) {
  std::error_code unknown;
  if (std::filesystem::is_directory(folder, unknown)) return {};
  const auto there = std::filesystem::symlink_status(folder, unknown);
  if (std::filesystem::is_symlink(there) && !std::filesystem::exists(folder, unknown))
    return "is a symbolic link to " + std::filesystem::read_symlink(folder, unknown).string() +
           ", which is not there: mount or make that, or remove the link";
  return std::filesystem::exists(there) ? "is no folder, and archives lie in one of that name: give it another name" : "";
}

/// "archive/NAME.h5" beside it; where that is of another file, "archive/NAME.2.h5" and so on. archive_of() finds which it is.
[[nodiscard]] inline std::filesystem::path archive_path(const std::filesystem::path& file, int n = 1) {
  return file.parent_path() / kFolder / (file.stem().string() + detail::number(n) + file.extension().string());
}

/// "archive/NAME.bridged.h5": runs are joined in it, so it stands beside the archive and never for it.
/// @param file  a recording, or its archive
[[nodiscard]] inline std::filesystem::path bridged_path(const std::filesystem::path& file, int n = 1) {
  const auto folder = file.parent_path().filename() == kFolder ? file.parent_path() : file.parent_path() / kFolder;
  return folder / (file.stem().string() + ".bridged" + detail::number(n) + file.extension().string());
}

/// "NAME.h5.json" beside it.
[[nodiscard]] inline std::filesystem::path manifest_path(const std::filesystem::path& file) {
  return file.string() + std::string{kManifestSuffix};
}

/// The name that a file ".NAME.PID.part" was to have, which a process has not finished; "" of other names.
[[nodiscard]] inline std::string unfinished_name(std::string_view part) {
  constexpr std::string_view kEnd = ".part";
  if (!part.starts_with('.') || !part.ends_with(kEnd)) return {};
  part.remove_prefix(1);
  part.remove_suffix(kEnd.size());
  const auto dot = part.rfind('.');
  if (dot == std::string_view::npos || dot + 1 == part.size()) return {};
  return part.find_first_not_of("0123456789", dot + 1) == std::string_view::npos ? std::string{part.substr(0, dot)} : "";
}

/// Regular files of a folder that have no name yet, in order: path, and the name that they were to have.
[[nodiscard]] inline std::vector<std::pair<std::filesystem::path, std::string>> unfinished_in(
    const std::filesystem::path& folder) {
  std::vector<std::pair<std::filesystem::path, std::string>> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry{folder, error}; !error && entry != std::filesystem::directory_iterator{};
       entry.increment(error)) {
    auto name = unfinished_name(entry->path().filename().string());
    std::error_code gone;
    if (!name.empty() && entry->symlink_status(gone).type() == std::filesystem::file_type::regular)
      found.emplace_back(entry->path(), std::move(name));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace archive
