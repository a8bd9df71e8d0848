#include <gmock/gmock.h>
#include <sys/stat.h>

#include <csignal>

#include "support/healthy.hpp"
#include "support/needs.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/small_disk.hpp"
#include "support/support.hpp"

/// Directories and disks that do not take what is recorded.
namespace {

using support::lines_with;
using support::numbered_lines;
using support::Recording;
using support::RecordingOptions;
using support::seconds;
using support::TcpPeer;
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

std::uint64_t visible(const nlohmann::json& status) { return status.at("sources").at(0).at("samples").at("visible"); }

/// Ten lines in a file that is renamed, in a directory in which no other can begin, and ten lines more. @returns its new name
std::filesystem::path record_and_lock_up(Recording& recording, TcpPeer& peer) {
  const auto renamed = recording.directory() / "renamed.h5";
  EXPECT_TRUE(peer.accept()) << recording.log();
  EXPECT_TRUE(peer.send(numbered_lines(0, 10)));
  EXPECT_TRUE(recording.wait_until([](const auto& s) { return visible(s) == 10; })) << recording.log();
  EXPECT_EQ(chmod(recording.directory().c_str(), 0555), 0);
  std::filesystem::rename(recording.file(), renamed);
  EXPECT_TRUE(recording.wait_for_log("file closed")) << recording.log();
  EXPECT_TRUE(peer.send(numbered_lines(10, 20)));
  return renamed;
}

constexpr const char* kNotWritable = "error: output.directory .*: is not writable: Permission denied; ";

TEST(OutputDirectory, ThatStaysNotWritableEndsTheDaemonWithItsFileWhole) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.arguments = {"--set", "output.give_up_after=0s"}, .as_nobody = true}};
  const auto first = record_and_lock_up(recording, peer);
  EXPECT_EQ(recording.process().wait(), 1) << recording.log();
  EXPECT_THAT(lines_with(recording.log(), std::string{"^mth5d: "} + kNotWritable + ".*; ended: [0-9]+ samples that waited"),
              SizeIs(1))
      << recording.log();
  ASSERT_EQ(chmod(recording.directory().c_str(), 0755), 0);
  EXPECT_EQ(support::stored(first).seconds, seconds(0, 10));
  EXPECT_EQ(support::stored(first).state, mth5::FileState::Closed);
}

TEST(OutputDirectory, ThatIsWritableAgainGoesOnWithoutLoss) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.as_nobody = true}};
  const auto first = record_and_lock_up(recording, peer);
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("state") == "write-failed"; })) << recording.log();
  EXPECT_THAT(recording.status()->at("problem").get<std::string>(), HasSubstr("Permission denied"));
  EXPECT_GT(recording.status()->at("at_risk").at("samples"), 0);
  EXPECT_EQ(recording.status_code(), 1);
  ASSERT_EQ(chmod(recording.directory().c_str(), 0777), 0);
  // Whether it is still heard from by then, and "recording", is another matter.
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return !s.at("file").is_null() && visible(s) == 20; })) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  const auto files = recording.files();
  ASSERT_THAT(files, SizeIs(2));
  EXPECT_EQ(support::stored(first).seconds, seconds(0, 10));
  EXPECT_EQ(support::stored(files[0] == first ? files[1] : files[0]).seconds, seconds(10, 20));
  EXPECT_TRUE(recording.status()->at("ledger").at("balanced").get<bool>());
  // Each try that failed was said once at most: those after the first when their minute was over, or at the end.
  EXPECT_THAT(lines_with(recording.log(), std::string{kNotWritable} + "(?!.* repeated=)"), SizeIs(1)) << recording.log();
}

/// The next file is tried where the old one has as many runs as it may have, and by a reload.
TEST(OutputDirectory, ThatIsNotWritableAnyMoreHasTheRecordingGoOnInTheFileThatIsOpen) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.arguments = {"--set", "output.roll.runs=2"}, .as_nobody = true}};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 5) + numbered_lines(10, 15)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return visible(s) == 10; })) << recording.log();
  ASSERT_EQ(chmod(recording.directory().c_str(), 0555), 0);
  ASSERT_TRUE(peer.send(numbered_lines(20, 25)));
  ASSERT_TRUE(recording.wait_for_log("error: the next file cannot be begun, the recording goes on in .*: is not writable"))
      << recording.log();
  recording.process().signal(SIGHUP);
  ASSERT_TRUE(peer.send(numbered_lines(30, 35)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return visible(s) == 20; })) << recording.log();
  ASSERT_EQ(chmod(recording.directory().c_str(), 0777), 0);
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  ASSERT_THAT(recording.files(), SizeIs(1)) << recording.log();
  auto all = seconds(0, 5);
  for (const int first : {10, 20, 30})
    for (const int second : seconds(first, first + 5)) all.push_back(second);
  EXPECT_EQ(support::stored(recording.file()).seconds, all);
  EXPECT_EQ(support::stored(recording.file()).state, mth5::FileState::Closed);
  EXPECT_EQ(recording.status()->at("ledger").at("balanced"), true);
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

TEST(OutputDirectory, OfADiskThatIsReadOnlyIsCalledSo) {
  MTH5_NEEDS_MOUNTS(false);
  const support::TempDir dir;
  const support::SmallDisk disk{dir / "disk", "size=1m"};
  ASSERT_TRUE(disk.mounted());
  ASSERT_EQ(mount("none", disk.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  expect_refusal({.directory = disk.path()},
                 disk.path().string() +
                     ": is not writable: Read-only file system; its file system is mounted read-only: remount it "
                     "for writing (a disk with errors is mounted so: see dmesg), or name another");
  // As a service of systemd, whose unit lets it write in few places only.
  expect_refusal({.wrapper = {"env", "INVOCATION_ID=x"}, .directory = disk.path()},
                 disk.path().string() +
                     ": is not writable: Read-only file system; its file system is mounted read-only: remount it "
                     "for writing (a disk with errors is mounted so: see dmesg), or name another; if it is not, the service is "
                     "kept from writing there: systemctl edit, [Service] ReadWritePaths=" +
                     disk.path().string());
}

/// What a service manager, or a shell with >&-, may do.
TEST(StandardDescriptors, ThatAreClosedCostNoRecordingAndHoldNoDataFile) {
  for (const char* closed : {"2>&-", "<&- >&- 2>&-"}) {
    TcpPeer peer;
    Recording recording{Recording::tcp(peer.port()), {.wrapper = {"sh", "-c", std::string{"exec \"$@\" "} + closed, "sh"}}};
    ASSERT_TRUE(peer.accept()) << closed;
    ASSERT_TRUE(peer.send(numbered_lines(0, 10)));
    ASSERT_TRUE(recording.wait_until([](const auto& s) { return !s.at("file").is_null(); })) << closed;
    for (int fd = 0; fd < 3; ++fd) {
      const auto to =
          std::filesystem::read_symlink("/proc/" + std::to_string(recording.process().pid()) + "/fd/" + std::to_string(fd));
      EXPECT_THAT(to.string(), testing::AnyOf("/dev/null", testing::StartsWith("/memfd:"), testing::StartsWith("pipe:")));
    }
    EXPECT_EQ(recording.stop(), 0) << closed;
    EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 10));
  }
}

TEST(StandardDescriptors, ThatAreClosedAreNoPlaceForAReport) {
  const auto program = [](const std::string& name) { return support::program(name); };
  for (const std::string name : {"mth5d", "mth5-sim", "mth5-monitor", "mth5-summary", "mth5-recover"}) {
    const auto finished = support::run({"sh", "-c", "exec \"$@\" <&- >&-", "sh", program(name), "--version"});
    EXPECT_EQ(finished.code, 1) << name;
    EXPECT_EQ(finished.err, name + ": error: standard output: could not be written completely\n");
    EXPECT_EQ(support::run({"sh", "-c", "exec \"$@\" <&- 2>&-", "sh", program(name), "--version"}).code, 0) << name;
  }
}

TEST(LockName, ThatSomethingElseHasIsNamedWithWhatToDo) {
  const support::TempDir dir;
  const auto lock = dir / ".mth5d-TEST-MT001.lock";
  const auto expect = [&](const std::string& what) {
    const TcpPeer peer;
    Recording recording{Recording::tcp(peer.port()), {.directory = dir.path()}};
    EXPECT_EQ(recording.process().wait(), 1) << recording.log();
    EXPECT_THAT(recording.log(),
                HasSubstr("mth5d: error: " + lock.string() + ": is " + what +
                          "; mth5d keeps its lock in a file of this name: remove it, or name another output.directory\n"));
    std::filesystem::remove(lock);
  };
  std::filesystem::create_directory(lock);
  expect("a directory");
  std::filesystem::create_symlink("nowhere", lock);
  expect("a symbolic link");
  EXPECT_FALSE(std::filesystem::exists(dir / "nowhere"));
  ASSERT_EQ(mkfifo(lock.c_str(), 0600), 0);
  expect("a FIFO");
}

TEST(StatusDirectory, ThatIsMissingIsNamedAndNotMade) {
  const support::TempDir dir;
  const auto status = dir / "new" / "deep" / "status.json";
  const TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.status_file = status}};
  EXPECT_EQ(recording.process().wait(), 1) << recording.log();
  EXPECT_EQ(recording.log(), "mth5d: error: --status-file " + status.string() +
                                 ": its directory is not there; create it for the user of mth5d (mkdir -p)\n");
  EXPECT_FALSE(std::filesystem::exists(dir / "new"));
}

}  // namespace
