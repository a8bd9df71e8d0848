#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "mth5/descriptor.hpp"

namespace daq::source {

/// Whether a socket is connected to itself. A call to a port of this host that nobody listens at gets through where the kernel
/// happens to give the caller that very port: the caller would hear its own commands for ever, and keep the port from whom it
/// belongs to.
[[nodiscard]] bool is_its_own_peer(const boost::asio::ip::tcp::socket& socket);

/// The descriptor of a connected socket: non-blocking, with keep-alive.
[[nodiscard]] mth5::Descriptor released(boost::asio::ip::tcp::socket& socket);

}  // namespace daq::source
