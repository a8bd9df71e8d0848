#pragma once

#include <boost/asio/ip/address.hpp>

namespace daq::source {

/// The address of a peer as people write it: a socket of both kinds shows one of IPv4 as one of IPv6.
[[nodiscard]] inline boost::asio::ip::address unmapped(const boost::asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
}

}  // namespace daq::source
