#pragma once

#include <boost/asio/ip/tcp.hpp>

namespace daq::source {

/// The descriptor of a connected socket, now the caller's: non-blocking, with keep-alive.
[[nodiscard]] int released(boost::asio::ip::tcp::socket& socket);

}  // namespace daq::source
