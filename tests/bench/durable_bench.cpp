// What it costs to be safe: bytes to the medium when every tenth flush is synced, commits beside a reader that never rests, and
// the recovery of a large file whose writer was killed.  durable.sh runs it; JSON on stdout.
#include <fcntl.h>
#include <getopt.h>
#include <hdf5.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "bench_file.hpp"
#include "mth5/error.hpp"
#include "mth5/reader.hpp"

namespace {

struct Options {
  std::string what, writer = "libmth5", out = "bench.out";
  std::size_t channels = 5, batch = 1000, commits = 200, sync_every = 10;
  double seconds = 20, rate = 50, gigabytes = 1;
};

[[noreturn]] void usage() {
  std::fputs(
      "usage: durable_bench bytes    [--writer raw|hdf5|libmth5] [--channels N] [--batch SAMPLES] [--commits N] [--sync-every "
      "N]\n"
      "       durable_bench latency  [--seconds S] [--rate COMMITS_A_SECOND] [--channels N] [--batch SAMPLES] [--sync-every N]\n"
      "       durable_bench recovery [--gigabytes G] [--channels N]\n"
      "       all: [--out FILE]\n",
      stderr);
  std::exit(2);
}

Options read_options(int argc, char** argv) {
  static const option kLong[] = {{"writer", 1, nullptr, 'w'},     {"channels", 1, nullptr, 'c'}, {"batch", 1, nullptr, 'b'},
                                 {"commits", 1, nullptr, 'n'},    {"seconds", 1, nullptr, 't'},  {"rate", 1, nullptr, 'r'},
                                 {"sync-every", 1, nullptr, 's'}, {"out", 1, nullptr, 'o'},      {"gigabytes", 1, nullptr, 'g'},
                                 {nullptr, 0, nullptr, 0}};
  Options options;
  for (int o; (o = getopt_long(argc, argv, "", kLong, nullptr)) != -1;) {
    if (o == 'w') options.writer = optarg;
    if (o == 'o') options.out = optarg;
    if (o == 'w' || o == 'o') continue;
    const double value = o == '?' ? 0 : std::strtod(optarg, nullptr);
    if (!(value > 0)) usage();
    const auto count = static_cast<std::size_t>(value);
    if (o == 'c') options.channels = count;
    if (o == 'b') options.batch = count;
    if (o == 'n') options.commits = count;
    if (o == 's') options.sync_every = count;
    if (o == 't') options.seconds = value;
    if (o == 'r') options.rate = value;
    if (o == 'g') options.gigabytes = value;
  }
  if (optind != argc - 1) usage();
  options.what = argv[optind];
  return options;
}

double now_s() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

void require(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::exit(1);
}

/// [channel][sample], never 0.
std::vector<std::int32_t> samples(const Options& options) {
  std::vector<std::int32_t> all(options.channels * options.batch);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i * 2'654'435'761u % 16'777'213u + 1);
  return all;
}

/// Pages made dirty, in bytes: what is on its way to the medium. Source: proc(5), /proc/pid/io.
double write_bytes() {
  std::ifstream in{"/proc/self/io"};
  double value = 0;
  for (std::string key; in >> key >> value;)
    if (key == "write_bytes:") return value;
  return 0;
}

void commit_raw(const Options& options, const std::vector<std::int32_t>& block, const std::function<void()>& start) {
  const int fd = open(options.out.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0644);
  require(fd >= 0, options.out.c_str());
  start();
  const std::size_t bytes = block.size() * sizeof block[0];
  for (std::size_t k = 1; k <= options.commits; ++k) {
    require(write(fd, block.data(), bytes) == static_cast<ssize_t>(bytes), "write");
    if (k % options.sync_every == 0) require(fdatasync(fd) == 0, "fdatasync");
  }
  close(fd);
}

/// As hdf5_writer.c of the references, which cannot sync every tenth batch.
void commit_hdf5(const Options& options, const std::vector<std::int32_t>& block, const std::function<void()>& start) {
  const auto ok = [](auto rc) {
    require(rc >= 0, "HDF5");
    return rc;
  };
  const hid_t access = ok(H5Pcreate(H5P_FILE_ACCESS));
  ok(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110));
  const hid_t file = ok(H5Fcreate(options.out.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access));
  const hsize_t none = 0, unlimited = H5S_UNLIMITED, chunk = bench::kChunk, count = options.batch;
  const hid_t space = ok(H5Screate_simple(1, &none, &unlimited)), memory = ok(H5Screate_simple(1, &count, nullptr));
  const hid_t create = ok(H5Pcreate(H5P_DATASET_CREATE));
  ok(H5Pset_chunk(create, 1, &chunk));
  std::vector<hid_t> sets;
  for (std::size_t c = 0; c < options.channels; ++c)
    sets.push_back(
        ok(H5Dcreate2(file, ("ch" + std::to_string(c)).c_str(), H5T_NATIVE_INT32, space, H5P_DEFAULT, create, H5P_DEFAULT)));
  ok(H5Fstart_swmr_write(file));
  int* fd = nullptr;
  ok(H5Fget_vfd_handle(file, H5P_DEFAULT, reinterpret_cast<void**>(&fd)));
  start();
  for (std::size_t k = 1; k <= options.commits; ++k) {
    const hsize_t first = (k - 1) * count, size = k * count;
    for (std::size_t c = 0; c < options.channels; ++c) {
      ok(H5Dset_extent(sets[c], &size));
      const hid_t where = ok(H5Dget_space(sets[c]));
      ok(H5Sselect_hyperslab(where, H5S_SELECT_SET, &first, nullptr, &count, nullptr));
      ok(H5Dwrite(sets[c], H5T_NATIVE_INT32, memory, where, H5P_DEFAULT, block.data() + c * options.batch));
      H5Sclose(where);
    }
    ok(H5Fflush(file, H5F_SCOPE_GLOBAL));
    if (k % options.sync_every == 0) require(fdatasync(*fd) == 0, "fdatasync");
  }
  // What closing writes is no commit: it is left out, for all three.
}

mth5::Matrix<const std::int32_t> matrix(const Options& options, const std::vector<std::int32_t>& block) {
  return {block.data(), options.channels, options.batch, options.batch};
}

void commit_libmth5(const Options& options, const std::vector<std::int32_t>& block, const std::function<void()>& start,
                    const std::function<void()>& end) {
  auto [file, run] = bench::live_file(options.out, 1000.0, bench::channels(options.channels, mth5::SampleType::Int32));
  file.sync();
  start();
  for (std::size_t k = 1; k <= options.commits; ++k) {
    file.append(run, matrix(options, block));
    if (k % options.sync_every == 0)
      file.sync();
    else
      file.flush();
  }
  end();
}

void bytes(const Options& options) {
  const auto block = samples(options);
  double before = 0, after = 0;
  const auto start = [&] { before = write_bytes(); };
  const auto end = [&] { after = write_bytes(); };
  if (options.writer == "raw")
    commit_raw(options, block, start), end();
  else if (options.writer == "hdf5")
    commit_hdf5(options, block, start), end();
  else if (options.writer == "libmth5")
    commit_libmth5(options, block, start, end);
  else
    usage();
  const double payload = static_cast<double>(block.size() * sizeof block[0] * options.commits);
  std::printf(
      "{\"name\": \"%s\", \"channels\": %zu, \"batch\": %zu, \"commits\": %zu, \"sync_every\": %zu, \"bytes_per_byte\": %.3f}\n",
      options.writer.c_str(), options.channels, options.batch, options.commits, options.sync_every, (after - before) / payload);
}

/// A process of its own; killed with us.
pid_t forked(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t pid = fork();
  require(pid >= 0, "fork");
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    body();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "durable_bench: error: %s\n", e.what());
    _exit(1);
  }
  std::fflush(nullptr);
  _exit(0);
}

void kill_and_reap(pid_t pid) {
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

void latency(const Options& options) {
  auto [file, run] = bench::live_file(options.out, 1000.0, bench::channels(options.channels, mth5::SampleType::Int32));
  file.sync();
  const pid_t reader = forked([&] {
    mth5::Reader hammer{options.out};
    for (;;) {
      hammer.refresh();
      for (std::size_t c = 0; c < hammer.channels().size(); ++c)
        (void)hammer.read(c, hammer.channels()[c].n_samples - static_cast<std::int64_t>(options.batch),
                          static_cast<std::int64_t>(options.batch));
    }
  });
  const auto block = samples(options);
  std::vector<double> visible, durable;
  const double began = now_s();
  for (std::size_t k = 1; now_s() - began < options.seconds; ++k) {
    const double at = now_s();
    file.append(run, matrix(options, block));
    const bool sync = k % options.sync_every == 0;
    if (sync)
      file.sync();
    else
      file.flush();
    (sync ? durable : visible).push_back(now_s() - at);
    std::this_thread::sleep_for(std::chrono::duration<double>(began + static_cast<double>(k) / options.rate - now_s()));
  }
  kill_and_reap(reader);
  file.close();
  for (auto* laps : {&visible, &durable}) {
    if (laps->empty()) usage();
    std::sort(laps->begin(), laps->end());
    std::printf("{\"name\": \"%s\", \"commits\": %zu, \"us_p50\": %.0f, \"us_p99\": %.0f, \"us_max\": %.0f}\n",
                laps == &visible ? "visible" : "durable", laps->size(), bench::quantile(*laps, .5) * 1e6,
                bench::quantile(*laps, .99) * 1e6, laps->back() * 1e6);
  }
}

/// In a fresh process, with nothing of the file in memory. `body` calls what it is given when the clock is to stop.
void timed(const char* name, const std::string& path, const std::function<std::string(const std::function<void()>&)>& body) {
  const int fd = open(path.c_str(), O_RDONLY);
  require(fd >= 0 && fdatasync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0, path.c_str());
  close(fd);
  int status = 0;
  const pid_t pid = forked([&] {
    const double began = now_s();
    double took = 0;
    const std::string found = body([&] { took = now_s() - began; });
    std::printf("{\"name\": \"%s\", \"ms\": %.1f, \"found\": \"%s\"}\n", name, took * 1e3, found.c_str());
  });
  require(waitpid(pid, &status, 0) == pid && status == 0, name);
}

void recovery(const Options& options) {
  Options large = options;
  large.batch = 100'000;
  const auto wanted =
      static_cast<std::size_t>(options.gigabytes * 1e9 / static_cast<double>(large.channels * large.batch * 4)) + 1;
  int told[2];
  require(pipe(told) == 0, "pipe");
  const pid_t writer = forked([&] {
    const auto block = samples(large);
    auto [file, run] = bench::live_file(large.out, 24'000.0, bench::channels(large.channels, mth5::SampleType::Int32));
    for (std::size_t k = 1; k <= wanted; ++k) {
      file.append(run, matrix(large, block));
      if (k % 50 == 0)
        file.sync();
      else
        file.flush();
    }
    require(write(told[1], "x", 1) == 1, "pipe");
    for (;;) pause();
  });
  close(told[1]);
  char byte = 0;
  require(read(told[0], &byte, 1) == 1, "the writer");
  kill_and_reap(writer);
  const auto n = [&](std::int64_t samples) { return std::to_string(samples) + " samples a channel"; };
  const auto read_it = [&](const std::function<void()>& stop) {
    const mth5::Reader reader{large.out};
    stop();
    return n(reader.runs().at(0).n_samples);
  };
  const auto open_it = [&](const std::function<void()>& stop) {
    auto file = mth5::File::open(large.out, "r+", {.swmr = true});
    stop();
    const auto found = n(file.n_samples(file.open_run("BENCH", "S1", "a"))) + (file.recovery().empty() ? "" : ", recovered");
    file.close();
    return found;
  };
  timed("mth5::Reader, writer dead", large.out, read_it);
  timed("File::open, writer dead", large.out, open_it);
  timed("File::open, closed file", large.out, open_it);
  std::printf("{\"name\": \"expected\", \"found\": \"%s\"}\n", n(static_cast<std::int64_t>(wanted * large.batch)).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  try {
    if (options.what == "bytes")
      bytes(options);
    else if (options.what == "latency")
      latency(options);
    else if (options.what == "recovery")
      recovery(options);
    else
      usage();
  } catch (const mth5::Error& e) {
    std::fprintf(stderr, "durable_bench: error: %s\n", e.what());
    return 1;
  }
  std::remove(options.out.c_str());
  return std::fflush(stdout) == 0 ? 0 : 1;
}
