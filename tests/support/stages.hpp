#pragma once

#include <cstdio>
#include <functional>
#include <stdexcept>

#include "support/forked.hpp"
#include "support/pipe.hpp"

namespace support {

/// A function in a process of its own, a Child, that stops where the test wants it to: HDF5 shares what two users of one process
/// have open, so a writer and its reader must be two. Killed by the destructor. Thread: one, and no other may run at the start.
class Stages {
 public:
  /// Given to the body: reached() tells the test and waits for its next().
  class Gate {
   public:
    Gate(const Pipe& from_test, const Pipe& to_test) : from_test_{from_test}, to_test_{to_test} {}
    void reached() const {
      to_test_.put('x');
      char byte = 0;
      if (!from_test_.get(byte)) throw std::runtime_error{"the test is gone, or 60 s are over"};
    }

   private:
    const Pipe &from_test_, &to_test_;
  };

  explicit Stages(const std::function<void(Gate&)>& body)
      : child_{[&] {
          to_child_.in.reset();
          from_child_.out.reset();
          Gate gate{to_child_, from_child_};
          body(gate);
          return 0;
        }} {
    to_child_.out.reset();
    from_child_.in.reset();
  }

  /// Waits until the body has reached its next gate. @throws std::runtime_error if it ended, or within 60 s
  void wait() {
    char byte = 0;
    if (from_child_.get(byte)) return;
    const auto ended = child_.wait(std::chrono::seconds{0});
    throw std::runtime_error{"the child never came to its gate: " + ended.err};
  }
  /// Lets it go on. @throws std::runtime_error if it is gone
  void next() const { to_child_.put('x'); }
  /// Lets it go on, and waits for the next gate.
  void step() {
    next();
    wait();
  }
  /// Lets it go on to its end. @returns its exit code
  int finish() {
    next();
    const auto ended = child_.wait();
    std::fputs(ended.err.c_str(), stderr);
    return ended.code;
  }
  void kill_now() { child_.kill_now(); }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }

 private:
  Pipe to_child_, from_child_;
  Child child_;  // after the pipes, and gone before them
};

}  // namespace support
