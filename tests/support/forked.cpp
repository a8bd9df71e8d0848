#include "support/forked.hpp"

#include <hdf5.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <utility>

namespace support {

namespace {

constexpr int kThrown = 99;

std::string contents(int fd) {
  std::string text(static_cast<std::size_t>(lseek(fd, 0, SEEK_END)), '\0');
  if (pread(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) throw std::runtime_error{"stderr of a child"};
  return text;
}

}  // namespace

Child::Child(const std::function<int()>& body) {
  err_fd_ = mth5::Descriptor{memfd_create("stderr", MFD_CLOEXEC)};
  if (!err_fd_) throw std::runtime_error{"memfd_create: " + std::string{std::strerror(errno)}};
  std::fflush(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error{"fork: " + std::string{std::strerror(errno)}};
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(err_fd_.get(), STDERR_FILENO) != STDERR_FILENO) _exit(kThrown);
    int code = kThrown;
    try {
      code = body();
    } catch (const std::exception& e) {
      std::fprintf(stderr, "thrown: %s\n", e.what());
    }
    H5close();
    std::fflush(nullptr);
    _exit(code);
  }
  // By number: <sys/pidfd.h> of glibc 2.36 has no extern "C".
  pid_fd_ = mth5::Descriptor{static_cast<int>(syscall(SYS_pidfd_open, pid_, 0))};
  if (!pid_fd_) throw std::runtime_error{"pidfd_open: " + std::string{std::strerror(errno)}};
}

Child::Child(Child&& other) noexcept
    : pid_{std::exchange(other.pid_, -1)}, pid_fd_{std::move(other.pid_fd_)}, err_fd_{std::move(other.err_fd_)} {}

Child::~Child() { kill_now(); }

void Child::kill_now() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(std::exchange(pid_, -1), nullptr, 0);
}

void Child::signal(int number) const {
  if (pid_ > 0) kill(pid_, number);  // not reaped yet, so the pid is still ours
}

Ended Child::wait(std::chrono::seconds deadline) {
  if (pid_ <= 0) throw std::logic_error{"waited for a child twice"};
  pollfd ended{.fd = pid_fd_.get(), .events = POLLIN, .revents = 0};
  const bool hung = poll(&ended, 1, static_cast<int>(std::chrono::milliseconds{deadline}.count())) != 1;
  if (hung) kill(pid_, SIGKILL);
  int status = 0;
  rusage used{};
  if (wait4(pid_, &status, 0, &used) != pid_) throw std::runtime_error{"wait4: " + std::string{std::strerror(errno)}};
  pid_ = -1;
  return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .err = contents(err_fd_.get()),
          .hung = hung,
          .most_memory_kib = used.ru_maxrss};
}

Ended forked(const std::function<int()>& body, std::chrono::seconds deadline) { return Child{body}.wait(deadline); }

}  // namespace support
