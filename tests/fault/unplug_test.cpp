#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <csignal>

#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/sim.hpp"

/// A serial port that is not there, goes away, comes back, or belongs to somebody else.
namespace {

using support::expect_good_end;
using support::lines_with;
using support::numbered_lines;
using support::PtyPeer;
using support::Recording;
using support::seconds;
using support::StoredGap;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kQuick = "reconnect: {first: 50ms, limit: 100ms}\n";

const nlohmann::json& source(const nlohmann::json& status) { return status.at("sources").at(0); }

bool is_connected(const nlohmann::json& status) { return source(status).at("connected").get<bool>(); }

/// It has been trying for long enough to have tried many times.
bool has_tried_for_a_while(const nlohmann::json& status) {
  return source(status).at("state") == "waiting" && status.at("uptime_s").get<double>() > 1.5;
}

/// Lines go through it, whatever was before.
void expect_records(PtyPeer& line, Recording& recording) {
  ASSERT_TRUE(recording.wait_until(is_connected)) << recording.log();
  ASSERT_TRUE(line.send(numbered_lines(0, 10)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 10).size())) << recording.log();
  expect_good_end(recording);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 10));
}

TEST(UnpluggedLine, GoesOnInANewRunWhenItIsBack) {
  const support::TempDir dir;
  PtyPeer line{dir / "lemi"};
  Recording recording{Recording::serial(line.link()), {.source = kQuick}};
  ASSERT_TRUE(recording.wait_until(is_connected)) << recording.log();
  const auto before = numbered_lines(0, 10);
  ASSERT_TRUE(line.send(before));
  ASSERT_TRUE(recording.wait_for_bytes(before.size()));
  line.unplug();
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return source(s).at("problem").is_string(); })) << recording.log();
  line.plug();
  ASSERT_TRUE(recording.wait_until(is_connected)) << recording.log();
  const auto behind = numbered_lines(25, 35);
  ASSERT_TRUE(line.send(behind));
  ASSERT_TRUE(recording.wait_for_bytes(before.size() + behind.size()));
  const auto status = expect_good_end(recording);

  EXPECT_EQ(source(status).at("reconnects"), 1);
  EXPECT_EQ(status.at("gaps"), 1);
  const auto stored = support::stored(recording.file());
  auto expected = seconds(0, 10);
  for (const int k : seconds(25, 35)) expected.push_back(k);
  EXPECT_EQ(stored.seconds, expected);
  EXPECT_THAT(stored.starts, ElementsAre(0, 25));
  EXPECT_THAT(support::stored_gaps(recording.file()), ElementsAre(StoredGap{10, 15, "disconnected"}));
  EXPECT_THAT(lines_with(recording.log(), "warning: source waiting .*closed by the other end"), SizeIs(1)) << recording.log();
}

TEST(UnpluggedLine, ThatIsBackIsOpenedAtOnceHoweverLongThePauses) {
  const support::TempDir dir;
  PtyPeer line{dir / "lemi"};
  line.unplug();
  Recording recording{Recording::serial(line.link()), {.source = "reconnect: {first: 1h, limit: 1h}\n"}};
  std::size_t bytes = 0;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(recording.wait_until([](const auto& s) { return source(s).at("problem").is_string(); })) << recording.log();
    line.plug();
    const auto lines = numbered_lines(10 * i, 10 * i + 5);
    ASSERT_TRUE(recording.wait_until(is_connected)) << recording.log();
    ASSERT_TRUE(line.send(lines));
    ASSERT_TRUE(recording.wait_for_bytes(bytes += lines.size())) << recording.log();
    if (i < 2) line.unplug();
  }
  expect_good_end(recording);
}

TEST(Line, WhoseDriverCannotDoWhatIsWantedIsRecordedAndSaysSo) {
  const support::TempDir dir;
  PtyPeer line{dir / "lemi"};
  Recording recording{"serial: {device: '" + line.link().string() + "', rs485: rts-on-send, low_latency: true}\n"};
  expect_records(line, recording);
  for (const char* what : {"rs485", "low_latency"})
    EXPECT_THAT(lines_with(recording.log(), std::string{"warning: notice source=lemi problem=.*"} + what +
                                                ": the driver of the port cannot do it"),
                SizeIs(1))
        << recording.log();
}

TEST(Line, ThatAnotherProgramReadsTooIsRecordedAndSaysSo) {
  const support::TempDir dir;
  PtyPeer line{dir / "lemi"};
  const std::string reader = "exec 3<'" + line.link().string() + "'; echo has it; exec sleep 1000";
  auto other = support::Process::start({"/bin/bash", "-c", reader});
  ASSERT_TRUE(other.wait_for_output("has it"));
  Recording recording{Recording::serial(line.link())};
  EXPECT_TRUE(
      recording.wait_for_log("notice source=lemi .*another program has it open too and takes bytes of it "
                             "\\(process " +
                             std::to_string(other.pid()) + ", (bash|sleep)\\)"))
      << recording.log();
  expect_records(line, recording);
}

TEST(UnpluggedLine, IsTakenUpAgainEveryTime) {
  const support::TempDir dir;
  PtyPeer line{dir / "lemi"};
  Recording recording{Recording::serial(line.link()), {.source = kQuick}};
  std::size_t bytes = 0;
  std::vector<int> expected;
  for (int i = 0; i < 3; ++i) {
    if (i > 0) line.plug();
    ASSERT_TRUE(recording.wait_until([i](const auto& s) { return is_connected(s) && source(s).at("reconnects") == i; }))
        << recording.log();
    const auto lines = numbered_lines(100 * i, 100 * i + 20);
    ASSERT_TRUE(line.send(lines));
    bytes += lines.size();
    ASSERT_TRUE(recording.wait_for_bytes(bytes));
    for (const int k : seconds(100 * i, 100 * i + 20)) expected.push_back(k);
    line.unplug();
    ASSERT_TRUE(recording.wait_until([](const auto& s) { return !is_connected(s); })) << recording.log();
  }
  expect_good_end(recording);
  EXPECT_EQ(support::stored(recording.file()).seconds, expected);
  EXPECT_THAT(support::stored_gaps(recording.file()),
              ElementsAre(StoredGap{20, 80, "disconnected"}, StoredGap{120, 80, "disconnected"}));
}

TEST(MissingDevice, IsWaitedForAndSaidOnce) {
  const support::TempDir dir;
  Recording recording{Recording::serial(dir / "lemi"), {.source = kQuick}};
  ASSERT_TRUE(recording.wait_until(has_tried_for_a_while)) << recording.log();
  EXPECT_THAT(recording.files(), IsEmpty());
  EXPECT_THAT(
      lines_with(recording.log(), "warning: source waiting source=lemi why=\"serial:.*/lemi: No such file or directory\""),
      SizeIs(1))
      << recording.log();
  PtyPeer line{dir / "lemi"};
  expect_records(line, recording);
}

TEST(PortInUse, IsWaitedForWhenItIsLocked) {
  const support::TempDir dir;
  PtyPeer line{dir / "lemi"};
  auto other = support::open_line(line.link());
  ASSERT_EQ(flock(other.get(), LOCK_EX | LOCK_NB), 0);
  Recording recording{Recording::serial(line.link()), {.source = kQuick}};
  ASSERT_TRUE(recording.wait_until(has_tried_for_a_while)) << recording.log();
  EXPECT_THAT(lines_with(recording.log(), "warning: source waiting source=lemi why=\"serial:.*/lemi: in use by another program"),
              SizeIs(1))
      << recording.log();
  const auto keep_open = support::open_line(line.link());  // without anyone at the port its master would see a hang-up
  other.reset();
  expect_records(line, recording);
}

TEST(PortInUse, IsWaitedForWhenItIsExclusive) {
  const support::TempDir dir;
  chmod(dir.path().c_str(), 0755);
  PtyPeer line{dir / "lemi"};
  ASSERT_EQ(chmod(line.link().c_str(), 0666), 0);
  const auto other = support::open_line(line.link());
  ASSERT_EQ(ioctl(other.get(), TIOCEXCL), 0);
  Recording recording{Recording::serial(line.link()), {.source = kQuick, .as_nobody = true}};  // root is never kept out
  ASSERT_TRUE(recording.wait_until(has_tried_for_a_while)) << recording.log();
  EXPECT_THAT(lines_with(recording.log(), "warning: source waiting source=lemi why=\"serial:.*/lemi: in use by another program"),
              SizeIs(1))
      << recording.log();
  ASSERT_EQ(ioctl(other.get(), TIOCNXCL), 0);
  expect_records(line, recording);
}

/// Linux keeps what TIOCEXCL said of a pseudo terminal for as long as the other end is open: a simulator, ser2net, socat.
TEST(PortInUse, IsFreeForTheDaemonAfterOneThatWasKilled) {
  const support::TempDir dir;
  chmod(dir.path().c_str(), 0755);
  PtyPeer line{dir / "lemi"};
  ASSERT_EQ(chmod(line.link().c_str(), 0666), 0);
  {
    Recording killed{Recording::serial(line.link()), {.source = kQuick, .as_nobody = true}};  // root is never kept out
    ASSERT_TRUE(killed.wait_until(is_connected)) << killed.log();
    killed.process().signal(SIGKILL);
    ASSERT_EQ(killed.process().wait(), 137);
  }
  Recording next{Recording::serial(line.link()), {.source = kQuick, .as_nobody = true}};
  expect_records(line, next);
}

/// As older versions and other programs leave it.
TEST(PortInUse, SaysThatNobodyNeedHaveAPseudoTerminalThatIsExclusive) {
  const support::TempDir dir;
  chmod(dir.path().c_str(), 0755);
  PtyPeer line{dir / "lemi"};
  ASSERT_EQ(chmod(line.link().c_str(), 0666), 0);
  ASSERT_EQ(ioctl(support::open_line(line.link()).get(), TIOCEXCL), 0);  // and closed
  Recording recording{Recording::serial(line.link()), {.source = kQuick, .as_nobody = true}};
  EXPECT_TRUE(
      recording.wait_for_log("lemi: in use by another program, or kept \\(TIOCEXCL\\) by one that has ended: a pseudo "
                             "terminal forgets that when its other end is closed too"))
      << recording.log();
}

TEST(PortInUse, IsKeptByADaemonThatHasIt) {
  const support::TempDir dir;
  PtyPeer line{dir / "lemi"};
  Recording first{Recording::serial(line.link())};
  ASSERT_TRUE(first.wait_until(is_connected)) << first.log();
  Recording second{Recording::serial(line.link()), {.source = kQuick}};
  EXPECT_TRUE(second.wait_for_log("lemi: in use by another program")) << second.log();
  expect_good_end(second);
  expect_records(line, first);
}

TEST(WrongDevice, IsNotTakenForASerialPort) {
  const support::TempDir dir;
  support::write_text(dir / "lemi", numbered_lines(0, 10));
  Recording recording{Recording::serial(dir / "lemi"), {.source = kQuick}};
  ASSERT_TRUE(recording.wait_until(has_tried_for_a_while)) << recording.log();
  EXPECT_THAT(lines_with(recording.log(), "warning: source waiting source=lemi why=\"serial:.*/lemi: is not a serial port\""),
              SizeIs(1))
      << recording.log();
  std::filesystem::remove(dir / "lemi");
  PtyPeer line{dir / "lemi"};
  expect_records(line, recording);
}

}  // namespace
