#include "acquisition/source/serial_line.hpp"

#include <sys/ioctl.h>

#include <cerrno>
#include <system_error>

namespace daq::source {

namespace {

std::string why() { return std::generic_category().message(errno); }

}  // namespace

SerialLine::SerialLine(const config::Serial& serial, Control control) : serial_{serial}, control_{std::move(control)} {
  if (!control_) control_ = [](int fd, unsigned long request, void* argument) { return ::ioctl(fd, request, argument); };
}

std::vector<std::string> SerialLine::set(int fd) {
  std::vector<std::string> problems;
  before_ = {};
  control_(fd, TIOCGICOUNT, &before_);  // of who does not count, all stay 0
  if (serial_.low_latency) {
    serial_struct settings{};
    bool good = control_(fd, TIOCGSERIAL, &settings) == 0;
    settings.flags |= static_cast<int>(ASYNC_LOW_LATENCY);
    good = good && control_(fd, TIOCSSERIAL, &settings) == 0;
    if (!good) problems.push_back("low_latency: the driver of the port cannot do it: " + why());
  }
  if (serial_.rs485 != "off") {
    serial_rs485 settings{};
    settings.flags = SER_RS485_ENABLED;
    settings.flags |= static_cast<unsigned>(serial_.rs485 == "rts-on-send" ? SER_RS485_RTS_ON_SEND : SER_RS485_RTS_AFTER_SEND);
    if (control_(fd, TIOCSRS485, &settings) != 0)
      problems.push_back("rs485: the driver of the port cannot do it: " + why() +
                         "; nothing can be sent unless the adapter switches by itself (then set rs485: off)");
  }
  return problems;
}

std::vector<std::pair<ledger::InputFault, std::uint64_t>> SerialLine::counted(int fd) {
  using ledger::InputFault;
  std::vector<std::pair<InputFault, std::uint64_t>> news;
  serial_icounter_struct now{};
  if (control_(fd, TIOCGICOUNT, &now) != 0) return news;
  const auto add = [&](InputFault fault, int count, int before) {
    const auto n = static_cast<std::uint32_t>(count) - static_cast<std::uint32_t>(before);  // they go round
    if (n > 0) news.emplace_back(fault, n);
  };
  add(InputFault::Overrun, now.overrun + now.buf_overrun, before_.overrun + before_.buf_overrun);
  add(InputFault::Framing, now.frame, before_.frame);
  add(InputFault::Parity, now.parity, before_.parity);
  add(InputFault::Break, now.brk, before_.brk);
  before_ = now;
  return news;
}

}  // namespace daq::source
