#include <gmock/gmock.h>

#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"

/// A peer that hangs up, falls silent, or is not there.
namespace {

using support::Counts;
using support::counts;
using support::expect_good_end;
using support::lines_with;
using support::numbered_line;
using support::numbered_lines;
using support::Recording;
using support::seconds;
using support::StoredGap;
using support::TcpPeer;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kQuick = "reconnect: {first: 50ms, limit: 100ms}\n";

/// Sends, and waits until all sent so far is in.
testing::AssertionResult taken(TcpPeer& peer, Recording& recording, const std::string& text, std::size_t& bytes) {
  bytes += text.size();
  if (!peer.send(text)) return testing::AssertionFailure() << "the connection is gone\n" << recording.log();
  if (!recording.wait_for_bytes(bytes)) return testing::AssertionFailure() << "not taken: " << bytes << "\n" << recording.log();
  return testing::AssertionSuccess();
}

TEST(PeerThatHangsUp, IsCalledAgain) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.source = kQuick}};
  std::size_t bytes = 0;
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(taken(peer, recording, numbered_lines(0, 10), bytes));
  peer.hang_up();
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(taken(peer, recording, numbered_lines(17, 30), bytes));
  peer.reset();
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(taken(peer, recording, numbered_lines(30, 40), bytes));
  const auto status = expect_good_end(recording);
  EXPECT_EQ(status.at("sources").at(0).at("reconnects"), 2);
  const auto stored = support::stored(recording.file());
  auto expected = seconds(0, 10);
  for (const int k : seconds(17, 40)) expected.push_back(k);
  EXPECT_EQ(stored.seconds, expected);
  EXPECT_THAT(stored.starts, ElementsAre(0, 17)) << "nothing was missed the second time: the run goes on";
  EXPECT_THAT(support::stored_gaps(recording.file()), ElementsAre(StoredGap{10, 7, "disconnected"}));
  EXPECT_THAT(lines_with(recording.log(), "warning: source waiting .*tcp:127.0.0.1:\\d+: closed by the other end"), SizeIs(1));
  EXPECT_THAT(lines_with(recording.log(), "warning: source waiting .*tcp:127.0.0.1:\\d+: Connection reset by peer"), SizeIs(1));
}

TEST(PeerThatHangsUp, AgainAndAgainFillsNoLog) {
  constexpr int kTimes = 8;
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.source = "reconnect: {first: 10ms, limit: 20ms}\n"}};
  std::size_t bytes = 0;
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(taken(peer, recording, numbered_lines(0, 10), bytes));
  for (int i = 0; i < kTimes; ++i) {
    peer.reset();
    ASSERT_TRUE(peer.accept()) << recording.log();
    ASSERT_TRUE(taken(peer, recording, "garbage\n", bytes));  // it has seen the connection, and so will see its reset
  }
  for (const char* kind : {"source connected", "source waiting .*: Connection reset by peer"})
    EXPECT_THAT(lines_with(recording.log(), kind), SizeIs(1)) << "of one minute\n" << recording.log();
  EXPECT_THAT(lines_with(recording.log(), "not stored"), SizeIs(testing::Le(1u))) << recording.log();
  expect_good_end(recording);
  // Held back, not lost.
  EXPECT_THAT(lines_with(recording.log(), "source connected .*repeated=" + std::to_string(kTimes)), SizeIs(1));
  EXPECT_THAT(lines_with(recording.log(), "source waiting .* repeated=" + std::to_string(kTimes - 1)), SizeIs(1));
}

TEST(PeerThatHangsUp, InTheMiddleOfALineDoesNotSpoilTheNext) {
  const auto line = numbered_line(10);
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.source = kQuick}};
  std::size_t bytes = 0;
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(taken(peer, recording, numbered_lines(0, 10) + line.substr(0, 50), bytes));
  peer.hang_up();
  ASSERT_TRUE(peer.accept()) << recording.log();
  // With the first half it would be a good line: but what lies between two connections is not known.
  ASSERT_TRUE(taken(peer, recording, line.substr(50) + numbered_lines(11, 20), bytes));
  const auto status = expect_good_end(recording);
  EXPECT_EQ(counts(status, "skipped"), (Counts{{"cut-off", 50}, {"garbage", line.size() - 50}}));
  auto expected = seconds(0, 10);
  for (const int k : seconds(11, 20)) expected.push_back(k);
  EXPECT_EQ(support::stored(recording.file()).seconds, expected);
  EXPECT_THAT(support::stored_gaps(recording.file()), ElementsAre(StoredGap{10, 1, "disconnected"}));
}

TEST(PeerThatHangsUp, BehindAWholeLineWithoutItsEndLosesNothing) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.source = kQuick}};
  std::size_t bytes = 0;
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(taken(peer, recording, numbered_lines(0, 10) + numbered_line(10, ""), bytes));
  peer.hang_up();
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(taken(peer, recording, numbered_lines(11, 20), bytes));
  const auto status = expect_good_end(recording);
  EXPECT_THAT(counts(status, "skipped"), IsEmpty());
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 20));
}

TEST(SilentPeer, IsHungUpOnAndCalledAgain) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.source = kQuick + "idle_timeout: 1s\n"}};
  std::size_t bytes = 0;
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(taken(peer, recording, numbered_lines(0, 10), bytes));
  ASSERT_TRUE(peer.accept()) << "it never came again\n" << recording.log();
  ASSERT_TRUE(taken(peer, recording, numbered_lines(20, 30), bytes));
  const auto status = expect_good_end(recording);
  EXPECT_GE(status.at("sources").at(0).at("reconnects"), 1);
  EXPECT_THAT(lines_with(recording.log(), "warning: source waiting .*: no data for 1s \\(idle_timeout\\)"),
              testing::Not(IsEmpty()));
  EXPECT_THAT(lines_with(recording.log(), "Operation canceled"), IsEmpty()) << "it was given up once, and for one reason";
  EXPECT_THAT(support::stored_gaps(recording.file()), ElementsAre(StoredGap{10, 10, "disconnected"}));
  EXPECT_THAT(support::stored(recording.file()).starts, ElementsAre(0, 20));
}

TEST(AbsentPeer, IsTriedUntilItIsThere) {
  TcpPeer peer{false};
  Recording recording{Recording::tcp(peer.port()), {.source = kQuick}};
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("uptime_s") > 1.5; })) << recording.log();
  EXPECT_THAT(lines_with(recording.log(), "warning: source waiting .*tcp:127.0.0.1:\\d+: Connection refused"), SizeIs(1))
      << recording.log();
  EXPECT_THAT(recording.files(), IsEmpty());
  peer.listen();
  std::size_t bytes = 0;
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(taken(peer, recording, numbered_lines(0, 10), bytes));
  expect_good_end(recording);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 10));
}

TEST(PeerThatOnlyHangsUp, IsCalledLessAndLessOften) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.source = "reconnect: {first: 100ms, limit: 400ms}\n"}};
  ASSERT_TRUE(peer.accept());
  auto last = std::chrono::steady_clock::now();
  for (const int pause : {100, 200, 400, 400}) {  // a connection without data proves nothing: no return to the first pause
    peer.hang_up();
    ASSERT_TRUE(peer.accept()) << recording.log();
    const auto now = std::chrono::steady_clock::now();
    EXPECT_GE(now - last, std::chrono::milliseconds{pause - 20});  // its clock started a little before ours
    last = now;
  }
  std::size_t bytes = 0;
  ASSERT_TRUE(taken(peer, recording, numbered_lines(0, 10), bytes));
  const auto status = expect_good_end(recording);
  EXPECT_EQ(status.at("sources").at(0).at("reconnects"), 4);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 10));
  EXPECT_LE(lines_with(recording.log(), "source (connected|waiting)").size(), 10u) << recording.log();
}

}  // namespace
