#include "acquisition/recorder/recorder.hpp"

#include <algorithm>
#include <cerrno>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "acquisition/recorder/output.hpp"

namespace daq::recorder {

namespace {

constexpr auto kTryFullEvery = std::chrono::seconds{1};
constexpr auto kLongestPause = std::chrono::seconds{30};
constexpr auto kLogEvery = std::chrono::seconds{60};

/// Whether the medium had no room. The error is a line of text for people, but the system's words in it are always the same.
bool means_full(const mth5::FileError& error) {
  const std::string_view text = error.what();
  const auto says = [&](int code) { return text.find(std::generic_category().message(code)) != std::string_view::npos; };
  return says(ENOSPC) || says(EDQUOT);
}

}  // namespace

Recorder::Recorder(const config::Config& config, ring::Ring& ring, status::Board& board, std::shared_ptr<spdlog::logger> log,
                   std::function<void(const std::filesystem::path&)> on_file)
    : config_{config}, ring_{ring}, board_{board}, log_{log}, disk_{config, log}, writer_{config, ring, board,
                                                                                          disk_,  log,  std::move(on_file)} {}

void Recorder::claim() {
  check_directory(config_.output);
  std::set<std::string> stations;
  for (const auto& source : config_.sources)
    if (stations.insert(source.station.text("id")).second)
      locks_.emplace_back(config_.output.directory, config_.survey.text("id"), source.station.text("id"));
  if (auto resume = recover_files(config_, *log_)) writer_.go_on_in(std::move(*resume));
  disk_.claim();
  tell_disk();
}

void Recorder::tell_disk() {
  board_.writer([&](auto& w) { w.disk_full_in_s = disk_.full_in_s(); });
}

void Recorder::begin_new_file() {
  new_file_wanted_.store(true);
  ring_.wake();
}

void Recorder::end() {
  ending_.store(true);
  ring_.wake();
}

void Recorder::run() {
  for (;;) {
    try {
      if (!outage_ || may_try(Steady::now())) {
        write_what_came();
        if (ring_.closed_and_empty() && !held_) {
          if (writer_.is_open()) writer_.close();
          return;
        }
        if (outage_ && !outage_->full) try_medium();
      }
    } catch (const mth5::FileError& e) {
      failed(e);
    }
    if (outage_ && ending_.load()) give_up();
    ring_.wait_until(next_deadline());
  }
}

void Recorder::write_what_came() {
  watch_disk(Steady::now());
  while (!(outage_ && outage_->full) && (held_ || ring_.pop(header_, payload_))) {
    held_ = true;
    writer_.prepare(header_, payload_);
    held_ = false;
    writer_.take(header_, payload_);
    watch_disk(Steady::now());
  }
  if (outage_ && outage_->full) return;
  ring_.drained();
  if (outage_ && writer_.is_open()) end_outage();
  writer_.keep_pace(Steady::now());
  if (failing_since_ && writer_.syncs() > syncs_before_) failing_since_.reset();
  if (new_file_wanted_.exchange(false) && writer_.is_open()) writer_.close();
}

void Recorder::try_medium() {
  // Nothing came that a new file could begin with; a medium that has died is to be found dead all the same.
  outage_->next_try = Steady::now() + pause();
  disk_.renew_reserve();
}

Steady::duration Recorder::pause() const {
  return std::min<Steady::duration>(kLongestPause, std::chrono::seconds{1} * (1 << std::min(failures_ - 1, 5)));
}

Steady::time_point Recorder::next_deadline() const {
  if (outage_) return outage_->next_try;
  return std::min(writer_.next_deadline(), disk_.next_look());
}

void Recorder::watch_disk(Steady::time_point now) {
  if (!disk_.is_due(now)) return;
  disk_.look(now);
  tell_disk();
  if (!disk_.is_full() || !writer_.is_open()) return;
  const auto free = disk_.free_bytes();
  disk_.release_reserve();
  writer_.close();
  begin_outage({true,
                "disk full: free=" + std::to_string(free) + " limit=" + std::to_string(disk_.limit()) + " directory=" +
                    config_.output.directory.string() + "; the file is closed, samples wait in the ring for space",
                now + kTryFullEvery});
}

void Recorder::failed(const mth5::FileError& error) {
  const bool first = writer_.files() == 0;
  const auto loss = writer_.abandon();
  if (first) throw;
  const auto now = Steady::now();
  if (!failing_since_) {
    failing_since_ = now;
    failures_ = 0;
  }
  syncs_before_ = writer_.syncs();
  ++failures_;
  const bool full = means_full(error);
  if (!full && now >= *failing_since_ + config_.output.give_up_after) {
    log_->error("giving up after={} tries={}", config::format_duration(config_.output.give_up_after), failures_);
    outage_ = Outage{false, error.what(), now};
    give_up();
  }
  std::string line = error.what();
  if (!loss.file.empty())
    line += "; safe: " + (loss.safe.empty() ? "none of this run" : loss.safe) + "; lost: " + std::to_string(loss.samples) +
            " samples (write-failed)";
  line += full ? "; a new file begins when there is space, samples wait in the ring"
               : "; a new file is tried, samples wait in the ring";
  if (full) disk_.release_reserve();
  begin_outage({full, std::move(line), now + (full ? Steady::duration{kTryFullEvery} : pause())});
}

void Recorder::begin_outage(Outage outage) {
  const auto now = Steady::now();
  // A failure of a file that was open is news; another try that failed is not.
  if (!outage_ || outage_->full != outage.full || now >= logged_ + kLogEvery) {
    log_->error("{}", outage.problem);
    logged_ = now;
  }
  board_.writer([&](auto& w) {
    w.outage = outage.full ? "disk-full" : "write-failed";
    w.problem = outage.problem;
  });
  tell_disk();
  outage_ = std::move(outage);
}

void Recorder::end_outage() {
  log_->info("recording again directory={} free={}", config_.output.directory.string(), disk_.free_bytes());
  outage_.reset();
  board_.writer([](auto& w) { w.outage = w.problem = ""; });
}

bool Recorder::may_try(Steady::time_point now) {
  if (now < outage_->next_try && !ending_.load()) return false;
  if (!outage_->full) return true;
  outage_->next_try = now + kTryFullEvery;
  if (!disk_.has_room_again()) return false;
  end_outage();
  return true;
}

void Recorder::give_up() {
  std::uint64_t lost = 0;
  if (held_) lost += writer_.discard(header_, payload_);
  held_ = false;
  // Until the ring is closed: only then has everything come that can be counted.
  for (;;) {
    while (ring_.pop(header_, payload_)) lost += writer_.discard(header_, payload_);
    ring_.drained();
    if (!ending_.load() || ring_.closed_and_empty()) break;
    ring_.wait_until(Steady::time_point::max());
  }
  writer_.publish();
  throw mth5::FileError{outage_->problem + "; ended: " + std::to_string(lost) +
                        " samples that waited in the ring are not stored"};
}

}  // namespace daq::recorder
