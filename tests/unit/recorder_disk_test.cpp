#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <vector>

#include "mth5/error.hpp"
#include "mth5/file.hpp"
#include "mth5/time.hpp"
#include "support/numbered.hpp"
#include "support/played_disk.hpp"
#include "support/recorder_bench.hpp"

namespace {

using namespace daq;
using support::Bench;
using support::channel;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// A bench whose writer has a thread, as in mth5d, and a disk that a test plays.
class OnAPlayedDisk : public testing::Test {
 protected:
  bool sees(const std::function<bool(const recorder::State&)>& what) {
    return support::eventually([&] { return what(bench_.state()); });
  }
  bool sees_durable(std::uint64_t samples) {
    return sees([&](const auto& s) { return !s.streams.empty() && s.streams[0].durable >= samples; });
  }
  bool sees_outage(const char* name) {
    return sees([&](const auto& s) { return s.outage == name; });
  }
  /// 40 samples are durable, and all room but this is taken.
  void fill_disk_behind_40_samples(std::int64_t left) {
    bench_.send(0, 40);
    ASSERT_TRUE(sees_durable(40));
    disk_.leave(left);
    ASSERT_TRUE(sees_outage("disk-full")) << bench_.log();
  }
  void end() {
    bench_.recorder().end(mth5::steady_now() + std::chrono::hours{1});
    bench_.intake().finish();
    bench_.ring().close();
  }
  /// bx of all files, in the order of their names.
  std::vector<int> seconds() const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator{bench_.directory()})
      if (entry.path().extension() == ".h5") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    n_files_ = files.size();
    std::vector<int> all;
    for (const auto& file : files) {
      if (mth5::Reader{file}.state() != mth5::FileState::Closed) mth5::File::open(file, "r+").close();
      const mth5::Reader reader{file};
      for (const auto& run : reader.runs())
        for (const double second : channel(reader, run.id, "bx")) all.push_back(static_cast<int>(second));
    }
    return all;
  }

  support::PlayedDisk disk_;
  Bench bench_{"flush: {interval: 10ms}\nsync: {interval: 100ms}\n"};
  std::future<void> writer_ = std::async(std::launch::async, [this] { bench_.recorder().run(); });
  mutable std::size_t n_files_ = 0;
};

TEST_F(OnAPlayedDisk, ThatIsFullForAWhileNothingIsLost) {
  fill_disk_behind_40_samples(0);
  if (HasFatalFailure()) return;
  bench_.send(40, 80);
  disk_.leave(std::nullopt);
  ASSERT_TRUE(sees_durable(80)) << bench_.log();
  end();
  EXPECT_NO_THROW(writer_.get());
  EXPECT_EQ(seconds(), support::seconds(0, 80));
  EXPECT_EQ(n_files_, 2u);
  EXPECT_TRUE(bench_.state().streams.at(0).balanced);
  EXPECT_EQ(bench_.dropped(ledger::Drop::WriteFailed), 0u);
}

/// As where no inode is left: what the disk says of its room is not all that a file needs.
TEST_F(OnAPlayedDisk, ThatRefusesAFileThoughThereIsRoomTheRecorderSaysNotThatItRecords) {
  fill_disk_behind_40_samples(0);
  if (HasFatalFailure()) return;
  disk_.refuse_bytes(true);
  bench_.send(40, 80);
  disk_.leave(std::nullopt);
  ASSERT_TRUE(support::eventually([&] { return bench_.state().problem.find("No space left") != std::string::npos; }))
      << bench_.log();
  disk_.refuse_bytes(false);
  ASSERT_TRUE(sees_durable(80)) << bench_.log();
  end();
  EXPECT_NO_THROW(writer_.get());
  const auto log = bench_.log();
  ASSERT_THAT(log, HasSubstr("recording again"));
  EXPECT_EQ(log.find("recording again"), log.rfind("recording again")) << log;
  EXPECT_EQ(seconds(), support::seconds(0, 80));
}

/// A reload (HUP): as at a mark, the old file goes on.
TEST_F(OnAPlayedDisk, ThatHasNoPlaceForTheNextFileTheOldOneIsNotClosedByHand) {
  bench_.send(0, 40);
  ASSERT_TRUE(sees_durable(40));
  const auto in_the_way = bench_.directory() / ".mth5d-TEST-MT001.try";
  std::filesystem::create_directories(in_the_way / "not_empty");
  bench_.recorder().begin_new_file();
  bench_.send(40, 80);
  ASSERT_TRUE(sees_durable(80)) << bench_.log();
  end();
  EXPECT_NO_THROW(writer_.get());
  EXPECT_EQ(seconds(), support::seconds(0, 80));
  EXPECT_EQ(n_files_, 1u);
  EXPECT_THAT(bench_.log(), HasSubstr("the next file cannot be begun, the recording goes on in "));
  EXPECT_EQ(bench_.dropped(ledger::Drop::WriteFailed), 0u);
}

/// With what had come in the files, and these closed, there is nothing to complain of.
TEST_F(OnAPlayedDisk, ThatIsFullAStopIsInOrderIfNothingWaits) {
  fill_disk_behind_40_samples(0);
  if (HasFatalFailure()) return;
  end();
  EXPECT_NO_THROW(writer_.get());
  EXPECT_EQ(seconds(), support::seconds(0, 40));
  EXPECT_THAT(bench_.log(), HasSubstr("stopped with a full disk: nothing waited, the files are closed"));
}

TEST_F(OnAPlayedDisk, ThatIsFullAStopWithWhatWaitsIsAnErrorAndCountsIt) {
  fill_disk_behind_40_samples(0);
  if (HasFatalFailure()) return;
  bench_.send(40, 60);
  end();
  EXPECT_THAT([&] { writer_.get(); },
              ThrowsMessage<mth5::FileError>(HasSubstr("ended: 20 samples that waited in memory are not stored")));
  EXPECT_EQ(seconds(), support::seconds(0, 40));
  EXPECT_EQ(bench_.state().streams.at(0).dropped[static_cast<std::size_t>(ledger::Drop::WriteFailed)], 20u);
}

/// What the reserve had held is less than it was, as the file was closed with it; it is for this.
TEST_F(OnAPlayedDisk, ThatIsFullAStopWritesWhatWaitsIntoWhatTheReserveHeld) {
  fill_disk_behind_40_samples(24 << 20);  // of 32 MiB
  if (HasFatalFailure()) return;
  bench_.send(40, 60);
  end();
  EXPECT_NO_THROW(writer_.get());
  EXPECT_EQ(seconds(), support::seconds(0, 60));
  EXPECT_EQ(n_files_, 2u);
  EXPECT_TRUE(bench_.state().streams.at(0).balanced);
}

TEST_F(OnAPlayedDisk, ThatFailsToSyncANewFileBeginsAndWhatIsGoneIsCounted) {
  bench_.send(0, 40);
  ASSERT_TRUE(sees_durable(40));
  disk_.fail_next_sync(EIO);
  bench_.send(40, 60);
  ASSERT_TRUE(sees_outage("write-failed")) << bench_.log();
  bench_.send(60, 100);
  ASSERT_TRUE(sees_outage("")) << bench_.log();
  end();
  EXPECT_NO_THROW(writer_.get());
  const auto stream = bench_.state().streams.at(0);
  EXPECT_TRUE(stream.balanced);
  const auto lost = stream.dropped[static_cast<std::size_t>(ledger::Drop::WriteFailed)];
  EXPECT_GT(lost, 0u);
  EXPECT_LE(lost, 20u);
  const auto found = seconds();
  EXPECT_EQ(n_files_, 2u);
  // What was not durable is counted as lost, and may be there all the same.
  EXPECT_GE(found.size(), 100 - lost);
  EXPECT_THAT(found, testing::IsSupersetOf(support::seconds(0, 40)));
  EXPECT_THAT(found, testing::IsSupersetOf(support::seconds(60, 100)));
}

/// Its samples go into the next one: until they are durable there it is all that a power cut would leave of them, and then it
/// goes, so that no start finds them a second time.
TEST(AFileThatFailedBeforeItHadItsName, StaysUntilItsSamplesAreSafe) {
  support::PlayedDisk disk;
  Bench bench{"flush: {samples: 20, interval: 1h}\nsync: {interval: 100ms}\n"};
  auto writer = std::async(std::launch::async, [&] { bench.recorder().run(); });
  const auto parts = [&] {
    std::size_t n = 0;
    for (const auto& entry : std::filesystem::directory_iterator{bench.directory()}) n += entry.path().extension() == ".part";
    return n;
  };
  const auto durable = [&](std::uint64_t n) {
    return support::eventually([&] {
      const auto state = bench.state();
      return !state.streams.empty() && state.streams[0].durable == n;
    });
  };
  bench.send(0, 20);
  ASSERT_TRUE(durable(20)) << bench.log();  // where no file was ever begun, the recorder ends
  bench.recorder().begin_new_file();
  ASSERT_TRUE(support::eventually([&] { return bench.state().file.empty(); })) << bench.log();
  disk.fail_next_sync(EIO);
  std::string two_runs;
  for (const int begin : {30, 50})
    for (int s = begin; s < begin + 10; ++s) two_runs += Bench::line(s);
  bench.send(two_runs);  // the first of them has ended, and is put into the file at once
  EXPECT_TRUE(support::eventually([&] { return bench.state().outage == "write-failed"; })) << bench.log();
  EXPECT_EQ(parts(), 1u);
  EXPECT_TRUE(durable(40)) << bench.log();
  bench.recorder().end(mth5::steady_now() + std::chrono::hours{1});
  bench.intake().finish();
  bench.ring().close();
  EXPECT_NO_THROW(writer.get());
  EXPECT_EQ(parts(), 0u);
  const auto reader = bench.reader();
  ASSERT_EQ(reader.runs().size(), 2u);
  for (const auto& run : reader.runs()) EXPECT_EQ(run.n_samples, 10);
  EXPECT_EQ(support::files_in(bench.directory()).size(), 2u);
}

}  // namespace
