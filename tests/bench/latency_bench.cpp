// How soon a reader sees flushed samples: a process that appends and flushes, another that polls Reader::refresh() and reads
// the last sample. Keys as of shared/bench/python_latency.py. Times are CLOCK_MONOTONIC, the same in both processes.
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <vector>

#include "bench_file.hpp"
#include "mth5/reader.hpp"

namespace {

constexpr std::size_t kChannels = 5;
constexpr std::size_t kMostBatches = 100'000;
constexpr double kRate = 50'000;                  // Hz: a batch of 1000 each 20 ms
constexpr std::int64_t kGiveUp = 60'000'000'000;  // ns without anything new

struct Shared {
  std::atomic<bool> file_is_live{false}, reader_is_there{false}, writer_ended{false};
  std::atomic<std::int64_t> before[kMostBatches]{}, after[kMostBatches]{};  // ns, of append + flush
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);  // else it could not be shared between processes

std::int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

void pause_ns(std::int64_t ns) {
  const timespec t{ns / 1'000'000'000, ns % 1'000'000'000};
  nanosleep(&t, nullptr);
}

bool wait_for(const std::atomic<bool>& flag) {
  for (const auto until = now_ns() + kGiveUp; !flag.load();) {
    if (now_ns() > until) return false;
    pause_ns(1'000'000);
  }
  return true;
}

/// Batch k holds k + 1 in every sample. @returns exit code of the child
int write(const std::filesystem::path& path, std::size_t batches, std::size_t batch, std::int64_t interval_ns, Shared& shared) {
  try {
    auto [file, run] = bench::live_file(path, kRate, bench::channels(kChannels, mth5::SampleType::Int32));
    file.flush();
    shared.file_is_live = true;
    if (!wait_for(shared.reader_is_there)) return 1;
    for (std::size_t k = 0; k < batches; ++k) {
      const std::vector<std::int32_t> values(kChannels * batch, static_cast<std::int32_t>(k + 1));
      shared.before[k] = now_ns();
      file.append(run, mth5::Matrix<const std::int32_t>{values.data(), kChannels, batch, batch});
      file.flush();
      shared.after[k] = now_ns();
      pause_ns(interval_ns);
    }
    pause_ns(1'000'000'000);  // for the reader to see the last one live
    shared.writer_ended = true;
    file.close();
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "latency_bench: writer: error: %s\n", e.what());
    shared.writer_ended = true;
    return 1;
  }
}

int read(const std::filesystem::path& path, std::size_t batches, std::size_t batch, Shared& shared) {
  mth5::Reader reader{path};
  const std::size_t last_channel = reader.channels().size() - 1;
  std::vector<std::int64_t> seen(batches, 0);
  std::vector<double> poll_us;
  std::size_t known = 0, errors = 0;
  shared.reader_is_there = true;
  for (auto changed = now_ns(); known < batches && !shared.writer_ended && now_ns() < changed + kGiveUp;) {
    const auto began = now_ns();
    try {
      reader.refresh();
      const auto n = static_cast<std::size_t>(reader.channels()[last_channel].n_samples) / batch;
      double last = 0;
      if (n > known && reader.read(last_channel, static_cast<std::int64_t>(n * batch) - 1, {&last, 1}) == 1 &&
          last == static_cast<double>(n)) {
        changed = now_ns();
        for (; known < n; ++known) seen[known] = changed;
      }
    } catch (const mth5::Error&) {
      ++errors;
    }
    poll_us.push_back(static_cast<double>(now_ns() - began) * 1e-3);
  }
  std::vector<double> late, flush;
  for (std::size_t k = 0; k < known; ++k) {
    // A poll may be over while the writer's flush returns: wait for its time.
    while (shared.after[k] == 0 && !shared.writer_ended) pause_ns(100'000);
    late.push_back(static_cast<double>(seen[k] - shared.after[k]) * 1e-3);
    flush.push_back(static_cast<double>(shared.after[k] - shared.before[k]) * 1e-3);
  }
  if (late.empty()) {
    std::fputs("latency_bench: error: the reader saw nothing\n", stderr);
    return 1;
  }
  for (auto* values : {&late, &flush, &poll_us}) std::sort(values->begin(), values->end());
  std::printf(
      "{\"name\": \"mth5::Reader, polling refresh()\", \"batches\": %zu, \"seen\": %zu, \"polls\": %zu, \"errors\": %zu, "
      "\"us_after_flush_p50\": %.1f, \"us_after_flush_p99\": %.1f, \"us_after_flush_max\": %.1f, \"us_poll_p50\": %.1f, "
      "\"us_poll_p99\": %.1f, \"us_write_flush_p50\": %.1f}\n",
      batches, late.size(), poll_us.size(), errors, bench::quantile(late, .5), bench::quantile(late, .99), late.back(),
      bench::quantile(poll_us, .5), bench::quantile(poll_us, .99), bench::quantile(flush, .5));
  return late.size() == batches ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int i, long otherwise) { return i < argc ? std::strtol(argv[i], nullptr, 10) : otherwise; };
  const long batches = number(2, 300), batch = number(3, 1000), interval_ms = number(4, 20);
  if (argc < 2 || argc > 5 || batches < 1 || batches > long{kMostBatches} || batch < 1 || interval_ms < 0) {
    std::fputs("usage: latency_bench FILE [BATCHES (300) [SAMPLES (1000) [INTERVAL_MS (20)]]]\n", stderr);
    return 2;
  }
  const std::filesystem::path path{argv[1]};
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("latency_bench: mmap");
    return 1;
  }
  Shared& shared = *new (memory) Shared;
  // Before either side touches HDF5: reader and writer of one file must be two processes.
  const pid_t child = fork();
  if (child < 0) {
    std::perror("latency_bench: fork");
    return 1;
  }
  const auto n = static_cast<std::size_t>(batches), size = static_cast<std::size_t>(batch);
  if (child == 0) std::_Exit(write(path, n, size, interval_ms * 1'000'000, shared));
  int code = 1;
  try {
    if (wait_for(shared.file_is_live))
      code = read(path, n, size, shared);
    else
      std::fputs("latency_bench: error: the writer made no file\n", stderr);
  } catch (const mth5::Error& e) {
    std::fprintf(stderr, "latency_bench: error: %s\n", e.what());
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (std::fflush(stdout) != 0) code = 1;
  return code == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
