#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "archive/manifest.hpp"
#include "cli/cli.hpp"

namespace recovery {

struct Options {
  bool dry_run, json, check;
};

/// When a file goes that was archived.
struct Retention {
  std::chrono::nanoseconds age;  ///< of its newest sample
  std::int64_t below;            ///< bytes: only while less is free; 0 = whatever is free
  std::filesystem::path keep;    ///< this one never goes; "": none but the newest of its stations
  std::size_t ahead = 0;         ///< files whose samples are ahead of the clock; the first one is told, and in JSON each
  std::map<std::filesystem::path, archive::Recorded> known = {};  ///< of what was looked at
};

/// All that follows hands the file to HDF5 in a child process with limits: what it dies of is an error of one line here.
///
/// Brings a file to its last commit, goes through all chunk indexes and the ledger, with `check` through every sample, and says
/// what was found and what is lost.
/// @returns an exit code: kDone; kFailure if a part cannot be read here (a filter is missing); kDamaged; kWriterDied of a file
/// that was not closed, with dry_run. @throws mth5::Error
int recover(const std::filesystem::path& path, const Options& options);
/// Takes a recovery back. @throws mth5::Error
void undo(const std::filesystem::path& path, const std::filesystem::path& before, bool json);
/// Makes the copy that can be appended to. @throws mth5::Error
void set_swmr(const std::filesystem::path& path, const std::filesystem::path& target, bool dry_run, bool json);
struct Archive {
  int gzip;                                        ///< 1 to 9
  std::optional<std::chrono::nanoseconds> bridge;  ///< runs are joined over gaps up to this: archive/NAME.bridged.h5 instead
  std::int64_t keep_free;                          ///< bytes for others: with less than them and the file's own it waits; 0: all
  std::size_t waiting = 0;                         ///< files that wait so; the first one is told, and in JSON each
};
/// Makes the copy for keeping, archive/NAME beside it, of a file that is closed, and its manifest. What is there already stays.
/// Of a file that is an archive itself only the manifest is made.
/// Then, with `retention`, the file goes if its newest sample is old enough, a newer file of its stations is beside it, it is to
/// the byte what was archived, and its archive, on a disk, is as its manifest tells.
/// @returns kDone, or kDamaged where a file that is old enough stays, as its archive does not hold all of it
/// @throws mth5::Error
int finalize(const std::filesystem::path& path, Archive& archive, std::optional<Retention>& retention, bool dry_run, bool json);

void say(bool json, const nlohmann::json& report, const std::string& text);

/// A line on a terminal that counts to 100 %; nothing elsewhere.
class Progress {
 public:
  Progress(const std::filesystem::path& what, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void operator()(std::int64_t done, std::int64_t total);

 private:
  std::string what_;
  bool show_;
  int shown_ = -1;
};

}  // namespace recovery
