#include "mth5-monitor/follower.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "analysis/clock.hpp"
#include "mth5/time.hpp"

namespace monitor {

namespace fs = std::filesystem;

std::optional<Follower::Identity> Follower::identity(const fs::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return Identity{status.st_dev, status.st_ino};
}

Follower::Follower(const FollowOptions& options, Tell tell, analysis::WatchListener* listener, analysis::Watch::Reading reading)
    : options_{options},
      tell_{std::move(tell)},
      directory_{fs::is_directory(options.path)},
      folder_{options.path, options.look, [this](const auto& line) { tell_.remark(line); }},
      watch_{listener, reading} {}

void Follower::start() {
  if (!directory_) open(options_.path);
  if (options_.replay > 0) start_replay();
}

void Follower::start_replay() {
  if (directory_ || live_->file().state() != mth5::FileState::Closed)
    throw mth5::StateError{options_.path.string() + ": only a file that is closed can be replayed"};
  const auto& file = live_->file();
  const auto clocks = file.clocks();
  Replay replay{mth5::steady_now(), mth5::UtcNanos::max(), mth5::UtcNanos::min()};
  for (std::size_t i = 0; i < clocks.size(); ++i) {
    const auto& run = file.runs()[i];
    if (run.n_samples == 0 || !(run.sample_rate > 0)) continue;
    const auto [start, end] = analysis::ends_of(clocks[i], run);
    replay.start = std::min(replay.start, start);
    replay.end = std::max(replay.end, end);
  }
  if (replay.start > replay.end) throw mth5::StateError{options_.path.string() + ": has no samples to replay"};
  replay_ = replay;
}

mth5::UtcNanos Follower::now() const {
  if (!replay_) return std::chrono::floor<std::chrono::milliseconds>(mth5::host_now());
  const double passed = std::chrono::duration<double>(mth5::steady_now() - replay_->began).count() * options_.replay;
  const double whole = std::chrono::duration<double>(replay_->end - replay_->start).count();
  if (passed >= whole) return replay_->end;
  return std::chrono::floor<std::chrono::milliseconds>(replay_->start + std::chrono::nanoseconds{std::llround(passed * 1e9)});
}

std::optional<analysis::Snapshot> Follower::next() {
  if (live_ && identity(current_) != opened_) lose_file();
  if (!live_ || kept_) find_file();
  if (!live_) return std::nullopt;
  try {
    return live_->look(now(), watch_);
  } catch (const mth5::FileError& e) {
    tell_.remark(std::string{e.what()} + "; trying again");
    return std::nullopt;
  }
}

bool Follower::read_older(std::span<const analysis::Series> all, std::chrono::nanoseconds most) {
  return live_ && watch_.read_older(live_->file(), all, most);
}

void Follower::leave() { live_.reset(); }

void Follower::leave_ended() {
  ended_ = live_->changed();
  live_.reset();
}

void Follower::keep_ended() {
  if (kept_) return;
  ended_ = live_->changed();
  kept_ = true;
}

bool Follower::is_new() { return std::exchange(new_, false); }

void Follower::open(const fs::path& path) {
  live_.reset();  // before the next: one file at a time
  const auto which = identity(path);
  live_.emplace(path, options_.look);
  opened(which);
}

void Follower::opened(std::optional<Identity> which) {
  kept_ = false;
  current_ = live_->file().path();
  opened_ = which ? which : identity(current_);
  waiting_ = lost_ = false;
  new_ = true;
  std::vector<std::string> remarks;
  for (const auto& line : live_->file().warnings()) remarks.push_back("warning: " + line);
  for (const auto& line : live_->not_found()) remarks.push_back(current_.string() + ": has no " + line);
  // What is waited for opens the same file again and again.
  if (remarks == told_ && live_->damaged() == damaged_) return;
  told_ = std::move(remarks);
  damaged_ = live_->damaged();
  for (const auto& line : told_) tell_.remark(line);
  for (const auto& line : damaged_) tell_.error(line);
}

/// Of the file at hand, which is open still: that its samples go on says nothing of whether anyone will find them.
std::string Follower::what_became() const {
  std::error_code gone;
  if (fs::exists(current_, gone)) return "another file has its name now";
  fs::directory_iterator entries{current_.parent_path().empty() ? fs::path{"."} : current_.parent_path(), gone};
  if (gone) return "its directory is away: " + gone.message();
  for (; !gone && entries != fs::directory_iterator{}; entries.increment(gone))
    if (opened_ && identity(entries->path()) == opened_) return "renamed to " + entries->path().filename().string();
  return "deleted, or moved to another directory";
}

/// Its name is gone, or another file has it now.
void Follower::lose_file() {
  loss_ = current_.string() + ": " + what_became();
  lost_ = true;
  tell_.remark(loss_);
  live_.reset();
  kept_ = false;
  ended_ = fs::file_time_type::clock::now();  // what others closed before is no news
}

void Follower::find_file() {
  std::error_code gone;
  if (!directory_ && current_.empty()) directory_ = fs::is_directory(options_.path, gone);  // it was not there at the start
  if (directory_)
    find_in_directory();
  else if (identity(options_.path))
    reopen();
  else
    wait_for((current_.empty() ? "it" : "it to come back") + written_beside());
}

/// Of a file that is waited for: what is being written in its directory meanwhile.
std::string Follower::written_beside() const {
  std::string others;
  const auto parent = options_.path.parent_path();
  try {
    for (const auto& file : analysis::data_files(parent.empty() ? fs::path{"."} : parent, [](const std::string&) {}))
      if (file.locked) others += (others.empty() ? "; being written beside it: " : ", ") + file.path.filename().string();
  } catch (const mth5::FileError&) {  // its directory is away, too
  }
  return others;
}

void Follower::reopen() {
  try {
    open(options_.path);
  } catch (const mth5::FileError& e) {
    tell_.remark(std::string{e.what()} + "; trying again");
  }
}

/// It was closed to look for others, as HDF5 must not have one file open twice.
void Follower::reopen_kept() {
  try {
    live_.emplace(current_, options_.look);
  } catch (const mth5::Error&) {  // it was replaced just now: the next look tells
    kept_ = false;
  }
}

void Follower::wait_for(const std::string& what) {
  auto text = options_.path.string() + ": waiting for " + what;
  if (!waiting_ || text != waiting_for_) tell_.remark(text);
  waiting_ = true;
  waiting_for_ = std::move(text);
}

/// Goes on with what is being written: another file, or the one before, which a recorder resumes in. A closed file is shown if
/// it is newer than what was shown.
void Follower::find_in_directory() {
  std::vector<analysis::DataFile> files;
  try {
    files = folder_.files();
  } catch (const mth5::FileError& e) {  // a card that is mounted again, say; one that never was there is an error
    if (!found_) throw;
    if (!away_) tell_.remark(std::string{e.what()} + ": waiting for the directory to come back");
    away_ = true;
    seen_.reset();
    return;
  }
  found_ = true;
  waiting_ = waiting_ && !std::exchange(away_, false);
  if (seen_ && files == *seen_) return;  // nobody writes, and nothing is new
  live_.reset();
  auto found = folder_.open([&](const analysis::DataFile& file) { return !file.locked && ended_ && file.changed <= *ended_; });
  if (!found) {
    if (!folder_.any_locked()) seen_ = files;
    const bool unknown = !options_.look.station.empty() && current_.empty() && !files.empty();
    if (unknown && !waiting_) tell_.remark(folder_.nothing());
    wait_for(current_.empty() ? "a file" : "another file, or the same to be resumed");
    if (kept_) reopen_kept();
    return;
  }
  seen_.reset();
  live_.emplace(std::move(*found));
  opened({});
  if (live_->file().state() == mth5::FileState::Live) {
    name_others(files);
    newest_told_.clear();
  } else if (newest_told_ != current_) {
    tell_.remark(options_.path.string() + ": no file is being written; showing the newest");
    newest_told_ = current_;
  }
}

void Follower::name_others(const std::vector<analysis::DataFile>& files) const {
  std::string others;
  for (const auto& file : files)
    if (file.locked && file.path != current_) others += (others.empty() ? "" : ", ") + file.path.filename().string();
  if (!others.empty() && options_.look.station.empty())
    tell_.remark(options_.path.string() + ": also being written: " + others + "; choose with --station");
}

}  // namespace monitor
