#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "support/healthy.hpp"
#include "support/needs.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/support.hpp"

/// A disk of its own (ext4 on a loop device) that fails, turns read-only, or stands still under the daemon. Needs root and loop
/// devices: without mounts these tests are skipped; tests/fault/full_disk_test.cpp and environment_test.cpp need neither.
namespace {

using support::numbered_lines;
using support::Recording;
using support::seconds;
using support::TcpPeer;
using testing::HasSubstr;

constexpr unsigned long kShutdown = 0x8004587d;  // EXT4_IOC_SHUTDOWN, as linux/ext4.h of 6.x names it
constexpr std::uint32_t kWithoutLog = 2;         // of it: nothing that is not on the medium gets there

/// Mounted for this process and its children only; the kernel lets go of mount and loop device with the last of them.
class Ext4 {
 public:
  explicit Ext4(const support::TempDir& dir) : image_{dir / "image"}, at_{dir / "disk"} {
    std::filesystem::create_directory(at_);
    support::write_text(image_, "");
    std::filesystem::resize_file(image_, 256u << 20);
    if (geteuid() != 0) {
      problem_ = "this test mounts an ext4 on a loop device: run it as root";
    } else if (unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      problem_ = "this test needs mounts of its own (CAP_SYS_ADMIN)";
    } else {
      done({"mkfs.ext4", "-q", "-F", image_.string()}) && mount();
    }
  }
  ~Ext4() {
    if (mounted_) umount2(at_.c_str(), MNT_DETACH);
  }
  Ext4(const Ext4&) = delete;
  Ext4& operator=(const Ext4&) = delete;
  /// As it is after the machine has started again. @returns false if it is not there: problem()
  bool mount_again() {
    if (!done({"umount", at_.string()})) return false;
    mounted_ = false;
    return mount();
  }
  /// As `umount -l` does: its path is no longer there, what is open goes on. @returns whether it was mounted
  [[nodiscard]] bool detach() {
    const bool detached = mounted_ && umount2(at_.c_str(), MNT_DETACH) == 0;
    mounted_ = mounted_ && !detached;
    return detached;
  }
  /// After detach(), and while files on it may be open still. @returns false if it is not there: problem()
  bool attach() { return mount(); }
  template <class Argument>
  [[nodiscard]] bool control(unsigned long request, Argument argument) const {
    const int fd = open(at_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool worked = fd >= 0 && ioctl(fd, request, argument) == 0;
    if (fd >= 0) close(fd);
    return worked;
  }
  /// Why it cannot be used, one line; "" if it can.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] const std::filesystem::path& path() const { return at_; }

 private:
  bool mount() { return mounted_ = done({"mount", "-o", "loop", image_.string(), at_.string()}); }
  bool done(const std::vector<std::string>& command) {
    const auto ended = support::run(command);
    if (ended.code != 0) problem_ = "this test needs mkfs.ext4 and loop devices: " + ended.err;
    return ended.code == 0;
  }

  std::filesystem::path image_, at_;
  bool mounted_ = false;
  std::string problem_;
};

/// A disk that stands still. A process of its own lets it go on: when thaw() is called, when this process has ended, however it
/// did, or when time is up. A disk that stays frozen holds whoever writes, and cannot even be unmounted.
class Frozen {
 public:
  Frozen(const Ext4& disk, std::chrono::milliseconds limit) : disk_{disk} {
    if (pipe2(alive_.data(), O_CLOEXEC) != 0) return;
    const int fd = open(disk.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const pid_t child = fork();
    if (child == 0) {
      // Nobody's child: who kills this test and its children does not find it.
      if (fork() != 0) _exit(0);
      setsid();
      for (const int mine : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, alive_[1]}) close(mine);
      pollfd end{.fd = alive_[0], .events = POLLIN, .revents = 0};
      poll(&end, 1, static_cast<int>(limit.count()));
      ioctl(fd, FITHAW, 0);
      _exit(0);
    }
    const bool guarded = child > 0 && waitpid(child, nullptr, 0) == child;
    holds_ = guarded && ioctl(fd, FIFREEZE, 0) == 0;
    if (fd >= 0) close(fd);
  }
  ~Frozen() {
    static_cast<void>(thaw());
    for (const int end : alive_) close(end);
  }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
  [[nodiscard]] bool holds() const { return holds_; }
  /// @returns whether it was still frozen
  [[nodiscard]] bool thaw() {
    const bool thawed = holds_ && disk_.control(FITHAW, 0);
    holds_ = false;
    return thawed;
  }

 private:
  const Ext4& disk_;
  std::array<int, 2> alive_{-1, -1};
  bool holds_ = false;
};

support::RecordingOptions options(const Ext4& disk) {
  return {.config = "flush: {samples: 100, interval: 100ms}\nsync: {interval: 200ms}\n",
          .arguments = {"--set", "output.reserve=2MiB", "--set", "output.give_up_after=2s"},
          .directory = disk.path()};
}

const auto kDurable = [](std::uint64_t n) {
  return [n](const nlohmann::json& s) { return s.at("sources").at(0).at("samples").at("durable") >= n; };
};

/// What the source does while the disk is broken.
enum class Source { GoesOn, FallsSilent };

/// Records, breaks the disk, and looks at what is on it after it was mounted anew.
void expect_durable_samples_after(const std::function<void(const Ext4&)>& breaks, Source source) {
  const support::TempDir dir;
  Ext4 disk{dir};
  ASSERT_EQ(disk.problem(), "");
  std::filesystem::path file;
  std::uint64_t durable = 0;
  {
    TcpPeer peer;
    Recording recording{Recording::tcp(peer.port()), options(disk)};
    ASSERT_TRUE(peer.accept()) << recording.log();
    ASSERT_TRUE(peer.send(numbered_lines(0, 500)));
    ASSERT_TRUE(recording.wait_until(kDurable(500))) << recording.log();
    file = recording.file();
    ASSERT_NO_FATAL_FAILURE(breaks(disk));
    int k = 500;
    EXPECT_TRUE(support::eventually([&] {
      if ((k == 500 || source == Source::GoesOn) && peer.send(numbered_lines(k, k + 1))) ++k;
      return !recording.process().running();
    }));
    EXPECT_EQ(recording.process().wait(), 1) << recording.log();
    const auto lines = support::lines_with(recording.log(),
                                           "error: .*(Input/output error|Read-only file system).*; safe: MT001/sr1_0001 "
                                           "[0-9]+ samples to .*; lost: [0-9]+ samples .*; a new file is tried");
    EXPECT_THAT(lines, testing::SizeIs(1)) << recording.log();
    EXPECT_THAT(recording.log(), testing::ContainsRegex("giving up after=2s tries=[3-9]"));
    EXPECT_THAT(recording.log(), testing::Not(HasSubstr("HDF5-DIAG")));
    const auto status = recording.status().value_or(nlohmann::json::object());
    EXPECT_TRUE(status.at("ledger").at("balanced").get<bool>()) << status.dump(1);
    durable = status.at("sources").at(0).at("samples").at("durable");
    EXPECT_GE(durable, 500u);
  }
  ASSERT_TRUE(disk.mount_again()) << disk.problem();
  const auto recovered = support::run({support::program("mth5-recover"), file});
  EXPECT_EQ(recovered.code, 0) << recovered.err;
  const auto stored = support::stored(file).seconds;
  EXPECT_GE(stored.size(), durable) << recovered.out;
  EXPECT_EQ(stored, seconds(0, static_cast<int>(stored.size())));
}

TEST(RealDisk, ThatDiesKeepsEverySyncedSampleAndIsGivenUpEvenWhenNothingMoreComes) {
  MTH5_NEEDS_MOUNTS(true);
  expect_durable_samples_after(
      [](const Ext4& disk) {
        std::uint32_t how = kWithoutLog;
        ASSERT_TRUE(disk.control(kShutdown, &how)) << "the file system was not shut down";
      },
      Source::FallsSilent);
}

TEST(RealDisk, ThatTurnsReadOnlyKeepsEverySyncedSample) {
  MTH5_NEEDS_MOUNTS(true);
  expect_durable_samples_after(
      [](const Ext4&
             disk) {  // what the kernel does after an error in the file system; a plain "ro" is refused while somebody writes
        const auto done = support::run({"mount", "-o", "remount,abort", disk.path().string()});
        ASSERT_EQ(done.code, 0) << done.err;
      },
      Source::GoesOn);
}

/// A medium that stands still for 3 s (MTH5_FREEZE_SECONDS: for longer, 60 in a night) never stalls the source: the ring takes
/// it, the figures say it.
TEST(RealDisk, ThatStandsStillCostsNothingAndIsShown) {
  MTH5_NEEDS_MOUNTS(true);
  const char* const wanted = std::getenv("MTH5_FREEZE_SECONDS");
  const int still = wanted == nullptr ? 3 : std::atoi(wanted);
  ASSERT_GE(still, 1) << "MTH5_FREEZE_SECONDS=" << wanted;
  const support::TempDir dir;
  const Ext4 disk{dir};
  ASSERT_EQ(disk.problem(), "");
  TcpPeer peer;
  auto how = options(disk);
  how.arguments.insert(how.arguments.end(), {"--set", "output.mount=required"});  // a disk, and mounted
  Recording recording{Recording::tcp(peer.port()), how};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 100)));
  ASSERT_TRUE(recording.wait_until(kDurable(100))) << recording.log();
  const auto long_enough = std::chrono::seconds{still + 60};
  Frozen frozen{disk, long_enough + std::chrono::seconds{60}};
  ASSERT_TRUE(frozen.holds()) << "the disk was not frozen";
  EXPECT_TRUE(peer.send(numbered_lines(100, 2000)));
  EXPECT_TRUE(recording.wait_for_bytes(numbered_lines(0, 2000).size()));
  EXPECT_TRUE(recording.wait_until(
      [&](const nlohmann::json& s) {
        return s.at("at_risk").at("samples") == 1900 && s.at("at_risk").at("seconds") >= still &&
               s.at("ring").at("fill") > 10'000;
      },
      long_enough));
  const auto during = recording.status().value_or(nlohmann::json::object());
  ASSERT_TRUE(frozen.thaw()) << during.dump(1);
  if (HasFailure()) FAIL() << during.dump(1);
  EXPECT_EQ(during.at("sources").at(0).at("samples").at("durable"), 100);
  ASSERT_TRUE(recording.wait_until(kDurable(2000))) << recording.log();
  EXPECT_TRUE(recording.wait_until(
      [](const auto& s) { return s.at("at_risk").at("samples") == 0 && s.at("at_risk").at("seconds") == 0; }));
  const auto status = support::expect_good_end(recording);
  EXPECT_GE(status.at("ring").at("high_water"), 10'000);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 2000));
}

/// umount -l, by a crew that takes the card out: what was recorded is closed where it is, nothing is recorded under the empty
/// path, and all that came meanwhile is in the file that begins once the disk is back.
TEST(RealDisk, ThatIsDetachedIsWaitedForAndLosesNothing) {
  MTH5_NEEDS_MOUNTS(true);
  const support::TempDir dir;
  Ext4 disk{dir};
  ASSERT_EQ(disk.problem(), "");
  TcpPeer peer;
  auto how = options(disk);
  how.arguments = {"--set", "output.reserve=2MiB", "--set", "output.mount=required"};
  Recording recording{Recording::tcp(peer.port()), how};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 100)));
  ASSERT_TRUE(recording.wait_until(kDurable(100))) << recording.log();
  const auto first = recording.file();
  ASSERT_TRUE(disk.detach());
  ASSERT_TRUE(recording.wait_for_log("was renamed or moved, or its folder was")) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(100, 200)));
  EXPECT_TRUE(recording.wait_for_log("no disk is mounted there.*output.mount is required.*samples wait in the ring"))
      << recording.log();
  for (const auto& entry : std::filesystem::directory_iterator{disk.path()})
    ADD_FAILURE() << entry.path() << " was made where no disk is mounted, be it a recording, the lock or the reserve";
  ASSERT_TRUE(disk.attach()) << disk.problem();
  ASSERT_TRUE(recording.wait_until(kDurable(200))) << recording.log();
  const auto second = recording.file();
  EXPECT_NE(first, second);
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  const auto status = recording.status().value_or(nlohmann::json::object());
  EXPECT_TRUE(status.at("ledger").at("balanced").get<bool>()) << status.dump(1);
  EXPECT_THAT(support::counts(status, "dropped"), testing::IsEmpty());
  auto stored = support::stored(first).seconds;
  const auto later = support::stored(second).seconds;
  stored.insert(stored.end(), later.begin(), later.end());
  EXPECT_EQ(stored, seconds(0, 200)) << recording.log();
}

}  // namespace
