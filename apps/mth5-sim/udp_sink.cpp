#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "addresses.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"
#include "mth5/time.hpp"
#include "sink.hpp"

namespace sim {

namespace {

/// Sends each record as a datagram. Nobody says whether it arrives: a sender of datagrams does not wait, and does not know.
class UdpSink : public Sink {
 public:
  UdpSink(const Target& target, Stop& stop, const Log& log)
      : name_{"udp:" + target.host + ":" + target.port}, host_{target.host}, port_{target.port}, stop_{stop}, log_{log} {
    // getaddrinfo() knows interfaces of IPv6 addresses only.
    if (const auto at = host_.find('%'); at != std::string::npos && host_.find(':') == std::string::npos) {
      interface_ = host_.substr(at + 1);
      host_.resize(at);
    }
  }

  void open() override {
    Addresses found;
    if (const int error = found.resolve(host_, port_, SOCK_DGRAM, 0); error != 0)
      throw mth5::Error{name_ + ": " + gai_strerror(error)};
    const addrinfo& address = *found.first;
    socket_ = mth5::Descriptor{socket(address.ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket_) fail();
    if (!interface_.empty()) send_through_interface();
    if (connect(socket_.get(), address.ai_addr, address.ai_addrlen) != 0) fail();
    log_.info("sending to " + numeric(address.ai_addr, address.ai_addrlen) +
              (interface_.empty() ? "" : " through " + interface_));
  }

  [[nodiscard]] bool sends_messages() const override { return true; }

  std::size_t write(std::string_view record) override {
    while (stop_.wait(socket_.get(), POLLOUT, std::nullopt) != Stop::Woke::Stopped) {
      if (send(socket_.get(), record.data(), record.size(), MSG_NOSIGNAL) >= 0) return record.size();
      if (errno == ECONNREFUSED)  // one before found nobody there; this one is still to be sent
        say_unheard();
      else if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
        fail();
    }
    return 0;
  }

  void wait_until(Clock::time_point until) override {
    if (stop_.wait(socket_.get(), POLLIN, until) != Stop::Woke::Ready) return;
    char buffer[65536];
    const ssize_t n = recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) hear({buffer, static_cast<std::size_t>(n)});
    if (n < 0 && errno == ECONNREFUSED) say_unheard();
  }

  void disconnect(mth5::Nanos away) override {
    log_.info(name_ + ": silent");
    stop_.sleep_until(mth5::steady_now() + away);
  }

  std::string finish(std::optional<Clock::time_point>) override {
    socket_.reset();
    return {};
  }

 private:
  /// Of a group: else the table of routes chooses one.
  void send_through_interface() {
    ip_mreqn request{};
    request.imr_ifindex = static_cast<int>(if_nametoindex(interface_.c_str()));
    if (request.imr_ifindex == 0) throw mth5::Error{name_ + ": there is no network interface '" + interface_ + "'"};
    if (setsockopt(socket_.get(), IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) != 0) fail();
  }

  [[noreturn]] void fail() const { throw mth5::Error{name_ + ": " + std::strerror(errno)}; }
  void say_unheard() {
    if (!unheard_said_) log_.warn(name_ + ": nobody listens there; what is sent is lost");
    unheard_said_ = true;
  }

  std::string name_, host_, port_, interface_;
  Stop& stop_;
  const Log& log_;
  mth5::Descriptor socket_;
  bool unheard_said_ = false;
};

}  // namespace

std::unique_ptr<Sink> make_udp(const Target& target, Stop& stop, const Log& log) {
  return std::make_unique<UdpSink>(target, stop, log);
}

}  // namespace sim
