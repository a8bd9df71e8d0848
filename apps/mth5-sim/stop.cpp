#include "stop.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cli/cli.hpp"
#include "mth5/error.hpp"
#include "mth5/time.hpp"

namespace sim {

namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  return set;
}

extern "C" void leave_at_once(int) { _exit(cli::kInterrupted); }

}  // namespace

Stop::Stop() {
  const sigset_t set = stop_signals();
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal_fd_ = mth5::Descriptor{signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!signal_fd_) throw mth5::Error{"signalfd: " + std::string{std::strerror(errno)}};
}

void Stop::take_signal() {
  signalfd_siginfo info;
  if (read(signal_fd_.get(), &info, sizeof info) != sizeof info) return;
  requested_ = true;
  struct sigaction action {};
  action.sa_handler = leave_at_once;
  for (const int number : {SIGTERM, SIGINT}) sigaction(number, &action, nullptr);
  const sigset_t set = stop_signals();
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

Stop::Woke Stop::wait(int fd, short events, std::optional<Clock::time_point> until) {
  for (;;) {
    pollfd fds[2] = {{.fd = requested_ ? -1 : signal_fd_.get(), .events = POLLIN, .revents = 0},
                     {.fd = fd, .events = events, .revents = 0}};
    timespec timeout{};
    if (until) {
      const auto left = std::max(Clock::duration::zero(), *until - mth5::steady_now());
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
      timeout.tv_sec = seconds.count();
      timeout.tv_nsec = std::chrono::nanoseconds{left - seconds}.count();
    }
    const int ready = ppoll(fds, 2, until ? &timeout : nullptr, nullptr);
    if (ready < 0) {
      if (errno == EINTR) continue;
      throw mth5::Error{"poll: " + std::string{std::strerror(errno)}};
    }
    if (fds[0].revents != 0) {
      take_signal();
      if (requested_) return Woke::Stopped;
    }
    if (fds[1].revents != 0) return Woke::Ready;
    if (until && mth5::steady_now() >= *until) return Woke::Timeout;
  }
}

}  // namespace sim
