#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "mth5/descriptor.hpp"

/// The instrument's end of a line, in the hands of the test: what is sent when, and what has got through.
namespace support {

/// A TCP server for one client, on 127.0.0.1.
class TcpPeer {
 public:
  /// @param listening  false: the port is taken, but connections are refused until listen()
  explicit TcpPeer(bool listening = true);

  [[nodiscard]] int port() const { return port_; }
  void listen();
  /// Waits for the next client, and only then lets go of the one before. @returns false if none has come at the deadline
  [[nodiscard]] bool accept(std::chrono::milliseconds deadline = std::chrono::seconds{30});
  /// Sends all of it. @returns false if the client is gone
  bool send(std::string_view bytes);
  /// Sends what fits at once. @returns bytes
  std::size_t send_some(std::string_view bytes);
  /// What came from the other end, as soon as it ends in `last`. @returns what had come until the deadline, if that did not
  [[nodiscard]] std::string receive(std::string_view last, std::chrono::milliseconds deadline = std::chrono::seconds{30});
  /// Waits until the other end's kernel has acknowledged every byte.
  [[nodiscard]] bool all_received(std::chrono::milliseconds deadline = std::chrono::seconds{30});
  /// Closes the connection in order.
  void hang_up();
  /// Closes it so that the client sees a reset.
  void reset();

 private:
  mth5::Descriptor listener_, client_;
  int port_ = 0;
};

/// A TCP client that connects to a port of 127.0.0.1 as soon as somebody listens there.
class TcpCaller {
 public:
  /// @param from  the address it calls from
  explicit TcpCaller(int port, const std::string& from = "127.0.0.1");

  /// A port that nobody has.
  [[nodiscard]] static int free_port();
  /// Sends all of it. @returns false if the other end is gone
  bool send(std::string_view bytes);
  /// As TcpPeer::receive().
  [[nodiscard]] std::string receive(std::string_view last, std::chrono::milliseconds deadline = std::chrono::seconds{30});
  /// Waits until the other end has closed the connection. @returns false if it has not
  [[nodiscard]] bool hung_up(std::chrono::milliseconds deadline = std::chrono::seconds{30});
  void hang_up();

 private:
  mth5::Descriptor fd_;
};

/// Sends datagrams to a port of 127.0.0.1 that was free when it was made.
class UdpPeer {
 public:
  /// @param from   the address it sends from
  /// @param group  of multicast, sent to by the loopback interface; "" = none
  explicit UdpPeer(const std::string& from = "127.0.0.1", const std::string& group = "");

  [[nodiscard]] int port() const { return port_; }
  /// Goes to another port: that of another peer.
  void to(int port) { port_ = port; }
  /// One datagram.
  void send(std::string_view bytes);

 private:
  mth5::Descriptor fd_;
  int port_ = 0;
  std::string to_;
};

/// A pty that stands for a serial port, behind a link as udev would make it.
class PtyPeer {
 public:
  explicit PtyPeer(std::filesystem::path link);

  [[nodiscard]] const std::filesystem::path& link() const { return link_; }
  void plug();
  /// Pulls the plug: the link is gone, as udev would take it away, and the port.
  void unplug();
  /// Sends all of it; waits while the other end does not read. @returns false if it could not within the deadline
  bool send(std::string_view bytes, std::chrono::milliseconds deadline = std::chrono::seconds{60});
  /// Sends what fits at once. @returns bytes
  std::size_t send_some(std::string_view bytes);
  /// As TcpPeer::receive().
  [[nodiscard]] std::string receive(std::string_view last, std::chrono::milliseconds deadline = std::chrono::seconds{30});

 private:
  std::filesystem::path link_;
  mth5::Descriptor master_;
};

}  // namespace support
