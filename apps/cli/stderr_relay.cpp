#include "cli/stderr_relay.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <latch>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "mth5/descriptor.hpp"
#include "mth5/filesystem.hpp"

namespace cli {

namespace {

int bytes_in(int pipe) noexcept {
  int n = 0;
  return ioctl(pipe, FIONREAD, &n) == 0 ? n : 0;
}

template <class Body>
void start_detached(const char* name, Body body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  std::thread thread{[name, body = std::move(body)] {
    pthread_setname_np(pthread_self(), name);
    body();
  }};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  thread.detach();
}

}  // namespace

struct LineRelay::State {
  // Constant after construction.
  int in, out;
  LossLine loss_line;
  std::size_t capacity;
  // Atomic.
  std::latch begun{2};                  ///< by both threads
  std::atomic<std::size_t> waiting{0};  ///< bytes: the queue, the line under way, and the part of a line
  std::atomic<std::uint64_t> dropped{0};
  // Guarded by mutex.
  std::mutex mutex;
  std::condition_variable more, written;
  std::deque<std::string> queue;
  std::size_t queued = 0;  ///< bytes in it
  std::string part;        ///< of a line that has not ended yet
  std::string under_way;   ///< taken from the queue, not written yet
  bool writing = false;
  std::uint64_t missing = 0;  ///< lines dropped behind the end of the queue; while > 0 all that comes is dropped

  // All of these with the mutex held.
  void count() { waiting.store(queued + part.size() + (writing ? under_way.size() : 0)); }
  void put(std::string line) {
    // Once lines are missing, more are until half the queue is free: one remark for many lines instead of one for each.
    if (missing > 0 || queued + line.size() > capacity) {
      ++missing;
      dropped.fetch_add(1);
      return;
    }
    queued += line.size();
    queue.push_back(std::move(line));
    more.notify_one();
  }
  void report_missing() {
    if (missing == 0 || queued > capacity / 2) return;
    auto line = loss_line(std::exchange(missing, 0), "nobody read the log");
    queued += line.size();
    queue.push_back(std::move(line));
  }
  /// Takes what is in the pipe. @returns false at its end
  bool take() {
    std::array<char, 1 << 16> buffer;
    for (;;) {
      const ssize_t n = read(in, buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        count();
        return n < 0 && errno == EAGAIN;
      }
      std::string_view text{buffer.data(), static_cast<std::size_t>(n)};
      for (std::size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
        part += text.substr(0, end + 1);
        put(std::exchange(part, {}));
      }
      part += text;
      if (part.size() >= kLongestLine) end_part();
    }
  }
  void end_part() {
    if (part.empty()) return;
    part += '\n';
    put(std::exchange(part, {}));
  }

  void read_on() {
    begun.count_down();
    for (;;) {
      pollfd ready{.fd = in, .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, -1) < 0 && errno != EINTR) return;
      const std::lock_guard lock{mutex};
      if (!take()) return;
    }
  }
  void write_on() {
    begun.count_down();
    std::uint64_t failed = 0;
    std::unique_lock lock{mutex};
    for (;;) {
      more.wait(lock, [&] { return !queue.empty(); });
      under_way = std::move(queue.front());
      queue.pop_front();
      queued -= under_way.size();
      writing = true;
      report_missing();
      count();
      lock.unlock();
      const int error = mth5::write_all(out, under_way);
      if (error != 0) {  // a full disk, say; of a reader that went for good nobody will ever hear
        ++failed;
        dropped.fetch_add(1);
      } else if (failed > 0 && mth5::write_all(out, loss_line(failed, "the log could not be written")) == 0) {
        failed = 0;
      }
      lock.lock();
      writing = false;
      count();
      written.notify_all();
    }
  }
};

LineRelay::LineRelay(int in, int out, LossLine loss_line, std::size_t capacity) : state_{std::make_shared<State>()} {
  state_->in = in;
  state_->out = out;
  state_->loss_line = std::move(loss_line);
  state_->capacity = capacity;
  fcntl(in, F_SETFL, fcntl(in, F_GETFL) | O_NONBLOCK);
  start_detached("mth5-log-read", [state = state_] { state->read_on(); });
  start_detached("mth5-log-write", [state = state_] { state->write_on(); });
  state_->begun.wait();  // to begin takes memory too: see hold()
}

bool LineRelay::flush(std::chrono::milliseconds limit) {
  State& s = *state_;
  std::unique_lock lock{s.mutex};
  s.take();
  s.end_part();
  s.count();
  return s.written.wait_for(lock, limit, [&] { return s.queue.empty() && !s.writing && s.missing == 0; });
}

void LineRelay::hold() { state_->mutex.lock(); }

void LineRelay::let_go() { state_->mutex.unlock(); }

std::uint64_t LineRelay::dropped() const { return state_->dropped.load(); }

bool LineRelay::busy() const noexcept { return state_->waiting.load() > 0 || bytes_in(state_->in) > 0; }

namespace {

// Descriptor 2 is one for the whole process, and so is its relay. Never destroyed: signal handlers and threads look at it.
std::atomic<LineRelay*> relay{nullptr};
std::atomic<int> original{STDERR_FILENO};

/// Until what was written has been taken, a second at most. Only async-signal-safe calls.
void wait_for_relay() {
  constexpr timespec kNap{0, 10'000'000};
  const LineRelay* active = relay.load();
  for (int nap = 0; nap < 100 && active != nullptr && (nap < 2 || active->busy()); ++nap) nanosleep(&kNap, nullptr);
}

/// Only async-signal-safe calls.
void wait_then_die(int signal) {
  wait_for_relay();
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  raise(signal);  // delivered when this handler returns
}

/// Sanitizers end the process without a signal, and the relay's threads with it: each that is loaded waits for what it has said.
/// (A descriptor of its own for reports would do as little: UBSan closes it, that of ASan too, when its first report begins.)
void let_sanitizers_wait() {
  std::vector<std::string> runtimes{""};  // the program itself, which may hold one
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* found) {
        if (std::string_view{info->dlpi_name}.find("san.so") != std::string_view::npos)
          static_cast<std::vector<std::string>*>(found)->emplace_back(info->dlpi_name);
        return 0;
      },
      &runtimes);
  for (const auto& name : runtimes) {
    void* const runtime = dlopen(name.empty() ? nullptr : name.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (runtime == nullptr) continue;
    using SetCallback = void (*)(void (*)());
    if (const auto set = reinterpret_cast<SetCallback>(dlsym(runtime, "__sanitizer_set_death_callback"))) set(wait_for_relay);
    dlclose(runtime);
  }
}

}  // namespace

void relay_stderr(LineRelay::LossLine loss_line) {
  int ends[2];
  const int before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (before < 0 || pipe2(ends, O_CLOEXEC) != 0) throw std::system_error{errno, std::generic_category(), "standard error"};
  let_sanitizers_wait();
  original.store(before);
  relay.store(new LineRelay{ends[0], before, std::move(loss_line)});
  // A child whose parent's other threads held a lock of the allocator waits for it for ever. That of glibc takes care of it
  // itself, that of ASan does not before GCC 14.
  const auto let_go = [] { relay.load()->let_go(); };
  pthread_atfork([] { relay.load()->hold(); }, let_go, let_go);
  const mth5::Descriptor in{ends[1]};
  if (dup2(in.get(), STDERR_FILENO) < 0) throw std::system_error{errno, std::generic_category(), "standard error"};
  for (const int fatal : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE}) {
    struct sigaction now {};
    if (sigaction(fatal, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) continue;
    now.sa_handler = wait_then_die;
    sigaction(fatal, &now, nullptr);
  }
}

int original_stderr() { return original.load(); }

std::uint64_t dropped_stderr_lines() {
  const LineRelay* active = relay.load();
  return active != nullptr ? active->dropped() : 0;
}

void flush_stderr(std::chrono::milliseconds limit) {
  LineRelay* active = relay.load();
  if (active != nullptr) (void)active->flush(limit);  // what is left is lost with the process: there is nobody to tell
}

void leave(int code, std::chrono::milliseconds limit) {
  flush_stderr(limit);
  std::_Exit(code);
}

}  // namespace cli
