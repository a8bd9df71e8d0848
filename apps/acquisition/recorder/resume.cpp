#include "acquisition/recorder/resume.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <system_error>
#include <tuple>

#include "acquisition/recorder/candidates.hpp"
#include "acquisition/recorder/resume_answer.hpp"
#include "acquisition/recorder/resume_file.hpp"
#include "mth5/error.hpp"
#include "mth5/printable.hpp"
#include "mth5/reader.hpp"
#include "mth5/recover.hpp"
#include "mth5/time.hpp"
#include "sandbox/sandbox.hpp"

namespace daq::recorder {

namespace {

namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

// While files are looked at nothing is received. What is only good to know has these times.
constexpr milliseconds kForNames{1000}, kForLocks{1500}, kForNewest{7500}, kForAllEarlier{6000}, kForEarlier{1500};
// The newest file is what the recording goes on in: left alone it waits for somebody to recover it by hand, which costs more than
// samples of a minute. So a child is not ended by the clock while it comes further, but for one that a damaged file leads astray
// without end; one that loops at an object its limit of the processor's time ends. Without a step is only who waits for a
// disk that does not answer, or for the processor on a busy machine.
constexpr milliseconds kStall{30'000}, kLeastForRecovery{120'000}, kForTakingBack{30'000};
constexpr std::int64_t kBytesPerSecond = std::int64_t{4} << 20;  // of a slow card
constexpr std::size_t kMemory = std::size_t{1} << 30;
constexpr int kMostOlder = 3;  ///< files of crashed writers that one start recovers beside the newest

fs::path unused_name(const fs::path& file) {
  fs::path name = file.string() + ".before-recovery";
  for (int n = 2; fs::exists(fs::symlink_status(name)); ++n) name = file.string() + ".before-recovery_" + std::to_string(n);
  return name;
}

std::uint64_t bytes_of(const fs::path& path) {
  std::error_code gone;
  const auto bytes = fs::file_size(path, gone);
  return gone ? 0 : bytes;
}

sandbox::Limits limits(const fs::path& path, milliseconds wall) {
  auto limits = sandbox::limits_for(path, bytes_of(path) + mth5::kMostGrowth);
  limits.wall = wall;
  limits.stall = kStall;
  limits.memory_bytes = kMemory;
  return limits;
}

milliseconds for_newest(const fs::path& path) {
  struct stat info {};
  const auto on_disk = stat(path.c_str(), &info) == 0 ? info.st_blocks * 512 : 0;  // without its holes
  return kLeastForRecovery + std::chrono::seconds{on_disk / kBytesPerSecond};
}

/// What a look at lock, flags and journal tells. @throws mth5::BusyError if a recorder writes it
enum class Left { Closed, Dead, InRepair, Unknown, OfOthers };
Left left_as(const fs::path& path, std::string& problem) {
  try {
    const auto found = mth5::probe(path);
    if (!found.locked) return found.state == mth5::FileState::Closed ? Left::Closed : Left::Dead;
    mth5::require_no_writer(path);  // tells who it is
    return Left::InRepair;          // it has just let go
  } catch (const mth5::BusyError& e) {
    if (std::string_view{e.what()}.find("mth5-recover") != std::string_view::npos) return Left::InRepair;
    throw mth5::BusyError{std::string{e.what()} + "; stop that one, or give this one another output.directory", e.pid};
  } catch (const mth5::Error& e) {
    problem = e.what();
    return Left::Unknown;
  }
}

/// As left_as(): a recorder whose names look like ours may be writing it. No other one writes a file of our stations: we hold
/// their locks. @throws mth5::BusyError if one does, all the same
Left left_as_ours(const fs::path& path, const config::Config& config, const sandbox::Watch& watch, std::string& problem) {
  try {
    return left_as(path, problem);
  } catch (const mth5::BusyError& e) {
    const auto outcome = sandbox::run(
        [&](sandbox::Reports& reports) {
          reports.visit("its stations");
          const auto ours = is_ours(path, config);
          return std::string{!ours ? "unknown" : *ours ? "ours" : "other"};
        },
        limits(path, kForEarlier), watch);
    if (outcome.answer == "ours") throw;
    if (outcome.answer != "other") problem = std::string{e.what()} + ", and whose it is cannot be read";
    return Left::OfOthers;
  }
}

/// After a child that came to no good end. @returns what became of the file
std::string take_back(const fs::path& path, const fs::path& before) {
  if (!fs::exists(fs::symlink_status(before))) return "left as it is";
  const auto outcome =
      sandbox::run([&](sandbox::Reports&) { return std::string{mth5::take_back(path, before) ? "back" : "whole"}; },
                   limits(path, kForTakingBack));
  if (outcome.end != sandbox::End::Done) return "changed in part; what was there is in " + before.string();
  return outcome.answer == "back" ? "put back as it was"
                                  : "brought to its last commit; what was changed is in " + before.string();
}

/// A file that was closed in order. @returns nothing if it cannot be had; then `outcome` says why
std::optional<ResumeAnswer> ask_child(const fs::path& path, const config::Config& config, milliseconds wall,
                                      const sandbox::Watch& watch, sandbox::Outcome& outcome) {
  outcome = sandbox::run([&](sandbox::Reports& reports) { return encode(read_closed(path, config, reports)); },
                         limits(path, wall), watch);
  return outcome.end == sandbox::End::Done ? decode(outcome.answer) : std::nullopt;
}

/// The newest, if it was closed in order. @returns nothing if it is of other stations
std::optional<Resume> read_in_child(const fs::path& path, const config::Config& config, spdlog::logger& log,
                                    const sandbox::Watch& watch) {
  sandbox::Outcome outcome;
  const auto answer = ask_child(path, config, for_newest(path), watch, outcome);
  if (answer && answer->other_station) return std::nullopt;
  if (answer && (answer->why_not.empty() || !answer->resume.runs.empty())) {  // also of another configuration
    Resume resume = answer->resume;
    resume.path = path;
    resume.closed = true;
    return resume;
  }
  constexpr const char* kUnknown =
      "nothing is known of what the file before holds; if instruments send it once more it is stored once more: file={} {}";
  if (answer)  // the configuration was changed
    log.info(kUnknown, path.string(), answer->why_not);
  else
    log.warn(kUnknown, path.string(), outcome.message.empty() ? outcome.reason : outcome.message);
  Resume nothing;
  nothing.path = path;
  nothing.closed = true;
  return nothing;
}

/// @param log  told what was put right of a file that it had to recover to see whose it is
/// @returns nothing if the file is of other stations
std::optional<ResumeAnswer> recover_in_child(const fs::path& path, const config::Config& config, spdlog::logger& log,
                                             const sandbox::Watch& watch) {
  const fs::path before = unused_name(path);
  const auto outcome =
      sandbox::run([&](sandbox::Reports& reports) { return encode(recover_and_try(path, before, config, reports)); },
                   limits(path, for_newest(path)), watch);
  ResumeAnswer failed;
  if (outcome.end == sandbox::End::Done) {
    if (auto answer = decode(outcome.answer)) {
      std::error_code stays;  // it does no harm
      fs::remove(before, stays);
      for (const auto& line : answer->recovery) log.warn("recovered file={} {}", path.string(), line);
      if (answer->other_station) return std::nullopt;
      return answer;
    }
    failed.why_not = "its answers make no sense: damaged";
  } else if (!outcome.message.empty()) {
    failed.why_not = outcome.message;
  } else if (outcome.end == sandbox::End::Cancelled) {
    failed.why_not = "interrupted; " + take_back(path, before);
    return failed;
  } else {
    failed.why_not = outcome.what_is_wrong();
  }
  failed.why_not += "; " + take_back(path, before) + "; mth5-recover may tell more";
  return failed;
}

/// As Resume::Run has them.
std::vector<std::string> sorted_components(const stream::Stream& stream) {
  auto components = stream.components();
  std::sort(components.begin(), components.end());
  return components;
}

/// What closed files before the newest say of what may be sent again.
class Earlier {
 public:
  explicit Earlier(const config::Config& config) {
    for (std::size_t i = 0; i < config.sources.size(); ++i)
      for (const auto& stream : stream::declared(config, static_cast<std::uint16_t>(i)))
        rows_[{stream.station_id(), stream.sample_rate, sorted_components(stream)}] = 0;
  }

  /// Whether one file more would add to it: a slow stream has few rows in each.
  [[nodiscard]] bool wants_more() const {
    return files_ < Resume::kMostEarlierFiles &&
           std::any_of(rows_.begin(), rows_.end(), [](const auto& of) { return of.second < Resume::kMostTailRows; });
  }
  void count(const std::vector<Resume::Run>& runs) {
    for (const auto& run : runs)
      if (const auto of = rows_.find({run.station, run.sample_rate, run.components}); of != rows_.end())
        of->second += static_cast<std::int64_t>(run.tail.size() / std::max<std::size_t>(1, run.components.size()));
  }
  void add(const std::optional<ResumeAnswer>& answer) {
    if (answer && answer->other_station) return;
    ++files_;
    if (!answer) return;
    count(answer->resume.runs);
    std::vector<Resume::Run> with_tail;
    std::copy_if(answer->resume.runs.begin(), answer->resume.runs.end(), std::back_inserter(with_tail),
                 [](const auto& run) { return !run.tail.empty(); });
    runs_.insert(runs_.begin(), with_tail.begin(), with_tail.end());
  }
  /// Where the newest cannot be resumed in, nothing but this is known.
  void give(std::optional<Resume>& resume, const fs::path& path) {
    if (runs_.empty()) return;
    if (!resume) {
      resume.emplace();
      resume->path = path;
      resume->closed = true;
    }
    resume->earlier = std::move(runs_);
  }

 private:
  std::map<std::tuple<std::string, double, std::vector<std::string>>, std::int64_t> rows_;  ///< of what is configured
  std::vector<Resume::Run> runs_;                                                           ///< the oldest first
  int files_ = 0;
};

/// As left_as(), of a file that another recorder may be writing, which is none of our business.
Left left_by_others(const fs::path& path) {
  std::string problem;
  try {
    return left_as(path, problem);
  } catch (const mth5::BusyError&) {
    return Left::Unknown;
  }
}

bool is_of(const Resume::Run& run, const stream::Stream& stream, const std::vector<std::string>& sorted_components) {
  return run.station == stream.station_id() && run.sample_rate == stream.sample_rate && run.components == sorted_components;
}

}  // namespace

const Resume::Run* Resume::last_run(const stream::Stream& stream) const {
  const auto components = sorted_components(stream);
  const Run* last = nullptr;
  for (const auto& run : runs)
    if (is_of(run, stream, components) && (last == nullptr || run.next >= last->next)) last = &run;
  return last;
}

std::vector<const Resume::Run*> Resume::runs_of(const stream::Stream& stream) const {
  const auto components = sorted_components(stream);
  std::vector<const Run*> all;
  for (const auto* some : {&earlier, &runs})
    for (const auto& run : *some)
      if (run.n_samples > 0 && is_of(run, stream, components)) all.push_back(&run);
  return all;
}

std::uint64_t Resume::recovered(const std::string& stream) const {
  for (const auto& of : streams)
    if (of.name == stream) return static_cast<std::uint64_t>(std::max<std::int64_t>(0, of.in_file - of.counted));
  return 0;
}

std::vector<ledger::Durable> Resume::positions(const stream::Streams& known) const {
  std::vector<ledger::Durable> all;
  for (std::size_t i = 0; i < known.size(); ++i) {
    const auto& stream = known.at(i);
    ledger::Durable position{.stream = static_cast<std::uint16_t>(i)};
    if (const auto* run = last_run(stream); run != nullptr && run->n_samples > 0) {
      position.time = mth5::sample_time(run->next, run->rate_behind, -1);
      position.stored = run->next;
    }
    for (const auto& of : streams) {
      if (of.name != stream.name || of.token.empty()) continue;
      position.time = of.token_time;
      position.token = of.token;
    }
    if (position.time != mth5::UtcNanos{}) all.push_back(std::move(position));
  }
  return all;
}

std::vector<Tail> tails_of(const Resume& resume, const stream::Stream& stream) {
  const auto components = stream.components();
  const auto sorted = sorted_components(stream);
  std::vector<Tail> tails;
  const auto add = [&](const Resume::Run& run) {
    if (run.tail.empty() || !is_of(run, stream, sorted)) return;
    const std::size_t n = run.tail.size() / components.size();
    auto& tail = tails.emplace_back(Tail{std::vector<double>(run.tail.size()), run.tail_start, run.tail_end, run.unsure_s});
    for (std::size_t c = 0; c < components.size(); ++c) {  // there channel after channel, by name
      const auto at = static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), components[c]) - sorted.begin());
      for (std::size_t i = 0; i < n; ++i) tail.values[i * components.size() + c] = run.tail[at * n + i];
    }
  };
  std::for_each(resume.earlier.begin(), resume.earlier.end(), add);
  std::for_each(resume.runs.begin(), resume.runs.end(), add);
  return tails;
}

std::optional<Resume> find_resume(const config::Config& config, spdlog::logger& log, const std::function<bool()>& cancelled,
                                  const std::function<void()>& make_room,
                                  const std::function<void(const std::string& what)>& step) {
  const auto stopped = [&] { return cancelled && cancelled(); };
  const auto names_until = mth5::steady_now() + kForNames;
  auto found = candidates(config, [&] { return !stopped() && mth5::steady_now() < names_until; });
  // What others may hold of ours comes last, whatever time is left.
  std::stable_partition(found.begin(), found.end(), [](const auto& file) { return !file.of_others; });

  const auto newest_until = mth5::steady_now() + kForNewest;
  auto locks_until = mth5::steady_now() + kForLocks, earlier_until = newest_until;
  std::optional<Resume> resume;
  bool newest = true;  // of these stations' files
  std::size_t dead = 0;
  int older = 0;
  Earlier earlier{config};
  // However long the newest took.
  const auto time_for_older = [&] {
    locks_until = mth5::steady_now() + kForLocks;
    earlier_until = mth5::steady_now() + kForAllEarlier;
  };
  for (const auto& file : found) {
    if (stopped()) return std::nullopt;
    const std::string path = file.path.string();
    std::string problem;
    const auto name = mth5::printable(file.path.filename().string());
    const auto watch = [&](const char* doing) {
      sandbox::Watch child{.cancelled = cancelled};
      if (step) child.step = [&step, what = doing + name] { step(what); };
      return child;
    };
    const Left left = file.of_others ? left_by_others(file.path) : left_as_ours(file.path, config, watch("looking at "), problem);
    if (left == Left::OfOthers) {
      if (!problem.empty()) log.warn("passed over, left as it is: {}", problem);
      continue;
    }
    if (!newest && !file.of_others && left == Left::Dead && older < kMostOlder && mth5::steady_now() < earlier_until) {
      if (make_room) make_room();
      const auto answer = recover_in_child(file.path, config, log, watch("recovering "));
      if (!answer) continue;  // of another recorder, whose names look like ours
      ++older;
      time_for_older();
      if (answer->recovery.empty() && !answer->why_not.empty()) {
        log.warn("not recovered, left as it is: file={} {}", path, answer->why_not);
        ++dead;
        continue;
      }
      earlier.add(answer);
      continue;
    }
    if (!newest || file.of_others) {
      dead += left == Left::Dead ? 1 : 0;
      const auto time = std::chrono::duration_cast<milliseconds>(earlier_until - mth5::steady_now());
      const bool enough = !earlier.wants_more() || time <= milliseconds{0};
      if (left == Left::Closed && !enough) {
        sandbox::Outcome outcome;  // a damaged one is no news: it is not what this recording goes on in
        earlier.add(ask_child(file.path, config, std::min(time, kForEarlier), watch("reading "), outcome));
      }
      if (!newest && mth5::steady_now() >= locks_until && enough) break;
      continue;
    }
    if (left == Left::InRepair) log.warn("not resumed, mth5-recover is at work on it: file={}", path);
    if (left == Left::Unknown) log.warn("not resumed, left as it is: {}", problem);
    newest = false;
    if (left != Left::Dead && left != Left::Closed) continue;
    if (left == Left::Closed) {
      resume = read_in_child(file.path, config, log, watch("reading "));
      newest = !resume;  // of another recorder, whose names look like ours
      if (resume) earlier.count(resume->runs);
      time_for_older();
      continue;
    }
    if (make_room) make_room();
    const auto answer = mth5::steady_now() < newest_until ? recover_in_child(file.path, config, log, watch("recovering "))
                                                          : ResumeAnswer{{}, false, "no time is left to look at it", {}};
    time_for_older();
    if (!answer) {  // of another recorder, whose names look like ours
      newest = true;
      continue;
    }
    if (!answer->why_not.empty() && answer->recovery.empty() && stopped()) {
      log.info("left for the next start: file={} {}", path, answer->why_not);
      return std::nullopt;
    }
    if (answer->why_not.empty()) {
      resume = answer->resume;
      resume->path = file.path;
    } else if (answer->recovery.empty()) {
      log.error("not resumed, a new file begins: file={} {}", path, answer->why_not);
    } else {
      log.info("not resumed, a new file begins: file={} {}", path, answer->why_not);
    }
    if (!answer->why_not.empty() && !answer->resume.runs.empty()) {  // of another configuration
      resume = answer->resume;
      resume->path = file.path;
      resume->closed = true;
    }
    if (resume) earlier.count(resume->runs);
  }
  if (!found.empty()) earlier.give(resume, found.front().path);
  if (dead > 0)
    log.warn("older files of crashed writers left={} directory={}: mth5-recover recovers them", dead,
             config.output.directory.string());
  return resume;
}

}  // namespace daq::recorder
