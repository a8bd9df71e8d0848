#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <cstdio>
#include <cstdlib>

#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"

/// A disk of its own (ext4 on a loop device) that fails, turns read-only, or stands still under the daemon. Needs root and loop
/// devices: without them these tests fail and say so; tests/fault/full_disk_test.cpp and environment_test.cpp need neither.
namespace {

using support::numbered_lines;
using support::Recording;
using support::seconds;
using support::TcpPeer;
using testing::HasSubstr;

constexpr unsigned long kShutdown = 0x8004587d;  // EXT4_IOC_SHUTDOWN, as linux/ext4.h of 6.x names it
constexpr std::uint32_t kWithoutLog = 2;         // of it: nothing that is not on the medium gets there

class Ext4 {
 public:
  explicit Ext4(const support::TempDir& dir) : image_{dir / "image"}, at_{dir / "disk"} {
    std::filesystem::create_directory(at_);
    support::write_text(image_, "");
    std::filesystem::resize_file(image_, 256u << 20);
    const auto made = support::run({"mkfs.ext4", "-q", "-F", image_.string()});
    if (made.code != 0 || unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      ADD_FAILURE() << "no disk of our own: " << made.err << "; this test needs root, mkfs.ext4 and loop devices";
      return;
    }
    mount();
  }
  ~Ext4() {
    if (mounted_) umount2(at_.c_str(), MNT_DETACH);
  }
  Ext4(const Ext4&) = delete;
  Ext4& operator=(const Ext4&) = delete;
  void mount() {
    const auto done = support::run({"mount", "-o", "loop", image_.string(), at_.string()});
    mounted_ = done.code == 0;
    if (!mounted_) ADD_FAILURE() << "mount: " << done.err << "; this test needs root and loop devices";
  }
  /// As it is after the machine has started again.
  void mount_again() {
    EXPECT_EQ(umount(at_.c_str()), 0) << "somebody still uses the disk";
    mount();
  }
  template <class Argument>
  [[nodiscard]] bool control(unsigned long request, Argument argument) const {
    const int fd = open(at_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool done = fd >= 0 && ioctl(fd, request, argument) == 0;
    if (fd >= 0) close(fd);
    return done;
  }
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const std::filesystem::path& path() const { return at_; }

 private:
  std::filesystem::path image_, at_;
  bool mounted_ = false;
};

support::RecordingOptions options(const Ext4& disk) {
  return {.config = "flush: {samples: 100, interval: 100ms}\nsync: {interval: 200ms}\n",
          .arguments = {"--set", "output.reserve=1MiB", "--set", "output.give_up_after=2s"},
          .directory = disk.path()};
}

const auto kDurable = [](std::uint64_t n) {
  return [n](const nlohmann::json& s) { return s.at("sources").at(0).at("samples").at("durable") >= n; };
};

/// Records, breaks the disk, and looks at what is on it after it was mounted anew.
void expect_durable_samples_after(const std::function<void(Ext4&)>& breaks, const std::string& system_words) {
  const support::TempDir dir;
  Ext4 disk{dir};
  ASSERT_TRUE(disk.mounted());
  std::filesystem::path file;
  {
    TcpPeer peer;
    Recording recording{Recording::tcp(peer.port()), options(disk)};
    ASSERT_TRUE(peer.accept()) << recording.log();
    ASSERT_TRUE(peer.send(numbered_lines(0, 500)));
    ASSERT_TRUE(recording.wait_until(kDurable(500))) << recording.log();
    file = recording.file();
    breaks(disk);
    // A new file is tried when there is a sample for it.
    int k = 500;
    EXPECT_TRUE(support::eventually([&] {
      if (peer.send(numbered_lines(k, k + 1))) ++k;
      return !recording.process().running();
    }));
    EXPECT_EQ(recording.process().wait(std::chrono::seconds{60}), 1) << recording.log();
    EXPECT_THAT(support::lines_with(recording.log(), "error: .*" + system_words +
                                                         ".*; safe: MT001/sr1_0001 [0-9]+ samples to .*; "
                                                         "lost: [0-9]+ samples"),
                testing::SizeIs(1))
        << recording.log();
    EXPECT_THAT(recording.log(), testing::AllOf(HasSubstr("giving up after=2s"), testing::Not(HasSubstr("HDF5-DIAG"))));
    EXPECT_TRUE(recording.status()->at("ledger").at("balanced").get<bool>());
  }
  disk.mount_again();
  ASSERT_TRUE(disk.mounted());
  const auto recovered = support::run({std::string{MTH5_TEST_BIN} + "/mth5-recover", file});
  EXPECT_EQ(recovered.code, 0) << recovered.err;
  const auto stored = support::stored(file).seconds;
  EXPECT_GE(stored.size(), 500u) << recovered.out;
  EXPECT_EQ(stored, seconds(0, static_cast<int>(stored.size())));
}

TEST(RealDisk, ThatDiesKeepsEverySyncedSample) {
  expect_durable_samples_after(
      [](Ext4& disk) {
        std::uint32_t how = kWithoutLog;
        ASSERT_TRUE(disk.control(kShutdown, &how)) << "the file system was not shut down";
      },
      "(Input/output error|Read-only file system)");
}

TEST(RealDisk, ThatTurnsReadOnlyKeepsEverySyncedSample) {
  expect_durable_samples_after(
      [](Ext4& disk) {  // what the kernel does after an error in the file system; a plain "ro" is refused while somebody writes
        const auto done = support::run({"mount", "-o", "remount,abort", disk.path().string()});
        ASSERT_EQ(done.code, 0) << done.err;
      },
      "(Read-only file system|Input/output error)");
}

/// A medium that stands still (MTH5_LONG: for 60 s) never stalls the source: the ring takes it, the figures say it.
TEST(RealDisk, ThatStandsStillCostsNothingAndIsShown) {
  const support::TempDir dir;
  const Ext4 disk{dir};
  ASSERT_TRUE(disk.mounted());
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), options(disk)};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 100)));
  ASSERT_TRUE(recording.wait_until(kDurable(100))) << recording.log();
  const int fd = open(disk.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_EQ(ioctl(fd, FIFREEZE, 0), 0) << "the disk was not frozen";
  const double still = std::getenv("MTH5_LONG") == nullptr ? 3 : 60;
  const bool sent = peer.send(numbered_lines(100, 2000));
  const bool taken = recording.wait_for_bytes(numbered_lines(0, 2000).size());
  const bool shown = recording.wait_until(
      [&](const nlohmann::json& s) {
        return s.at("at_risk").at("samples") == 1900 && s.at("at_risk").at("seconds") >= still &&
               s.at("ring").at("fill") > 10'000;
      },
      std::chrono::seconds{90});
  const auto during = recording.status().value_or(nlohmann::json{});
  ASSERT_EQ(ioctl(fd, FITHAW, 0), 0);  // before anything else may fail: a frozen writer cannot be killed
  close(fd);
  EXPECT_TRUE(sent && taken && shown) << during.dump(1);
  EXPECT_EQ(during.at("sources").at(0).at("samples").at("durable"), 100);
  ASSERT_TRUE(recording.wait_until(kDurable(2000))) << recording.log();
  EXPECT_TRUE(recording.wait_until(
      [](const auto& s) { return s.at("at_risk").at("samples") == 0 && s.at("at_risk").at("seconds") == 0; }));
  const auto status = support::expect_good_end(recording);
  EXPECT_GE(status.at("ring").at("high_water"), 10'000);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 2000));
}

}  // namespace
