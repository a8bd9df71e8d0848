#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "acquisition/source/source.hpp"
#include "acquisition/source/tcp.hpp"
#include "support/peers.hpp"
#include "support/support.hpp"

/// A stream and its listener, step by step.
namespace {

using support::TcpPeer;

TEST(TcpSocket, KnowsWhetherItIsItsOwnPeer) {
  using boost::asio::ip::tcp;
  boost::asio::io_context io;
  tcp::socket own{io, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}};
  EXPECT_FALSE(daq::source::is_its_own_peer(own)) << "not connected yet";
  own.connect(own.local_endpoint());  // what the kernel does by chance
  EXPECT_TRUE(daq::source::is_its_own_peer(own));

  TcpPeer peer;
  tcp::socket other{io};
  other.connect({boost::asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(peer.port())});
  EXPECT_FALSE(daq::source::is_its_own_peer(other));
}

TEST(StoppedStream, WaitsForRoomAndTakesAllThatWasReceived) {
  TcpPeer peer;
  daq::config::Source config;
  config.input = daq::config::Tcp{"127.0.0.1", static_cast<std::uint16_t>(peer.port())};
  bool connected = false, room = false, ended = false;
  std::string taken;
  daq::source::Listener listener;
  listener.bytes = [&](const daq::decode::Chunk& chunk) { taken.append(chunk.bytes.data(), chunk.bytes.size()); };
  listener.connected = [&] { connected = true; };
  listener.disconnected = [](const std::string& reason, bool) { ADD_FAILURE() << reason; };
  listener.ended = [&] { ended = true; };
  listener.has_room = [&](std::size_t) { return room; };
  boost::asio::io_context io;
  const auto source = daq::source::make_source(io, config, false, std::move(listener));
  const auto until = [&](const bool& done) {
    return support::eventually([&] {
      io.restart();
      io.poll();
      return done;
    });
  };
  source->start();
  ASSERT_TRUE(until(connected));
  ASSERT_TRUE(peer.accept());
  const std::string sent(20'000, '7');
  ASSERT_TRUE(peer.send(sent));
  ASSERT_TRUE(peer.all_received());

  source->stop();
  io.restart();
  io.poll();
  EXPECT_FALSE(ended);
  EXPECT_EQ(taken, "") << "nobody has room for it";
  room = true;
  source->resume();
  ASSERT_TRUE(until(ended));
  EXPECT_EQ(taken, sent);
}

}  // namespace
