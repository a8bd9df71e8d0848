#include "support/peers.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "support/support.hpp"

namespace support {

namespace {

int good(int rc, const char* what) {
  if (rc < 0) throw std::runtime_error{std::string{what} + ": " + std::strerror(errno)};
  return rc;
}

mth5::Descriptor owned(int fd, const char* what) { return mth5::Descriptor{good(fd, what)}; }

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string receive_from(int fd, std::string_view last, std::chrono::milliseconds deadline) {
  std::string all;
  const auto until = std::chrono::steady_clock::now() + deadline;
  while (!all.ends_with(last)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) != 1) break;
    char byte = 0;  // one at a time: nothing behind `last` is taken
    if (read(fd, &byte, 1) != 1) break;
    all += byte;
  }
  return all;
}

}  // namespace

TcpPeer::TcpPeer(bool listening) : listener_{owned(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")} {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  good(bind(listener_.get(), generic, length), "bind");
  good(getsockname(listener_.get(), generic, &length), "getsockname");
  port_ = ntohs(address.sin_port);
  if (listening) listen();
}

void TcpPeer::listen() { good(::listen(listener_.get(), 4), "listen"); }

bool TcpPeer::accept(std::chrono::milliseconds deadline) {
  pollfd ready{.fd = listener_.get(), .events = POLLIN, .revents = 0};
  if (poll(&ready, 1, static_cast<int>(deadline.count())) != 1) return false;
  client_.reset();
  client_ = owned(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept");
  return true;
}

bool TcpPeer::send(std::string_view bytes) { return send_all(client_.get(), bytes); }

std::size_t TcpPeer::send_some(std::string_view bytes) {
  const ssize_t n = ::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

std::string TcpPeer::receive(std::string_view last, std::chrono::milliseconds deadline) {
  return receive_from(client_.get(), last, deadline);
}

bool TcpPeer::all_received(std::chrono::milliseconds deadline) {
  return eventually(
      [this] {
        int waiting = -1;
        return ioctl(client_.get(), SIOCOUTQ, &waiting) == 0 && waiting == 0;
      },
      deadline);
}

void TcpPeer::hang_up() { client_.reset(); }

void TcpPeer::reset() {
  const linger at_once{1, 0};
  good(setsockopt(client_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), "SO_LINGER");
  client_.reset();
}

TcpCaller::TcpCaller(int port, const std::string& from) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool connected = eventually([&] {
    fd_ = owned(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    good(inet_pton(AF_INET, from.c_str(), &address.sin_addr), "inet_pton");
    address.sin_port = 0;
    good(bind(fd_.get(), generic, sizeof address), "bind");
    good(inet_pton(AF_INET, "127.0.0.1", &address.sin_addr), "inet_pton");
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (connect(fd_.get(), generic, sizeof address) != 0) return false;
    // While nobody listens yet, the kernel may have given this socket the very port that it calls: it would talk to itself.
    sockaddr_in own{};
    socklen_t length = sizeof own;
    good(getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&own), &length), "getsockname");
    return own.sin_port != address.sin_port || own.sin_addr.s_addr != address.sin_addr.s_addr;
  });
  good(connected ? 0 : -1, "connect");
}

int TcpCaller::free_port() {
  // Below those that the kernel gives to callers and to TcpPeer, so that nobody is given it meanwhile; each process looks
  // elsewhere first.
  constexpr int kFirst = 20'000, kPorts = 12'000;
  for (int tried = 0; tried < kPorts; ++tried) {
    const int port = kFirst + static_cast<int>((static_cast<long>(getpid()) * 97 + tried) % kPorts);
    const auto probe = owned(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (bind(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return port;
  }
  throw std::runtime_error{"no free port"};
}

bool TcpCaller::send(std::string_view bytes) { return send_all(fd_.get(), bytes); }

std::string TcpCaller::receive(std::string_view last, std::chrono::milliseconds deadline) {
  return receive_from(fd_.get(), last, deadline);
}

bool TcpCaller::hung_up(std::chrono::milliseconds deadline) {
  pollfd ready{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  char byte = 0;
  return poll(&ready, 1, static_cast<int>(deadline.count())) == 1 && recv(fd_.get(), &byte, 1, 0) <= 0;
}

void TcpCaller::hang_up() { fd_.reset(); }

UdpPeer::UdpPeer(const std::string& from, const std::string& group)
    : fd_{owned(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")}, to_{group.empty() ? "127.0.0.1" : group} {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  good(inet_pton(AF_INET, "127.0.0.1", &address.sin_addr), "inet_pton");
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  auto probe = owned(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  good(bind(probe.get(), generic, length), "bind");
  good(getsockname(probe.get(), generic, &length), "getsockname");
  port_ = ntohs(address.sin_port);
  probe.reset();
  address.sin_port = 0;
  good(inet_pton(AF_INET, from.c_str(), &address.sin_addr), "inet_pton");
  good(bind(fd_.get(), generic, length), "bind");
  const in_addr loopback{htonl(INADDR_LOOPBACK)};
  good(setsockopt(fd_.get(), IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof loopback), "IP_MULTICAST_IF");
}

void UdpPeer::send(std::string_view bytes) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  good(inet_pton(AF_INET, to_.c_str(), &address.sin_addr), "inet_pton");
  const ssize_t n = sendto(fd_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&address), sizeof address);
  good(n == static_cast<ssize_t>(bytes.size()) ? 0 : -1, "sendto");
}

PtyPeer::PtyPeer(std::filesystem::path link) : link_{std::move(link)} { plug(); }

void PtyPeer::plug() {
  master_ = owned(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), "posix_openpt");
  good(grantpt(master_.get()), "grantpt");
  good(unlockpt(master_.get()), "unlockpt");
  // Bytes that come before somebody has set the port up must pass as they are.
  termios raw{};
  good(tcgetattr(master_.get(), &raw), "tcgetattr");
  cfmakeraw(&raw);
  good(tcsetattr(master_.get(), TCSANOW, &raw), "tcsetattr");
  char name[64];
  if (ptsname_r(master_.get(), name, sizeof name) != 0) throw std::runtime_error{"ptsname"};
  std::filesystem::remove(link_);
  std::filesystem::create_symlink(name, link_);
}

void PtyPeer::unplug() {
  // First the link: it would lead to whoever is given the number of this pty next.
  std::filesystem::remove(link_);
  master_.reset();
}

bool PtyPeer::send(std::string_view bytes, std::chrono::milliseconds deadline) {
  const auto sent = [&] {
    for (std::size_t n = 1; n > 0 && !bytes.empty();) bytes.remove_prefix(n = send_some(bytes));
    return bytes.empty();
  };
  return eventually(sent, deadline);
}

std::size_t PtyPeer::send_some(std::string_view bytes) {
  const ssize_t n = write(master_.get(), bytes.data(), bytes.size());
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

std::string PtyPeer::receive(std::string_view last, std::chrono::milliseconds deadline) {
  return receive_from(master_.get(), last, deadline);
}

}  // namespace support
