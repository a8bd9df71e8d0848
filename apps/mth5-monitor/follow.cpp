#include "mth5-monitor/follow.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "analysis/json.hpp"
#include "analysis/table_text.hpp"
#include "cli/cli.hpp"
#include "mth5-monitor/follower.hpp"
#include "mth5/printable.hpp"
#include "mth5/time.hpp"

namespace monitor {

namespace {

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

bool is_live(const analysis::Snapshot& seen) {
  return seen.state == mth5::FileState::Live && !seen.streams.empty() &&
         std::all_of(seen.streams.begin(), seen.streams.end(), [](const analysis::StreamSnapshot& stream) {
           return stream.end && stream.flow && stream.flow->state == analysis::FlowState::Receiving;
         });
}

/// The files of a directory that are being written beside the one that is followed: of other stations, say. A crew that waits for
/// all to be well means all.
class Others {
 public:
  explicit Others(const FollowOptions& options) : options_{options} {}

  /// Looks at all but `followed`, as far as they have the station asked for.
  [[nodiscard]] std::vector<analysis::Snapshot> look(const std::filesystem::path& followed, mth5::UtcNanos now) {
    std::set<std::filesystem::path> written;
    for (const auto& file : analysis::data_files(options_.path, [](const std::string&) {}))
      if (file.locked && file.path != followed) written.insert(file.path);
    std::erase_if(files_, [&](const auto& known) { return !written.contains(known.first); });
    std::vector<analysis::Snapshot> seen;
    for (const auto& path : written) {
      auto& [file, watch] = files_[path];
      if (!file) file.emplace(path, options_.look);
      if (options_.look.station.empty() || file->has_station(options_.look.station)) seen.push_back(file->look(now, watch));
    }
    return seen;
  }

 private:
  struct Known {
    std::optional<analysis::LiveFile> file;
    analysis::Watch watch;
  };
  const FollowOptions& options_;
  std::map<std::filesystem::path, Known> files_;
};

class Lines {
 public:
  explicit Lines(const FollowOptions& options)
      : options_{options},
        follower_{
            options,
            {[this](const auto& line) { remark(line); }, [](const auto& line) { cli::tell("mth5-monitor", "error: " + line); }},
            nullptr,
            analysis::Watch::Reading::AtOnce},
        others_{options} {}

  int run() {
    if (options_.wait == Wait::Nothing) follower_.start();
    if (options_.replay > 0)
      remark(options_.path.string() + ": replayed " + analysis::number_text(options_.replay) +
             " times as fast, from its first sample");
    const auto deadline = mth5::steady_now() + std::chrono::duration_cast<Clock::duration>(options_.timeout);
    for (auto next = mth5::steady_now();; next = std::max(next + interval(), mth5::steady_now())) {
      if (options_.wait != Wait::Nothing && next > deadline) give_up();
      if (const int signal = wait_until(next); signal != 0) return signal == SIGINT ? cli::kInterrupted : cli::kDone;
      const auto seen = follower_.next();
      if (const auto lost = follower_.lost(); lost != lost_) {
        lost_ = lost;
        if (!lost.empty()) say_lost();
        if (!std::cout) return cli::kDone;
      }
      if (!seen) continue;
      if (const auto code = show(*seen)) return *code;
    }
  }

 private:
  [[nodiscard]] Clock::duration interval() const { return std::chrono::duration_cast<Clock::duration>(options_.interval); }

  void remark(const std::string& text) const {
    if (!options_.quiet) cli::tell("mth5-monitor", text);
  }

  void say_lost() {
    not_yet_ = lost_;
    if (options_.wait == Wait::Nothing && options_.format == Format::Line)
      std::cout << mth5::to_iso(follower_.now()) << " " << mth5::printable_lines(lost_) << std::endl;
  }

  /// @returns the exit code if this was the last look
  std::optional<int> show(const analysis::Snapshot& seen) {
    if (options_.wait != Wait::Nothing) return look_for(seen);
    print(seen, follower_.is_new());
    if (!std::cout) return cli::kDone;  // nobody reads it any more, which the end says
    if (seen.state == mth5::FileState::Live) return std::nullopt;
    const bool died = seen.state == mth5::FileState::WriterDied;
    if (options_.format == Format::Line)
      std::cout << mth5::to_iso(seen.time) << (died ? " writer died: the file was not closed" : " file closed") << std::endl;
    if (!follower_.is_directory()) return died ? cli::kWriterDied : cli::kDone;
    follower_.leave_ended();
    return std::nullopt;
  }

  /// @returns 0 if it has what is waited for
  std::optional<int> look_for(const analysis::Snapshot& seen) {
    if (const auto why = why_not(seen); !why.empty()) {
      not_yet_ = why;
    } else if (const auto others = others_that_are_so()) {
      print(seen, follower_.is_new());
      for (const auto& other : *others) print(other, true);
      return cli::kDone;
    }
    if (seen.state != mth5::FileState::Live) follower_.leave();  // it may be resumed, or another begun
    return std::nullopt;
  }

  /// "" = it is what is waited for.
  [[nodiscard]] std::string why_not(const analysis::Snapshot& seen) const {
    const bool live = is_live(seen);
    if (live && (options_.wait == Wait::Live || analysis::is_good(seen))) return "";
    const auto what = analysis::verdict_text(seen);
    return live ? what : analysis::state_text(seen) + "; " + what;
  }

  /// nullopt: one is not, or cannot be read now.
  std::optional<std::vector<analysis::Snapshot>> others_that_are_so() {
    if (!follower_.is_directory()) return std::vector<analysis::Snapshot>{};
    try {
      auto all = others_.look(follower_.file()->file().path(), follower_.now());
      for (const auto& other : all)
        if (const auto why = why_not(other); !why.empty()) {
          not_yet_ = analysis::shown(std::filesystem::path{other.file}.filename().string()) + ": " + why;
          return std::nullopt;
        }
      return all;
    } catch (const mth5::Error& e) {  // its writer has just begun it, or ended
      not_yet_ = e.what();
      return std::nullopt;
    }
  }

  [[noreturn]] void give_up() const {
    const auto seconds = std::chrono::duration<double>(options_.timeout).count();
    throw mth5::FileError{options_.path.string() + ": not " + (options_.wait == Wait::Live ? "live" : "good") + " within " +
                          analysis::duration_text(seconds) + ": " + not_yet_};
  }

  /// @param is_new  nothing of its file was printed yet
  void print(const analysis::Snapshot& seen, bool is_new) {
    if (options_.format == Format::Json) {
      std::cout << analysis::json::dump(analysis::to_json(seen)) << std::endl;
      return;
    }
    if (is_new) {
      std::cout << "# " << analysis::shown(seen.file);
      for (const auto& station : seen.stations)
        std::cout << (&station == &seen.stations.front() ? "  station " : ", ") << analysis::shown(station);
      std::cout << "\n";
    }
    std::cout << mth5::printable_lines(analysis::to_line(seen)) << std::endl;
  }

  const FollowOptions& options_;
  Follower follower_;
  Others others_;
  std::string lost_;                                           ///< Follower::lost(), as it was told
  std::string not_yet_ = "there is no file that can be read";  ///< why what is waited for is not so
};

}  // namespace

void hold_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int follow(const FollowOptions& options) { return Lines{options}.run(); }

}  // namespace monitor
