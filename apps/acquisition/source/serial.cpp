#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "acquisition/config/baud.hpp"
#include "acquisition/source/ports.hpp"
#include "acquisition/source/serial_line.hpp"
#include "acquisition/source/stream_source.hpp"

namespace daq::source {

namespace {

bool configure(int fd, const config::Serial& serial) {
  termios settings{};
  if (tcgetattr(fd, &settings) != 0) return false;
  cfmakeraw(&settings);
  settings.c_cflag &= ~static_cast<tcflag_t>(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS);
  settings.c_cflag |= CLOCAL | CREAD;
  settings.c_cflag |= serial.bits == 5 ? CS5 : serial.bits == 6 ? CS6 : serial.bits == 7 ? CS7 : CS8;
  if (serial.parity != "none") settings.c_cflag |= PARENB;
  if (serial.parity == "odd") settings.c_cflag |= PARODD;
  // A byte with a parity error becomes a NUL: the decoder then takes that field for unknown instead of taking a wrong digit.
  if (serial.parity != "none") settings.c_iflag |= INPCK;
  if (serial.stop_bits == 2) settings.c_cflag |= CSTOPB;
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  for (const auto& baud : config::kBauds)
    if (baud.rate == serial.baud && (cfsetispeed(&settings, baud.code) != 0 || cfsetospeed(&settings, baud.code) != 0))
      return false;
  return tcsetattr(fd, TCSANOW, &settings) == 0;  // not FLUSH: what has come in already is data
}

/// What of a device changes when it goes and comes back, or may be opened at last.
struct Identity {
  dev_t device = 0;
  ino_t node = 0;
  std::int64_t changed_s = 0, changed_ns = 0;
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// nullopt: it is not there.
std::optional<Identity> identity_of(const std::string& device) {
  struct stat found {};
  if (stat(device.c_str(), &found) != 0) return std::nullopt;
  return Identity{
      .device = found.st_dev, .node = found.st_ino, .changed_s = found.st_ctim.tv_sec, .changed_ns = found.st_ctim.tv_nsec};
}

class SerialOpener final : public Opener {
 public:
  explicit SerialOpener(config::Serial serial) : serial_{std::move(serial)}, line_{serial_} {}

  void open(Done done) override {
    const auto refuse = [&](const std::string& why) { done({}, text(why)); };
    const auto system = [](int error) { return std::generic_category().message(error); };
    tried_ = identity_of(serial_.device);
    mth5::Descriptor fd{::open(serial_.device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
    if (!fd) {
      const int error = errno;
      // EBUSY: somebody has it for himself alone. Who is not there may have been taken from its driver.
      if (error == EBUSY) return refuse(busy());
      return refuse(system(error) + (error == ENOENT ? who_has(serial_.device) : ""));
    }
    if (isatty(fd.get()) == 0) return refuse("is not a serial port");
    // TIOCEXCL keeps everyone but root out; the lock keeps out those who ask (minicom, picocom, a second mth5d), root too. Linux
    // forgets the first only when nobody has the port open any more; of a pseudo terminal its other end counts, so that whoever
    // comes after a mth5d that ended would be kept out for as long as the instrument's end is held.
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return refuse(busy());
    if (!is_pseudo_terminal(serial_.device) && ioctl(fd.get(), TIOCEXCL) != 0)
      return refuse("cannot be opened exclusively: " + system(errno));
    if (!configure(fd.get(), serial_))
      return refuse("cannot be set to " + std::to_string(serial_.baud) + " baud: " + system(errno));
    for (const auto& problem : line_.set(fd.get())) owner().told(text(problem));
    if (const auto holders = holders_of(serial_.device); !holders.empty())
      owner().told(text("another program has it open too and takes bytes of it" + who_has(serial_.device)));
    done(std::move(fd), {});
  }
  void cancel() override {}

  void look(int fd) override {
    for (const auto& [fault, n] : line_.counted(fd))
      owner().fault(fault, n, text(std::to_string(n) + " times " + std::string{to_string(fault)}));
  }
  [[nodiscard]] bool is_back() override {
    const auto now = identity_of(serial_.device);
    if (!now) tried_.reset();
    return now && now != tried_ && access(serial_.device.c_str(), R_OK | W_OK) == 0;
  }

 private:
  [[nodiscard]] std::string text(const std::string& what) const { return "serial:" + serial_.device + ": " + what; }
  [[nodiscard]] std::string busy() const {
    const bool left = is_pseudo_terminal(serial_.device) && holders_of(serial_.device).empty();
    return "in use by another program" + who_has(serial_.device) +
           (left ? ", or kept (TIOCEXCL) by one that has ended: a pseudo terminal forgets that when its other end is closed too"
                 : "");
  }

  config::Serial serial_;
  SerialLine line_;
  std::optional<Identity> tried_;  ///< as it was when it was last tried; nullopt: it was not there
};

}  // namespace

std::unique_ptr<Opener> make_serial_opener(const config::Serial& serial) { return std::make_unique<SerialOpener>(serial); }

}  // namespace daq::source
