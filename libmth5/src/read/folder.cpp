#include <algorithm>
#include <chrono>
#include <system_error>
#include <tuple>

#include "mth5/reader.hpp"

/// What lies in a directory.
namespace mth5 {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kShortWait{500};  ///< for an edit, of a file that is one of many

}  // namespace

Listing list_files(const fs::path& directory) {
  Listing listing;
  std::error_code error;
  fs::directory_iterator entries{directory, error};
  if (error) throw FileError{directory.string() + ": " + error.message()};
  for (; entries != fs::directory_iterator{}; entries.increment(error)) {
    const fs::path path = entries->path();
    if ((path.extension() != ".h5" && path.extension() != ".mth5") || path.filename().string().starts_with('.')) continue;
    try {
      const Probe probed = probe(path);
      std::error_code gone;  // files come and go while we look
      const auto time = fs::last_write_time(path, gone);
      if (!gone) listing.files.push_back({path, probed.locked, probed.state, time});
    } catch (const Error& e) {
      if (fs::symlink_status(path, error).type() != fs::file_type::not_found) listing.skipped.push_back({path, e.what()});
    }
  }
  if (error) throw FileError{directory.string() + ": " + error.message()};
  std::sort(listing.files.begin(), listing.files.end(), [](const FoundFile& a, const FoundFile& b) {
    return std::tie(a.locked, a.modified, a.path) > std::tie(b.locked, b.modified, b.path);
  });
  std::sort(listing.skipped.begin(), listing.skipped.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return listing;
}

std::vector<fs::path> live_files(const fs::path& directory) {
  std::vector<fs::path> live;
  for (const auto& file : list_files(directory).files)
    if (file.locked) live.push_back(file.path);
  return live;
}

std::optional<fs::path> newest_file(const fs::path& directory, std::string_view station,
                                    const std::function<bool(const fs::path&)>& accept) {
  const auto fits = [&](const fs::path& path) {
    if (accept) return accept(path);
    try {
      const Reader reader{path, {.deadline = kShortWait}};
      return station.empty() || std::any_of(reader.stations().begin(), reader.stations().end(),
                                            [&](const StationInfo& info) { return info.id == station; });
    } catch (const Error&) {
      return false;  // not MTH5, damaged, in an edit for too long
    }
  };
  for (const auto& file : list_files(directory).files)
    if (fits(file.path)) return file.path;
  return std::nullopt;
}

}  // namespace mth5
