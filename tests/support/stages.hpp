#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>

namespace support {

/// A function in a process of its own that stops where the test wants it to: HDF5 shares what two users of one process have open,
/// so a writer and its reader must be two. Killed by the destructor. Thread: one, and no other may run at the start.
class Stages {
 public:
  /// Given to the body: reached() tells the test and waits for its next().
  class Gate {
   public:
    Gate(int in, int out) : in_{in}, out_{out} {}
    void reached() const {
      char byte = 'x';
      if (write(out_, &byte, 1) != 1 || read(in_, &byte, 1) != 1) _exit(3);
    }

   private:
    int in_, out_;
  };

  explicit Stages(const std::function<void(Gate&)>& body) {
    int down[2];
    int up[2];
    if (pipe(down) != 0 || pipe(up) != 0) throw std::runtime_error{"no pipe"};
    std::fflush(nullptr);
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error{"no process"};
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(down[1]);
      close(up[0]);
      Gate gate{down[0], up[1]};
      try {
        body(gate);
      } catch (const std::exception& e) {
        std::fprintf(stderr, "child: %s\n", e.what());
        _exit(2);
      }
      _exit(0);
    }
    close(down[0]);
    close(up[1]);
    to_ = down[1];
    from_ = up[0];
  }
  ~Stages() {
    kill_now();
    close(to_);
    close(from_);
  }
  Stages(const Stages&) = delete;
  Stages& operator=(const Stages&) = delete;

  /// Waits until the body has reached its next gate. @throws std::runtime_error if it ended, or within 60 s
  void wait() const {
    pollfd ready{from_, POLLIN, 0};
    char byte = 0;
    if (poll(&ready, 1, 60'000) != 1 || read(from_, &byte, 1) != 1) throw std::runtime_error{"the child never came to its gate"};
  }
  /// Lets it go on.
  void next() const {
    if (write(to_, "x", 1) != 1) throw std::runtime_error{"the child is gone"};
  }
  /// Lets it go on, and waits for the next gate.
  void step() const {
    next();
    wait();
  }
  /// Lets it go on to its end. @returns its exit code
  int finish() {
    next();
    return reap();
  }
  void kill_now() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    reap();
  }

 private:
  int reap() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
};

}  // namespace support
