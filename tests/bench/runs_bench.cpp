// What a run costs, in bytes of the file and in CPU time: each alone in an edit, and many in one. Options: --runs N, --out FILE.
#include <time.h>

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
  double ms = cpu_ms();
  runs.file.close();
  std::printf("{\"what\": \"close\", \"runs\": %zu, \"cpu_ms\": %.1f}\n", runs.number, cpu_ms() - ms);
  ms = cpu_ms();
  mth5::File::open(out).close();
  std::printf("{\"what\": \"File::open and close\", \"runs\": %zu, \"cpu_ms\": %.1f}\n", runs.number, cpu_ms() - ms);
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t n_runs = 1000;
  std::string out = "runs_bench.h5";
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--runs") == 0) n_runs = static_cast<std::size_t>(std::atoll(argv[i + 1]));
    if (std::strcmp(argv[i], "--out") == 0) out = argv[i + 1];
  }
  try {
    run(n_runs, out);
  } catch (const mth5::Error& e) {
    std::fprintf(stderr, "runs_bench: error: %s\n", e.what());
    return 1;
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
