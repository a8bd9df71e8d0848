#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "mth5/reader.hpp"
#include "mth5/time.hpp"
#include "support/peers.hpp"
#include "support/recording.hpp"

/// Sources that tell how well the computer's own clock is known: gpsd, and chronyd by a chronyc that says what a file holds.
namespace {

using support::Recording;
using support::TcpPeer;
using testing::HasSubstr;

const std::string kTracking = "C0A80101,192.168.1.1,3,1795875638.1,-0.000100000,0,0,0,0,0,";  // delay and dispersion follow

/// A box of lines without times, and who keeps the clock.
std::string sources(int port, const std::string& clock) {
  return "sources=[{name: box, tcp: {host: 127.0.0.1, port: " + std::to_string(port) +
         "}, instrument: {sample_rate: 10, text: {columns: [{channel: ex}], time: host}, channels: {ex: {type: electric, units: "
         "milliVolt}}}}, " +
         clock + "]";
}

struct FakeChronyc {
  support::TempDir dir{};
  FakeChronyc() {
    support::write_text(dir / "chronyc", "#!/bin/sh\n[ \"$*\" = '-c -n tracking' ] || echo \"unknown arguments $*\"\ncat '" +
                                             (dir / "tracking").string() + "'\n");
    std::filesystem::permissions(dir / "chronyc", std::filesystem::perms::owner_all);
  }
  /// As a whole, or not at all.
  void says(const std::string& line) const {
    support::write_text(dir / "next", line + "\n");
    std::filesystem::rename(dir / "next", dir / "tracking");
  }
  [[nodiscard]] std::vector<std::string> wrapper() const {
    return {"env", "PATH=" + dir.path().string() + ":" + std::getenv("PATH")};
  }
};

TEST(HostClock, IsKnownAsFarAsChronySaysAndSoAreTimesOfArrival) {
  const FakeChronyc chronyc;
  chronyc.says("00000000,,0,0.0,0.0,0,0,0,0,0,1.0,1.0,0.0,Not synchronised");
  TcpPeer peer;
  Recording recording{
      Recording::tcp(peer.port()),
      {.arguments = {"--set", sources(peer.port(), "{name: ntp, chrony: {every: 1s}}")}, .wrapper = chronyc.wrapper()}};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(recording.wait_for_log("warning: clock of this computer not known .ntp: chrony: not synchronised."))
      << recording.log();
  ASSERT_TRUE(peer.send("1.5\n2.5\n3.5\n"));
  const auto clock = [](const auto& s) { return s.at("streams").empty() ? nlohmann::json{} : s["streams"][0].at("clock"); };
  ASSERT_TRUE(recording.wait_until([&](const auto& s) {
    return clock(s).is_object() && s["streams"][0]["samples"]["visible"] == 3;
  })) << recording.log();
  EXPECT_TRUE(recording.status()->at("host_clock").at("known_to_us").is_null());
  EXPECT_TRUE(clock(*recording.status()).at("uncertainty_us").is_null());
  EXPECT_EQ(clock(*recording.status()).at("locked"), false);

  chronyc.says(kTracking + "0.004000000,0.000900000,16.0,Normal");  // 0.1 + 2 + 0.9 ms
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("host_clock").at("known_to_us") == 3000.0; }))
      << recording.log();
  ASSERT_TRUE(peer.send("4.5\n"));
  ASSERT_TRUE(recording.wait_until([&](const auto& s) { return clock(s).at("uncertainty_us").is_number(); })) << recording.log();
  EXPECT_GE(clock(*recording.status()).at("uncertainty_us"), 3000.0);
  EXPECT_TRUE(recording.wait_for_log(
      "info: clock of this computer known to 3 ms .ntp: chrony: stratum 3 by 192.168.1.1, off by -100 us."))
      << recording.log();
  const auto text = support::run({support::program("mth5d"), "--status", "--status-file", recording.status_path().string()}).out;
  EXPECT_THAT(text, HasSubstr("clock of this computer known to 3 ms (ntp: chrony: stratum 3"));

  EXPECT_EQ(recording.stop(), 0) << recording.log();
  const mth5::Reader reader{recording.file()};
  const auto table = reader.table("clock/box");
  ASSERT_TRUE(table.has_value());
  EXPECT_GE(table->number(table->size() - 1, "uncertainty"), 0.003);
}

TEST(HostClock, IsNotKnownWhereThereIsNoChrony) {
  const support::TempDir empty;
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()),
                      {.arguments = {"--set", sources(peer.port(), "{name: ntp, chrony: {every: 1s}}")},
                       .wrapper = {"/usr/bin/env", "PATH=" + empty.path().string()}}};
  EXPECT_TRUE(
      recording.wait_for_log("clock of this computer not known .ntp: chrony: there is no program chronyc; install chrony."))
      << recording.log();
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(peer.send("1.5\n"));
  EXPECT_TRUE(recording.wait_until([](const auto& s) { return s.at("sources").at(0).at("frames") == 1; })) << "it records";
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

TEST(HostClock, IsThatOfGpsdAsLongAsItIsHeard) {
  TcpPeer peer, gpsd;
  Recording recording{
      Recording::tcp(peer.port()),
      {.arguments = {"--set", sources(peer.port(), "{name: gps, gpsd: {host: localhost, port: " + std::to_string(gpsd.port()) +
                                                       "}, reconnect: {first: 10ms, limit: 20ms}}")}}};
  ASSERT_TRUE(gpsd.accept()) << recording.log();
  EXPECT_EQ(gpsd.receive("\n"), "?WATCH={\"enable\":true,\"json\":true,\"pps\":true};\n");
  const auto fix = [] { return R"({"class":"TPV","mode":3,"time":")" + mth5::to_iso(mth5::host_now()) + "\"}\n"; };
  const std::string pulse =
      R"({"class":"PPS","real_sec":1795875668,"real_nsec":0,"clock_sec":1795875668,"clock_nsec":250000,"precision":-20})"
      "\n";
  ASSERT_TRUE(gpsd.send(fix() + pulse)) << recording.log();
  ASSERT_TRUE(recording.wait_until([](const auto& s) {
    return s.at("host_clock").is_object() && s["host_clock"]["known_to_us"].is_number() && s["host_clock"]["known_to_us"] < 260;
  })) << recording.log();
  gpsd.hang_up();
  ASSERT_TRUE(gpsd.accept()) << recording.log();
  EXPECT_TRUE(recording.wait_for_log("warning: clock of this computer not known .gps: gpsd: tcp:localhost:")) << recording.log();
  ASSERT_TRUE(gpsd.send(fix() + pulse));
  EXPECT_TRUE(recording.wait_until([](const auto& s) { return s["host_clock"]["known_to_us"].is_number(); })) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

}  // namespace
