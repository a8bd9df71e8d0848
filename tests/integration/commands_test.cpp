#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/healthy.hpp"
#include "support/memory.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/recording.hpp"

/// Commands as the instrument hears them, over a line and over a socket.
namespace {

using support::expect_good_end;
using support::numbered_lines;
using support::PtyPeer;
using support::Recording;
using support::TcpPeer;
using testing::HasSubstr;

const std::string kQuick = "reconnect: {first: 50ms, limit: 100ms}\n";

std::uint64_t unsent(const nlohmann::json& status) { return status.at("sources").at(0).at("bytes_unsent").get<std::uint64_t>(); }

TEST(AnInstrument, IsToldToStartAfterEachConnection) {
  const support::TempDir dir;
  PtyPeer line{dir / "lemi"};
  Recording recording{
      Recording::serial(line.link()),
      {.source = kQuick + "commands: {start: [{send: 'STOP\\r\\n', answer: '%STOP', timeout: 1h}, {send: 'START\\r\\n'}]}\n"}};
  EXPECT_EQ(line.receive("\n"), "STOP\r\n");
  ASSERT_TRUE(line.send("%STOP WORK\r\n"));
  EXPECT_EQ(line.receive("\n"), "START\r\n") << "only after the answer, which could take an hour";
  ASSERT_TRUE(line.send(numbered_lines(0, 5)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 5).size() + 12)) << recording.log();
  line.unplug();
  line.plug();
  EXPECT_EQ(line.receive("\n"), "STOP\r\n");
  ASSERT_TRUE(line.send("%STOP WORK\r\n"));
  EXPECT_EQ(line.receive("\n"), "START\r\n");
  EXPECT_TRUE(recording.wait_until([](const auto& s) { return s.at("sources").at(0).at("bytes_sent") == 26; }))
      << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

/// It lost its power, and its adapter did not: it is there, prompts, and waits for its command.
TEST(AnInstrument, ThatOnlyPromptsIsToldToStartAgain) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()),
                      {.source = kQuick + "idle_timeout: 3s\ncommands: {start: [{send: 'START\\r\\n'}]}\n"}};
  ASSERT_TRUE(peer.accept());
  EXPECT_EQ(peer.receive("\n"), "START\r\n");
  ASSERT_TRUE(peer.send(numbered_lines(0, 5)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 5).size())) << recording.log();
  std::optional<std::string> told;
  for (int i = 0; i < 100 && !told; ++i) {
    ASSERT_TRUE(peer.send("% READY\r\n")) << "the connection stays\n" << recording.log();
    told = recording.wait_for_log(
        "notice source=lemi .*bytes come, but no frame for 3s \\(idle_timeout\\); it is told to start again",
        std::chrono::milliseconds{200});
  }
  ASSERT_TRUE(told) << recording.log();
  EXPECT_EQ(peer.receive("\n"), "START\r\n");
  ASSERT_TRUE(peer.send(numbered_lines(20, 25)));
  EXPECT_TRUE(recording.wait_until([](const auto& s) { return s.at("sources").at(0).at("frames") == 10; })) << recording.log();
  expect_good_end(recording);
}

TEST(AnInstrument, ThatDoesNotAnswerIsToldTheRestAllTheSame) {
  TcpPeer peer;
  Recording recording{
      Recording::tcp(peer.port()),
      {.source = kQuick + "commands: {start: [{send: 'ID\\r', answer: '%LEMI', timeout: 50ms}, {send: 'START\\r'}]}\n"}};
  ASSERT_TRUE(peer.accept());
  EXPECT_EQ(peer.receive("START\r"), "ID\rSTART\r");
  EXPECT_TRUE(recording.wait_for_log(
      "notice source=lemi problem=\"tcp:127.0.0.1:[0-9]+: no answer '%LEMI' to 'ID..' within 50ms; going on\""))
      << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 5)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 5).size())) << recording.log();
  expect_good_end(recording);
}

TEST(AnInstrument, ThatDoesNotAnswerIsCalledAnewWhereThatIsWanted) {
  TcpPeer peer;
  Recording recording{
      Recording::tcp(peer.port()),
      {.source =
           kQuick +
           "commands: {no_answer: reconnect, start: [{send: 'ID\\r', answer: '%LEMI', timeout: 50ms}, {send: 'START\\r'}]}\n"}};
  ASSERT_TRUE(peer.accept());
  EXPECT_EQ(peer.receive("ID\r"), "ID\r");
  ASSERT_TRUE(peer.accept()) << "a second connection";
  EXPECT_EQ(peer.receive("ID\r"), "ID\r");
  ASSERT_TRUE(peer.send("%LEMI424 #001\r\n"));
  EXPECT_EQ(peer.receive("START\r"), "START\r");
  EXPECT_THAT(recording.log(), HasSubstr("no answer '%LEMI'"));
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

TEST(AnInstrument, ThatTalksWithoutEndCostsNeitherMemoryNorLog) {
  constexpr std::size_t kTalk = std::size_t{32} << 20;
  TcpPeer line;
  Recording recording{Recording::tcp(line.port()),
                      {.source = "commands: {start: [{send: 'ID\\r', answer: '%LEMI', timeout: 1h}, {send: 'START\\r'}]}\n"}};
  ASSERT_TRUE(line.accept());
  EXPECT_EQ(line.receive("\r"), "ID\r");
  const auto before = support::peak_memory(recording.process().pid());
  const std::string talk(std::size_t{1} << 20, '7');  // neither an answer nor the end of a line
  for (std::size_t sent = 0; sent < kTalk; sent += talk.size()) ASSERT_TRUE(line.send(talk));
  ASSERT_TRUE(line.send("%LEMI\n"));
  EXPECT_EQ(line.receive("\r"), "START\r") << recording.log();
  ASSERT_TRUE(line.send(numbered_lines(0, 5)));
  ASSERT_TRUE(recording.wait_for_bytes(kTalk + 6 + numbered_lines(0, 5).size())) << recording.log();
  const auto after = support::peak_memory(recording.process().pid());
  const auto status = expect_good_end(recording);
  EXPECT_LT(after - before, kTalk / 4);
  auto skipped = support::counts(status, "skipped");
  EXPECT_EQ(skipped["too-long"] + skipped["garbage"], kTalk + 6) << "all of it, the last piece of it as a line";
  EXPECT_EQ(support::stored(recording.file()).seconds, support::seconds(0, 5));
  EXPECT_THAT(support::lines_with(recording.log(), "not stored"), testing::SizeIs(testing::Le(2u))) << recording.log();
}

TEST(AnInstrument, ThatNeverReadsHoldsNothingUp) {
  const support::TempDir dir;
  PtyPeer line{dir / "lemi"};
  const std::string poll(1000, 'F');
  Recording recording{Recording::serial(line.link()),
                      {.source = "commands: {start: [], limit: 2000B, every: [{send: '" + poll + "', interval: 10ms}]}\n"}};
  EXPECT_TRUE(recording.wait_until([](const auto& s) { return unsent(s) > 20'000; })) << recording.log();
  ASSERT_TRUE(line.send(numbered_lines(0, 10)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 10).size())) << recording.log();
  EXPECT_TRUE(recording.wait_for_log("does not read what it is sent")) << recording.log();
  expect_good_end(recording);
  EXPECT_EQ(support::stored(recording.file()).seconds, support::seconds(0, 10));
}

TEST(CommandKeys, AreSeenAtTheInstrument) {
  TcpPeer peer;
  Recording recording{
      Recording::tcp(peer.port()),
      {.source = kQuick + "commands: {spacing: 20ms, start: [{send: 'A', pause: 30ms}], every: [{send: 'F', interval: 40ms}, "
                          "{send: '<{now:%Y}>', interval: 1h}]}\n"}};
  ASSERT_TRUE(peer.accept());
  const auto began = std::chrono::steady_clock::now();
  const auto said = peer.receive("FFF");
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds{100}) << "no sooner than these keys allow";
  EXPECT_THAT(said, testing::MatchesRegex("AF<20[0-9][0-9]>FFF"));
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

}  // namespace
