// What an append + flush (and sync) of libmth5 costs. Options and JSON keys are those of the reference writers in
// shared/bench (README.md there), so that compare.sh can enter this program beside them.
#include <getopt.h>
#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>
#include <string>
#include <vector>

#include "bench_file.hpp"
#include "mth5/error.hpp"

namespace {

// What C++ allocates: HDF5 has malloc and its own free lists.
std::size_t allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

constexpr std::size_t kRing = 4;  // distinct batches, made before the clock starts

struct Options {
  std::size_t channels = 5, batch = 1000, batches = 200;
  mth5::SampleType type = mth5::SampleType::Int32;
  bool sync = false;
  std::string out = "bench.out";
};

[[noreturn]] void usage() {
  std::fputs(
      "usage: writer_bench [--channels N] [--batch SAMPLES] [--batches N] [--dtype int32|float32|float64] [--sync] [--out "
      "FILE]\n",
      stderr);
  std::exit(2);
}

std::size_t count(const char* text) {
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < 1) usage();
  return static_cast<std::size_t>(value);
}

Options read_options(int argc, char** argv) {
  static const option kLong[] = {{"channels", 1, nullptr, 'c'}, {"batch", 1, nullptr, 'b'}, {"batches", 1, nullptr, 'n'},
                                 {"dtype", 1, nullptr, 'd'},    {"sync", 0, nullptr, 's'},  {"out", 1, nullptr, 'o'},
                                 {nullptr, 0, nullptr, 0}};
  Options options;
  for (int o; (o = getopt_long(argc, argv, "", kLong, nullptr)) != -1;) {
    if (o == 'c')
      options.channels = count(optarg);
    else if (o == 'b')
      options.batch = count(optarg);
    else if (o == 'n')
      options.batches = count(optarg);
    else if (o == 's')
      options.sync = true;
    else if (o == 'o')
      options.out = optarg;
    else if (const auto type = o == 'd' ? mth5::sample_type_from(optarg) : std::nullopt; type && *type != mth5::SampleType::Int16)
      options.type = *type;
    else
      usage();
  }
  if (optind != argc) usage();
  return options;
}

double clock_s(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// What the process has written so far. Source: proc(5), /proc/pid/io.
struct Io {
  double wchar = 0, write_bytes = 0, syscw = 0;
  static Io now() {
    Io io;
    std::ifstream in{"/proc/self/io"};
    double value;
    for (std::string key; in >> key >> value;) {
      if (key == "wchar:") io.wchar = value;
      if (key == "write_bytes:") io.write_bytes = value;
      if (key == "syscw:") io.syscw = value;
    }
    return io;
  }
};

double peak_rss_mib() {
  std::ifstream in{"/proc/self/status"};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmHWM:")) return std::atof(line.c_str() + 6) / 1024;
  return 0;
}

template <class T>
void measure(const Options& options) {
  std::vector<T> ring(kRing * options.channels * options.batch);  // [batch][channel][sample], never 0
  for (std::size_t k = 0; k < kRing; ++k)
    for (std::size_t c = 0; c < options.channels; ++c)
      for (std::size_t i = 0; i < options.batch; ++i)
        ring[(k * options.channels + c) * options.batch + i] =
            static_cast<T>(((k * options.batch + i) * 2'654'435'761u + c) % 16'777'213u + 1);

  auto [file, run] = bench::live_file(options.out, 1000.0, bench::channels(options.channels, options.type));
  file.sync();
  const auto size_before = static_cast<double>(file.file_bytes());
  std::size_t allocated = 0;  // by append() in the second half
  std::vector<double> laps;
  laps.reserve(options.batches);
  const Io io_before = Io::now();
  const double cpu_before = clock_s(CLOCK_PROCESS_CPUTIME_ID), wall_before = clock_s(CLOCK_MONOTONIC);
  for (std::size_t k = 0; k < options.batches; ++k) {
    const double began = clock_s(CLOCK_MONOTONIC);
    const T* samples = ring.data() + k % kRing * options.channels * options.batch;
    const std::size_t before = allocations;
    file.append(run, mth5::Matrix<const T>{samples, options.channels, options.batch, options.batch});
    if (k >= options.batches / 2) allocated += allocations - before;
    if (options.sync)
      file.sync();
    else
      file.flush();
    laps.push_back(clock_s(CLOCK_MONOTONIC) - began);
  }
  const double wall = clock_s(CLOCK_MONOTONIC) - wall_before, cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_before;
  const Io io = Io::now();
  file.close();

  double busy = 0;
  for (const double lap : laps) busy += lap;
  std::sort(laps.begin(), laps.end());
  const auto us = [&](double q) { return bench::quantile(laps, q) * 1e6; };
  const double samples = static_cast<double>(options.channels * options.batch * options.batches);
  const double payload = samples * sizeof(T);
  std::printf(
      "{\"name\": \"libmth5\", \"channels\": %zu, \"batch\": %zu, \"batches\": %zu, \"dtype\": \"%s\", \"sync\": %s, "
      "\"samples_per_s\": %.0f, \"busy_s\": %.6f, \"us_p50\": %.2f, \"us_p99\": %.2f, \"us_max\": %.2f, \"cpu_s\": %.4f, "
      "\"wall_s\": %.4f, \"rss_mib\": %.1f, \"file_per_payload\": %.4f, \"wchar_per_payload\": %.4f, "
      "\"device_per_payload\": %.4f, \"writes_per_batch\": %.2f, "
      "\"allocations_per_append\": %.3f}\n",
      options.channels, options.batch, options.batches, std::string{to_string(options.type)}.c_str(),
      options.sync ? "true" : "false", samples / busy, busy, us(.5), us(.99), us(1), cpu, wall, peak_rss_mib(),
      (static_cast<double>(file.file_bytes()) - size_before) / payload, (io.wchar - io_before.wchar) / payload,
      (io.write_bytes - io_before.write_bytes) / payload, (io.syscw - io_before.syscw) / static_cast<double>(options.batches),
      static_cast<double>(allocated) / static_cast<double>(options.batches - options.batches / 2));
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  try {
    switch (options.type) {
      case mth5::SampleType::Float32:
        measure<float>(options);
        break;
      case mth5::SampleType::Float64:
        measure<double>(options);
        break;
      default:
        measure<std::int32_t>(options);
    }
  } catch (const mth5::Error& e) {
    std::fprintf(stderr, "writer_bench: error: %s\n", e.what());
    return 1;
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
