#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <csignal>
#include <cstring>

#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"

/// Directories and disks that do not take what is recorded.
namespace {

using support::lines_with;
using support::numbered_lines;
using support::Recording;
using support::RecordingOptions;
using support::seconds;
using support::TcpPeer;
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

/// mth5d refuses to start, with one line.
void expect_refusal(const RecordingOptions& options, const std::string& message) {
  const TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), options};
  EXPECT_EQ(recording.process().wait(), 1) << recording.log();
  EXPECT_EQ(recording.log(), "mth5d: error: output.directory " + message + "\n");
}

TEST(OutputDirectory, ThatIsMissingIsNamed) {
  const support::TempDir dir;
  expect_refusal({.directory = dir / "no" / "such"},
                 (dir / "no" / "such").string() + ": does not exist; create it for the user of mth5d (mkdir -p)");
}

TEST(OutputDirectory, ThatIsAFileIsNamed) {
  const support::TempDir dir;
  support::write_text(dir / "data", "a file");
  expect_refusal({.directory = dir / "data"}, (dir / "data").string() + ": is not a directory; name one that is");
  EXPECT_EQ(support::read_text(dir / "data"), "a file");
}

TEST(OutputDirectory, ThatIsNotWritableIsNamed) {
  const support::TempDir dir;
  std::filesystem::create_directory(dir / "data");
  ASSERT_EQ(chmod(dir.path().c_str(), 0755), 0);
  ASSERT_EQ(chmod((dir / "data").c_str(), 0555), 0);
  expect_refusal({.as_nobody = true, .directory = dir / "data"},
                 (dir / "data").string() + ": is not writable: Permission denied; give it to the user of mth5d (chown)");
}

TEST(OutputDirectory, ThatStopsBeingWritableEndsTheDaemonWithItsFileWhole) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.as_nobody = true}};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 10)));
  ASSERT_TRUE(recording.wait_for_log("file open"));
  const auto file = recording.file();
  ASSERT_EQ(chmod(recording.directory().c_str(), 0555), 0);
  recording.process().signal(SIGHUP);
  ASSERT_TRUE(recording.wait_for_log("file closed")) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(10, 20)));
  EXPECT_EQ(recording.process().wait(), 1) << recording.log();
  EXPECT_THAT(lines_with(recording.log(), "^mth5d: error: output.directory .*: is not writable: Permission denied; "), SizeIs(1))
      << recording.log();
  ASSERT_EQ(chmod(recording.directory().c_str(), 0755), 0);
  EXPECT_EQ(support::stored(file).seconds, seconds(0, 10));
  EXPECT_EQ(support::stored(file).state, mth5::FileState::Closed);
}

TEST(OutputFile, ThatExistsIsNotTouched) {
  const support::TempDir dir;
  const auto taken = dir / "MT001_20201004T000000Z.h5";
  const auto taken_too = dir / "MT001_20201004T000000Z_2.h5";
  support::write_text(taken, "precious");
  std::filesystem::create_symlink("nowhere", taken_too);  // a name is taken by whatever has it
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.directory = dir.path()}};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 10)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 10).size()));
  support::expect_good_end(recording);
  EXPECT_EQ(support::read_text(taken), "precious");
  EXPECT_FALSE(std::filesystem::exists(dir / "nowhere"));
  const auto file = dir / "MT001_20201004T000000Z_3.h5";
  EXPECT_EQ(support::stored(file).seconds, seconds(0, 10));
  EXPECT_THAT(lines_with(recording.log(), "warning: file name taken file=.*/MT001_20201004T000000Z.h5 instead=.*Z_3.h5"),
              SizeIs(1))
      << recording.log();
}

/// A file system in memory, seen by this process and its children only.
class SmallDisk {
 public:
  SmallDisk(std::filesystem::path at, const std::string& options) : at_{std::move(at)} {
    std::filesystem::create_directory(at_);
    const char* const failed = mount_it(options);
    mounted_ = failed == nullptr;
    if (!mounted_)
      ADD_FAILURE() << failed << ": " << std::strerror(errno)
                    << "; this test mounts a small tmpfs: run it as root, or where user namespaces are allowed";
  }
  ~SmallDisk() {
    if (mounted_) umount2(at_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const std::filesystem::path& path() const { return at_; }

 private:
  /// @returns what failed; nullptr if nothing did
  const char* mount_it(const std::string& options) {
    const uid_t user = geteuid();
    const gid_t group = getegid();
    if (unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) return "unshare";
    if (user != 0) {
      support::write_text("/proc/self/setgroups", "deny");
      support::write_text("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
      support::write_text("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
    }
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "making mounts private";
    if (mount("tmpfs", at_.c_str(), "tmpfs", 0, options.c_str()) != 0) return "mount";
    return nullptr;
  }

  std::filesystem::path at_;
  bool mounted_ = false;
};

/// Sends lines until nobody takes them any more. @returns how many lines were sent at most
int send_until_the_end(TcpPeer& peer, Recording& recording) {
  int k = 0;
  while (k < 1'000'000 && recording.process().running() && peer.send(numbered_lines(k, k + 500))) k += 500;
  return k;
}

TEST(FullDisk, EndsTheDaemonWithOneLineAndAFileThatCanBeRead) {
  const support::TempDir dir;
  const SmallDisk disk{dir / "disk", "size=2m"};
  ASSERT_TRUE(disk.mounted());
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()),
                      {.config = "flush: {samples: 100, interval: 100ms}\nsync: {interval: 100ms}\n", .directory = disk.path()}};
  ASSERT_TRUE(peer.accept()) << recording.log();
  const int sent = send_until_the_end(peer, recording);
  EXPECT_EQ(recording.process().wait(), 1) << recording.log();
  EXPECT_LT(std::filesystem::space(disk.path()).available, 200'000u) << "the disk was not full";
  EXPECT_THAT(lines_with(recording.log(), "^mth5d: error: " + disk.path().string() + "/MT001_\\S+: .*No space left on device"),
              SizeIs(1))
      << recording.log();
  EXPECT_THAT(lines_with(recording.log(), "No space left on device"), SizeIs(1)) << recording.log();
  EXPECT_THAT(recording.log(), AllOf(testing::Not(HasSubstr("HDF5-DIAG")), testing::Not(HasSubstr("Sanitizer"))));
  // What was flushed is there, and nothing that was not sent.
  const auto visible = recording.status()->at("channels").at(0).at("visible").get<std::size_t>();
  const auto stored = support::stored(recording.file());
  EXPECT_GE(stored.seconds.size(), visible);
  EXPECT_GT(visible, 1000u);
  EXPECT_EQ(stored.seconds, seconds(0, static_cast<int>(stored.seconds.size())));
  EXPECT_LE(stored.seconds.size(), static_cast<std::size_t>(sent) + 500);
}

TEST(FullDisk, AtTheStartIsSaidInOneLine) {
  const support::TempDir dir;
  const SmallDisk disk{dir / "disk", "size=8k"};
  ASSERT_TRUE(disk.mounted());
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.directory = disk.path()}};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 10)));
  EXPECT_EQ(recording.process().wait(), 1) << recording.log();
  EXPECT_THAT(
      lines_with(recording.log(), "^mth5d: error: " + disk.path().string() + "/\\S*MT001_\\S+: .*No space left on device"),
      SizeIs(1))
      << recording.log();
  EXPECT_TRUE(std::filesystem::is_empty(disk.path())) << "a file that was never good has no place among the data";
}

}  // namespace
