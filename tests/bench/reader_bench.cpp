// What a reader pays to look at a live file: refresh(), and the last second of every channel. A process appends and flushes a
// second of samples, then this one looks; they take turns, so that nothing but the look is measured.
//   reader_bench FILE [CHANNELS (5) [LOOKS (200)]]
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench_file.hpp"
#include "mth5/error.hpp"
#include "mth5/reader.hpp"

namespace {

constexpr std::size_t kRate = 1000;  // Hz: the last second are so many samples

struct Turns {
  int from, to;
  [[nodiscard]] bool wait() const {
    char c;
    return read(from, &c, 1) == 1;
  }
  void pass() const {
    if (write(to, "x", 1) != 1) std::_Exit(1);
  }
};

int append(const char* path, std::size_t n_channels, const Turns& turns) {
  auto [file, run] = bench::live_file(path, kRate, bench::channels(n_channels, mth5::SampleType::Int32));
  const std::vector<std::int32_t> second(n_channels * kRate, 7);
  do {
    file.append(run, mth5::Matrix<const std::int32_t>{second.data(), n_channels, kRate, kRate});
    file.flush();
    turns.pass();
  } while (turns.wait());
  file.close();
  return 0;
}

int look(const char* path, std::size_t n_channels, std::size_t looks, const Turns& turns) {
  using Clock = std::chrono::steady_clock;
  const auto us = [](Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double, std::micro>(to - from).count();
  };
  if (!turns.wait()) return 1;
  mth5::Reader reader{path};
  std::vector<double> refresh, read, samples(kRate);
  for (std::size_t k = 0; k < looks; ++k) {
    turns.pass();
    if (!turns.wait()) return 1;
    const auto began = Clock::now();
    reader.refresh();
    const auto refreshed = Clock::now();
    for (std::size_t c = 0; c < n_channels; ++c) {
      const auto n = reader.channels()[c].n_samples;
      if (reader.read(c, n - static_cast<std::int64_t>(kRate), samples) != kRate || samples.back() != 7) return 1;
    }
    const auto ended = Clock::now();
    refresh.push_back(us(began, refreshed));
    read.push_back(us(refreshed, ended));
  }
  std::sort(refresh.begin(), refresh.end());
  std::sort(read.begin(), read.end());
  std::printf(
      "{\"name\": \"mth5::Reader\", \"channels\": %zu, \"looks\": %zu, \"us_refresh_p50\": %.1f, \"us_refresh_p99\": %.1f, "
      "\"us_read_p50\": %.1f, \"us_read_p99\": %.1f}\n",
      n_channels, looks, bench::quantile(refresh, .5), bench::quantile(refresh, .99), bench::quantile(read, .5),
      bench::quantile(read, .99));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int i, long otherwise) { return i < argc ? std::strtol(argv[i], nullptr, 10) : otherwise; };
  const long channels = number(2, 5), looks = number(3, 200);
  if (argc < 2 || argc > 4 || channels < 1 || looks < 1) {
    std::fputs("usage: reader_bench FILE [CHANNELS (5) [LOOKS (200)]]\n", stderr);
    return 2;
  }
  int there[2], back[2];
  if (pipe(there) != 0 || pipe(back) != 0) return std::perror("reader_bench: pipe"), 1;
  // Before either side touches HDF5: it shares what one process has open.
  const pid_t child = fork();
  if (child < 0) return std::perror("reader_bench: fork"), 1;
  const auto n = static_cast<std::size_t>(channels);
  try {
    if (child == 0) {
      close(there[1]);  // the end of the reader is the end of this
      std::_Exit(append(argv[1], n, {there[0], back[1]}));
    }
    close(there[0]);
    close(back[1]);
    int code = look(argv[1], n, static_cast<std::size_t>(looks), {back[0], there[1]});
    close(there[1]);
    int status = 0;
    waitpid(child, &status, 0);
    if (code != 0 || status != 0) std::fputs("reader_bench: error: the two did not come to an end in order\n", stderr);
    return code != 0 || status != 0 ? 1 : 0;
  } catch (const mth5::Error& e) {
    std::fprintf(stderr, "reader_bench: error: %s\n", e.what());
    if (child == 0) std::_Exit(1);
    return 1;
  }
}
