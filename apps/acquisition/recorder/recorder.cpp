#include "acquisition/recorder/recorder.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "acquisition/recorder/output.hpp"
#include "acquisition/recorder/unnamed.hpp"
#include "mth5/time.hpp"

namespace daq::recorder {

namespace {

constexpr auto kTryFullEvery = std::chrono::seconds{1};
constexpr auto kLongestPause = std::chrono::seconds{30};
constexpr auto kLongestWait = std::chrono::seconds{10};  // with nothing to do

}  // namespace

Recorder::Recorder(const config::Config& config, const stream::Streams& streams, ring::Ring& ring, ledger::Receipts& receipts,
                   std::shared_ptr<spdlog::logger> log, std::function<void(const std::filesystem::path&)> on_file,
                   std::shared_ptr<log::Events> events)
    : streams_{streams},
      ring_{ring},
      log_{log},
      config_{config},
      quiet_{log},
      disk_{config_, log},
      writer_{{config_, streams, ring, receipts, published_, log, quiet_, std::move(on_file), std::move(events)}, disk_} {}

const char* Recorder::Outage::name() const {
  return kind == Kind::Full ? "disk-full" : kind == Kind::Failed ? "write-failed" : "write-refused";
}

void Recorder::claim(const std::function<bool()>& cancelled, const std::function<void(const std::string& what)>& step) {
  check_directory(config_.output);
  // All that can fail comes first, so that it may be called again; a recovery last, which tells who died only once.
  std::set<std::string> stations;
  std::vector<StationLock> locks;
  for (const auto& source : config_.sources)
    if (stations.insert(source.station.text("id")).second)
      locks.emplace_back(config_.output.directory, config_.survey.text("id"), source.station.text("id"));
  (void)disk_.claim();
  try {
    clear_unnamed(config_, *log_);
    found_ = find_resume(
        config_, *log_, cancelled, [this] { (void)disk_.has_room_again(); }, step);
  } catch (...) {
    disk_.release_reserve();
    throw;
  }
  locks_ = std::move(locks);
  RunNumbers numbers;
  for (const auto& lock : locks_) numbers.read(lock.station(), lock.note());
  writer_.number_runs_behind(std::move(numbers), [this](const RunNumbers& now) {
    for (auto& lock : locks_) lock.keep(now.text(lock.station()));
  });
  if (found_) {
    writer_.go_on_at(found_->positions(streams_));
    if (found_->closed)
      writer_.begin_behind(*found_);
    else
      writer_.resume_in(*found_);
  }
  if (cancelled && cancelled()) return;
  const bool room = disk_.has_room_again();  // a recovery has taken some
  for (const auto& doubt : doubts_of_media(config_.output)) log_->warn("{}", doubt);
  watch_disk(mth5::steady_now());
  if (room) return;
  // What instruments send is to be counted, so this waits as a recorder does that has been running.
  begin_outage({Outage::Kind::Full,
                "disk full: free=" + std::to_string(disk_.free_bytes()) + " wanted=" + std::to_string(disk_.wanted()) +
                    " directory=" + config_.output.directory.string() + "; no file begins, samples wait in the ring for space",
                mth5::steady_now() + kTryFullEvery, true});
}

void Recorder::begin_new_file(std::optional<config::Config> next) {
  if (next) next_config_.change([&](auto& waiting) { waiting = std::move(next); });
  new_file_wanted_.store(true);
  ring_.wake();
}

void Recorder::end(Steady::time_point deadline) {
  deadline_.store(deadline.time_since_epoch());
  ending_.store(true);
  ring_.wake();
}

void Recorder::run() {
  try {
    write_until_closed();
  } catch (...) {
    quiet_.flush();
    throw;
  }
  quiet_.flush();
}

void Recorder::write_until_closed() {
  for (;;) {
    turned_ = mth5::steady_now();
    quiet_.tick();
    try {
      if (!outage_ || may_try(mth5::steady_now())) {
        write_what_came();
        if (ring_.closed_and_empty() && !writer_.has_waiting()) {
          if (writer_.is_open()) writer_.close();
          if (given_up_ > 0)
            log_->error("stopped before the disk had taken everything: {} samples are not stored (stopped)", given_up_);
          return;
        }
        if (outage_ && outage_->kind == Outage::Kind::Failed) try_disk();
      }
    } catch (const mth5::FileError& e) {
      failed(e);
    } catch (const std::exception& e) {
      refused(e);
    }
    if (outage_ && !outage_->tries && ending_.load()) {
      const auto lost = discard_to_the_end();
      if (lost > 0 || !outage_->in_order) end_with(lost);
      log_->warn("stopped with a full disk: nothing waited, the files are closed free={}", disk_.free_bytes());
      return;
    }
    ring_.wait_until(std::min(next_deadline(), mth5::steady_now() + kLongestWait));
  }
}

void Recorder::write_what_came() {
  watch(mth5::steady_now());
  while (!is_full() && ring_.pop(header_, payload_)) {
    writer_.take(header_, payload_);
    writer_.keep_pace(mth5::steady_now());
    const auto now = mth5::steady_now();
    turned_ = now;
    watch(now);
    if (is_too_late(now)) give_up_the_rest();
  }
  if (is_full()) return;
  ring_.drained();
  if (ring_.closed_and_empty() && writer_.has_waiting()) {
    writer_.end_of_samples();
    writer_.flush();
  }
  writer_.keep_pace(mth5::steady_now());
  if (outage_ && writer_.is_open()) end_outage();
  if (failing_since_ && writer_.syncs() > syncs_before_) failing_since_.reset();
  if (new_file_wanted_.exchange(false) && writer_.is_open()) {
    if (writer_.can_begin_next()) {
      writer_.flush();
      writer_.close();
    } else {
      new_file_wanted_.store(true);
    }
  }
  if (!writer_.is_open()) take_config();
}

void Recorder::take_config() {
  auto next = next_config_.change([](auto& waiting) { return std::exchange(waiting, std::nullopt); });
  if (!next) return;
  config_ = *next;  // copied, so that each source stays where its writer has it
  writer_.describe_anew();
}

void Recorder::try_disk() {
  // Nothing came that a new file could begin with; a disk that has died is to be found dead all the same.
  outage_->next_try = mth5::steady_now() + pause_after(failures_);
  disk_.renew_reserve();
}

Steady::duration Recorder::pause_after(int failures) {
  return std::min<Steady::duration>(kLongestPause, std::chrono::seconds{1} * (1 << std::min(failures - 1, 5)));
}

Steady::time_point Recorder::next_deadline() const {
  if (outage_ && !outage_->tries) return outage_->next_try;
  return std::min(writer_.next_deadline(), disk_.next_look());
}

void Recorder::watch(Steady::time_point now) {
  if (!disk_.is_due(now)) return;
  watch_locks();
  if (!outage_) watch_file();
  watch_disk(now);
}

void Recorder::watch_disk(Steady::time_point now) {
  disk_.look(now);
  published_.change([&](State& state) {
    state.free_bytes = disk_.free_bytes();
    state.disk_full_in_s = disk_.full_in_s();
  });
  if (!disk_.is_full() || !writer_.is_open() || last_try_) return;
  const auto free = disk_.free_bytes();
  disk_.release_reserve();
  writer_.close();
  begin_outage({Outage::Kind::Full,
                "disk full: free=" + std::to_string(free) + " limit=" + std::to_string(disk_.limit()) + " directory=" +
                    config_.output.directory.string() + "; the file is closed, samples wait in the ring for space",
                now + kTryFullEvery, true});
}

void Recorder::watch_locks() {
  if (!why_no_mount(config_.output).empty()) return;  // what is below the mount point is no disk of ours
  using Kept = StationLock::Kept;
  for (auto& lock : locks_) {
    const auto kept = lock.renew();
    if (kept == Kept::Renewed)
      quiet_.say(spdlog::level::warn, "lock deleted",
                 lock.path().string() + ": was deleted; made again, this station is still recorded here by this mth5d");
    if (kept == Kept::Still || kept == Kept::Renewed) {
      lock_lost_.erase(&lock);
      continue;
    }
    const auto told = lock_lost_.find(&lock);
    if (told != lock_lost_.end() && told->second == kept) continue;
    lock_lost_[&lock] = kept;
    if (kept == Kept::Taken)
      log_->error(
          "{}: was deleted or replaced, and another process holds the one that is there: another recorder may record this "
          "station here",
          lock.path().string());
    else
      log_->error(
          "{}: is gone and cannot be made again: {}; until it can, tried every second, a second recorder of this station "
          "would not be noticed",
          lock.path().string(), lock.problem().message());
  }
}

void Recorder::watch_file() {
  if (disk_.keep_reserve())
    quiet_.say(spdlog::level::warn, "reserve removed",
               "the reserve for closing files was removed by somebody, and is set aside again: " + disk_.reserve_file().string());
  if (gave_up_lost_file() || writer_.whereabouts() == mth5::FileName::There) return;
  const std::string path = writer_.path().string();
  quiet_.say(spdlog::level::err, "file moved",
             path + ": was renamed or moved, or its folder was; it is closed where it is now, and a new file begins");
  writer_.flush();
  writer_.close();
}

bool Recorder::gave_up_lost_file() {
  const auto where = writer_.whereabouts();
  if (where != mth5::FileName::Deleted && where != mth5::FileName::Cut) return false;
  const std::string path = writer_.path().string();
  const auto loss = writer_.abandon(ledger::Drop::FileLost);
  std::error_code unknown;
  if (where == mth5::FileName::Deleted && std::filesystem::exists(path, unknown))
    quiet_.say(
        spdlog::level::err, "file replaced",
        fmt::format(
            "{}: was replaced by another file of its name while it was recorded; its {} samples (of all streams) count as lost "
            "(file-lost) whatever that file holds of them, which is left as it is; a new file begins",
            path, loss.samples));
  else if (where == mth5::FileName::Deleted)
    quiet_.say(
        spdlog::level::err, "file deleted",
        fmt::format(
            "{}: was deleted while it was recorded; {} samples (of all streams) are lost with it (file-lost); a new file begins",
            path, loss.samples));
  else
    quiet_.say(spdlog::level::err, "file cut",
               fmt::format("{}: was cut short by another program while it was recorded and is left as it is; its {} samples (of "
                           "all streams) count as "
                           "lost (file-lost), mth5-recover shows what of them can be read; a new file begins",
                           path, loss.samples));
  return true;
}

void Recorder::failed(const mth5::FileError& error) {
  if (gave_up_lost_file()) return;
  const bool first = writer_.files() == 0;
  const auto loss = writer_.abandon(ledger::Drop::WriteFailed);
  const bool full = means_full(error);
  const auto now = mth5::steady_now();
  if (first && !full) {
    outage_ = Outage{Outage::Kind::Failed, error.what(), now};
    give_up();
  }
  if (!failing_since_) {
    failing_since_ = now;
    failures_ = 0;
  }
  syncs_before_ = writer_.syncs();
  ++failures_;
  if (!full && now >= *failing_since_ + config_.output.give_up_after) {
    log_->error("giving up after={} tries={}", config::format_duration(config_.output.give_up_after), failures_);
    outage_ = Outage{Outage::Kind::Failed, error.what(), now};
    give_up();
  }
  std::string line = error.what();
  if (!loss.file.empty())
    line += "; safe: " + (loss.safe.empty() ? "none of this run" : loss.safe) + "; lost: " + std::to_string(loss.samples) +
            " samples (write-failed)";
  line += full ? "; a new file begins when there is space, samples wait in the ring"
               : "; a new file is tried, samples wait in the ring";
  if (full) disk_.release_reserve();
  begin_outage({full ? Outage::Kind::Full : Outage::Kind::Failed, std::move(line),
                now + (full ? Steady::duration{kTryFullEvery} : pause_after(failures_)),
                full && loss.file.empty() && loss.samples == 0});
}

void Recorder::refused(const std::exception& error) {
  if (gave_up_lost_file()) return;
  const bool had_file = writer_.is_open();
  const auto syncs = writer_.syncs();  // closing in order is one more, whatever the file holds
  std::string line = std::string{"not written: "} + error.what();
  // In order, so that what is in it stays; where that is refused too it is left as a crashed writer's.
  try {
    if (had_file) writer_.close();
  } catch (const std::exception& e) {
    line += std::string{"; closing: "} + e.what();
  }
  const auto loss = writer_.abandon(ledger::Drop::WriteRefused);
  if (loss.samples > 0) line += "; lost: " + std::to_string(loss.samples) + " samples (write-refused)";
  line += "; a new file begins";
  const auto now = mth5::steady_now();
  // The first time at once; what a new file does not cure is tried again now and then, and never ends the recording.
  const bool again = std::exchange(refused_at_syncs_, writer_.syncs()) == syncs;
  refusals_ = again ? refusals_ + 1 : 0;
  begin_outage({Outage::Kind::Refused, std::move(line), now + (again ? pause_after(refusals_) : Steady::duration{0})});
}

void Recorder::begin_outage(Outage outage) {
  quiet_.say(spdlog::level::err, outage.name(), outage.problem);
  published_.change([&](State& state) {
    state.outage = outage.name();
    state.problem = outage.problem;
    state.disk_full_in_s = disk_.full_in_s();
  });
  outage_ = std::move(outage);
}

void Recorder::end_outage() {
  quiet_.say(spdlog::level::info, "recording again",
             fmt::format("recording again directory={} free={}", config_.output.directory.string(), disk_.free_bytes()));
  outage_.reset();
  published_.change([](State& state) { state.outage = state.problem = ""; });
}

bool Recorder::may_try(Steady::time_point now) {
  if (now < outage_->next_try && !ending_.load()) return false;
  if (!is_full()) return true;
  outage_->next_try = now + kTryFullEvery;
  if (!disk_.has_room_again()) {
    if (!ending_.load() || std::exchange(last_try_, true) || disk_.free_bytes() < disk_.limit() / 2) return false;
    // What waits is lost otherwise, and what was set aside for closing the file before is of no other use.
    log_->info("stopping with a full disk: what waits is written into what is left of it free={}", disk_.free_bytes());
    writer_.begin_no_more_files();
  }
  // What says that there is room may not be all that a file needs, as where no inode is left.
  if (writer_.has_waiting() || !ring_.is_empty())
    outage_->tries = true;
  else
    end_outage();
  return true;
}

void Recorder::give_up_the_rest() {
  if (given_up_ == 0)
    log_->error(
        "what waits cannot be written in time (a slow disk, or a busy machine): the rest is given up, counted as stopped, and "
        "the file "
        "closed");
  given_up_ += writer_.discard_waiting(ledger::Drop::Stopped) + discard_all(ledger::Drop::Stopped);
}

std::uint64_t Recorder::discard_all(ledger::Drop why) {
  std::uint64_t lost = 0;
  while (ring_.pop(header_, payload_)) lost += writer_.discard(header_, payload_, why);
  ring_.drained();
  return lost;
}

void Recorder::give_up() { end_with(discard_to_the_end()); }

std::uint64_t Recorder::discard_to_the_end() {
  std::uint64_t lost = writer_.discard_waiting(outage_->drop());
  // Until the ring is closed: only then has everything come that can be counted.
  for (;;) {
    lost += discard_all(outage_->drop());
    if (!ending_.load() || ring_.closed_and_empty()) break;
    turned_ = mth5::steady_now();
    ring_.wait_until(mth5::steady_now() + kLongestWait);
  }
  writer_.publish();
  return lost;
}

void Recorder::end_with(std::uint64_t lost) {
  throw mth5::FileError{outage_->problem + "; ended: " + std::to_string(lost) + " samples that waited in memory are not stored"};
}

}  // namespace daq::recorder
