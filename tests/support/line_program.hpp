#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <vector>

namespace support {

/// A program that is talked to in lines. Killed by the destructor. Thread: one.
class LineProgram {
 public:
  /// @throws std::runtime_error if there is no process or pipe for it
  explicit LineProgram(std::vector<std::string> argv) {
    int down[2], up[2];
    if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0) throw std::runtime_error{"no pipe"};
    std::vector<char*> pointers;
    for (auto& argument : argv) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    name_ = argv.back();
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error{"no process"};
    if (pid_ == 0) {
      dup2(down[0], STDIN_FILENO);
      dup2(up[1], STDOUT_FILENO);
      execvp(pointers[0], pointers.data());
      _exit(127);
    }
    close(down[0]);
    close(up[1]);
    to_ = down[1];
    from_ = up[0];
  }
  ~LineProgram() {
    close(to_);
    close(from_);
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  LineProgram(const LineProgram&) = delete;
  LineProgram& operator=(const LineProgram&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void say(const std::string& line) const {
    const std::string text = line + "\n";
    if (write(to_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) throw std::runtime_error{name_ + " is gone"};
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
      pollfd ready{from_, POLLIN, 0};
      const ssize_t n = poll(&ready, 1, 60'000) == 1 ? read(from_, buffer, sizeof buffer) : 0;
      if (n <= 0) throw std::runtime_error{name_ + ": ended, or said nothing for 60 s, after '" + heard_ + "'"};
      heard_.append(buffer, static_cast<std::size_t>(n));
    }
  }

 private:
  std::string name_, heard_;
  pid_t pid_ = -1;
  int to_ = -1, from_ = -1;
};

}  // namespace support
