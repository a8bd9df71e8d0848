#include "mth5-monitor/follow.hpp"

#include <csignal>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "cli/cli.hpp"

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
    const auto left = std::max(Clock::duration::zero(), end - Clock::now());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec wait{static_cast<std::time_t>(seconds.count()),
                        static_cast<long>(std::chrono::nanoseconds{left - seconds}.count())};
    const int signal = sigtimedwait(&set, nullptr, &wait);
    if (signal > 0) return signal;
    if (errno == EAGAIN) return 0;  // else EINTR: another signal, which is not ours
  }
}

class Follower {
 public:
  explicit Follower(const FollowOptions& options) : options_{options}, directory_{fs::is_directory(options.path)} {}

  int run() {
    if (!directory_) start(options_.path);
    for (auto next = Clock::now();; next = std::max(next + interval(), Clock::now())) {
      if (const int signal = wait_until(next); signal != 0) return signal == SIGINT ? cli::kInterrupted : cli::kDone;
      if (directory_) find_file();
      if (!watch_) continue;
      if (const auto code = look()) return *code;
    }
  }

 private:
  [[nodiscard]] Clock::duration interval() const { return std::chrono::duration_cast<Clock::duration>(options_.interval); }

  void remark(const std::string& text) const {
    if (!options_.quiet) std::fprintf(stderr, "mth5-monitor: %s\n", text.c_str());
  }

  void start(const fs::path& path) {
    watch_.reset();  // before the next: one file at a time
    watch_.emplace(path, options_.look);
    current_ = path;
    announced_ = false;
    for (const auto& line : watch_->file().warnings()) remark("warning: " + line);
    if (const auto missing = watch_->not_found(); !missing.empty()) {
      std::string all;
      for (const auto& name : missing) all += (all.empty() ? "" : ", ") + name;
      remark(path.string() + ": has no " + all + " yet");
    }
  }

  /// Goes on with the newest file of the directory once the one before has ended.
  void find_file() {
    if (watch_) return;
    const auto newest = mth5::newest_file(options_.path);
    if (!newest || *newest == current_) {
      if (!waiting_) remark(options_.path.string() + ": waiting for a" + (current_.empty() ? "" : "nother") + " file");
      waiting_ = true;
      return;
    }
    waiting_ = false;
    start(*newest);
  }

  /// @returns the exit code if this was the last look
  std::optional<int> look() {
    std::optional<analysis::Snapshot> seen;
    try {
      seen = watch_->look(std::chrono::floor<std::chrono::milliseconds>(mth5::host_now()));
    } catch (const mth5::FileError& e) {
      remark(std::string{e.what()} + "; trying again");
      return std::nullopt;
    }
    print(*seen);
    if (seen->state == mth5::FileState::Live) return std::nullopt;
    const bool died = seen->state == mth5::FileState::WriterDied;
    if (options_.format == Format::Line)
      std::cout << mth5::to_iso(seen->time) << (died ? " writer died: the file was not closed" : " file closed") << std::endl;
    if (directory_) {
      watch_.reset();
      return std::nullopt;
    }
    return died ? cli::kFailure : cli::kDone;
  }

  void print(const analysis::Snapshot& seen) {
    if (options_.format == Format::Json) {
      std::cout << analysis::to_json(seen).dump() << std::endl;
      return;
    }
    if (!announced_) {
      std::cout << "# " << seen.file;
      for (const auto& station : seen.stations)
        std::cout << (&station == &seen.stations.front() ? "  station " : ", ") << station;
      std::cout << "\n";
      announced_ = true;
    }
    std::cout << analysis::to_line(seen) << std::endl;
  }

  const FollowOptions& options_;
  bool directory_;
  bool waiting_ = false;
  bool announced_ = false;
  fs::path current_;
  std::optional<analysis::LiveFile> watch_;
};

}  // namespace

void hold_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int follow(const FollowOptions& options) { return Follower{options}.run(); }

}  // namespace monitor
