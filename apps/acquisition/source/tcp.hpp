#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "mth5/descriptor.hpp"

namespace daq::source {

/// The descriptor of a connected socket: non-blocking, with keep-alive.
[[nodiscard]] mth5::Descriptor released(boost::asio::ip::tcp::socket& socket);

}  // namespace daq::source
