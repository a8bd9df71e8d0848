#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"
#include "mth5/time.hpp"
#include "sink.hpp"

namespace sim {

namespace {

using namespace std::chrono_literals;

std::string link_target(const std::string& link) {
  char target[256];
  const ssize_t n = readlink(link.c_str(), target, sizeof target);
  return n < 0 ? std::string{} : std::string{target, static_cast<std::size_t>(n)};
}

/// A serial line: a pseudo terminal behind a symbolic link. We hold the reader's end open too, in raw mode: so bytes written
/// before the reader comes are kept as they are, without echo, and a reader that goes and comes back finds the line as it left
/// it.
class PtySink : public Sink {
 public:
  PtySink(const std::string& link, Stop& stop, const Log& log) : link_{link}, stop_{stop}, log_{log} {}
  ~PtySink() override { unplug(); }
  PtySink(const PtySink&) = delete;
  PtySink& operator=(const PtySink&) = delete;

  void open() override {
    char name[256];
    int ends[2];
    if (openpty(&ends[0], &ends[1], name, nullptr, nullptr) != 0) fail("no pseudo terminal");
    master_ = mth5::Descriptor{ends[0]};
    slave_ = mth5::Descriptor{ends[1]};
    for (const int fd : ends) fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(master_.get(), F_SETFL, O_NONBLOCK);
    device_ = name;
    termios settings{};
    if (tcgetattr(slave_.get(), &settings) != 0) fail("tcgetattr");
    cfmakeraw(&settings);
    if (tcsetattr(slave_.get(), TCSANOW, &settings) != 0) fail("tcsetattr");
    plug_in();
    log_.info("pty " + link_ + " (" + device_ + ")");
  }

  std::size_t write(std::string_view bytes) override {
    std::size_t done = 0;
    while (done < bytes.size() && wait_for_room()) {
      const ssize_t n = ::write(master_.get(), bytes.data() + done, bytes.size() - done);
      if (n >= 0)
        done += static_cast<std::size_t>(n);
      else if (errno != EINTR && errno != EAGAIN)
        fail("write");
      take_input();
    }
    return done;
  }

  void wait_until(Clock::time_point until) override {
    if (stop_.wait(master_.get(), POLLIN, until) == Stop::Woke::Ready) take_input();
  }

  void disconnect(mth5::Nanos away) override {
    drain(std::nullopt);
    if (stop_.requested()) return;
    unplug();
    log_.info("pty " + link_ + " unplugged");
    if (stop_.sleep_until(mth5::steady_now() + away)) open();
  }

  std::string finish(std::optional<Clock::time_point> deadline) override {
    const bool all = drain(deadline);
    unplug();
    return all ? std::string{} : link_ + ": the reader has not taken everything";
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw mth5::Error{link_ + ": " + what + ": " + std::strerror(errno)}; }

  void plug_in() {
    struct stat status {};
    if (lstat(link_.c_str(), &status) != 0) {
      if (symlink(device_.c_str(), link_.c_str()) != 0) fail("symlink");
      return;
    }
    // Only what an earlier run left behind may be replaced: a link to a pseudo terminal that is gone, or to the one we just got.
    const std::string old = link_target(link_);
    if (!old.starts_with("/dev/pts/")) throw mth5::Error{link_ + ": exists and is no link to a pty; choose another path"};
    if (old != device_ && stat(link_.c_str(), &status) == 0)
      throw mth5::Error{link_ + ": leads to " + old +
                        ", which is in use; choose another path, or remove it if no mth5-sim runs there"};
    const std::string fresh = link_ + "." + std::to_string(getpid());
    if (symlink(device_.c_str(), fresh.c_str()) != 0) fail("symlink");
    if (rename(fresh.c_str(), link_.c_str()) != 0) fail("rename");
  }

  void unplug() {
    if (!device_.empty() && link_target(link_) == device_) ::unlink(link_.c_str());
    device_.clear();
    slave_.reset();
    master_.reset();
  }

  /// A reader may write to its port; unread, that would block it one day.
  void take_input() {
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(master_.get(), buffer, sizeof buffer)) > 0;) hear({buffer, static_cast<std::size_t>(n)});
  }

  bool wait_for_room() {
    auto woke = stop_.wait(master_.get(), POLLOUT, mth5::steady_now() + kPatience);
    if (woke == Stop::Woke::Timeout) {
      say_waiting();
      woke = stop_.wait(master_.get(), POLLOUT, std::nullopt);
    }
    return woke == Stop::Woke::Ready;
  }

  /// Waits until no byte is left on the way; false at the deadline, which a stop request draws near. Closing throws away what is
  /// left. Bytes wait in two places: the terminal's read buffer (4 KiB, FIONREAD) and before it, unseen, up to 64 KiB of flip
  /// buffers, moved on by a kernel thread after each read. Measured: FIONREAD == 0, even twice, loses bytes; poll() on the
  /// reader's end first lets that thread finish, so it sees both. What remains is a reader between taking the last bytes and
  /// waking the thread, hence several looks over a time that a busy machine does not sleep.
  bool drain(std::optional<Clock::time_point> deadline) {
    const auto patience_ends = mth5::steady_now() + kPatience;
    for (int quiet = 0;;) {
      pollfd look{.fd = slave_.get(), .events = POLLIN, .revents = 0};
      quiet = poll(&look, 1, 0) == 0 ? quiet + 1 : 0;
      if (quiet == 3) return true;
      if (deadline && mth5::steady_now() > *deadline) return false;
      if (mth5::steady_now() > patience_ends) say_waiting();
      if (!stop_.sleep_until(mth5::steady_now() + 10ms)) deadline = mth5::steady_now() + kDrainAfterStop;
      take_input();
    }
  }

  void say_waiting() {
    if (!waiting_said_) log_.info("pty " + link_ + ": nobody reads; waiting");
    waiting_said_ = true;
  }

  static constexpr auto kPatience = 2s;
  std::string link_;
  Stop& stop_;
  const Log& log_;
  std::string device_;
  mth5::Descriptor master_, slave_;
  bool waiting_said_ = false;
};

}  // namespace

std::unique_ptr<Sink> make_pty(const std::string& link, Stop& stop, const Log& log) {
  return std::make_unique<PtySink>(link, stop, log);
}

}  // namespace sim
