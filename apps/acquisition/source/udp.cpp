#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "acquisition/source/address.hpp"
#include "acquisition/source/stream_source.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/time.hpp"

namespace daq::source {

namespace asio = boost::asio;
using asio::ip::udp;

namespace {

using Steady = std::chrono::steady_clock;

/// @param address  in numbers, as the configuration was checked for
udp::endpoint endpoint_of(const std::string& address, std::uint16_t port) {
  boost::system::error_code ignored;
  return {asio::ip::make_address(address, ignored), port};
}

template <class T>
bool set(int fd, int level, int option, const T& value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/// Takes datagrams, each as a chunk of its own, and counts those that did not get here. There is nobody to connect to: the socket
/// is open from the start, and opened anew, without a pause in which datagrams would be lost, when nothing has come for a while
/// (an interface that went away and came back has forgotten the group).
class UdpSource final : public Source {
 public:
  UdpSource(asio::io_context& io, const config::Source& config, const config::Udp& udp, bool until_eof, Listener listener)
      : config_{config},
        udp_{udp},
        until_eof_{until_eof},
        listener_{std::move(listener)},
        name_{to_string(config.input)},
        socket_{io},
        retry_{io},
        idle_{io},
        pause_{config.reconnect_first},
        // One more byte than may be: so a datagram that is too long shows.
        buffer_(static_cast<std::size_t>(udp.longest) + 1) {
    if (!udp.from.empty()) from_ = asio::ip::make_address(udp.from);
  }

  void start() override { open(); }

  void stop() override {
    if (std::exchange(stopped_, true)) return;
    retry_.cancel();
    idle_.cancel();
    if (socket_.is_open()) socket_.cancel();
    asio::post(socket_.get_executor(), [this] { drain(); });
  }

  void resume() override {
    if (std::exchange(paused_, false)) drain();
  }

 private:
  static constexpr int kAtOnce = 64;  ///< datagrams before others get their turn

  void open() {
    int error = 0;
    std::string what;
    auto fd = bound(what, error);
    if (!fd) {
      listener_.disconnected(name_ + ": " + what + ": " + std::generic_category().message(error), false);
      retry_.expires_after(pause_);
      pause_ = std::min(pause_ * 2, config_.reconnect_limit);
      retry_.async_wait([this](const boost::system::error_code& e) {
        if (!e && !stopped_) open();
      });
      return;
    }
    pause_ = config_.reconnect_first;
    drops_ = 0;
    last_data_ = mth5::steady_now();
    socket_.assign(fd.release());
    listener_.connected();
    watch_idle();
    wait();
  }

  /// @returns the socket, ready to be read; none: `what` failed, with `error`
  mth5::Descriptor bound(std::string& what, int& error) {
    const auto at = config::parse_endpoint(udp_.listen).value_or(config::Endpoint{});
    const udp::endpoint endpoint = endpoint_of(at.address, at.port);
    mth5::Descriptor socket{::socket(endpoint.protocol().family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const int fd = socket.get();
    const auto fail = [&](const char* step) {
      error = errno;
      what = step;
      return mth5::Descriptor{};
    };
    if (!socket) return fail("no socket");
    const int on = 1;
    const int off = 0;
    if (!udp_.group.empty()) {
      // Several programs may be of one group; but of a group that another program of this computer has joined we want nothing.
      set(fd, SOL_SOCKET, SO_REUSEADDR, on);
      const bool v6 = endpoint.address().is_v6();
      set(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MULTICAST_ALL : IP_MULTICAST_ALL, off);
    }
    ask_for_buffer(fd);
    if (bind(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) return fail("cannot be listened at");
    if (!udp_.group.empty() && !join(fd)) return fail("the group cannot be joined");
    return socket;
  }

  bool join(int fd) const {
    unsigned index = 0;
    if (!udp_.interface.empty() && (index = if_nametoindex(udp_.interface.c_str())) == 0) return false;
    group_req request{};
    request.gr_interface = index;
    const udp::endpoint group = endpoint_of(udp_.group, 0);
    std::memcpy(&request.gr_group, group.data(), group.size());
    return set(fd, group.address().is_v6() ? IPPROTO_IPV6 : IPPROTO_IP, MCAST_JOIN_GROUP, request);
  }

  void ask_for_buffer(int fd) const {
    const int wanted = static_cast<int>(udp_.receive_buffer);
    if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, wanted)) return;  // root may go beyond the limit of the system
    set(fd, SOL_SOCKET, SO_RCVBUF, wanted);
    int got = 0;  // the kernel doubles what it gives, for its own needs
    socklen_t length = sizeof got;
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &length) != 0 || got / 2 >= wanted || !listener_.told) return;
    listener_.told(name_ + ": receive_buffer: the system gives " + config::format_bytes(got / 2) + " of " +
                   config::format_bytes(udp_.receive_buffer) + "; raise it: sysctl net.core.rmem_max=" + std::to_string(wanted));
  }

  void wait() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
      if (error || stopped_) return;  // who cancels goes on by himself
      for (int n = 0; n < kAtOnce; ++n) {
        const auto took = take();
        if (took == Took::Nothing) break;
        if (took == Took::Error) return reopen(std::generic_category().message(errno));
      }
      count_drops();
      wait();
    });
  }

  enum class Took { Datagram, Nothing, Error };

  Took take() {
    udp::endpoint from;
    iovec part{buffer_.data(), buffer_.size()};
    msghdr message{};
    message.msg_name = from.data();
    message.msg_namelen = static_cast<socklen_t>(from.capacity());
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    ssize_t n = 0;
    do n = recvmsg(socket_.native_handle(), &message, MSG_TRUNC);  // the length it really has
    while (n < 0 && errno == EINTR);
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Took::Nothing : Took::Error;
    from.resize(message.msg_namelen);
    if (from_ && unmapped(from.address()) != *from_) {
      const auto sender = unmapped(from.address()).to_string();
      fault(ledger::InputFault::OtherSender, 1, "a datagram of " + sender + ", not of " + udp_.from);
      return Took::Datagram;
    }
    if (n > udp_.longest) {
      fault(ledger::InputFault::Oversized, 1,
            "a datagram of " + std::to_string(n) + " bytes (longest " + config::format_bytes(udp_.longest) + ") is not taken");
      return Took::Datagram;
    }
    last_data_ = mth5::steady_now();
    if (n == 0) return Took::Datagram;
    listener_.bytes(arrived(buffer_.data(), static_cast<std::size_t>(n), true));
    return Took::Datagram;
  }

  void fault(ledger::InputFault fault, std::uint64_t n, const std::string& what) {
    if (listener_.fault) listener_.fault(fault, n, name_ + ": " + what);
  }

  /// The kernel's own count of this socket, the same that SO_RXQ_OVFL adds to datagrams; asked for, it also has those behind
  /// which nothing more has come.
  void count_drops() {
    std::uint32_t memory[SK_MEMINFO_VARS] = {};
    socklen_t length = sizeof memory;
    if (getsockopt(socket_.native_handle(), SOL_SOCKET, SO_MEMINFO, memory, &length) != 0) return;
    const std::uint32_t n = memory[SK_MEMINFO_DROPS] - std::exchange(drops_, memory[SK_MEMINFO_DROPS]);
    if (n > 0)
      fault(ledger::InputFault::KernelDrop, n,
            std::to_string(n) + " datagrams came faster than they were read; a larger receive_buffer holds more");
  }

  void watch_idle() {
    idle_.expires_at(last_data_ + config_.idle_timeout);
    idle_.async_wait([this](const boost::system::error_code& error) {
      if (error || stopped_ || !socket_.is_open()) return;
      if (mth5::steady_now() < last_data_ + config_.idle_timeout) return watch_idle();
      reopen("no data for " + config::format_duration(config_.idle_timeout) + " (idle_timeout)");
    });
  }

  void reopen(const std::string& why) {
    count_drops();
    socket_.close();
    idle_.cancel();
    listener_.disconnected(name_ + ": " + why, true);
    if (!until_eof_) return open();
    stopped_ = true;
    listener_.ended();
  }

  /// What this computer has received is ours: at most what the kernel's buffer holds, so that a sender without pause cannot keep
  /// us.
  void drain() {
    if (!drain_left_) {
      int held = 0;
      socklen_t length = sizeof held;
      if (socket_.is_open()) getsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVBUF, &held, &length);
      drain_left_ = static_cast<std::size_t>(held) / kLeastHeld;
    }
    for (; socket_.is_open() && *drain_left_ > 0; --*drain_left_) {
      if (!listener_.has_room(static_cast<std::size_t>(udp_.longest))) {
        paused_ = true;  // the ring is full: resume() leads back here
        return;
      }
      if (take() != Took::Datagram) break;
    }
    if (socket_.is_open()) {
      count_drops();
      socket_.close();
    }
    listener_.ended();
  }
  static constexpr std::size_t kLeastHeld = 256;  ///< bytes that a datagram costs the kernel's buffer, at the least

  const config::Source& config_;
  const config::Udp& udp_;
  const bool until_eof_;
  Listener listener_;
  const std::string name_;
  asio::posix::stream_descriptor socket_;
  asio::steady_timer retry_, idle_;
  std::chrono::nanoseconds pause_;
  std::optional<asio::ip::address> from_;
  Steady::time_point last_data_;
  std::uint32_t drops_ = 0;  ///< of this socket, counted already
  bool stopped_ = false, paused_ = false;
  std::optional<std::size_t> drain_left_;  ///< datagrams still to be taken after stop()
  std::vector<char> buffer_;
};

}  // namespace

std::unique_ptr<Source> make_udp_source(asio::io_context& io, const config::Source& config, const config::Udp& udp,
                                        bool until_eof, Listener listener) {
  return std::make_unique<UdpSource>(io, config, udp, until_eof, std::move(listener));
}

}  // namespace daq::source
