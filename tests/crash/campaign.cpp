#include "campaign.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <stdexcept>

namespace crash {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kCutsOfRecovery = 8;  ///< images of model R that share one recorded recovery
constexpr const char* kFileName = "crash.h5";

/// An image is made of this alone, so that it can be made again.
struct Item {
  std::uint64_t index;
  Random random;
  std::size_t cut;
};

Recording record(const Options& options, const Scenario& scenario) {
  const fs::path folder = options.work / "recording";
  fs::create_directory(folder);
  const fs::path target = folder / kFileName, log = options.work / "log";
  run_recorded(options.bin, {"crash_writer", std::string{scenario.name}, std::to_string(options.seed), target.string()},
               folder.string() + "/*" + kFileName + "*", log);
  Recording recording = load_log(log, target);
  require_complete(recording, {});
  recording.user_block = user_block_of(read_bytes(target));
  fs::remove_all(folder);
  fs::remove(log);
  return recording;
}

/// Anywhere; every fourth time inside a sync: when most is in the air.
std::size_t pick_cut(const Recording& recording, Random& random) {
  const std::size_t anywhere = recording.from + random.below(recording.events.size() + 1 - recording.from);
  if (random.below(4) != 0) return anywhere;
  for (std::size_t at = anywhere; at < recording.events.size(); ++at)
    if (recording.events[at].kind == Kind::SyncEnd) return at;  // it has not returned yet
  return anywhere;
}

/// Checks images one after the other in a folder of its own.
class Worker {
 public:
  Worker(const Options& options, const Scenario& scenario, const Recording& recording, int nth, int pipe)
      : options_{options},
        scenario_{scenario},
        recording_{recording},
        folder_{options.work / std::to_string(nth)},
        file_{folder_ / kFileName},
        pipe_{pipe} {}

  void run(char model, std::vector<Item> items) {
    std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.cut < b.cut; });
    Images images{recording_, {}};
    std::optional<std::uint64_t> base;
    problem_.clear();
    for (auto& item : items) {
      fs::remove_all(folder_);
      fs::create_directory(folder_);
      const bool of_recovery = model == 'R';
      const Model kind = of_recovery ? kModels[item.random.below(kModels.size() - 1)] : *model_from(model);
      if (!of_recovery) {
        made_ = find(images.at(item.cut, kind, item.random), recording_.target);
      } else if (base != item.index / kCutsOfRecovery) {
        base = item.index / kCutsOfRecovery;
        before_ = find(images.at(item.cut, kind, item.random), recording_.target);
        record_recovery();
      }
      if (of_recovery) cut_recovery(item.index);
      judge(model, item);
    }
  }

 private:
  /// Every so many-th, also where a scenario and model have but a few.
  [[nodiscard]] bool is_for_python(const std::string& name) const { return channel_key(name) % options_.python_every == 0; }

  static std::optional<Bytes> find(const Disk& disk, const std::string& name) {
    const Bytes* const content = disk.find(name);
    return content == nullptr ? std::nullopt : std::optional{*content};
  }

  void record_recovery() {
    recovery_ = {};
    problem_.clear();
    if (!before_) return;
    write_sparse(file_, *before_);
    const fs::path log = folder_ / "log";
    try {
      run_recorded(options_.bin, {"crash_recover", file_.string()}, folder_.string() + "/*" + kFileName + "*", log);
    } catch (const std::runtime_error& e) {
      problem_ = e.what();
      return;
    }
    recovery_ = load_log(log, file_);
    recovery_.user_block = recording_.user_block;
    require_complete(recovery_, disk_before());
  }

  /// The one file there is, under the inode that the recovery saw.
  [[nodiscard]] Disk disk_before() const {
    Disk disk;
    const auto opened =
        std::find_if(recovery_.events.begin(), recovery_.events.end(), [](const Event& e) { return e.kind == Kind::Open; });
    if (opened == recovery_.events.end()) return disk;
    disk.names[file_.string()] = opened->inode;
    disk.files[opened->inode] = *before_;
    return disk;
  }

  void cut_recovery(std::uint64_t index) {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
    made_ = before_;
    if (recovery_.events.empty()) return;
    Random random{Random::mix(options_.seed * 31 + index)};
    Images images{recovery_, disk_before()};
    const std::size_t cut = pick_cut(recovery_, random);
    const Model kind = kModels[random.below(kModels.size())];
    made_ = find(images.at(cut, kind, random), file_.string());
  }

  void judge(char model, Item& item) {
    Expected expected;
    for (const auto& [at, state] : recording_.tries)
      if (at < item.cut) expected.states.push_back(&state);
    expected.floor = recording_.floor(item.cut, model == 'K');
    if (made_) write_sparse(file_, *made_);
    Verdict verdict =
        problem_.empty() ? check_image(file_, expected, item.random.next()) : Verdict{Verdict::Kind::Failed, problem_};
    const std::string name = std::string{scenario_.name} + "-" + model + "-" + std::to_string(item.index) + ".h5";
    if (verdict.kind == Verdict::Kind::Failed && options_.keep && made_) write_sparse(*options_.keep / name, *made_);
    if (verdict.kind == Verdict::Kind::Good && options_.python_pipe >= 0 && is_for_python(name)) {
      const fs::path kept = options_.work / "python" / name;
      fs::rename(file_, kept);
      say(options_.python_pipe, kept.string() + "\n");
    }
    for (char& c : verdict.text)
      if (c == '\n' || c == '\t') c = ' ';
    const char* const kinds[] = {"good", "none", "failed"};
    say(pipe_, std::string{model} + "\t" + std::to_string(item.index) + "\t" + kinds[static_cast<int>(verdict.kind)] + "\t" +
                   verdict.text + "\n");
  }

  /// Lines below PIPE_BUF reach a pipe whole, whoever else writes to it.
  static void say(int pipe, const std::string& line) {
    while (write(pipe, line.data(), line.size()) < 0)
      if (errno != EINTR) throw std::runtime_error{"a pipe to the parent is broken"};
  }

  const Options& options_;
  const Scenario& scenario_;
  const Recording& recording_;
  fs::path folder_, file_;
  int pipe_;
  std::optional<Bytes> made_;    ///< the image; nullopt: no file of that name
  std::optional<Bytes> before_;  ///< what the recorded recovery began with
  Recording recovery_;
  std::string problem_;  ///< why there is no recording of the recovery
};

/// Images of R that share a recovery share the decisions too that lead to it.
Item make_item(const Options& options, const Scenario& scenario, const Recording& recording, char model, std::uint64_t index) {
  const std::uint64_t nth = model == 'R' ? index / kCutsOfRecovery : index;
  Random random{Random::mix(options.seed ^ channel_key(scenario.name)) + static_cast<std::uint64_t>(model) * 0x1'0000'0000U +
                nth};
  return {index, random, pick_cut(recording, random)};
}

Outcome parse(const std::string& line) {
  const auto a = line.find('\t'), b = line.find('\t', a + 1), c = line.find('\t', b + 1);
  const std::string kind = line.substr(b + 1, c - b - 1);
  return {line[0],
          std::stoull(line.substr(a + 1, b - a - 1)),
          {kind == "good"   ? Verdict::Kind::Good
           : kind == "none" ? Verdict::Kind::NoFile
                            : Verdict::Kind::Failed,
           line.substr(c + 1)}};
}

}  // namespace

volatile std::sig_atomic_t interrupted = 0;

void run_scenario(const Options& options, const Scenario& scenario, const std::map<char, std::vector<std::uint64_t>>& wanted,
                  const std::function<void(const Outcome&)>& told) {
  const Recording recording = record(options, scenario);
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error{"pipe failed"};
  std::vector<pid_t> workers;
  for (int nth = 0; nth < options.jobs; ++nth) {
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error{"fork failed"};
    if (child > 0) {
      workers.push_back(child);
      continue;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      close(ends[0]);
      Worker worker{options, scenario, recording, nth, ends[1]};
      for (const auto& [model, indexes] : wanted) {
        std::vector<Item> items;
        const std::uint64_t group = model == 'R' ? kCutsOfRecovery : 1;  // a recovery is recorded by one worker
        for (const auto index : indexes)
          if (index / group % static_cast<std::uint64_t>(options.jobs) == static_cast<std::uint64_t>(nth))
            items.push_back(make_item(options, scenario, recording, model, index));
        worker.run(model, std::move(items));
      }
    } catch (const std::exception& e) {
      std::fprintf(stderr, "crash_images: worker: %s\n", e.what());
      _exit(1);
    }
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; interrupted == 0 && (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
    for (std::size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) told(parse(text.substr(0, end)));
  }
  close(ends[0]);
  if (interrupted != 0)
    for (const pid_t worker : workers) kill(worker, SIGKILL);
  bool good = true;
  for (const pid_t worker : workers) {
    int status = 0;
    good = waitpid(worker, &status, 0) == worker && status == 0 && good;
  }
  if (interrupted != 0) throw std::runtime_error{"interrupted"};
  if (!good) throw std::runtime_error{std::string{scenario.name} + ": a worker of the harness died"};
}

}  // namespace crash
