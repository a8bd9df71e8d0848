#pragma once

#include <filesystem>
#include <string>
#include <string_view>

/// Where archives and their manifests stand. Thread: any.
namespace archive {

inline constexpr std::string_view kFolder = "archive";
inline constexpr std::string_view kManifestSuffix = ".json";

/// "archive/NAME.h5" beside it.
[[nodiscard]] inline std::filesystem::path archive_path(const std::filesystem::path& file) {
  return file.parent_path() / kFolder / file.filename();
}

/// "archive/NAME.bridged.h5": runs are joined in it, so it stands beside the archive and never for it.
/// @param file  a recording, or its archive
[[nodiscard]] inline std::filesystem::path bridged_path(const std::filesystem::path& file) {
  const auto folder = file.parent_path().filename() == kFolder ? file.parent_path() : file.parent_path() / kFolder;
  return folder / (file.stem().string() + ".bridged" + file.extension().string());
}

/// "NAME.h5.json" beside it.
[[nodiscard]] inline std::filesystem::path manifest_path(const std::filesystem::path& file) {
  return file.string() + std::string{kManifestSuffix};
}

}  // namespace archive
