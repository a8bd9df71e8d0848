#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>

#include "campaign.hpp"

/// crash_images: see README.md in this folder.
namespace crash {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUsage =
    "usage: crash_images [--scenario NAME,...] [--model LETTERS] [--images N] [--seed S] [--index I] [--keep DIR] [--jobs N] "
    "[--python PROGRAM]\n"
    "  --images N    in all, spread over scenarios and models (500)\n"
    "  --index I     only this image of each scenario and model\n"
    "  --keep DIR    put images that fail there, as they were before recovery\n"
    "  --python P    a Python with h5py and mth5 reads every 20th file after recovery\n";

struct Arguments {
  std::vector<const Scenario*> scenarios;
  std::string models{kModelLetters};
  std::uint64_t images = 500, seed = 1;
  std::optional<std::uint64_t> index;
  std::optional<fs::path> keep, python;
  int jobs = 2;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (const auto& scenario : scenarios()) arguments.scenarios.push_back(&scenario);
  for (int i = 1; i < argc; i += 2) {
    const std::string option = argv[i];
    if (i + 1 == argc) throw std::invalid_argument{option + ": needs a value, or is not an option"};
    const std::string value = argv[i + 1];
    if (option == "--scenario") {
      arguments.scenarios.clear();
      std::istringstream names{value};
      for (std::string name; std::getline(names, name, ',');) {
        arguments.scenarios.push_back(find_scenario(name));
        if (arguments.scenarios.back() == nullptr) throw std::invalid_argument{"--scenario: there is none called " + name};
      }
    } else if (option == "--model") {
      if (value.find_first_not_of(kModelLetters) != std::string::npos)
        throw std::invalid_argument{"--model: " + value + " is not made of " + std::string{kModelLetters}};
      arguments.models = value;
    } else if (option == "--images") {
      arguments.images = std::stoull(value);
    } else if (option == "--seed") {
      arguments.seed = std::stoull(value);
    } else if (option == "--index") {
      arguments.index = std::stoull(value);
    } else if (option == "--keep") {
      arguments.keep = value;
    } else if (option == "--jobs") {
      arguments.jobs = std::max(1, std::stoi(value));
    } else if (option == "--python") {
      arguments.python = value;
    } else {
      throw std::invalid_argument{"unknown option " + option};
    }
  }
  return arguments;
}

/// The Python that reads images: names go in, a line per name comes out.
class Python {
 public:
  Python(const fs::path& program, const fs::path& script, const fs::path& results) : results_{results} {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error{"pipe failed"};
    child_ = fork();
    if (child_ == 0) {
      const int out = open(results.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
      if (out < 0 || dup2(ends[0], 0) < 0 || dup2(out, 1) < 0) _exit(126);
      execl(program.c_str(), program.c_str(), script.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    ::close(ends[0]);
    pipe_ = ends[1];
  }
  [[nodiscard]] int pipe() const { return pipe_; }
  /// Waits for its end. @returns its lines
  std::string finish() {
    ::close(pipe_);
    int status = 0;
    if (waitpid(child_, &status, 0) != child_ || status != 0)
      throw std::runtime_error{"Python ended with wait status " + std::to_string(status)};
    const Bytes text = read_bytes(results_);
    return {text.begin(), text.end()};
  }

 private:
  fs::path results_;
  pid_t child_;
  int pipe_;
};

struct Cell {
  std::uint64_t images = 0, failures = 0, without_file = 0;
};

class Report {
 public:
  explicit Report(const Arguments& arguments) : arguments_{arguments} {}

  void add(const Scenario& scenario, const Outcome& outcome) {
    Cell& cell = cells_[scenario.name][outcome.model];
    ++cell.images;
    cell.without_file += outcome.verdict.kind == Verdict::Kind::NoFile ? 1 : 0;
    if (outcome.verdict.kind == Verdict::Kind::Failed) fail(scenario.name, outcome.model, outcome.index, outcome.verdict.text);
  }

  void fail(std::string_view scenario, char model, std::uint64_t index, const std::string& why) {
    Cell& cell = cells_[scenario][model];
    if (++cell.failures > kShown) return;
    std::printf("FAILED %.*s %c %llu: %s\n       crash_images --scenario %.*s --model %c --seed %llu --index %llu --keep DIR\n",
                static_cast<int>(scenario.size()), scenario.data(), model, static_cast<unsigned long long>(index), why.c_str(),
                static_cast<int>(scenario.size()), scenario.data(), model, static_cast<unsigned long long>(arguments_.seed),
                static_cast<unsigned long long>(index));
    if (cell.failures == kShown) std::printf("       (more of this scenario and model are only counted)\n");
    std::fflush(stdout);
  }

  /// @returns whether all is good
  bool print(double seconds, std::size_t read_by_python) const {
    std::printf("\nfailures of images  %-6s", "");
    for (const char model : arguments_.models) std::printf("%10c", model);
    std::printf("%12s\n", "no file");
    Cell sum;
    std::map<char, Cell> by_model;
    for (const auto* scenario : arguments_.scenarios) {
      std::printf("%-26.*s", static_cast<int>(scenario->name.size()), scenario->name.data());
      const auto row = cells_.find(scenario->name);
      std::uint64_t without = 0;
      for (const char model : arguments_.models) {
        const Cell cell = row != cells_.end() && row->second.contains(model) ? row->second.at(model) : Cell{};
        print(cell);
        without += cell.without_file;
        for (Cell* total : {&sum, &by_model[model]}) {
          total->images += cell.images;
          total->failures += cell.failures;
        }
      }
      sum.without_file += without;
      std::printf("%12llu\n", static_cast<unsigned long long>(without));
    }
    std::printf("%-26s", "all");
    for (const char model : arguments_.models) print(by_model[model]);
    std::printf("%12llu\n", static_cast<unsigned long long>(sum.without_file));
    std::printf("crash images: %llu images, %llu failures; %zu read by Python too; seed %llu, %.1f s, %.1f ms an image\n",
                static_cast<unsigned long long>(sum.images), static_cast<unsigned long long>(sum.failures), read_by_python,
                static_cast<unsigned long long>(arguments_.seed), seconds,
                1000 * seconds / static_cast<double>(std::max<std::uint64_t>(sum.images, 1)));
    return sum.failures == 0 && sum.images > 0;
  }

 private:
  static constexpr std::uint64_t kShown = 5;
  static void print(const Cell& cell) {
    const std::string text = std::to_string(cell.failures) + "/" + std::to_string(cell.images);
    std::printf("%10s", text.c_str());
  }

  const Arguments& arguments_;
  std::map<std::string_view, std::map<char, Cell>> cells_;
};

/// "…/edits-T-40.h5 TAB what is wrong". @returns how many files were read
std::size_t add_python(const std::string& lines, Report& report) {
  std::size_t read = 0;
  for (std::size_t at = 0, end; (end = lines.find('\n', at)) != std::string::npos; at = end + 1, ++read) {
    const std::string line = lines.substr(at, end - at);
    const auto tab = line.find('\t');
    if (line.substr(tab + 1) == "good") continue;
    const std::string name = fs::path{line.substr(0, tab)}.stem();
    const auto last = name.rfind('-');
    report.fail(find_scenario(name.substr(0, last - 2))->name, name[last - 1], std::stoull(name.substr(last + 1)),
                "Python: " + line.substr(tab + 1));
  }
  return read;
}

int run(const Arguments& arguments) {
  struct sigaction on_signal {};  // without SA_RESTART: read() has to come back
  on_signal.sa_handler = [](int) { interrupted = 1; };
  for (const int number : {SIGINT, SIGTERM}) sigaction(number, &on_signal, nullptr);
  const auto begin = std::chrono::steady_clock::now();
  std::string base =
      fs::exists("/dev/shm") ? "/dev/shm/mth5-crash.XXXXXX" : (fs::temp_directory_path() / "mth5-crash.XXXXXX").string();
  if (mkdtemp(base.data()) == nullptr) throw std::runtime_error{base + ": cannot be made"};
  struct Remove {
    fs::path path;
    ~Remove() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  } const work{base};
  fs::create_directory(work.path / "python");
  Options options{fs::read_symlink("/proc/self/exe").parent_path(), work.path, arguments.seed, arguments.jobs, arguments.keep};
  if (options.keep) fs::create_directories(*options.keep);
  std::optional<Python> python;
  if (arguments.python) {
    python.emplace(*arguments.python, fs::path{CRASH_SOURCE} / "read_images.py", work.path / "python.txt");
    options.python_pipe = python->pipe();
  }
  Report report{arguments};
  std::uint64_t shares = 0, shared = 0;
  for (const auto* scenario : arguments.scenarios)
    shares += arguments.models.size() * static_cast<std::uint64_t>(scenario->share);
  for (const auto* scenario : arguments.scenarios) {
    std::map<char, std::vector<std::uint64_t>> wanted;
    for (const char model : arguments.models) {
      const std::uint64_t before = arguments.images * shared / shares;
      shared += static_cast<std::uint64_t>(scenario->share);
      const std::uint64_t n = arguments.images * shared / shares - before;
      if (arguments.index)
        wanted[model] = {*arguments.index};
      else
        for (std::uint64_t i = 0; i < n; ++i) wanted[model].push_back(i);
    }
    try {
      run_scenario(options, *scenario, wanted, [&](const Outcome& outcome) { report.add(*scenario, outcome); });
    } catch (const std::runtime_error&) {
      if (interrupted == 0) throw;
      break;  // what is done is told
    }
  }
  const std::size_t read = python && interrupted == 0 ? add_python(python->finish(), report) : 0;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  bool good = report.print(took.count(), read);
  if (python && read == 0 && !arguments.index && interrupted == 0) {
    std::printf("crash images: Python was to read some of them and has read none\n");
    good = false;
  }
  if (interrupted != 0) std::printf("crash images: interrupted\n");
  return interrupted != 0 ? 130 : good ? 0 : 1;
}

}  // namespace
}  // namespace crash

int main(int argc, char** argv) {
  try {
    return crash::run(crash::parse(argc, argv));
  } catch (const std::invalid_argument& e) {
    std::fprintf(stderr, "crash_images: error: %s\n%s", e.what(), crash::kUsage);
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "crash_images: error: %s\n", e.what());
    return 1;
  }
}
