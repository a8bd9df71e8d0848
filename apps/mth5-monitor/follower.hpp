#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/folder.hpp"
#include "mth5-monitor/follow.hpp"

namespace monitor {

/// Finds what is to be followed and looks at it, from file to file: whoever shows it asks for one look after the other.
/// Thread: that of the reader.
class Follower {
 public:
  /// What there is to say beside the looks.
  struct Tell {
    std::function<void(const std::string&)> remark, error;
  };
  /// @param listener  of all samples that are read; may be nullptr    @param reading  of those that are there already
  Follower(const FollowOptions& options, Tell tell, analysis::WatchListener* listener, analysis::Watch::Reading reading);

  /// Opens a file that was named, so that one which cannot be opened ends the program; a replay begins. @throws as
  /// analysis::LiveFile, mth5::StateError what is to be replayed is no closed file
  void start();
  /// Of the looks: the time of the host, or that of the replay.
  [[nodiscard]] mth5::UtcNanos now() const;
  /// Searches if there is no file at hand, and looks at it. nullopt: there is none, or this look failed.
  std::optional<analysis::Snapshot> next();
  /// Reads older samples for the verdict, for a while. @returns whether there is more to read
  bool read_older(std::span<const analysis::Series> all, std::chrono::nanoseconds most);
  /// The file at hand is over: the next() searches again.
  void leave();
  /// The same, and what was closed before now is no news.
  void leave_ended();
  /// The file at hand is not written any more, and is kept until the next() finds one in the directory that is news.
  void keep_ended();
  [[nodiscard]] const analysis::LiveFile* file() const { return live_ ? &*live_ : nullptr; }
  [[nodiscard]] const analysis::Watch& watch() const { return watch_; }
  [[nodiscard]] bool is_directory() const { return directory_; }
  /// What became of the last file that lost its name while it was followed: "a.h5: renamed to b.h5"; "" = none did.
  [[nodiscard]] const std::string& loss() const { return loss_; }
  /// The same while no other file is at hand, nor this one again; else "": what was looked at last is of then.
  [[nodiscard]] std::string lost() const { return lost_ ? loss_ : ""; }
  /// Of the file at hand nothing was shown yet; true once.
  bool is_new();

 private:
  /// Which file stands behind a name now.
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  /// A file's time, from its first to its last sample.
  struct Replay {
    std::chrono::steady_clock::time_point began;
    mth5::UtcNanos start, end;
  };
  void start_replay();
  static std::optional<Identity> identity(const std::filesystem::path& path);
  void open(const std::filesystem::path& path);
  void opened(std::optional<Identity> which);
  void lose_file();
  [[nodiscard]] std::string what_became() const;
  void find_file();
  void reopen();
  [[nodiscard]] std::string written_beside() const;
  void wait_for(const std::string& what);
  void find_in_directory();
  void reopen_kept();
  void name_others(const std::vector<analysis::DataFile>& files) const;

  const FollowOptions& options_;
  Tell tell_;
  bool directory_;
  analysis::Folder folder_;
  bool kept_ = false;  ///< the file at hand, until there is another one
  std::optional<Replay> replay_;
  bool waiting_ = false;
  std::string waiting_for_;  ///< as it was told last
  bool found_ = false;       ///< the directory was there once
  bool away_ = false;        ///< and is not any more
  bool new_ = false;
  std::vector<std::string> told_, damaged_;  ///< of the file at hand, or the one before: remarks, and its damage
  std::filesystem::path newest_told_;        ///< that no file is written, and this is shown
  std::filesystem::path current_;
  std::optional<Identity> opened_;                        ///< what stood behind current_ when it was opened
  std::optional<std::filesystem::file_time_type> ended_;  ///< last change of what was shown to its end, or when it was lost
  std::optional<std::vector<analysis::DataFile>> seen_;   ///< of a directory in which nothing was found
  std::string loss_;
  bool lost_ = false;
  std::optional<analysis::LiveFile> live_;
  analysis::Watch watch_;  ///< goes on in the next file
};

}  // namespace monitor
