#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "analysis/series.hpp"
#include "mth5/reader.hpp"
#include "sandbox/check.hpp"

namespace analysis {

/// Of many files those that a report of some time is made of: what has samples of that time, or something wrong with it, and of
/// each series of a station the file next before, the one next behind, and the newest. All others are closed as soon as that is
/// known: an archive of a year has more files than a process may have open. Thread: that of the readers.
class FilesOfTime {
 public:
  struct File {
    std::unique_ptr<mth5::Reader> reader;
    sandbox::Damage damage;
  };

  /// @param needed  whose samples and state of health are asked for; without both ends all files are
  FilesOfTime(Window needed, mth5::UtcNanos now) : needed_{needed}, now_{now} {}

  void add(File file);
  /// In the order in which they were added.
  [[nodiscard]] std::vector<File> take();
  [[nodiscard]] std::size_t left_out() const { return left_out_; }

 private:
  struct Known {
    File file;
    int roles = 0;  ///< that it has; with none it is closed
  };
  /// The file of a series that is the last of a time, or the first, by `time`.
  struct Role {
    std::optional<std::size_t> file;  ///< in files_
    mth5::UtcNanos time{};
  };
  using Series = std::tuple<std::string, std::string, double, std::vector<std::string>>;  ///< survey, station, rate, components

  [[nodiscard]] bool is_needed(const File& file) const;
  [[nodiscard]] bool is_before(const mth5::RunInfo& run) const;
  [[nodiscard]] bool is_behind(const mth5::RunInfo& run) const;
  void give(Role& role, std::size_t file, mth5::UtcNanos time, bool better);
  void release(std::size_t file);

  Window needed_;
  mth5::UtcNanos now_;
  std::vector<Known> files_;
  std::map<Series, std::array<Role, 3>> roles_;  ///< next before, next behind, newest
  std::size_t left_out_ = 0;
};

}  // namespace analysis
