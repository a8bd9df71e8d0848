#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"
#include "sink.hpp"

namespace sim {

namespace {

class FileSink : public Sink {
 public:
  FileSink(const std::string& path, Stop& stop, const Log& log)
      : path_{path}, name_{path.empty() ? "standard output" : path}, stop_{stop}, log_{log} {}

  void open() override {
    if (!path_.empty()) {
      owned_ = mth5::Descriptor{::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
      if (!owned_ && errno == EEXIST) throw mth5::Error{name_ + ": exists already and is not overwritten; name another file"};
      if (!owned_) fail("cannot be created");
      log_.info("file " + path_);
    }
    struct stat status {};
    fstat(fd(), &status);
    // A pipe takes PIPE_BUF bytes at once when poll says so, more could block where no signal ends the wait.
    at_once_ = S_ISREG(status.st_mode) ? std::size_t{1} << 30 : PIPE_BUF;
  }

  std::size_t write(std::string_view bytes) override {
    std::size_t done = 0;
    while (done < bytes.size() && stop_.wait(fd(), POLLOUT, std::nullopt) != Stop::Woke::Stopped) {
      const ssize_t n = ::write(fd(), bytes.data() + done, std::min(bytes.size() - done, at_once_));
      if (n >= 0)
        done += static_cast<std::size_t>(n);
      else if (errno != EINTR && errno != EAGAIN)
        fail("cannot be written");
    }
    return done;
  }

  void wait_until(Clock::time_point until) override { stop_.sleep_until(until); }
  void disconnect(mth5::Nanos) override {}  // refused on the command line

  std::string finish(std::optional<Clock::time_point>) override {
    if (owned_.close() != 0) fail("cannot be closed");
    return {};
  }

 private:
  [[nodiscard]] int fd() const { return owned_ ? owned_.get() : STDOUT_FILENO; }
  [[noreturn]] void fail(const char* what) const { throw mth5::Error{name_ + ": " + what + ": " + std::strerror(errno)}; }

  std::string path_, name_;
  Stop& stop_;
  const Log& log_;
  mth5::Descriptor owned_;  ///< none: standard output
  std::size_t at_once_ = PIPE_BUF;
};

}  // namespace

std::unique_ptr<Sink> make_file(const std::string& path, Stop& stop, const Log& log) {
  return std::make_unique<FileSink>(path, stop, log);
}

}  // namespace sim
