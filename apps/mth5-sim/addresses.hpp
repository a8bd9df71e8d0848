#pragma once

#include <netdb.h>
#include <sys/socket.h>

#include <string>

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

}  // namespace sim
