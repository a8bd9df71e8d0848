#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>

#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/process.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

/// Datagrams over the loopback: those that are taken, and those that are not.
namespace {

using support::counts;
using support::Counts;
using support::expect_good_end;
using support::lines_with;
using support::numbered_line;
using support::numbered_lines;
using support::Recording;
using support::seconds;
using support::StoredGap;
using support::UdpPeer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

testing::AssertionResult listening(Recording& recording) {
  if (recording.wait_for_log("source connected")) return testing::AssertionSuccess();
  return testing::AssertionFailure() << recording.log();
}

std::uint64_t faults(const nlohmann::json& status, const char* reason) {
  return status.at("sources").at(0).at("input_faults").at(reason).get<std::uint64_t>();
}

/// What mth5-summary finds of it in the file.
nlohmann::json faults_in_file(const Recording& recording) {
  const auto done = support::run({support::program("mth5-summary"), "--format", "json", recording.file().string()});
  EXPECT_EQ(done.code, 0) << done.err;
  return nlohmann::json::parse(done.out).at("files").at(0).at("ledger").at(0).at("input_faults");
}

TEST(Datagrams, AreEachAPieceOfTheirOwn) {
  UdpPeer peer;
  Recording recording{Recording::udp(peer.port())};
  ASSERT_TRUE(listening(recording));
  const auto line = numbered_line(10);
  peer.send(numbered_lines(0, 5));
  peer.send(numbered_lines(5, 9) + numbered_line(9, ""));  // whole without its end
  peer.send(line.substr(0, 50));                           // would be a line with what follows, and must not
  peer.send(line.substr(50));
  peer.send(numbered_lines(11, 20));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 20).size() - 1)) << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_EQ(counts(status, "skipped"), (Counts{{"cut-off", 50}, {"garbage", line.size() - 50}}));
  auto expected = seconds(0, 10);
  for (const int k : seconds(11, 20)) expected.push_back(k);
  EXPECT_EQ(support::stored(recording.file()).seconds, expected);
  EXPECT_EQ(status.at("sources").at(0).at("input"), "udp:127.0.0.1:" + std::to_string(peer.port()));
}

TEST(Datagrams, ThatFindNoRoomAreCounted) {
  constexpr int kSent = 400;
  UdpPeer peer;
  Recording recording{Recording::udp(peer.port(), ", receive_buffer: 4KiB")};
  ASSERT_TRUE(listening(recording));
  ASSERT_TRUE(support::freeze(recording.process().pid()));
  for (int k = 0; k < kSent; ++k) peer.send(numbered_line(k));
  ASSERT_EQ(kill(recording.process().pid(), SIGCONT), 0);
  peer.send("garbage\n");
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return faults(s, "kernel-drop") > 0; })) << recording.log();
  const auto status = expect_good_end(recording);
  const auto frames = status.at("sources").at(0).at("frames").get<std::uint64_t>();
  // The last one may have found no room either.
  EXPECT_EQ(frames + faults(status, "kernel-drop") + counts(status, "skipped").count("garbage"), kSent + 1u);
  EXPECT_LT(frames, kSent / 2u) << "the buffer is no larger than was asked for";
  EXPECT_EQ(support::stored(recording.file()).seconds.size(), frames);
  EXPECT_EQ(faults_in_file(recording).at("kernel-drop"), faults(status, "kernel-drop"));
  // One line a minute: what a second look at the kernel's count has found is held back until the end.
  const std::string told = "input fault source=lemi reason=kernel-drop count=[0-9]+ .*receive_buffer[^=]*$";
  EXPECT_THAT(lines_with(recording.log(), told), SizeIs(1)) << recording.log();
  const auto all = lines_with(recording.log(), "input fault source=lemi reason=kernel-drop .*receive_buffer");
  EXPECT_THAT(all.back(), HasSubstr(" count=" + std::to_string(faults(status, "kernel-drop")) + " ")) << recording.log();
}

TEST(Datagrams, ThatAreTooLongAreCountedInOneLine) {
  UdpPeer peer;
  Recording recording{Recording::udp(peer.port(), ", longest: 256B")};
  ASSERT_TRUE(listening(recording));
  peer.send(numbered_line(0));
  // A line that is cut at the limit would be a line with a wrong last number.
  for (int i = 0; i < 100; ++i) peer.send(std::string(60'000, '7'));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return faults(s, "oversized") + faults(s, "kernel-drop") == 100; }))
      << recording.log();
  peer.send(numbered_line(1));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 2).size())) << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_EQ(faults(status, "oversized") + faults(status, "kernel-drop"), 100u);
  EXPECT_EQ(counts(status, "skipped"), Counts{});
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 2));
  const auto told = lines_with(recording.log(), "input fault source=lemi reason=oversized");
  ASSERT_THAT(told, testing::Not(testing::IsEmpty()));
  EXPECT_THAT(told.front(), testing::HasSubstr("a datagram of 60000 bytes (longest 256B) is not taken"));
  EXPECT_THAT(told, SizeIs(2)) << "the first, and at the end the newest of those held back";
}

TEST(Datagrams, ThatComeTwiceOrOutOfOrderAreStoredOnceInTheirPlace) {
  UdpPeer peer;
  Recording recording{Recording::udp(peer.port())};
  ASSERT_TRUE(listening(recording));
  const std::vector<int> order{0, 1, 2, 2, 3, 1, 4, 6, 5, 7, 8, 7, 9};
  for (const int k : order) peer.send(numbered_line(k));
  ASSERT_TRUE(recording.wait_for_bytes(order.size() * numbered_line(0).size())) << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_EQ(counts(status, "skipped"), Counts{});
  EXPECT_EQ(counts(status, "dropped"), (Counts{{"duplicate", 3}}));
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 10));
  EXPECT_THAT(support::stored_gaps(recording.file()), testing::IsEmpty());
}

TEST(Datagrams, ThatComeSeveralPlacesLateAreStoredInTheirPlaceAndNoClockWasSet) {
  UdpPeer peer;
  Recording recording{Recording::udp(peer.port())};
  ASSERT_TRUE(listening(recording));
  // 2 and 3 places late; 20 beyond what is waited for; 40 never.
  std::vector<int> order;
  for (int k = 0; k < 60; ++k) {
    if (k == 20 || k == 40) continue;
    order.push_back(k);
    if (k == 31) order.push_back(20);
  }
  std::swap(order[5], order[7]);
  std::swap(order[12], order[13]);
  std::swap(order[12], order[15]);
  for (const int k : order) peer.send(numbered_line(k));
  ASSERT_TRUE(recording.wait_for_bytes(order.size() * numbered_line(0).size())) << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_EQ(counts(status, "dropped"), Counts{});
  auto stored = support::stored(recording.file()).seconds;
  std::sort(stored.begin(), stored.end());
  std::sort(order.begin(), order.end());
  EXPECT_EQ(stored, order);
  EXPECT_THAT(support::stored_gaps(recording.file()),
              ElementsAre(StoredGap{20, 1, "no-data"}, StoredGap{33, 0, "out-of-order"}, StoredGap{40, 1, "no-data"}));
}

TEST(Datagrams, OfAnotherSenderAreCounted) {
  UdpPeer stranger;
  UdpPeer instrument{"127.0.0.2"};
  instrument.to(stranger.port());
  Recording recording{Recording::udp(stranger.port(), ", from: 127.0.0.2")};
  ASSERT_TRUE(listening(recording));
  for (int k = 0; k < 10; ++k) {
    stranger.send(numbered_line(1000 + k));
    instrument.send(numbered_line(k));
  }
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 10).size())) << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_EQ(faults(status, "other-sender"), 10u);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 10));
}

TEST(Datagrams, OfAGroupComeByTheInterfaceThatIsNamed) {
  UdpPeer peer{"127.0.0.1", "239.255.77.1"};
  const auto input = [&](const std::string& more) {
    return "udp: {listen: '0.0.0.0:" + std::to_string(peer.port()) + "'" + more + "}\n";
  };
  Recording member{input(", group: 239.255.77.1, interface: lo")};
  Recording other{input(", group: 239.255.77.2, interface: lo")};
  Recording nowhere{input(", group: 239.255.77.1, interface: none0")};
  ASSERT_TRUE(listening(member));
  ASSERT_TRUE(listening(other));
  ASSERT_TRUE(nowhere.wait_for_log("source waiting .*\\(group 239.255.77.1\\): the group cannot be joined: No such device"))
      << nowhere.log();
  peer.send(numbered_lines(0, 5));
  ASSERT_TRUE(member.wait_for_bytes(numbered_lines(0, 5).size())) << member.log();
  expect_good_end(member);
  EXPECT_EQ(support::stored(member.file()).seconds, seconds(0, 5));
  EXPECT_EQ(other.status()->at("sources").at(0).at("bytes"), 0) << "another program's group is none of it";
  const auto simulate = [&](const std::string& to) {
    return support::run({support::program("mth5-sim"), "lemi424", "--to", "udp:" + to + ":" + std::to_string(peer.port()),
                         "--speed", "max", "--duration", "5s"});
  };
  EXPECT_EQ(simulate("239.255.77.2%lo").code, 0);
  EXPECT_TRUE(other.wait_for_bytes(5 * 90)) << other.log();
  expect_good_end(other);
  EXPECT_THAT(simulate("239.255.77.2%").err, testing::HasSubstr("the name of an interface is missing behind %, such as eth0"));
  EXPECT_THAT(simulate("127.0.0.1%lo").err, testing::HasSubstr("%INTERFACE is for udp and a multicast group"));
  EXPECT_THAT(simulate("239.255.77.2%none0").err, testing::HasSubstr("there is no network interface 'none0'"));
  EXPECT_EQ(nowhere.stop(), 0);
}

TEST(Datagrams, ThatPauseAreTakenFromTheSamePortAfterIdleTimeout) {
  UdpPeer peer;
  Recording recording{Recording::udp(peer.port()), {.source = "idle_timeout: 1s\nreconnect: {first: 1h, limit: 1h}\n"}};
  ASSERT_TRUE(listening(recording));
  peer.send(numbered_lines(0, 5));
  ASSERT_TRUE(recording.wait_for_log("source waiting .*no data for 1s \\(idle_timeout\\)")) << recording.log();
  peer.send(numbered_lines(10, 15));
  ASSERT_TRUE(recording.wait_for_bytes(2 * numbered_lines(0, 5).size())) << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_GE(status.at("sources").at(0).at("reconnects"), 1);
  EXPECT_THAT(support::stored_gaps(recording.file()), ElementsAre(StoredGap{5, 5, "disconnected"}));
}

TEST(Datagrams, AFloodOfGarbageIsALineAndNoMore) {
  UdpPeer peer;
  Recording recording{Recording::udp(peer.port(), ", receive_buffer: 64KiB")};
  ASSERT_TRUE(listening(recording));
  for (int i = 0; i < 20'000; ++i) peer.send("\xff\xfe flood\n");
  ASSERT_TRUE(recording.wait_until([](const auto& s) {
    return s.at("sources").at(0).at("bytes").template get<std::uint64_t>() / 9 + faults(s, "kernel-drop") == 20'000;
  })) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  for (const char* kind : {"not stored", "first refused", "reason=kernel-drop"})
    EXPECT_THAT(lines_with(recording.log(), kind), SizeIs(testing::Le(2u))) << recording.log();
}

}  // namespace
