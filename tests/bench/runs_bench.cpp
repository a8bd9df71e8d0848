// What a run costs, in bytes of the file and in CPU time: each alone in an edit, and many in one; and what a file of that many
// costs whoever opens it, in time and memory, each in a process of its own. Options: --runs N, --out FILE, --monitor PROGRAM.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "mth5/error.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"

namespace {

constexpr std::size_t kChannels = 9;
constexpr std::chrono::seconds kBetween{20};

double cpu_ms() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

/// Those of a LEMI-424 as mth5d writes them, 20 attributes each.
std::vector<mth5::ChannelSpec> channels() {
  std::vector<mth5::ChannelSpec> specs;
  for (const char* name : {"bx", "by", "bz", "e1", "e2", "e3", "e4", "temperature_e", "temperature_h"}) {
    const auto kind = name[0] == 'b' ? mth5::Kind::Magnetic : name[0] == 'e' ? mth5::Kind::Electric : mth5::Kind::Auxiliary;
    mth5::Metadata metadata{kind};
    metadata.set("component", std::string{name});
    metadata.set("units", std::string{"nanoTesla"});
    metadata.set("measurement_azimuth", 90.0);
    metadata.set("measurement_tilt", 0.0);
    if (kind == mth5::Kind::Electric) metadata.set("dipole_length", 100.0);
    specs.push_back({std::move(metadata), mth5::SampleType::Float64});
  }
  return specs;
}

mth5::Metadata run_metadata(std::size_t number) {
  char id[16];
  std::snprintf(id, sizeof id, "sr1_%04zu", number);
  mth5::Metadata run{mth5::Kind::Run};
  run.set("id", std::string{id});
  run.set("sample_rate", 1.0);
  run.set("data_logger.id", std::string{"L424"});
  run.set("data_logger.manufacturer", std::string{"LEMI LLC."});
  run.set("data_logger.model", std::string{"LEMI-424"});
  return run;
}

struct Runs {
  mth5::File file;
  std::vector<mth5::ChannelSpec> specs = channels();
  mth5::RunId run = {};
  std::size_t number = 0;
  std::vector<double> samples = std::vector<double>(kChannels, 1.5);

  mth5::UtcNanos start() const { return *mth5::parse_time("2026-05-01T00:00:00Z") + number * kBetween; }
  mth5::Matrix<const double> one() const { return {samples.data(), kChannels, 1, 1}; }
  void add(mth5::Edit& edit) {
    run = edit.add_run("S", "MT001", run_metadata(number), start(), specs);
    ++number;
  }
  void add_finished(mth5::Edit& edit) {
    (void)edit.add_finished_run("S", "MT001", run_metadata(number), start(), specs, one());
    ++number;
  }
  void first() {
    mth5::Metadata survey{mth5::Kind::Survey};
    survey.set("id", std::string{"S"});
    mth5::Metadata station{mth5::Kind::Station};
    station.set("id", std::string{"MT001"});
    file.edit([&](mth5::Edit& edit) {
      edit.add_survey(survey);
      edit.add_station("S", station);
      add(edit);
    });
    file.start_swmr();
    file.append(run, one());
    file.sync();
  }
};

/// @param n  runs between two looks
template <class Body>
void measure(Runs& runs, const char* what, std::size_t n, Body body) {
  const auto bytes = static_cast<double>(runs.file.file_bytes());
  const double ms = cpu_ms();
  const std::size_t from = runs.number;
  body(n);
  std::printf("{\"what\": \"%s\", \"from_run\": %zu, \"bytes_per_run\": %.0f, \"cpu_ms_per_run\": %.3f}\n", what, from,
              (static_cast<double>(runs.file.file_bytes()) - bytes) / static_cast<double>(n),
              (cpu_ms() - ms) / static_cast<double>(n));
}

void run(std::size_t n_runs, const std::string& out) {
  std::filesystem::remove(out);
  Runs runs{mth5::File::create(out)};
  runs.first();
  constexpr std::size_t kFew = 50;
  const auto alone = [&](std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      runs.file.edit([&](mth5::Edit& edit) {
        edit.finish_run(runs.run);
        runs.add(edit);
      });
      runs.file.append(runs.run, runs.one());
      runs.file.flush();
    }
  };
  const auto together = [&](std::size_t n) {
    runs.file.edit([&](mth5::Edit& edit) {
      for (std::size_t i = 0; i < n; ++i) runs.add_finished(edit);
    });
  };
  measure(runs, "alone", kFew, alone);
  measure(runs, "together", kFew, together);
  if (n_runs > 4 * kFew) measure(runs, "all together", n_runs - 4 * kFew, together);
  measure(runs, "alone", kFew, alone);
  measure(runs, "together", kFew, together);
  const double ms = cpu_ms();
  runs.file.close();
  std::printf("{\"what\": \"close\", \"runs\": %zu, \"cpu_ms\": %.1f}\n", runs.number, cpu_ms() - ms);
}

double wall_ms() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

/// Wall time, CPU time and peak memory of a child that runs `body`; HDF5 shares nothing with what was open before.
template <class Body>
void in_child(const char* what, Body body) {
  std::fflush(stdout);
  const double from = wall_ms();
  const pid_t child = fork();
  if (child == 0) {
    try {
      body();
    } catch (const mth5::Error& e) {
      std::fprintf(stderr, "runs_bench: error: %s\n", e.what());
      _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  rusage used{};
  if (child < 0 || wait4(child, &status, 0, &used) != child || status != 0) throw mth5::FileError{std::string{what} + ": failed"};
  const auto cpu = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
                   static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-3;
  std::printf("{\"what\": \"%s\", \"ms\": %.0f, \"cpu_ms\": %.0f, \"peak_MiB\": %ld}\n", what, wall_ms() - from, cpu,
              used.ru_maxrss / 1024);
}

void open_all_ways(const std::string& out, const std::string& monitor) {
  in_child("File::open and close", [&] { mth5::File::open(out).close(); });
  in_child("File::open, open_run of the first run, close", [&] {
    auto file = mth5::File::open(out);
    (void)file.open_run("S", "MT001", "sr1_0000");
    file.close();
  });
  in_child("a writer that crashes", [&] {
    Runs runs{mth5::File::open(out, "r+", {.swmr = true})};
    runs.number = 100'000;
    runs.file.edit([&](mth5::Edit& edit) { runs.add(edit); });
    runs.file.append(runs.run, runs.one());
    runs.file.sync();
    _exit(0);
  });
  in_child("File::open of what it left, and close", [&] { mth5::File::open(out).close(); });
  in_child("Reader", [&] { const mth5::Reader reader{out}; });
  in_child("Reader that walks", [&] { const mth5::Reader reader{out, {.walk = true}}; });
  in_child("mth5-monitor --once", [&] {
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDOUT_FILENO);
    execl(monitor.c_str(), "mth5-monitor", "--once", out.c_str(), static_cast<char*>(nullptr));
    throw mth5::FileError{monitor + ": cannot be started; --monitor names it"};
  });
  // A reader that follows: the writer is another process, told when by a pipe.
  int ready[2], go[2];
  if (pipe(ready) != 0 || pipe(go) != 0) throw mth5::FileError{"pipe"};
  const pid_t writer = fork();
  if (writer == 0) {
    char c = 0;
    Runs runs{mth5::File::open(out, "r+", {.swmr = true})};
    runs.number = 200'000;
    if (write(ready[1], "r", 1) != 1 || read(go[0], &c, 1) != 1) _exit(1);
    runs.file.edit([&](mth5::Edit& edit) { runs.add(edit); });
    if (write(ready[1], "r", 1) != 1 || read(go[0], &c, 1) != 1) _exit(1);
    runs.file.close();
    _exit(0);
  }
  char c = 0;
  if (read(ready[0], &c, 1) != 1) throw mth5::FileError{"the writer failed"};
  mth5::Reader reader{out};
  if (write(go[1], "g", 1) != 1 || read(ready[0], &c, 1) != 1) throw mth5::FileError{"the writer failed"};
  const double from = wall_ms();
  (void)reader.refresh();
  std::printf("{\"what\": \"Reader::refresh after an edit\", \"ms\": %.0f, \"runs\": %zu}\n", wall_ms() - from,
              reader.runs().size());
  if (write(go[1], "g", 1) != 1) throw mth5::FileError{"the writer failed"};
  waitpid(writer, nullptr, 0);
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t n_runs = 1000;
  std::string out = "runs_bench.h5";
  std::string monitor = (std::filesystem::path{argv[0]}.parent_path() / "../bin/mth5-monitor").string();
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--runs") == 0) n_runs = static_cast<std::size_t>(std::atoll(argv[i + 1]));
    if (std::strcmp(argv[i], "--out") == 0) out = argv[i + 1];
    if (std::strcmp(argv[i], "--monitor") == 0) monitor = argv[i + 1];
  }
  try {
    // HDF5 is in no child that was forked from a process that had used it.
    in_child("make it", [&] {
      run(n_runs, out);
      std::fflush(stdout);
    });
    open_all_ways(out, monitor);
  } catch (const mth5::Error& e) {
    std::fprintf(stderr, "runs_bench: error: %s\n", e.what());
    return 1;
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
