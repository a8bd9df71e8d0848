#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analysis/snapshot.hpp"
#include "mth5/time.hpp"

/// The data files of a directory, for who wants the one that is being written. Thread: that of the readers.
namespace analysis {

struct DataFile {
  std::filesystem::path path;
  bool locked = false;  ///< its writer lives
  std::filesystem::file_time_type changed;

  friend bool operator==(const DataFile&, const DataFile&) = default;
};

/// Whether a file is named as data files are: *.h5 or *.mth5, and not hidden.
[[nodiscard]] bool is_data_name(const std::filesystem::path& path);

/// HDF5 files named *.h5 or *.mth5: those with a living writer first, then the newest.
/// @param refused  told the reason for each that has such a name and is none, or cannot be read
/// @throws mth5::FileError if the directory cannot be read
[[nodiscard]] std::vector<DataFile> data_files(const std::filesystem::path& directory,
                                               const std::function<void(const std::string&)>& refused);

/// Opens files of a directory, the likeliest first, until one is what is wanted; remembers those that are not. Anything may lie
/// in a directory: a file that is damaged or no MTH5 hides no other.
class Folder {
 public:
  /// @param remark  told what is worth a line, each thing once
  Folder(std::filesystem::path directory, SnapshotOptions options, std::function<void(const std::string&)> remark);

  /// data_files(); what is left aside is remarked on.
  [[nodiscard]] std::vector<DataFile> files();
  /// The best file that has the station asked for: one that is being written, else the newest. @param skip  asked first
  /// @throws mth5::FileError if the directory cannot be read
  [[nodiscard]] std::optional<LiveFile> open(const std::function<bool(const DataFile&)>& skip = {});
  /// Whether the last open() met a file with a living writer.
  [[nodiscard]] bool any_locked() const { return any_locked_; }
  /// Why nothing was found: "no MTH5 file (*.h5, *.mth5) in this directory", "no file has station X (there are A, B)".
  [[nodiscard]] std::string nothing() const;

 private:
  struct Known {
    std::filesystem::file_time_type changed;
    bool usable;
    std::set<std::string> stations;
    std::chrono::steady_clock::time_point opened = mth5::steady_now();
  };
  void say_once(const std::string& line);

  std::filesystem::path directory_;
  SnapshotOptions options_;
  std::function<void(const std::string&)> remark_;
  std::map<std::filesystem::path, Known> known_;
  std::set<std::string> said_, stations_;
  bool any_locked_ = false;
  bool any_refused_ = false;  ///< in the last files()
};

}  // namespace analysis
