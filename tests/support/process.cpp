#include "support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <regex>
#include <stdexcept>
#include <utility>

#include "support/pipe.hpp"
#include "support/support.hpp"

namespace support {

namespace {

mth5::Descriptor memory_file(const char* name) {
  mth5::Descriptor fd{memfd_create(name, MFD_CLOEXEC)};
  if (!fd) throw std::runtime_error{std::string{name} + ": memfd_create: " + std::strerror(errno)};
  return fd;
}

std::string contents(int fd) {
  std::string text;
  char buffer[65536];
  for (off_t at = 0;;) {  // pread: the offset is shared with the child
    const ssize_t n = pread(fd, buffer, sizeof buffer, at);
    if (n <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
    at += n;
  }
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& more) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (more.count(text.substr(0, text.find('='))) == 0) all.push_back(text);
  }
  for (const auto& [name, value] : more) all.push_back(name + "=" + value);
  return all;
}

}  // namespace

Process Process::start(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env,
                       const std::filesystem::path& cwd) {
  Process process;
  process.out_fd_ = memory_file("stdout");
  process.err_fd_ = memory_file("stderr");
  auto arguments = argv;
  auto variables = environment_with(env);
  const auto argument_pointers = pointers(arguments);
  const auto variable_pointers = pointers(variables);
  Pipe failed;  // closed by a good exec, else it carries errno
  const pid_t parent = getpid();
  process.pid_ = fork();
  if (process.pid_ == 0) {  // only async-signal-safe calls from here on
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    const int null = open("/dev/null", O_RDONLY);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (null >= 0 && dup2(null, 0) == 0 && dup2(process.out_fd_.get(), 1) == 1 && dup2(process.err_fd_.get(), 2) == 2 &&
        (cwd.empty() || chdir(cwd.c_str()) == 0))
      execvpe(argument_pointers[0], argument_pointers.data(), variable_pointers.data());
    const int why = errno;
    [[maybe_unused]] const ssize_t told = write(failed.in.get(), &why, sizeof why);
    _exit(127);
  }
  const int fork_error = errno;
  failed.in.reset();
  int why = process.pid_ < 0 ? fork_error : 0;
  if (process.pid_ > 0) {
    if (read(failed.out.get(), &why, sizeof why) != sizeof why) why = 0;
    // By number: <sys/pidfd.h> of glibc 2.36 has no extern "C".
    process.pid_fd_ = mth5::Descriptor{static_cast<int>(syscall(SYS_pidfd_open, process.pid_, 0))};
    if (!process.pid_fd_ && why == 0) why = errno;
  }
  if (why != 0) throw std::runtime_error{argv.at(0) + ": cannot be started: " + std::strerror(why)};
  return process;
}

Process::Process(Process&& other) noexcept
    : pid_{std::exchange(other.pid_, -1)},
      pid_fd_{std::move(other.pid_fd_)},
      out_fd_{std::move(other.out_fd_)},
      err_fd_{std::move(other.err_fd_)},
      code_{other.code_} {}

Process::~Process() {
  if (pid_ > 0 && !code_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

std::optional<int> Process::wait(std::chrono::milliseconds deadline) {
  if (code_) return code_;
  const auto end = std::chrono::steady_clock::now() + deadline;
  pollfd ended{.fd = pid_fd_.get(), .events = POLLIN, .revents = 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    const int ready = poll(&ended, 1, static_cast<int>(std::clamp<decltype(left)>(left, 0, 1'000'000)));
    if (ready == 0) return std::nullopt;
    if (ready > 0) break;  // < 0: a signal came to us; look again
  }
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) throw std::runtime_error{"waitpid: " + std::string{std::strerror(errno)}};
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return code_;
}

void Process::signal(int number) {
  if (!code_) kill(pid_, number);  // not reaped yet, so the pid is still ours
}

int Process::terminate(std::chrono::milliseconds deadline) {
  signal(SIGTERM);
  if (const auto code = wait(deadline)) return *code;
  signal(SIGKILL);
  return wait().value();
}

std::string Process::out() const { return contents(out_fd_.get()); }
std::string Process::err() const { return contents(err_fd_.get()); }

std::optional<std::string> Process::wait_for_output(const std::string& regex, std::chrono::milliseconds deadline) {
  const std::regex pattern{regex};
  std::optional<std::string> found;
  const auto look = [&] {
    for (const auto& text : {out(), err()}) {
      std::smatch match;
      if (!found && std::regex_search(text, match, pattern)) found = match.size() > 1 ? match[1].str() : match[0].str();
    }
    return found.has_value();
  };
  // Ended is asked before the look: what it printed last must not be missed.
  const auto seen_or_ended = [&] {
    const bool ended = !running();
    return look() || ended;
  };
  [[maybe_unused]] const bool in_time = eventually(seen_or_ended, deadline);
  return found;
}

Finished run(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env,
             std::chrono::milliseconds deadline) {
  auto process = Process::start(argv, env);
  const auto code = process.wait(deadline);
  if (!code)
    throw std::runtime_error{argv.at(0) + ": still runs after " + std::to_string(deadline.count()) +
                             " ms; stderr: " + process.err()};
  return {*code, process.out(), process.err()};
}

}  // namespace support
