#include <gmock/gmock.h>

#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"

/// Instruments that connect to us, one at a time, and others who would like to.
namespace {

using support::expect_good_end;
using support::lines_with;
using support::numbered_line;
using support::numbered_lines;
using support::Recording;
using support::seconds;
using support::StoredGap;
using support::TcpCaller;
using testing::ElementsAre;
using testing::SizeIs;

const std::string kQuick = "reconnect: {first: 50ms, limit: 1h}\n";

std::string listen(int port, const std::string& more = "") {
  return "tcp: {listen: '127.0.0.1:" + std::to_string(port) + "'" + more + "}\n";
}

std::uint64_t faults(const nlohmann::json& status, const char* reason) {
  return status.at("sources").at(0).at("input_faults").at(reason).get<std::uint64_t>();
}

TEST(Caller, IsTakenAgainAndAgain) {
  const int port = TcpCaller::free_port();
  Recording recording{listen(port), {.source = kQuick + "commands: {start: [{send: 'START\\r\\n'}]}\n"}};
  std::size_t bytes = 0;
  for (int k = 0; k < 30; k += 10) {
    TcpCaller instrument{port};
    EXPECT_EQ(instrument.receive("\n"), "START\r\n");
    ASSERT_TRUE(instrument.send(numbered_lines(k, k + 7)));
    ASSERT_TRUE(recording.wait_for_bytes(bytes += numbered_lines(0, 7).size())) << recording.log();
  }
  const auto status = expect_good_end(recording);
  EXPECT_EQ(status.at("sources").at(0).at("reconnects"), 2);
  EXPECT_EQ(status.at("sources").at(0).at("input"), "tcp:listen:127.0.0.1:" + std::to_string(port));
  EXPECT_THAT(support::stored_gaps(recording.file()),
              ElementsAre(StoredGap{7, 3, "disconnected"}, StoredGap{17, 3, "disconnected"}));
}

TEST(Caller, MayConnectForEachLine) {
  const int port = TcpCaller::free_port();
  Recording recording{listen(port), {.source = "reconnect: {first: 10s, limit: 1h}\n"}};
  std::size_t bytes = 0;
  for (int k = 0; k < 40; ++k) {
    TcpCaller sender{port};
    ASSERT_TRUE(sender.send(numbered_lines(k, k + 1)));
    sender.hang_up();
    bytes += numbered_lines(k, k + 1).size();
    if (k % 8 == 7) {
      ASSERT_TRUE(recording.wait_for_bytes(bytes)) << recording.log();
    }
  }
  const auto status = expect_good_end(recording);
  EXPECT_EQ(faults(status, "refused-peer"), 0u);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 40));
}

TEST(Caller, ThatIsASecondOneIsRefusedAndCounted) {
  const int port = TcpCaller::free_port();
  Recording recording{listen(port, ", yield_after: 1h"), {.source = kQuick}};
  TcpCaller instrument{port};
  ASSERT_TRUE(instrument.send(numbered_lines(0, 5)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 5).size())) << recording.log();
  for (int i = 0; i < 5; ++i) {
    TcpCaller other{port};
    EXPECT_TRUE(other.hung_up()) << i;
  }
  ASSERT_TRUE(instrument.send(numbered_lines(5, 10)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 10).size())) << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_EQ(faults(status, "refused-peer"), 5u);
  EXPECT_EQ(status.at("sources").at(0).at("reconnects"), 0);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 10));
  EXPECT_THAT(lines_with(recording.log(), "input fault source=lemi reason=refused-peer"), SizeIs(2))
      << "the first, and at the end the newest of those held back\n"
      << recording.log();
}

TEST(Caller, ThatOnlyOccupiesTheLineGivesWay) {
  const int port = TcpCaller::free_port();
  Recording recording{listen(port, ", yield_after: 1s"), {.source = kQuick + "idle_timeout: 1h\n"}};
  TcpCaller silent{port};
  ASSERT_TRUE(recording.wait_for_log("source connected")) << recording.log();
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("uptime_s") > 2.5; })) << recording.log();
  TcpCaller instrument{port};
  EXPECT_TRUE(silent.hung_up());
  ASSERT_TRUE(instrument.send(numbered_lines(0, 5)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 5).size())) << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_EQ(faults(status, "refused-peer"), 0u);
  EXPECT_THAT(lines_with(recording.log(), "nothing of use for 1s, and 127.0.0.1 connects \\(yield_after\\)"), SizeIs(1));
  EXPECT_THAT(lines_with(recording.log(), "source waiting"), SizeIs(1)) << "given up once\n" << recording.log();
}

TEST(Caller, ThatSendsByteAfterByteAndNeverALineGivesWay) {
  const int port = TcpCaller::free_port();
  Recording recording{listen(port, ", yield_after: 1s"), {.source = kQuick}};
  TcpCaller slow{port};
  std::size_t bytes = 0;
  ASSERT_TRUE(recording.wait_until([&](const auto& s) {
    if (slow.send("7")) ++bytes;
    return s.at("uptime_s") > 2.5 && s.at("sources").at(0).at("bytes") > 0;
  })) << recording.log();
  TcpCaller instrument{port};
  EXPECT_TRUE(slow.hung_up());
  ASSERT_TRUE(instrument.send(numbered_lines(0, 5)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("sources").at(0).at("frames") == 5; })) << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_GE(bytes, 2u) << "one and the line would be garbage at once";
  EXPECT_EQ(faults(status, "refused-peer"), 0u);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 5));
}

TEST(Caller, FromElsewhereIsRefusedAndKeepsNobodyOut) {
  const int port = TcpCaller::free_port();
  Recording recording{listen(port, ", from: 127.0.0.2"), {.source = kQuick}};
  for (int i = 0; i < 3; ++i) {
    TcpCaller stranger{port};
    EXPECT_TRUE(stranger.hung_up());
  }
  TcpCaller instrument{port, "127.0.0.2"};
  ASSERT_TRUE(instrument.send(numbered_lines(0, 5)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 5).size())) << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_EQ(faults(status, "other-sender"), 3u);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 5));
}

TEST(Caller, ThatComesAndGoesWithoutAWordFillsNoLogAndIsStillHeard) {
  const int port = TcpCaller::free_port();
  Recording recording{listen(port), {.source = "reconnect: {first: 10ms, limit: 1h}\n"}};
  for (int i = 0; i < 20; ++i) {
    TcpCaller storm{port};
    ASSERT_TRUE(storm.send("x"));  // it has been taken when this is in
    ASSERT_TRUE(recording.wait_for_bytes(static_cast<std::uint64_t>(i) + 1)) << recording.log();
  }
  TcpCaller instrument{port};  // had the pauses grown, this would take days
  ASSERT_TRUE(instrument.send(numbered_lines(0, 5)));
  ASSERT_TRUE(recording.wait_for_bytes(20 + numbered_lines(0, 5).size())) << recording.log();
  expect_good_end(recording);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 5));
  for (const char* kind : {"source connected", "source waiting", "not stored"})
    EXPECT_THAT(lines_with(recording.log(), kind), SizeIs(testing::Le(2u))) << recording.log();
}

TEST(Caller, IsWaitedForWhereThePortIsTakenAtFirst) {
  auto taken = std::make_unique<support::TcpPeer>();
  const int port = taken->port();
  Recording recording{listen(port), {.source = kQuick}};
  ASSERT_TRUE(recording.wait_for_log("source waiting .*cannot be listened at: Address already in use")) << recording.log();
  taken.reset();
  TcpCaller instrument{port};
  ASSERT_TRUE(instrument.send(numbered_lines(0, 5)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 5).size())) << recording.log();
  expect_good_end(recording);
}

TEST(Caller, ThatEndsEndsTheDaemonUntilEof) {
  const int port = TcpCaller::free_port();
  Recording recording{listen(port), {.arguments = {"--until-eof"}}};
  TcpCaller instrument{port};
  ASSERT_TRUE(instrument.send(numbered_lines(0, 5)));
  instrument.hang_up();
  EXPECT_EQ(recording.process().wait(std::chrono::seconds{60}), 0) << recording.log();
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 5));
}

}  // namespace
