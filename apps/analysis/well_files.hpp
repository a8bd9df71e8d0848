#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "analysis/files_of_time.hpp"
#include "analysis/measures/state.hpp"

namespace analysis {

/// What earlier reports found of files that are well, in the directory of the cache: an archive of years is not read through each
/// day for the day that is new. A file is taken for the one that was seen if path, device, inode, size and times of its last
/// changes are the same. Thread: one.
class WellFiles {
 public:
  /// @param directory  of the cache; "" = nothing is kept    @param program  a build of it, and how thoroughly it looked
  WellFiles(std::filesystem::path directory, std::string program);

  /// What tells one state of a file from another; "" where it cannot be told.
  [[nodiscard]] static std::string stamp_of(const std::filesystem::path& path);
  [[nodiscard]] std::optional<WellFile> find(const std::filesystem::path& path, const std::string& stamp) const;
  /// @param stamp  from before the file was looked at    @param well  nullopt: it is forgotten
  void keep(const std::filesystem::path& path, const std::string& stamp, const std::optional<WellFile>& well);
  /// Keeps what is new for the next report; what cannot be written is looked at again.
  void write();

 private:
  std::filesystem::path path_;
  std::string identity_;
  state::Json files_ = state::Json::object();  ///< by absolute path
  bool is_new_ = false;
};

}  // namespace analysis
