#include <fcntl.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "addresses.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"
#include "mth5/time.hpp"
#include "sink.hpp"

namespace sim {

namespace {

using namespace std::chrono_literals;

using Socket = mth5::Descriptor;

/// A serial server (listen) or an instrument that calls its recorder (connect). One peer at a time; more wait in the backlog. A
/// peer that closes its sending side counts as gone, as with real serial servers: a plain close cannot be told from it.
class TcpSink : public Sink {
 public:
  TcpSink(const Target& target, Stop& stop, const Log& log)
      : listens_{target.kind == Target::Kind::TcpListen},
        name_{(listens_ ? "tcp-listen:" : "tcp:") + target.host + ":" + target.port},
        host_{target.host},
        port_{target.port},
        stop_{stop},
        log_{log} {}

  void open() override {
    if (listens_ && !listener_) listen();
    if (listens_)
      accept();
    else
      connect();
  }

  std::size_t write(std::string_view bytes) override {
    std::size_t done = 0;
    if (!peer_) open();
    while (peer_ && done < bytes.size()) {
      if (stop_.wait(peer_.get(), POLLIN | POLLOUT, std::nullopt) == Stop::Woke::Stopped) break;
      if (!take_input()) break;
      const ssize_t n = send(peer_.get(), bytes.data() + done, bytes.size() - done, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n >= 0)
        done += static_cast<std::size_t>(n);
      else if (errno != EAGAIN && errno != EINTR)
        peer_went();
    }
    return done;
  }

  void wait_until(Clock::time_point until) override {
    if (stop_.wait(peer_.get(), POLLIN, until) == Stop::Woke::Ready) take_input();
  }

  void disconnect(mth5::Nanos away) override {
    warn_if(close_peer(mth5::steady_now() + 10s));
    listener_.reset();  // meanwhile the port refuses
    log_.info(name_ + ": disconnected");
    if (stop_.requested() || !stop_.sleep_until(mth5::steady_now() + away)) return;
    open();
  }

  std::string finish(std::optional<Clock::time_point> deadline) override {
    auto left = close_peer(deadline);
    listener_.reset();
    return left;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw mth5::Error{name_ + ": " + what + ": " + std::strerror(errno)}; }
  void warn_if(const std::string& problem) const {
    if (!problem.empty()) log_.warn(problem);
  }

  void listen() {
    auto listening = listen_at(name_, host_, port_, 1);
    listener_ = std::move(listening.socket);
    port_ = listening.port();  // after a disconnect it must be the same one
    name_ = "tcp-listen:" + listening.address;
    log_.info("listening on " + listening.address);
  }

  void accept() {
    while (!stop_.requested()) {
      if (stop_.wait(listener_.get(), POLLIN, std::nullopt) == Stop::Woke::Stopped) return;
      sockaddr_storage from{};
      socklen_t length = sizeof from;
      auto* generic = reinterpret_cast<sockaddr*>(&from);
      Socket peer{accept4(listener_.get(), generic, &length, SOCK_CLOEXEC | SOCK_NONBLOCK)};
      if (peer) return attach(std::move(peer), numeric(generic, length));
      if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) fail("accept");
    }
  }

  void connect() {
    bool said = false;
    for (auto pause = 100ms; !stop_.requested(); pause = std::min<std::chrono::milliseconds>(2 * pause, 5s)) {
      Addresses addresses;
      const int unresolved = addresses.resolve(host_, port_, SOCK_STREAM, 0);
      if (unresolved != 0 && unresolved != EAI_AGAIN) throw mth5::Error{name_ + ": " + gai_strerror(unresolved)};
      std::string why = unresolved == 0 ? "" : gai_strerror(unresolved);
      for (const addrinfo* address = addresses.first; address != nullptr; address = address->ai_next) {
        Socket peer{socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        if (!peer) fail("socket");
        int error = ::connect(peer.get(), address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
        if (error == EINPROGRESS) {
          const auto woke = stop_.wait(peer.get(), POLLOUT, mth5::steady_now() + 5s);
          if (woke == Stop::Woke::Stopped) return;
          socklen_t length = sizeof error;
          if (woke == Stop::Woke::Timeout)
            error = ETIMEDOUT;
          else
            getsockopt(peer.get(), SOL_SOCKET, SO_ERROR, &error, &length);
        }
        if (error == 0) return attach(std::move(peer), numeric(address->ai_addr, address->ai_addrlen));
        why = std::strerror(error);
      }
      if (!said) log_.info(name_ + ": " + why + "; trying again");
      said = true;
      if (!stop_.sleep_until(mth5::steady_now() + pause)) return;
    }
  }

  void attach(Socket peer, const std::string& address) {
    const int on = 1;
    setsockopt(peer.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // a line leaves when it is written, as on a serial line
    peer_ = std::move(peer);
    peer_name_ = address;
    log_.info(std::string{listens_ ? "client " : "connected to "} + peer_name_);
  }

  /// false: the peer is gone.
  bool take_input() {
    char buffer[4096];
    ssize_t n = 0;
    while ((n = recv(peer_.get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0) hear({buffer, static_cast<std::size_t>(n)});
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    peer_went();
    return false;
  }

  /// Bytes the peer's kernel has not acknowledged.
  [[nodiscard]] int unacknowledged() const {
    int bytes = 0;
    ioctl(peer_.get(), SIOCOUTQ, &bytes);
    return bytes;
  }

  void peer_went() {
    const int lost = unacknowledged();
    peer_.reset();
    log_.info(peer_name_ + " went" + (lost > 0 ? ", " + std::to_string(lost) + " bytes on the way to it are lost" : ""));
  }

  /// Sends the end mark and waits for the peer to close. A close with unread input, or one before all has left, would make the
  /// kernel send a reset, and that throws away what the peer has not read yet.
  /// @returns "", or what was not taken
  std::string close_peer(std::optional<Clock::time_point> deadline) {
    if (!peer_) return {};
    const Socket peer{std::move(peer_)};
    shutdown(peer.get(), SHUT_WR);
    const auto problem = [&](const std::string& why) { return name_ + ": " + peer_name_ + " " + why; };
    for (;;) {
      switch (stop_.wait(peer.get(), POLLIN, deadline)) {
        case Stop::Woke::Stopped:
          deadline = mth5::steady_now() + kDrainAfterStop;
          break;
        case Stop::Woke::Timeout: {
          int left = 0;
          ioctl(peer.get(), SIOCOUTQ, &left);
          return left > 1 ? problem("has not taken the last " + std::to_string(left) + " bytes") : std::string{};
        }
        case Stop::Woke::Ready: {
          char buffer[4096];
          const ssize_t n = recv(peer.get(), buffer, sizeof buffer, MSG_DONTWAIT);
          if (n == 0) return {};
          if (n < 0 && errno != EAGAIN && errno != EINTR) return problem("went without reading everything");
        }
      }
    }
  }

  bool listens_;
  std::string name_;
  std::string host_, port_;
  Stop& stop_;
  const Log& log_;
  Socket listener_;
  Socket peer_;
  std::string peer_name_;
};

}  // namespace

std::unique_ptr<Sink> make_tcp(const Target& target, Stop& stop, const Log& log) {
  return std::make_unique<TcpSink>(target, stop, log);
}

}  // namespace sim
