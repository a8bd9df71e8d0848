#pragma once

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"

namespace sim {

/// What getaddrinfo(3) found.
struct Addresses {
  Addresses() = default;
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;
  ~Addresses() {
    if (first != nullptr) freeaddrinfo(first);
  }
  /// @param kind  SOCK_STREAM or SOCK_DGRAM @param flags  AI_PASSIVE to listen there @returns 0, or the error of getaddrinfo(3)
  [[nodiscard]] int resolve(const std::string& host, const std::string& port, int kind, int flags) {
    addrinfo hints{};
    hints.ai_socktype = kind;
    hints.ai_flags = flags;
    return getaddrinfo(host.c_str(), port.c_str(), &hints, &first);
  }

  addrinfo* first = nullptr;
};

/// "127.0.0.1:7000", "[::1]:7000".
[[nodiscard]] inline std::string numeric(const sockaddr* address, socklen_t length) {
  char host[256], port[32];
  if (getnameinfo(address, length, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) return "?";
  return (address->sa_family == AF_INET6 ? "[" + std::string{host} + "]" : std::string{host}) + ":" + port;
}

/// A socket that listens and never blocks, and where: "127.0.0.1:7000".
struct Listening {
  mth5::Descriptor socket;
  std::string address;
  /// Of the address: where port 0 was asked for, the one that was free.
  [[nodiscard]] std::string port() const { return address.substr(address.rfind(':') + 1); }
};
/// @param name  in what is said @param backlog  peers that wait @throws mth5::Error
[[nodiscard]] inline Listening listen_at(const std::string& name, const std::string& host, const std::string& port, int backlog) {
  Addresses addresses;
  if (const int error = addresses.resolve(host, port, SOCK_STREAM, AI_PASSIVE); error != 0)
    throw mth5::Error{name + ": " + gai_strerror(error)};
  const addrinfo& address = *addresses.first;
  mth5::Descriptor listener{socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!listener) throw mth5::Error{name + ": socket: " + std::strerror(errno)};
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener.get(), address.ai_addr, address.ai_addrlen) != 0 || listen(listener.get(), backlog) != 0) {
    const bool in_use = errno == EADDRINUSE;
    throw mth5::Error{name + ": " + std::strerror(errno) + (in_use ? "; choose another port, or 0 for a free one" : "")};
  }
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  auto* generic = reinterpret_cast<sockaddr*>(&bound);
  getsockname(listener.get(), generic, &length);
  return {std::move(listener), numeric(generic, length)};
}

}  // namespace sim
