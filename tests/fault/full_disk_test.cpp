#include <fcntl.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "mth5/descriptor.hpp"
#include "mth5/reader.hpp"
#include "support/healthy.hpp"
#include "support/needs.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/small_disk.hpp"

/// A disk that fills up, and has room again.
namespace {

using support::lines_with;
using support::numbered_lines;
using support::Recording;
using support::RecordingOptions;
using support::seconds;
using support::SmallDisk;
using support::TcpPeer;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

std::int64_t free_bytes(const SmallDisk& disk) {
  return static_cast<std::int64_t>(std::filesystem::space(disk.path()).available);
}

/// Somebody else's file that takes all space but `leave` bytes.
void take_space(const SmallDisk& disk, std::int64_t leave) {
  const int fd = open((disk.path() / "ballast").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(posix_fallocate(fd, lseek(fd, 0, SEEK_END), free_bytes(disk) - leave), 0);
  close(fd);
}

RecordingOptions options(const SmallDisk& disk, const std::string& reserve = "2MiB") {
  return {.config = "flush: {samples: 100, interval: 100ms}\nsync: {interval: 200ms}\nring: 1d\n",
          .arguments = {"--set", "output.reserve=" + reserve},
          .directory = disk.path()};
}

bool is_durable(const nlohmann::json& status, std::uint64_t samples) {
  return status.at("sources").at(0).at("samples").at("durable") >= samples;
}

/// All of the files, in order of their names: seconds stored.
std::vector<int> all_seconds(const Recording& recording) {
  std::vector<int> all;
  for (const auto& file : recording.files()) {
    const auto stored = support::stored(file);
    EXPECT_EQ(stored.state, mth5::FileState::Closed) << file;
    all.insert(all.end(), stored.seconds.begin(), stored.seconds.end());
  }
  return all;
}

/// 50 samples are durable, all space but `leave` bytes is taken, 30 more come.
void record_into_a_full_disk(Recording& recording, TcpPeer& peer, const SmallDisk& disk, std::int64_t leave) {
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 50)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return is_durable(s, 49); })) << recording.log();
  take_space(disk, leave);
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("state") == "disk-full"; })) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(50, 80)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 80).size()));
}

class FullDisk : public testing::Test {
 protected:
  void SetUp() override { MTH5_NEEDS_MOUNTS(false); }

  support::TempDir dir;
  TcpPeer peer;
};

TEST_F(FullDisk, ClosesTheFileKeepsReceivingAndGoesOnWhenSpaceReturns) {
  const SmallDisk disk{dir / "disk", "size=12m"};
  ASSERT_TRUE(disk.mounted());
  Recording recording{Recording::tcp(peer.port()), options(disk)};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 50)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return is_durable(s, 49); })) << recording.log();
  EXPECT_GT(recording.status()->at("disk").at("full_in_s"), 0);
  take_space(disk, 900'000);
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("state") == "disk-full"; })) << recording.log();
  EXPECT_EQ(recording.status()->at("disk").at("full_in_s"), 0);
  EXPECT_EQ(recording.status()->at("file"), nullptr);
  EXPECT_EQ(recording.status_code(), 1);
  const auto first = recording.files();
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_EQ(mth5::probe(first[0]).state, mth5::FileState::Closed);
  ASSERT_TRUE(peer.send(numbered_lines(50, 80)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 80).size()));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("at_risk").at("samples") >= 30; })) << recording.log();
  EXPECT_EQ(recording.status()->at("state"), "disk-full");
  EXPECT_EQ(recording.files(), first) << "a file was begun without space";

  std::filesystem::remove(disk.path() / "ballast");
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("state") == "recording" && is_durable(s, 79); }))
      << recording.log();
  EXPECT_TRUE(std::filesystem::exists(disk.path() / ".mth5d-TEST-MT001.reserve")) << "the reserve was not made again";
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  EXPECT_THAT(lines_with(recording.log(), "error: disk full: free=[0-9]+ limit=2097152 directory="), SizeIs(1))
      << recording.log();
  EXPECT_THAT(lines_with(recording.log(), "error: "), SizeIs(1)) << recording.log();
  EXPECT_THAT(recording.files(), SizeIs(2));
  EXPECT_EQ(all_seconds(recording), seconds(0, 80));
  EXPECT_TRUE(recording.status()->at("ledger").at("balanced").get<bool>());
  EXPECT_FALSE(std::filesystem::exists(disk.path() / ".mth5d-TEST-MT001.reserve"));
}

TEST_F(FullDisk, EndsAtTermWithACountOfWhatIsNotStored) {
  const SmallDisk disk{dir / "disk", "size=12m"};
  ASSERT_TRUE(disk.mounted());
  Recording recording{Recording::tcp(peer.port()), options(disk)};
  record_into_a_full_disk(recording, peer, disk, 0);
  ASSERT_TRUE(support::eventually([&] {  // what was set aside for closing, too, which the recorder tries to have again
    const mth5::Descriptor more{open((disk.path() / "more").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
    if (const auto left = free_bytes(disk); left > 0) (void)posix_fallocate(more.get(), lseek(more.get(), 0, SEEK_END), left);
    return !std::filesystem::exists(disk.path() / ".mth5d-TEST-MT001.reserve") && free_bytes(disk) == 0;
  })) << recording.log();
  EXPECT_EQ(recording.stop(), 1) << recording.log();
  const auto stored = all_seconds(recording);
  EXPECT_EQ(stored, seconds(0, static_cast<int>(stored.size())));
  EXPECT_THAT(lines_with(recording.log(), "^mth5d: error: .*(disk full|no room).*; ended: " + std::to_string(80 - stored.size()) +
                                              " samples that waited in memory are not stored"),
              SizeIs(1))
      << recording.log();
  EXPECT_EQ(support::counts(*recording.status(), "dropped")["write-failed"], 80 - stored.size());
}

TEST_F(FullDisk, AtTheEndTakesWhatWaitsIntoWhatWasSetAside) {
  const SmallDisk disk{dir / "disk", "size=24m"};
  ASSERT_TRUE(disk.mounted());
  Recording recording{Recording::tcp(peer.port()), options(disk, "6MiB")};
  record_into_a_full_disk(recording, peer, disk, 3'000'000);
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  EXPECT_EQ(all_seconds(recording), seconds(0, 80)) << recording.log();
  EXPECT_TRUE(recording.status()->at("ledger").at("balanced").get<bool>());
}

/// The disk is full from one moment to the next, in full flow: whatever call it hits, what was acknowledged is there, what is not
/// there is in the list of gaps, and it all adds up.
TEST_F(FullDisk, ThatComesAtOnceCostsNothingThatWasDurableAndHidesNothing) {
  const SmallDisk disk{dir / "disk", "size=16m"};
  ASSERT_TRUE(disk.mounted());
  Recording recording{Recording::tcp(peer.port()), options(disk)};
  ASSERT_TRUE(peer.accept()) << recording.log();
  constexpr int kLines = 12'000;
  ASSERT_TRUE(peer.send(numbered_lines(0, 1000)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return is_durable(s, 999); })) << recording.log();
  take_space(disk, 0);
  ASSERT_TRUE(peer.send(numbered_lines(1000, kLines)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("state") == "disk-full"; })) << recording.log();
  std::filesystem::remove(disk.path() / "ballast");
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, kLines).size()));
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  EXPECT_THAT(recording.log(), Not(HasSubstr("HDF5-DIAG")));
  std::vector<int> all;
  std::vector<int> missing;
  for (const auto& file : recording.files()) {
    const auto stored = support::stored(file);
    all.insert(all.end(), stored.seconds.begin(), stored.seconds.end());
    for (const auto& gap : support::stored_gaps(file)) {
      EXPECT_EQ(gap.reason, "write-failed");
      for (int k = gap.start; k < gap.start + gap.samples; ++k) missing.push_back(k);
    }
  }
  EXPECT_THAT(std::vector<int>(all.begin(), all.begin() + 999), testing::ElementsAreArray(seconds(0, 999)));
  // A failed file may hold more than was acknowledged; a sample is never in neither.
  for (const int k : missing) all.push_back(k);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  EXPECT_EQ(all, seconds(0, kLines)) << recording.log();
  const auto status = recording.status().value();
  EXPECT_TRUE(status.at("ledger").at("balanced").get<bool>()) << status.at("ledger").dump(1);
  EXPECT_EQ(support::counts(status, "dropped")["write-failed"], missing.size());
}

TEST_F(FullDisk, ThatComesAtOnceWhileASampleIsWrittenClosesTheFileWithWhatWasSetAside) {
  const SmallDisk disk{dir / "disk", "size=24m"};
  ASSERT_TRUE(disk.mounted());
  Recording recording{Recording::tcp(peer.port()), options(disk, "4MiB")};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 1000)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return is_durable(s, 999); })) << recording.log();
  // So much at once that it meets the full disk before anybody looks at the free space.
  constexpr int kLines = 20'000;
  take_space(disk, 0);
  ASSERT_TRUE(peer.send(numbered_lines(1000, kLines)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("state") == "disk-full"; })) << recording.log();
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, kLines).size()));
  const auto full = recording.files();
  ASSERT_THAT(full, SizeIs(1));
  EXPECT_EQ(mth5::probe(full[0]).state, mth5::FileState::Closed) << recording.log();
  std::filesystem::remove(disk.path() / "ballast");
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("state") == "recording" && is_durable(s, kLines - 1); }))
      << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  EXPECT_EQ(all_seconds(recording), seconds(0, kLines));
  EXPECT_EQ(support::counts(*recording.status(), "dropped")["write-failed"], 0);
  EXPECT_TRUE(recording.status()->at("ledger").at("balanced").get<bool>());
}

TEST_F(FullDisk, AtTheStartIsWaitedForWithWhatComesInTheRing) {
  const SmallDisk disk{dir / "disk", "size=12m"};
  ASSERT_TRUE(disk.mounted());
  take_space(disk, 2'500'000);  // the reserve has room, a file beside it has not
  Recording recording{Recording::tcp(peer.port()), options(disk)};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 50)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("at_risk").at("samples") >= 49; })) << recording.log();
  EXPECT_EQ(recording.status()->at("state"), "disk-full");
  EXPECT_EQ(recording.status_code(), 1);
  EXPECT_THAT(recording.files(), SizeIs(0));
  EXPECT_THAT(lines_with(recording.log(), "error: disk full: free=[0-9]+ wanted=6291456 directory=.*; no file begins"), SizeIs(1))
      << recording.log();
  std::filesystem::remove(disk.path() / "ballast");
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("state") == "recording" && is_durable(s, 49); }))
      << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  EXPECT_EQ(all_seconds(recording), seconds(0, 50));
  EXPECT_TRUE(recording.status()->at("ledger").at("balanced").get<bool>());
}

TEST_F(FullDisk, AtTheStartAndAtTheStopCountsWhatCame) {
  const SmallDisk disk{dir / "disk", "size=12m"};
  ASSERT_TRUE(disk.mounted());
  take_space(disk, 0);  // not even the reserve
  Recording recording{Recording::tcp(peer.port()), options(disk)};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 50)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 50).size())) << recording.log();
  EXPECT_EQ(recording.stop(), 1);
  EXPECT_EQ(support::counts(*recording.status(), "dropped")["write-failed"], 50);
  EXPECT_THAT(recording.files(), SizeIs(0));
}

TEST_F(FullDisk, IsNoneThatCouldNeverHoldAFileBesideTheReserve) {
  const SmallDisk disk{dir / "disk", "size=1m"};
  ASSERT_TRUE(disk.mounted());
  Recording recording{Recording::tcp(peer.port()), {.directory = disk.path()}};
  EXPECT_EQ(recording.process().wait(), 1) << recording.log();
  EXPECT_EQ(recording.log(), "mth5d: error: output.directory " + disk.path().string() +
                                 ": the disk has 1MiB in all, and 96MiB are wanted to begin a file (three times output.reserve); "
                                 "name another directory, or lower output.reserve\n");
  EXPECT_THAT(recording.files(), SizeIs(0));
  EXPECT_GT(free_bytes(disk), 1'000'000) << "space is still taken";
}

}  // namespace
