#pragma once

#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/forked.hpp"
#include "support/pipe.hpp"

namespace support {

/// A program that is talked to in lines. Killed by the destructor. Thread: one.
class LineProgram {
 public:
  /// @throws std::runtime_error if there is no process or pipe for it
  explicit LineProgram(std::vector<std::string> argv)
      : name_{argv.back()}, child_{[&] {
          std::vector<char*> pointers;
          for (auto& argument : argv) pointers.push_back(argument.data());
          pointers.push_back(nullptr);
          dup2(to_.out.get(), STDIN_FILENO);
          dup2(from_.in.get(), STDOUT_FILENO);
          execvp(pointers[0], pointers.data());
          return 127;
        }} {
    to_.out.reset();
    from_.in.reset();
  }

  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  void say(const std::string& line) const {
    const std::string text = line + "\n";
    if (write(to_.in.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error{name_ + " is gone"};
  }
  /// @throws std::runtime_error if it ends, or says nothing for 60 s
  std::string hear() {
    for (;;) {
      if (const auto end = heard_.find('\n'); end != std::string::npos) {
        const std::string line = heard_.substr(0, end);
        heard_.erase(0, end + 1);
        return line;
      }
      char buffer[4096];
      pollfd ready{.fd = from_.out.get(), .events = POLLIN, .revents = 0};
      const ssize_t n = poll(&ready, 1, 60'000) == 1 ? read(from_.out.get(), buffer, sizeof buffer) : 0;
      if (n <= 0)
        throw std::runtime_error{name_ + ": ended, or said nothing for 60 s, after '" + heard_ +
                                 "': " + child_.wait(std::chrono::seconds{0}).err};
      heard_.append(buffer, static_cast<std::size_t>(n));
    }
  }

 private:
  std::string name_, heard_;
  Pipe to_, from_;
  Child child_;
};

}  // namespace support
