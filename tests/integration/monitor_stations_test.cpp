#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/process.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

// Two stations in one file, of which one is silent.
namespace {

using nlohmann::json;
using support::Recording;
using support::TcpPeer;

TEST(MonitorOfAStation, ShowsNothingOfAnother) {
  const support::TempDir dir;
  TcpPeer peer;
  TcpPeer silent;
  const auto both =
      support::lemi_sources({{"one", "MT001", Recording::tcp(peer.port())}, {"two", "MT002", Recording::tcp(silent.port())}});
  Recording recording{Recording::tcp(peer.port()), {.arguments = {"--set", both}, .directory = dir.path()}};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(support::numbered_lines(0, 60)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("sources").at(0).at("samples").at("visible") >= 60; }))
      << recording.log();
  const auto look = [&](const std::string& station) {
    const auto once = support::run({support::program("mth5-monitor"), "--once", "--json", "--station", station, dir.path()});
    return json::parse(once.out);
  };
  const auto one = look("MT001");
  EXPECT_TRUE(one.at("soh").contains("battery_V")) << one.at("soh");
  ASSERT_EQ(one.at("clocks").size(), 1u) << one.at("clocks");
  EXPECT_EQ(one.at("clocks")[0].at("stream"), "one");
  const auto two = look("MT002");
  EXPECT_TRUE(two.at("soh").is_null()) << two.at("soh");
  EXPECT_TRUE(two.at("clocks").empty()) << two.at("clocks");
  EXPECT_TRUE(two.at("clock").is_null()) << two.at("clock");
  const auto channel_of = [&](const std::string& station) {
    return support::run({support::program("mth5-monitor"), "--once", "--station", station, "--channels", "bx", dir.path()});
  };
  EXPECT_EQ(channel_of("MT001").code, 0) << channel_of("MT001").err;
  EXPECT_EQ(channel_of("MT002").code, 1);
  EXPECT_THAT(channel_of("MT002").err, testing::HasSubstr("has no channel bx at station MT002 (there is none yet)"));
}

}  // namespace
