#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"

/// The status file of a daemon, and how others read it.
namespace daq::status {

/// What has the name is nothing that a status file may replace.
class Unfit : public mth5::FileError {
 public:
  using mth5::FileError::FileError;
};

/// The file that tells how a daemon is. Whoever keeps it holds a write lock on it for as long as he lives, so that a file of a
/// daemon that died is known from one of a daemon that is silent, in whatever user's, container's or pid namespace it runs. Only
/// who may write the file can take that lock: readers cannot feign it. Thread: main.
class StatusFile {
 public:
  explicit StatusFile(std::filesystem::path path) : path_{std::move(path)} {}

  /// Takes the name, with `text` as the first contents. Makes the folder if it is not there.
  /// @throws mth5::BusyError another daemon that lives keeps it
  /// @throws Unfit           what has the name is no regular file (a device, a link), or no status file; it is left alone
  /// @throws mth5::FileError it cannot be written now
  void claim(const std::string& text);

  /// Replaces the contents in one step; claims the name anew if the file was taken away. After a failure the old contents stay,
  /// and the next call tries again. @throws as claim()
  void write(const std::string& text);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  mth5::Descriptor fd_;  ///< of the file that has the name, with the lock; none = not claimed yet
};

/// What a status file tells, and whether that is so still.
struct Seen {
  nlohmann::ordered_json status;
  bool alive = false;                ///< its daemon lives
  std::chrono::milliseconds age{0};  ///< since it was written
  /// The daemon writes it once a second; later than this it says nothing about now.
  static constexpr std::chrono::seconds kFresh{5};
  [[nodiscard]] bool stale() const { return !alive || age > kFresh; }
};
/// @throws mth5::FileError it cannot be read, or is no status file
[[nodiscard]] Seen read_status(const std::filesystem::path& path);

/// $RUNTIME_DIRECTORY (its first folder), which systemd sets, else /run/mth5d.
[[nodiscard]] std::filesystem::path status_folder();
/// SURVEY-STATION.json in status_folder(); @param station  of the first source
[[nodiscard]] std::filesystem::path default_status_file(const std::string& survey, const std::string& station);
/// The status files in a folder, by name; none if it is not there.
[[nodiscard]] std::vector<std::filesystem::path> status_files(const std::filesystem::path& folder);

}  // namespace daq::status
