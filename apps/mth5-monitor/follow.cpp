#include "mth5-monitor/follow.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <optional>

#include "analysis/folder.hpp"
#include "analysis/json.hpp"
#include "analysis/table_text.hpp"
#include "cli/cli.hpp"
#include "mth5/printable.hpp"
#include "mth5/time.hpp"

namespace monitor {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

/// Waits for a signal. @returns its number; 0 at the time given
int wait_until(Clock::time_point end) {
  const sigset_t set = stop_signals();
  while (true) {
    const auto left = std::max(Clock::duration::zero(), end - mth5::steady_now());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec wait{static_cast<std::time_t>(seconds.count()),
                        static_cast<long>(std::chrono::nanoseconds{left - seconds}.count())};
    const int signal = sigtimedwait(&set, nullptr, &wait);
    if (signal > 0) return signal;
    if (errno == EAGAIN) return 0;  // else EINTR: another signal, which is not ours
  }
}

/// Which file stands behind a name now.
struct Identity {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const Identity&, const Identity&) = default;
};
std::optional<Identity> identity(const fs::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return Identity{status.st_dev, status.st_ino};
}

class Follower {
 public:
  explicit Follower(const FollowOptions& options)
      : options_{options},
        directory_{fs::is_directory(options.path)},
        folder_{options.path, options.look, [this](const auto& line) { remark(line); }} {}

  int run() {
    if (!directory_ && options_.wait == Wait::Nothing) start(options_.path);
    const auto deadline = mth5::steady_now() + std::chrono::duration_cast<Clock::duration>(options_.timeout);
    for (auto next = mth5::steady_now();; next = std::max(next + interval(), mth5::steady_now())) {
      if (options_.wait != Wait::Nothing && next > deadline) give_up();
      if (const int signal = wait_until(next); signal != 0) return signal == SIGINT ? cli::kInterrupted : cli::kDone;
      if (live_ && identity(current_) != opened_) lose_file();
      if (!live_) find_file();
      if (!live_) continue;
      if (const auto code = look()) return *code;
    }
  }

 private:
  [[nodiscard]] Clock::duration interval() const { return std::chrono::duration_cast<Clock::duration>(options_.interval); }

  void remark(const std::string& text) const {
    if (!options_.quiet) cli::tell("mth5-monitor", text);
  }

  void start(const fs::path& path) {
    live_.reset();  // before the next: one file at a time
    const auto which = identity(path);
    live_.emplace(path, options_.look);
    opened(which);
  }

  void opened(std::optional<Identity> which) {
    current_ = live_->file().path();
    opened_ = which ? which : identity(current_);
    announced_ = waiting_ = false;
    for (const auto& line : live_->file().warnings()) remark("warning: " + line);
    for (const auto& line : live_->damaged()) cli::tell("mth5-monitor", "error: " + line);
    for (const auto& line : live_->not_found()) remark(current_.string() + ": has no " + line);
  }

  /// Its name is gone, or another file has it now.
  void lose_file() {
    remark(current_.string() + ": renamed or deleted");
    live_.reset();
    ended_ = fs::file_time_type::clock::now();  // what others closed before is no news
  }

  void find_file() {
    if (directory_)
      find_in_directory();
    else if (identity(options_.path))
      reopen();
    else
      wait_for("it to come back");
  }

  void reopen() {
    try {
      start(options_.path);
    } catch (const mth5::FileError& e) {
      remark(std::string{e.what()} + "; trying again");
    }
  }

  void wait_for(const std::string& what) {
    if (!waiting_) remark(options_.path.string() + ": waiting for " + what);
    waiting_ = true;
  }

  /// Goes on with what is being written: another file, or the one before, which a recorder resumes in. A closed file is shown if
  /// it is newer than what was shown.
  void find_in_directory() {
    const auto files = folder_.files();
    if (seen_ && files == *seen_) return;  // nobody writes, and nothing is new
    auto found = folder_.open([&](const analysis::DataFile& file) { return !file.locked && ended_ && file.changed <= *ended_; });
    if (!found) {
      if (!folder_.any_locked()) seen_ = files;
      const bool unknown = !options_.look.station.empty() && current_.empty() && !files.empty();
      if (unknown && !waiting_) remark(folder_.nothing());
      wait_for(current_.empty() ? "a file" : "another file, or the same to be resumed");
      return;
    }
    seen_.reset();
    live_.reset();
    live_.emplace(std::move(*found));
    opened({});
    if (live_->file().state() == mth5::FileState::Live)
      name_others(files);
    else
      remark(options_.path.string() + ": no file is being written; showing the newest");
  }

  void name_others(const std::vector<analysis::DataFile>& files) const {
    std::string others;
    for (const auto& file : files)
      if (file.locked && file.path != current_) others += (others.empty() ? "" : ", ") + file.path.filename().string();
    if (!others.empty() && options_.look.station.empty())
      remark(options_.path.string() + ": also being written: " + others + "; choose with --station");
  }

  /// @returns the exit code if this was the last look
  std::optional<int> look() {
    std::optional<analysis::Snapshot> seen;
    try {
      seen = live_->look(std::chrono::floor<std::chrono::milliseconds>(mth5::host_now()), watch_);
    } catch (const mth5::FileError& e) {
      remark(std::string{e.what()} + "; trying again");
      return std::nullopt;
    }
    if (options_.wait != Wait::Nothing) return look_for(*seen);
    print(*seen);
    if (seen->state == mth5::FileState::Live) return std::nullopt;
    const bool died = seen->state == mth5::FileState::WriterDied;
    if (options_.format == Format::Line)
      std::cout << mth5::to_iso(seen->time) << (died ? " writer died: the file was not closed" : " file closed") << std::endl;
    if (!directory_) return died ? cli::kWriterDied : cli::kDone;
    std::error_code gone;  // the next look at the directory tells
    ended_ = fs::last_write_time(current_, gone);
    live_.reset();
    return std::nullopt;
  }

  /// @returns 0 if it has what is waited for
  std::optional<int> look_for(const analysis::Snapshot& seen) {
    const bool live = is_live(seen);
    if (live && (options_.wait == Wait::Live || analysis::is_good(seen))) {
      print(seen);
      return cli::kDone;
    }
    const auto what = analysis::verdict_text(seen);
    not_yet_ = live ? what : analysis::state_text(seen) + "; " + what;
    if (seen.state != mth5::FileState::Live) live_.reset();  // it may be resumed, or another begun
    return std::nullopt;
  }

  static bool is_live(const analysis::Snapshot& seen) {
    return seen.state == mth5::FileState::Live && !seen.streams.empty() &&
           std::all_of(seen.streams.begin(), seen.streams.end(), [](const analysis::StreamSnapshot& stream) {
             return stream.end && stream.flow && stream.flow->state == analysis::FlowState::Receiving;
           });
  }

  [[noreturn]] void give_up() const {
    const auto seconds = std::chrono::duration<double>(options_.timeout).count();
    throw mth5::FileError{options_.path.string() + ": not " + (options_.wait == Wait::Live ? "live" : "good") + " within " +
                          analysis::duration_text(seconds) + ": " + not_yet_};
  }

  void print(const analysis::Snapshot& seen) {
    if (options_.format == Format::Json) {
      std::cout << analysis::json::dump(analysis::to_json(seen)) << std::endl;
      return;
    }
    if (!announced_) {
      std::cout << "# " << analysis::shown(seen.file);
      for (const auto& station : seen.stations)
        std::cout << (&station == &seen.stations.front() ? "  station " : ", ") << analysis::shown(station);
      std::cout << "\n";
      announced_ = true;
    }
    std::cout << mth5::printable_lines(analysis::to_line(seen)) << std::endl;
  }

  const FollowOptions& options_;
  bool directory_;
  analysis::Folder folder_;
  bool waiting_ = false;
  bool announced_ = false;
  std::string not_yet_ = "there is no file that can be read";  ///< why what is waited for is not so
  fs::path current_;
  std::optional<Identity> opened_;                       ///< what stood behind current_ when it was opened
  std::optional<fs::file_time_type> ended_;              ///< last change of what was shown to its end, or when it was lost
  std::optional<std::vector<analysis::DataFile>> seen_;  ///< of a directory in which nothing was found
  std::optional<analysis::LiveFile> live_;
  analysis::Watch watch_;  ///< goes on in the next file
};

}  // namespace

void hold_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int follow(const FollowOptions& options) { return Follower{options}.run(); }

}  // namespace monitor
