#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>

#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/process.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

/// mth5d as systemd sees it, and as an operator who asks it how it is.
namespace {

using support::Recording;
using testing::HasSubstr;

/// The other end of NOTIFY_SOCKET.
class NotifySocket {
 public:
  explicit NotifySocket(const std::filesystem::path& path) : fd_{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = path.string();
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    if (name[0] == '@') address.sun_path[0] = '\0';  // a name that is in no folder
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), length) != 0) throw std::runtime_error{"bind"};
  }
  ~NotifySocket() { close(fd_); }
  /// Until nobody can send another, as behind a service manager that hangs.
  void fill_queue() {
    sockaddr_un address{};
    socklen_t length = sizeof address;
    ASSERT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    for (bool went = true; went;) {  // one sender may come to its own limit first
      const int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      ASSERT_GE(sender, 0);
      const auto send = [&] { return sendto(sender, "FULL", 4, 0, reinterpret_cast<const sockaddr*>(&address), length) == 4; };
      for (went = send(); went && send();) continue;
      close(sender);
    }
  }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  /// All messages so far, one a line.
  const std::string& messages() {
    char buffer[4096];
    for (ssize_t n; (n = recv(fd_, buffer, sizeof buffer, 0)) > 0;)
      text_ += std::string(buffer, static_cast<std::size_t>(n)) + "\n";
    return text_;
  }

 private:
  int fd_;
  std::string text_;
};

/// HUP that came before mth5d listens is a reload like any other: it waits, as here from before the first line of it.
TEST(Service, TakesAReloadThatCameBeforeItListens) {
  const support::TempDir dir;
  const std::string python =
      "import os, signal, sys\n"
      "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])\n"
      "os.kill(os.getpid(), signal.SIGHUP)\n"
      "os.execvp(sys.argv[1], sys.argv[1:])";
  Recording recording{Recording::serial(dir / "lemi"), {.wrapper = {"python3", "-c", python}}};
  EXPECT_TRUE(recording.wait_for_log("new file wanted signal=HUP")) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

TEST(Service, IsReadyWhenItTriesItsSourcesWhetherTheyAreThereOrNot) {
  const support::TempDir dir;
  NotifySocket notify{dir / "notify"};
  const auto line = dir / "lemi";  // a device that is not there yet
  Recording recording{Recording::serial(line),
                      {.wrapper = {"env", "NOTIFY_SOCKET=" + (dir / "notify").string(), "WATCHDOG_USEC=60000000"}}};
  ASSERT_TRUE(support::eventually([&] { return notify.messages().find("lemi=waiting (serial:") != std::string::npos; }))
      << "what it waits for is in the status: " << notify.messages();
  EXPECT_THAT(notify.messages(), HasSubstr("READY=1"));
  EXPECT_LT(notify.messages().find("STATUS=looking at what is in "), notify.messages().find("READY=1"));
  EXPECT_THAT(notify.messages(), testing::Not(HasSubstr("EXTEND_TIMEOUT_USEC"))) << "there is nothing that takes time";
  EXPECT_TRUE(support::eventually([&] { return notify.messages().find("WATCHDOG=1") != std::string::npos; }))
      << "an instrument that is not there is no reason to start again: " << notify.messages();
  EXPECT_EQ(recording.stop(), 0);
  EXPECT_THAT(notify.messages(), HasSubstr("STOPPING=1"));
}

TEST(Service, AsksForMoreTimeWhileAFileIsRecovered) {
  const support::TempDir dir;
  support::TcpPeer peer;
  std::filesystem::path file;
  {
    Recording killed{Recording::tcp(peer.port()), {.config = "sync: {interval: 100ms}\n", .directory = dir.path()}};
    ASSERT_TRUE(peer.accept()) << killed.log();
    ASSERT_TRUE(peer.send(support::numbered_lines(0, 20)));
    ASSERT_TRUE(killed.wait_until([](const auto& s) { return s.at("sources").at(0).at("samples").at("durable") >= 19; }))
        << killed.log();
    file = killed.file();
    killed.process().signal(SIGKILL);
    (void)killed.process().wait();
  }
  NotifySocket notify{dir / "notify"};
  Recording recording{Recording::tcp(peer.port()),
                      {.wrapper = {"env", "NOTIFY_SOCKET=" + (dir / "notify").string()}, .directory = dir.path()}};
  ASSERT_TRUE(support::eventually([&] { return notify.messages().find("READY=1") != std::string::npos; })) << recording.log();
  const auto asked = notify.messages().find("EXTEND_TIMEOUT_USEC=90000000\nSTATUS=recovering " + file.filename().string() + "\n");
  ASSERT_NE(asked, std::string::npos) << notify.messages();
  EXPECT_LT(asked, notify.messages().find("READY=1"));
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  EXPECT_EQ(notify.messages().find("EXTEND_TIMEOUT_USEC", notify.messages().find("READY=1")), std::string::npos);
}

/// Started again and again it would fill the journal, and a boot that waits for it would never end.
TEST(Service, StaysAndTriesAgainWhileItsDirectoryCannotBeUsed) {
  const support::TempDir dir;
  const std::string name = "@mth5-output-test-" + std::to_string(getpid());
  NotifySocket notify{name};
  const auto data = dir / "data";
  std::filesystem::create_directory(data);
  std::filesystem::permissions(dir.path(), std::filesystem::perms::all);
  std::filesystem::permissions(data, std::filesystem::perms{0555});
  Recording recording{
      Recording::serial(dir / "lemi"),
      {.wrapper = {"env", "NOTIFY_SOCKET=" + name, "WATCHDOG_USEC=60000000"}, .as_nobody = true, .directory = data}};
  ASSERT_TRUE(recording.wait_until([&](const auto& s) {
    (void)notify.messages();
    return s.at("state") == "no-output" && s.at("uptime_s") >= 4;
  })) << recording.log();
  const auto why =
      "output.directory " + data.string() + ": is not writable: Permission denied; give it to the user of mth5d (chown)";
  EXPECT_EQ(recording.status()->at("problem"), why);
  EXPECT_EQ(recording.status_code(), 1);
  EXPECT_THAT(notify.messages(), HasSubstr("STATUS=no-output (" + why + ")"));
  EXPECT_THAT(notify.messages(), HasSubstr("READY=1"));
  EXPECT_THAT(notify.messages(), HasSubstr("WATCHDOG=1"));
  EXPECT_THAT(support::lines_with(recording.log(), "."), testing::SizeIs(1)) << "several tries, one line: " << recording.log();
  EXPECT_THAT(recording.log(), HasSubstr("error: " + why +
                                         "; nothing is recorded until then, tried again after 1 s, later each "
                                         "minute; a reload (signal HUP) tries at once\n"));
  std::filesystem::permissions(data, std::filesystem::perms{0777});
  recording.process().signal(SIGHUP);
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("state") == "waiting"; })) << recording.log();
  EXPECT_TRUE(recording.status()->at("problem").is_null());
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  const auto ready = notify.messages().find("READY=1");
  EXPECT_EQ(notify.messages().find("READY=1", ready + 1), std::string::npos) << "told once: " << notify.messages();
}

TEST(Service, WaitsWhileTheStationIsTakenAndStopsWhenItIsTold) {
  const support::TempDir dir;
  NotifySocket notify{dir / "notify"};
  Recording first{Recording::serial(dir / "lemi")};
  ASSERT_TRUE(first.wait_until([](const auto& s) { return s.at("state") == "waiting"; }));
  Recording second{Recording::serial(dir / "lemi"),
                   {.wrapper = {"env", "NOTIFY_SOCKET=" + (dir / "notify").string()}, .directory = first.directory()}};
  ASSERT_TRUE(second.wait_until([](const auto& s) { return s.at("state") == "no-output"; })) << second.log();
  EXPECT_THAT(second.status()->at("problem").get<std::string>(),
              HasSubstr("station MT001 of survey TEST is recorded here by mth5d (pid " + std::to_string(first.process().pid()) +
                        ") already"));
  EXPECT_EQ(second.stop(), 0) << second.log();
  EXPECT_EQ(second.status()->at("state"), "stopped");
  EXPECT_EQ(first.stop(), 0);
}

/// Two units of one station, with a directory each.
TEST(Service, WaitsWhileItsStatusFileIsAnothersAndLeavesItAlone) {
  const support::TempDir dir;
  NotifySocket notify{dir / "notify"};
  Recording first{Recording::serial(dir / "lemi")};
  ASSERT_TRUE(first.wait_until([](const auto& s) { return s.at("state") == "waiting"; }));
  Recording second{Recording::serial(dir / "lemi"),
                   {.wrapper = {"env", "NOTIFY_SOCKET=" + (dir / "notify").string()}, .status_file = first.status_path()}};
  ASSERT_TRUE(support::eventually([&] { return notify.messages().find("STATUS=no-output (") != std::string::npos; }))
      << second.log();
  EXPECT_EQ(first.status()->at("pid"), first.process().pid());
  // The log has its own thread: the service manager may know first.
  EXPECT_TRUE(second.wait_for_log("error: " + first.status_path().string())) << second.log();
  EXPECT_THAT(support::lines_with(second.log(), "."), testing::SizeIs(1)) << second.log();
  EXPECT_EQ(first.stop(), 0);
  EXPECT_TRUE(support::eventually([&] {
    (void)notify.messages();
    const auto now = second.status();
    return now && now->at("pid") == second.process().pid() && now->at("state") == "waiting";
  })) << second.log();
  EXPECT_EQ(second.stop(), 0) << second.log();
}

TEST(Service, GoesOnAndObeysWhereTheServiceManagerHangs) {
  const support::TempDir dir;
  NotifySocket notify{dir / "notify"};
  ASSERT_NO_FATAL_FAILURE(notify.fill_queue());
  Recording recording{Recording::serial(dir / "lemi"),
                      {.wrapper = {"env", "NOTIFY_SOCKET=" + (dir / "notify").string(), "WATCHDOG_USEC=60000000"}}};
  EXPECT_TRUE(recording.wait_until([](const auto& s) { return s.at("state") != "starting" && s.at("uptime_s") >= 2; }))
      << "the status file goes on: " << recording.log();
  EXPECT_THAT(support::lines_with(recording.log(), "warning: the service manager takes no message .*its queue is full"),
              testing::SizeIs(1))
      << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  EXPECT_THAT(notify.messages(), testing::Not(HasSubstr("READY=1")));
}

TEST(Service, IsReadyWhenTheServiceManagerListensAgain) {
  const support::TempDir dir;
  NotifySocket notify{dir / "notify"};
  ASSERT_NO_FATAL_FAILURE(notify.fill_queue());
  Recording recording{Recording::serial(dir / "lemi"),
                      {.wrapper = {"env", "NOTIFY_SOCKET=" + (dir / "notify").string(), "WATCHDOG_USEC=60000000"}}};
  // READY has been tried by then, and found no room.
  EXPECT_TRUE(recording.wait_until([](const auto& s) { return s.at("state") != "starting" && s.at("uptime_s") >= 2; }));
  EXPECT_TRUE(support::eventually([&] { return notify.messages().find("READY=1") != std::string::npos; })) << notify.messages();
  EXPECT_TRUE(recording.wait_for_log("info: the service manager takes messages again")) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

TEST(Service, IsToldOfInANameWithoutAPath) {
  const support::TempDir dir;
  const std::string name = "mth5-service-test-" + std::to_string(getpid());
  NotifySocket notify{"@" + name};
  Recording recording{Recording::serial(dir / "lemi"), {.wrapper = {"env", "NOTIFY_SOCKET=@" + name}}};
  EXPECT_TRUE(support::eventually([&] { return notify.messages().find("READY=1") != std::string::npos; }))
      << notify.messages() << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

TEST(Service, TellsItsStateToWhoeverAsks) {
  const support::TempDir dir;
  auto sim = support::Process::start(
      {support::program("mth5-sim"), "lemi424", "--duration", "1h", "--speed", "20", "--to", "pty:" + (dir / "lemi").string()});
  Recording recording{Recording::serial(dir / "lemi")};
  const auto& status_file = recording.status_path();
  ASSERT_TRUE(recording.wait_for_log("file open")) << recording.log();
  const std::string program = support::program("mth5d");
  ASSERT_TRUE(support::eventually([&] {
    return support::run({program, "--status", "--status-file", status_file.string()}).code == 0;
  }));
  ASSERT_TRUE(support::eventually([&] {
    return support::run({program, "--status", "--status-file", status_file.string()}).out.find("run=sr1_0001") !=
           std::string::npos;
  }));
  const auto text = support::run({program, "--status", "--status-file", status_file.string()});
  EXPECT_THAT(text.out, HasSubstr("ledger balanced"));
  const auto json =
      nlohmann::json::parse(support::run({program, "--status", "--json", "--status-file", status_file.string()}).out);
  for (const char* key : {"schema", "version", "pid", "state", "since", "file", "run", "uptime_s", "sources", "channels",
                          "at_risk", "ring", "flush", "sync", "gaps", "duplicates", "clock", "disk", "ledger"})
    EXPECT_TRUE(json.contains(key)) << key;
  EXPECT_EQ(json.at("pid"), recording.process().pid());
  recording.process().signal(SIGUSR1);
  EXPECT_TRUE(recording.wait_for_log("info: status recording lemi=receiving run=sr1_0001"));
  EXPECT_EQ(recording.stop(), 0);
  const auto gone = support::run({program, "--status", "--status-file", status_file.string()});
  EXPECT_EQ(gone.code, 1);
  EXPECT_THAT(gone.err, HasSubstr("is not running"));
}

}  // namespace
