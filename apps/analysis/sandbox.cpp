#include "analysis/sandbox.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>

#include "mth5/channel.hpp"

namespace analysis {

namespace {

enum End : int { kGood = 0, kDamaged = 4, kOtherError = 5, kNoMemory = 6 };

/// What the child tells, in memory it shares with its parent: it must be there even if the child dies between two instructions.
struct Shared {
  char object[1024];
  char message[2048];
};

struct Unmap {
  void operator()(Shared* shared) const { munmap(shared, sizeof(Shared)); }
};

template <std::size_t N>
void put(char (&to)[N], const std::string& text) {
  const std::size_t n = std::min(text.size(), N - 1);
  std::memcpy(to, text.data(), n);
  to[n] = '\0';
}

void set_limits([[maybe_unused]] const SandboxLimits& limits) {
  const auto limit = [](auto what, rlim_t value) {
    const rlimit both{value, value};
    setrlimit(what, &both);  // fails where a stricter limit holds already
  };
  limit(RLIMIT_CORE, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  limit(RLIMIT_AS, limits.memory_bytes);
#endif
}

/// The child ends by SIGPROF unless it comes to the next object in time.
void set_timer(std::chrono::milliseconds cpu) {
  const itimerval in{{0, 0}, {cpu.count() / 1000, cpu.count() % 1000 * 1000}};
  setitimer(ITIMER_PROF, &in, nullptr);
}

void go_through(const std::filesystem::path& path, const SandboxLimits& limits, Shared& told) {
  const auto visit = [&](const std::string& object) {
    put(told.object, object);
    set_timer(limits.cpu_per_object);
  };
  mth5::ReaderOptions options;
  options.deadline = std::chrono::milliseconds{0};
  options.visiting = visit;
  const mth5::Reader file{path, options};
  for (std::size_t i = 0; i < file.channels().size(); ++i) file.check_channel(i);
  for (const auto& name : file.tables()) {
    visit("/Acquisition/" + name);
    (void)file.table(name, std::max<std::int64_t>(0, file.table_rows(name) - 1));
  }
}

[[noreturn]] void child(const std::filesystem::path& path, const SandboxLimits& limits, Shared& told) noexcept {
  set_limits(limits);
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGPROF}) std::signal(number, SIG_DFL);
  if (const int null = open("/dev/null", O_WRONLY | O_CLOEXEC); null >= 0)
    dup2(null, STDERR_FILENO);  // last words of the C library
  set_timer(limits.cpu_per_object);
  int end = kGood;
  try {
    go_through(path, limits, told);
  } catch (const mth5::FormatError& e) {
    put(told.message, e.what());
    end = kDamaged;
  } catch (const std::bad_alloc&) {
    end = kNoMemory;
  } catch (...) {
    end = kOtherError;  // missing, not readable, in an edit: the caller will find the same
  }
  _exit(end);
}

}  // namespace

void check_in_sandbox(const std::filesystem::path& path, const SandboxLimits& limits) {
  if (mth5::probe(path).locked) return;
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw mth5::FileError{path.string() + ": " + std::generic_category().message(errno)};
  const std::unique_ptr<Shared, Unmap> told{new (memory) Shared{}};
  const pid_t pid = fork();
  if (pid < 0) throw mth5::FileError{path.string() + ": cannot be checked: fork: " + std::generic_category().message(errno)};
  if (pid == 0) child(path, limits, *told);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) throw mth5::FileError{path.string() + ": cannot be checked: " + std::generic_category().message(errno)};
  if (WIFEXITED(status) && (WEXITSTATUS(status) == kGood || WEXITSTATUS(status) == kOtherError)) return;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kDamaged) throw mth5::FormatError{told->message};
  std::string why = "HDF5 ended in it";
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNoMemory)
    why = "reading it takes more than " + std::to_string(limits.memory_bytes >> 20) + " MiB of memory";
  else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
    why = "HDF5 does not come to an end with it (" + std::to_string(limits.cpu_per_object.count()) + " ms)";
  else if (WIFSIGNALED(status))
    why = "HDF5 crashed on it (" + std::string{strsignal(WTERMSIG(status))} + ")";
  throw mth5::FormatError{path.string() + ": damaged, at " + (told->object[0] == '\0' ? "its superblock" : told->object) + ": " +
                          why};
}

}  // namespace analysis
