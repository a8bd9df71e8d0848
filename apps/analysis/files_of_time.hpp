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

/// What a choice among files goes by, of one that is closed, and of which no report has anything bad to say.
struct WellFile {
  struct Run {
    std::string survey, station;
    double rate;                          ///< Hz, > 0
    std::vector<std::string> components;  ///< in order of name
    mth5::UtcNanos start, end;            ///< of its first and last sample, by its plain axis
  };
  std::vector<Run> runs;  ///< those with samples, of which there are some
};

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
  /// A file that was seen by an earlier report, and is as it was: it is not opened to know whether it is wanted.
  void add(const WellFile& well) { add({}, &well); }
  /// By the order in which they were added: whether they are wanted after all that was added.
  [[nodiscard]] std::vector<bool> wanted() const;
  /// Those that were opened, and are wanted, in the order in which they were added.
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

  /// @param well  nullptr: it is wanted whatever its time
  void add(File file, const WellFile* well);
  [[nodiscard]] bool is_needed(const WellFile& well) const;
  [[nodiscard]] bool is_before(const WellFile::Run& run) const;
  [[nodiscard]] bool is_behind(const WellFile::Run& run) const;
  void give(Role& role, std::size_t file, mth5::UtcNanos time, bool better);
  void release(std::size_t file);

  Window needed_;
  mth5::UtcNanos now_;
  std::vector<Known> files_;
  std::map<Series, std::array<Role, 3>> roles_;  ///< next before, next behind, newest
  std::size_t left_out_ = 0;
};

/// nullopt: it has to be looked at for each report, as it grows, or for what is wrong with it.
[[nodiscard]] std::optional<WellFile> well_file(const FilesOfTime::File& file);

}  // namespace analysis
