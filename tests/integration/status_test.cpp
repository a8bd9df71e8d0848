#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/process.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

/// `mth5d --status`: what an operator, or cron, is told.
namespace {

namespace fs = std::filesystem;
using support::lines_with;
using support::numbered_lines;
using support::Recording;
using support::TcpPeer;
using testing::HasSubstr;
using testing::SizeIs;

const std::string kProgram = support::program("mth5d");

support::Finished ask(const fs::path& file, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {kProgram, "--status", "--status-file", file.string()});
  return support::run(more);
}

TEST(Status, OfADaemonThatWasKilledIsNotShownAsIfItWereNow) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port())};
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(recording.wait_until([](const auto&) { return true; }));
  EXPECT_THAT(ask(recording.status_path()).out, HasSubstr("mth5d "));
  recording.process().signal(SIGKILL);
  ASSERT_TRUE(recording.process().wait());
  const auto dead = ask(recording.status_path());
  EXPECT_EQ(dead.code, 1);
  EXPECT_EQ(dead.out, "");
  EXPECT_THAT(dead.err, testing::ContainsRegex("is not running; it ended without closing, and last wrote this file .* ago"));
  const auto json = nlohmann::json::parse(ask(recording.status_path(), {"--json"}).out);
  EXPECT_EQ(json.at("running"), false);
  EXPECT_EQ(json.at("stale"), true);
}

TEST(Status, OfADaemonThatStandsStillIsToldAsStale) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port())};
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(recording.wait_until([](const auto&) { return true; }));
  recording.process().signal(SIGSTOP);
  support::Finished seen;
  EXPECT_TRUE(support::eventually([&] {
    seen = ask(recording.status_path());
    return seen.out.find("stale: mth5d (pid " + std::to_string(recording.process().pid()) + ") runs, but has not") !=
           seen.out.npos;
  })) << seen.out;
  EXPECT_EQ(seen.code, 1);
  recording.process().signal(SIGCONT);
  EXPECT_EQ(recording.stop(), 0);
}

TEST(Status, SaysThatAnInstrumentThatIsNotThereIsWaitedFor) {
  TcpPeer peer{false};
  Recording recording{Recording::tcp(peer.port())};
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("state") == "waiting"; })) << recording.log();
  const auto seen = ask(recording.status_path());
  EXPECT_EQ(seen.code, 1) << "a source does not deliver";
  EXPECT_THAT(seen.out, HasSubstr("\nwaiting lemi=waiting"));
  EXPECT_EQ(recording.stop(), 0);
}

TEST(Status, TellsReceivingFromSilenceAndFromGarbage) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port())};
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(peer.send(numbered_lines(0, 10)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("state") == "recording" && !s.at("run").is_null(); }))
      << recording.log();
  const auto good = ask(recording.status_path());
  EXPECT_EQ(good.code, 0) << good.out << good.err;
  EXPECT_THAT(good.out, HasSubstr("\nrecording lemi=receiving run=sr1_0001 "));
  EXPECT_THAT(good.out, testing::ContainsRegex("\n  .*battery [0-9.]+ V, .*satellites [0-9]+"));

  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("state") == "no-data"; })) << "nothing comes any more";
  const auto silent = ask(recording.status_path());
  EXPECT_EQ(silent.code, 1);
  EXPECT_THAT(silent.out, testing::ContainsRegex("\nno-data lemi=no-data since 20[0-9-]+T[0-9:]+Z run="));

  ASSERT_TRUE(support::eventually([&] {  // a line now and then, as of an instrument at another speed
    if (!peer.send("\xff\x01\xfe\n")) return true;
    const auto status = recording.status();
    return status && status->at("state") == "garbage";
  })) << recording.status().value_or(nlohmann::json{}).dump(1);
  const auto garbage = ask(recording.status_path());
  EXPECT_EQ(garbage.code, 1);
  EXPECT_THAT(garbage.out, HasSubstr("\ngarbage lemi=garbage since "));
  EXPECT_EQ(recording.stop(), 0);
}

TEST(Status, IsWrittenAgainWhenItCanBe) {
  const support::TempDir dir;
  TcpPeer peer;
  const auto file = dir / "run" / "status.json";
  fs::create_directory(dir / "run");
  Recording recording{Recording::tcp(peer.port()), {.arguments = {}, .status_file = file}};
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(support::eventually([&] { return fs::exists(file); }));
  fs::rename(dir / "run", dir / "away");
  support::write_text(dir / "run", "in the way");
  ASSERT_TRUE(recording.wait_for_log("no status file: .*retry=1s")) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 10)));
  ASSERT_TRUE(recording.wait_for_log("file open"));
  fs::remove(dir / "run");
  fs::rename(dir / "away", dir / "run");
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("sources").at(0).at("frames") == 10; }))
      << "a failed write was the last";
  EXPECT_THAT(lines_with(recording.log(), "no status file"), SizeIs(1)) << recording.log();
  EXPECT_EQ(recording.stop(), 0);
}

TEST(Status, FileThatAnotherDaemonKeepsIsRefused) {
  TcpPeer peer;
  Recording first{Recording::tcp(peer.port())};
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(first.wait_until([](const auto&) { return true; }));
  Recording second{Recording::tcp(peer.port()), {.status_file = first.status_path()}};
  EXPECT_EQ(second.process().wait(std::chrono::seconds{30}), 1);
  EXPECT_THAT(second.log(),
              HasSubstr("another mth5d (pid " + std::to_string(first.process().pid()) + ") keeps its status there"));
  EXPECT_EQ(first.stop(), 0);
}

TEST(Status, FileThatIsADeviceIsRefused) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.status_file = "/dev/full"}};
  EXPECT_EQ(recording.process().wait(std::chrono::seconds{30}), 1);
  EXPECT_THAT(recording.log(), HasSubstr("/dev/full: is no regular file and will not be replaced"));
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST(Status, OfAllDaemonsOfTheBoxIsInOneFolder) {
  const support::TempDir dir;
  const std::vector<std::string> in_folder{"env", "RUNTIME_DIRECTORY=" + dir.path().string()};
  const auto all = [&](std::vector<std::string> more = {}) {
    auto command = in_folder;
    command.insert(command.end(), {kProgram, "--status"});
    command.insert(command.end(), more.begin(), more.end());
    return support::run(command);
  };
  EXPECT_EQ(all().code, 1);
  EXPECT_THAT(all().err, HasSubstr("no mth5d runs here"));

  TcpPeer peer;
  TcpPeer other_peer;
  const auto set = [](const std::string& station) { return std::vector<std::string>{"--set", "station.id=" + station}; };
  Recording one{Recording::tcp(peer.port()), {.arguments = set("A1"), .wrapper = in_folder, .status_file = "default"}};
  Recording two{Recording::tcp(other_peer.port()), {.arguments = set("B2"), .wrapper = in_folder, .status_file = "default"}};
  ASSERT_TRUE(support::eventually([&] { return fs::exists(dir / "TEST-A1.json") && fs::exists(dir / "TEST-B2.json"); }))
      << one.log() << two.log();
  const auto text = all().out;
  for (auto* daemon : {&one, &two}) EXPECT_THAT(text, HasSubstr(" pid " + std::to_string(daemon->process().pid()) + " "));
  EXPECT_THAT(lines_with(all({"--json"}).out, "^\\{.*\\}$"), SizeIs(2));
  EXPECT_EQ(two.stop(), 0);
  const auto rest = all();
  EXPECT_THAT(rest.out, testing::Not(HasSubstr("pid " + std::to_string(two.process().pid()))));
  EXPECT_THAT(rest.err, HasSubstr("it stopped"));
  EXPECT_EQ(one.stop(), 0);
  EXPECT_EQ(all().code, 1);
}

}  // namespace
