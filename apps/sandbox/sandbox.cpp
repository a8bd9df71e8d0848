#include "sandbox/sandbox.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"
#include "mth5/io.hpp"
#include "mth5/time.hpp"

namespace sandbox {

namespace {

using Steady = std::chrono::steady_clock;

enum Code : int { kDone = 0, kDamaged = 4, kFailed = 5, kNoMemory = 6, kBusy = 7 };

constexpr std::chrono::milliseconds kLook{50};           ///< between looks at the clock and the caller
constexpr std::chrono::milliseconds kDeathThroes{2000};  ///< after SIGKILL; longer only where the disk hangs

/// What the child tells, in memory it shares with its parent: it must be there even if the child dies between two instructions.
struct Shared {
  char object[1024];
  char message[4096];
  std::atomic<std::int64_t> done, total;
  std::atomic<std::uint64_t> steps;
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free && std::atomic<std::uint64_t>::is_always_lock_free);

struct Unmap {
  void operator()(Shared* shared) const { munmap(shared, sizeof(Shared)); }
};

using mth5::Descriptor;

template <std::size_t N>
void put(char (&to)[N], std::string_view text) {
  const std::size_t n = std::min(text.size(), N - 1);
  std::memcpy(to, text.data(), n);
  to[n] = '\0';
}

/// Text of a child: up to its zero, wherever that is.
template <std::size_t N>
std::string text_of(const char (&from)[N]) {
  return {from, strnlen(from, N)};
}

std::string words(int error) { return std::generic_category().message(error); }

/// The child ends by SIGPROF unless it comes to the next object in time.
void set_timer(std::chrono::milliseconds cpu) {
  const itimerval in{{0, 0}, {cpu.count() / 1000, cpu.count() % 1000 * 1000}};
  setitimer(ITIMER_PROF, &in, nullptr);
}

void set_limits(const Limits& limits, [[maybe_unused]] std::size_t address_space) {
  const auto limit = [](auto what, rlim_t value) {
    rlimit both{};
    // A stricter limit that holds already stays.
    if (getrlimit(what, &both) == 0) value = std::min(value, both.rlim_max);
    both = {value, value};
    setrlimit(what, &both);
  };
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, limits.file_bytes);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  limit(RLIMIT_AS, address_space);
#endif
}

/// Bytes of address space of this process.
std::size_t address_space() {
  std::size_t pages = 0;
  std::ifstream{"/proc/self/statm"} >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void close_all_from(int first) {
  if (close_range(static_cast<unsigned>(first), ~0U, 0) == 0) return;
  for (int number = first; number < 65536; ++number) close(number);  // a kernel before 5.9
}

class ChildReports : public Reports {
 public:
  ChildReports(Shared& shared, std::chrono::milliseconds cpu) : shared_{shared}, cpu_{cpu} {}
  void visit(const std::string& object) override {
    put(shared_.object, object);
    ++shared_.steps;
    set_timer(cpu_);
  }
  void progress(std::int64_t done, std::int64_t total) override {
    shared_.total.store(total, std::memory_order_relaxed);
    shared_.done.store(done, std::memory_order_relaxed);
    ++shared_.steps;
    set_timer(cpu_);
  }

 private:
  Shared& shared_;
  std::chrono::milliseconds cpu_;
};

/// Each answer of the disk is a step: one recovery is one object, and takes a slow card as long as it takes.
class CountingIo final : public mth5::Io {
 public:
  CountingIo(Shared& shared, const mth5::Io& disk) : shared_{shared}, disk_{disk} {}
  [[nodiscard]] ssize_t pread(int fd, void* bytes, std::size_t size, off_t at) const override {
    return counted(disk_.pread(fd, bytes, size, at));
  }
  [[nodiscard]] ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t at) const override {
    return counted(disk_.pwrite(fd, bytes, size, at));
  }
  [[nodiscard]] int ftruncate(int fd, off_t size) const override { return counted(disk_.ftruncate(fd, size)); }
  [[nodiscard]] int fallocate(int fd, off_t size) const override { return counted(disk_.fallocate(fd, size)); }
  [[nodiscard]] int posix_fallocate(int fd, off_t size) const override { return counted(disk_.posix_fallocate(fd, size)); }
  [[nodiscard]] int fdatasync(int fd) const override { return counted(disk_.fdatasync(fd)); }
  [[nodiscard]] int fsync(int fd) const override { return counted(disk_.fsync(fd)); }
  [[nodiscard]] std::optional<std::int64_t> free_bytes(const std::filesystem::path& directory) const override {
    return disk_.free_bytes(directory);
  }

 private:
  template <class Result>
  Result counted(Result result) const {
    ++shared_.steps;  // leaves errno alone
    return result;
  }
  Shared& shared_;
  const mth5::Io& disk_;
};

bool send(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

[[noreturn]] void child(const std::function<std::string(Reports&)>& body, const Limits& limits, std::size_t address_space,
                        Shared& shared, int answer_fd, pid_t parent) noexcept {
  // Those that stop the parent are the parent's to decide on: a terminal and systemd send them to both. SIGXFSZ and SIGPIPE are
  // errors of the call that met them.
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGXFSZ, SIGPIPE}) std::signal(number, SIG_IGN);
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS, SIGPROF, SIGALRM, SIGXCPU, SIGCHLD})
    std::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kFailed);
  const int answer = 3;
  if (answer_fd != answer && dup2(answer_fd, answer) < 0) _exit(kFailed);
  close_all_from(answer + 1);
  if (const Descriptor null{open("/dev/null", O_RDWR)}) {  // last words of the C library
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null.get(), standard);
  }
  set_limits(limits, address_space);
  set_timer(limits.cpu_per_object);
  const CountingIo counting{shared, mth5::io()};
  mth5::use_io(&counting);
  int end = kDone;
  try {
    ChildReports reports{shared, limits.cpu_per_object};
    const std::string text = body(reports);
    end = send(answer, text) ? kDone : kFailed;
  } catch (const mth5::FormatError& e) {
    put(shared.message, e.what());
    end = kDamaged;
  } catch (const mth5::BusyError& e) {
    put(shared.message, e.what());
    end = kBusy;
  } catch (const std::bad_alloc&) {
    end = kNoMemory;
  } catch (const std::exception& e) {
    put(shared.message, e.what());
    end = kFailed;
  } catch (...) {
    put(shared.message, "an exception that is none of ours");
    end = kFailed;
  }
  _exit(end);
}

std::string seconds(std::chrono::milliseconds time) { return std::to_string(time.count()) + " ms"; }

/// Takes what the child writes until it closes its end. @returns why it was given up, nullopt if it was not
std::optional<End> listen(int fd, const Shared& shared, const Limits& limits, const Watch& watch, Outcome& outcome) {
  const auto began = mth5::steady_now();
  auto stepped = began;
  std::array<char, 65536> bytes;
  std::int64_t shown = -1;
  std::uint64_t steps = 0;
  const auto look_for_steps = [&](Steady::time_point now) {
    const auto come = shared.steps.load();
    if (come == steps) return;
    steps = come;
    stepped = now;
    if (watch.step) watch.step();
  };
  for (;;) {
    if (watch.cancelled && watch.cancelled()) return End::Cancelled;
    const auto now = mth5::steady_now();
    look_for_steps(now);
    if (now >= began + limits.wall || now >= stepped + limits.stall) {
      outcome.reason = now >= began + limits.wall ? "it takes more than " + seconds(limits.wall)
                                                  : "it came no further for " + seconds(limits.stall);
      outcome.slow = true;
      return End::TooLong;
    }
    if (const auto done = shared.done.load(std::memory_order_relaxed); watch.progress && done != shown)
      watch.progress(shown = done, shared.total.load(std::memory_order_relaxed));
    pollfd look{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = poll(&look, 1, static_cast<int>(kLook.count()));
    if (ready <= 0) continue;  // also EINTR: the caller's signals
    const ssize_t n = read(fd, bytes.data(), bytes.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) {
      look_for_steps(now);
      return std::nullopt;
    }
    stepped = now;
    if (outcome.answer.size() + static_cast<std::size_t>(n) > limits.answer_bytes) {
      outcome.reason = "its answer is longer than " + std::to_string(limits.answer_bytes >> 20) + " MiB";
      return End::Crashed;
    }
    outcome.answer.append(bytes.data(), static_cast<std::size_t>(n));
  }
}

/// @returns nothing if it does not end in time: a process in a call to a disk that hangs cannot even be killed
std::optional<int> reap(pid_t pid, std::chrono::milliseconds patience) {
  const auto until = mth5::steady_now() + patience;
  for (int status = 0;;) {
    const pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == pid) return status;
    if (ended < 0 && errno != EINTR) return std::nullopt;
    if (mth5::steady_now() >= until) return std::nullopt;
    poll(nullptr, 0, 1);
  }
}

void judge(int status, const Limits& limits, Outcome& outcome) {
  if (WIFEXITED(status)) {
    switch (WEXITSTATUS(status)) {
      case kDone:
        outcome.end = End::Done;
        return;
      case kDamaged:
        outcome.end = End::Damaged;
        return;
      case kBusy:
        outcome.end = End::Busy;
        return;
      case kFailed:
        outcome.end = End::Failed;
        return;
      case kNoMemory:
        outcome.end = End::OutOfMemory;
        outcome.reason = "reading it takes more than " + std::to_string(limits.memory_bytes >> 20) + " MiB of memory";
        return;
      default:
        outcome.end = End::Crashed;
        outcome.reason = "HDF5 ended in it";
        return;
    }
  }
  const int signal = WTERMSIG(status);
  if (signal == SIGPROF) {
    outcome.end = End::TooLong;
    outcome.reason = "HDF5 does not come to an end with it (" + seconds(limits.cpu_per_object) + ")";
    return;
  }
  if (signal == SIGKILL) {
    outcome.end = End::Killed;
    outcome.reason = "the process that looked at it was killed, as a system short of memory does";
    return;
  }
  outcome.end = End::Crashed;
  outcome.reason = "HDF5 crashed on it (" + std::string{strsignal(signal)} + ")";
}

}  // namespace

Limits limits_for(const std::filesystem::path& path, std::uint64_t may_write) {
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  struct stat info {};
  const bool there = stat(path.c_str(), &info) == 0;
  const auto bytes = there ? static_cast<std::uint64_t>(info.st_size) : 0;
  const auto on_disk = there ? static_cast<std::uint64_t>(info.st_blocks) * 512 : 0;  // without its holes
  Limits limits;
  limits.file_bytes = may_write;
  // Ten thousand runs take their time in one recovery, and take hundreds of MiB on the disk.
  limits.cpu_per_object = std::chrono::milliseconds{4000 + static_cast<std::int64_t>(50 * on_disk / kMiB)};
  // Slower than a mebibyte a second no disk is that can be recovered from.
  limits.wall += std::chrono::seconds{bytes / kMiB};
  return limits;
}

void fail(const std::filesystem::path& path, const Outcome& outcome, const std::string& then) {
  if (outcome.end == End::Damaged) throw mth5::FormatError{outcome.message};
  if (outcome.end == End::Busy) throw mth5::BusyError{outcome.message, 0};
  if (outcome.end == End::Failed) throw mth5::FileError{outcome.message};
  const auto text = path.string() + ": " + outcome.what_is_wrong() + then;
  if (outcome.end == End::Killed) throw mth5::FileError{text};
  throw mth5::FormatError{text};
}

std::string Outcome::what_is_wrong() const {
  const std::string where = object.empty() ? "its superblock" : object;
  if (slow) return "could not be looked at: " + reason + ", and it had come to " + where + "; the disk or the machine is slow";
  return end == End::Killed ? reason : "damaged, at " + where + ": " + reason;
}

Outcome run(const std::function<std::string(Reports&)>& body, const Limits& limits, const Watch& watch) {
  const auto fail = [](const char* what) -> void {
    const int error = errno;
    throw mth5::FileError{std::string{"a child process that looks at a file: "} + what + ": " + words(error)};
  };
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap");
  const std::unique_ptr<Shared, Unmap> shared{new (memory) Shared{}};
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe");
  const Descriptor from_child{ends[0]};
  Descriptor to_parent{ends[1]};
  const std::size_t room = address_space() + limits.memory_bytes;
  const pid_t self = getpid();
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) child(body, limits, room, *shared, to_parent.get(), self);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  if (pid < 0) fail("fork");
  to_parent.reset();

  Outcome outcome;
  outcome.pid = pid;
  const auto given_up = listen(from_child.get(), *shared, limits, watch, outcome);
  // One that closed its end is about to end; what it has not ended by then it never will.
  auto status = given_up ? std::nullopt : reap(pid, std::min(limits.wall, kDeathThroes));
  if (status) {
    judge(*status, limits, outcome);
  } else {
    outcome.end = given_up.value_or(End::TooLong);
    if (!given_up) outcome.reason = "it does not come to an end";
    kill(pid, SIGKILL);
    status = reap(pid, kDeathThroes);
  }
  if (!status) outcome.reason += ", and its process cannot be ended: the disk hangs";
  if (outcome.end != End::Done) outcome.answer.clear();
  outcome.object = text_of(shared->object);
  outcome.message = text_of(shared->message);
  return outcome;
}

}  // namespace sandbox
