#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "acquisition/config/baud.hpp"
#include "acquisition/source/stream_source.hpp"

namespace daq::source {

namespace {

// Owns the descriptor until it is handed on.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_{fd} {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

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

class SerialOpener final : public Opener {
 public:
  explicit SerialOpener(config::Serial serial) : serial_{std::move(serial)} {}

  void open(std::function<void(int, const std::string&)> done) override {
    const auto refuse = [&](const std::string& why) { done(-1, "serial:" + serial_.device + ": " + why); };
    const auto system = [](int error) { return std::generic_category().message(error); };
    Descriptor fd{::open(serial_.device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
    if (fd.get() < 0) return refuse(errno == EBUSY ? "in use by another program" : system(errno));
    if (isatty(fd.get()) == 0) return refuse("is not a serial port");
    // TIOCEXCL keeps everyone but root out; the lock keeps out those who ask (minicom, picocom, a second mth5d), root too.
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return refuse("in use by another program");
    if (ioctl(fd.get(), TIOCEXCL) != 0) return refuse("cannot be opened exclusively: " + system(errno));
    if (!configure(fd.get(), serial_))
      return refuse("cannot be set to " + std::to_string(serial_.baud) + " baud: " + system(errno));
    done(fd.release(), {});
  }
  void cancel() override {}

 private:
  config::Serial serial_;
};

}  // namespace

std::unique_ptr<Opener> make_serial_opener(const config::Serial& serial) { return std::make_unique<SerialOpener>(serial); }

}  // namespace daq::source
