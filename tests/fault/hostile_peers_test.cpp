#include <gmock/gmock.h>

#include <thread>

#include "support/healthy.hpp"
#include "support/memory.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"

/// Peers that send what no instrument would, at every kind of input at once, beside an instrument that is well.
namespace {

using support::lines_with;
using support::numbered_lines;
using support::Recording;
using support::TcpCaller;
using support::TcpPeer;

/// A source of a LEMI-424 of a station of its own, in one line.
std::string source(const std::string& name, const std::string& input) {
  const std::string commands = name == "asked"       ? "commands: {start: [{send: 'ID', answer: '%LEMI', timeout: 1h}]}, "
                               : name == "datagrams" ? ""
                                                     : "commands: {start: []}, ";
  return "{name: " + name + ", instrument: lemi424, station: {id: " + name + "}, reconnect: {first: 50ms, limit: 100ms}, " +
         commands + input + "}";
}

std::uint64_t bytes_of(const nlohmann::json& status, std::size_t index) {
  return status.at("sources").at(index).at("bytes").get<std::uint64_t>();
}

class HostilePeers : public testing::Test {
 protected:
  void SetUp() override {
    line_.plug();
    ASSERT_TRUE(good_.accept()) << recording_.log();
    ASSERT_TRUE(asked_.accept());
    EXPECT_EQ(asked_.receive("ID"), "ID");
    caller_.emplace(listening_);
    ASSERT_TRUE(recording_.wait_until([](const auto& s) {
      return std::all_of(s.at("sources").begin(), s.at("sources").end(),
                         [](const auto& one) { return one.at("connected") == true; });
    })) << recording_.log();
    ASSERT_TRUE(good_.send(numbered_lines(0, 1000)));  // what is in use anyway is in use then
    ASSERT_TRUE(recording_.wait_for_bytes(numbered_lines(0, 1000).size()));
    before_ = support::peak_memory(recording_.process().pid());
  }
  /// Its lines come through beside the others', and are stored; nothing else is, and that is said briefly.
  void expect_unharmed() {
    ASSERT_TRUE(good_.send(numbered_lines(1000, 1020)));
    ASSERT_TRUE(recording_.wait_for_bytes(numbered_lines(0, 1020).size())) << recording_.log();
    EXPECT_LT(support::peak_memory(recording_.process().pid()), before_ + kMost);
    support::expect_good_end(recording_);
    EXPECT_EQ(support::stored(recording_.file()).seconds, support::seconds(0, 1020));
    for (const char* name : {"line", "asked", "caller", "datagrams"})
      for (const char* kind : {"not stored source=", "first refused source=", "input fault source="})
        EXPECT_THAT(lines_with(recording_.log(), std::string{kind} + name + " (?!reason=kernel-drop)"),
                    testing::SizeIs(testing::Le(2u)))
            << "one, and at the end what was held back\n"
            << recording_.log();
  }

  static constexpr std::uint64_t kMost = 24'000'000;  // with AddressSanitizer, which keeps what is freed
  support::TempDir dir_;
  support::PtyPeer line_{dir_ / "port"};
  TcpPeer good_, asked_;
  const int listening_ = TcpCaller::free_port();
  std::optional<TcpCaller> caller_;
  support::UdpPeer datagrams_;
  Recording recording_{
      Recording::tcp(1),
      {.arguments = {
           "--set",
           "sources=[" + source("good", "tcp: {host: 127.0.0.1, port: " + std::to_string(good_.port()) + "}") + ", " +
               source("line", "serial: {device: '" + line_.link().string() + "'}") + ", " +
               source("asked", "tcp: {host: 127.0.0.1, port: " + std::to_string(asked_.port()) + "}") + ", " +
               source("caller", "tcp: {listen: '127.0.0.1:" + std::to_string(listening_) + "', yield_after: 1h}") + ", " +
               source("datagrams", "udp: {listen: '127.0.0.1:" + std::to_string(datagrams_.port()) + "', longest: 1KiB}") +
               "]"}}};
  std::uint64_t before_ = 0;
};

TEST_F(HostilePeers, ThatSendByteAfterByteHoldNothingUp) {
  constexpr int kBytes = 1500;
  for (int i = 0; i < kBytes; ++i) {
    ASSERT_TRUE(line_.send("7"));
    ASSERT_TRUE(asked_.send("7"));
    ASSERT_TRUE(caller_->send("7"));
    datagrams_.send("7");
  }
  const auto came = [](const auto& s) {
    return bytes_of(s, 1) == kBytes && bytes_of(s, 2) == kBytes && bytes_of(s, 3) == kBytes;
  };
  EXPECT_TRUE(recording_.wait_until(came)) << recording_.log();
  expect_unharmed();
}

TEST_F(HostilePeers, ThatFloodAllInputsCostNeitherMemoryNorLogNorTheirNeighbour) {
  constexpr std::size_t kFlood = std::size_t{12} << 20;
  const std::string endless(std::size_t{1} << 20, '7');
  std::vector<std::jthread> floods;
  floods.emplace_back([&] {
    for (std::size_t n = 0; n < kFlood / 4; n += 4096) EXPECT_TRUE(line_.send(endless.substr(0, 4096)));
  });
  floods.emplace_back([&] {
    for (std::size_t n = 0; n < kFlood; n += endless.size()) EXPECT_TRUE(asked_.send(endless));  // an answer that never ends
  });
  floods.emplace_back([&] {
    for (std::size_t n = 0; n < kFlood; n += endless.size()) EXPECT_TRUE(caller_->send(endless));
  });
  floods.emplace_back([&] {
    for (int i = 0; i < 5000; ++i) datagrams_.send(i % 2 == 0 ? std::string_view{endless}.substr(0, 60'000) : "7\n");
  });
  floods.clear();  // all of it is sent
  EXPECT_TRUE(recording_.wait_until([](const auto& s) {
    return bytes_of(s, 1) == kFlood / 4 && bytes_of(s, 2) == kFlood && bytes_of(s, 3) == kFlood;
  })) << recording_.log();
  expect_unharmed();
}

}  // namespace
