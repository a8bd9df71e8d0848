#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/snapshot.hpp"
#include "mth5/error.hpp"
#include "mth5/reader.hpp"
#include "support/acquisition_file.hpp"
#include "support/support.hpp"

/// A closed file as it was while it was recorded.
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using support::AcquisitionFile;
using testing::HasSubstr;

analysis::SnapshotOptions options() {
  analysis::SnapshotOptions made;
  made.replay = true;
  return made;
}
mth5::UtcNanos at(double s) { return AcquisitionFile::start() + std::chrono::nanoseconds{std::llround(s * 1e9)}; }

class ReplayOfFile : public testing::Test {
 protected:
  /// 400 samples, 100 that are missing, 500 samples, with a commit every 100 s. @param host  of its recorder, against the samples
  explicit ReplayOfFile(std::chrono::nanoseconds host = seconds{0}) {
    AcquisitionFile file{path_, {{0, "lemi", "S1", 1}}};
    const auto commit = [&](std::int64_t n, int after) { file.commit(1, at(after) + host, {{n, n}}, {{n, n}}); };
    const auto first = file.add_run(0, "sr1_0001", seconds{0});
    file.anchor("sr1_0001", 0, at(0), "gps", 1e-6, 1.5, true);
    for (int i = 1; i <= 4; ++i) {
      file.append(first, 100);
      commit(100 * i, 100 * i);
    }
    file.gap(0, "", seconds{400}, 100, "no-data", "sr1_0001", "sr1_0002", false);
    const auto second = file.add_run(0, "sr1_0002", seconds{500});
    file.anchor("sr1_0002", 0, at(500), "gps", 1e-6, 2.5, true);
    for (int i = 1; i <= 5; ++i) {
      file.append(second, 100);
      commit(400 + 100 * i, 500 + 100 * i);
    }
    file.file().close();
  }
  support::TempDir dir_;
  std::filesystem::path path_ = dir_ / "a.h5";
};

TEST_F(ReplayOfFile, HasWhatThereWasByThen) {
  mth5::Reader file{path_};
  const auto see = [&](double s) {
    file.replay(at(s));
    EXPECT_FALSE(file.refresh());
    for (const auto& channel : file.channels()) {
      const auto& run = file.runs()[channel.run == "sr1_0001" ? 0 : 1];
      EXPECT_EQ(channel.n_samples, run.n_samples);
    }
    return std::vector<std::int64_t>{file.runs()[0].n_samples,  file.runs()[1].n_samples,      file.table_rows("commits"),
                                     file.table_rows("gaps"),   file.table_rows("clock/lemi"), file.table_rows("stream_ledger"),
                                     file.table_rows("streams")};
  };
  using V = std::vector<std::int64_t>;
  EXPECT_EQ(see(0), (V{1, 0, 0, 0, 1, 0, 1}));
  EXPECT_EQ(see(99.5), (V{100, 0, 0, 0, 1, 0, 1}));
  EXPECT_EQ(file.read(0, 0, 1000).size(), 100U);
  EXPECT_EQ(file.state(), mth5::FileState::Live);
  EXPECT_EQ(file.last_commit()->visible_samples, 100);
  EXPECT_EQ(file.last_commit()->durable_samples, 0);
  EXPECT_EQ(see(450), (V{400, 0, 4, 0, 1, 4, 1})) << "nobody knows yet how long the gap is";
  EXPECT_EQ(file.last_commit()->durable_time, at(400));
  EXPECT_EQ(see(700), (V{400, 201, 6, 1, 2, 6, 1}));
  EXPECT_EQ(file.clocks()[1].anchors().size(), 1U);
  EXPECT_EQ(file.table("stream_ledger")->size(), 6U);
  EXPECT_EQ(file.last_commit()->durable_samples, 600);
  EXPECT_EQ(see(150), (V{151, 0, 1, 0, 1, 1, 1})) << "back";
  EXPECT_EQ(see(1e6), (V{400, 500, 9, 1, 2, 9, 1}));
  EXPECT_EQ(file.state(), mth5::FileState::Closed);
  EXPECT_THAT(file.warnings(), testing::IsEmpty());
}

TEST_F(ReplayOfFile, IsJudgedAsItWasThen) {
  analysis::LiveFile file{path_, options()};
  analysis::Watch watch;
  const auto look = [&](double s) { return analysis::to_line(file.look(at(s), watch)); };
  for (int s = 0; s < 300; s += 10) (void)look(s);
  EXPECT_THAT(look(300), HasSubstr("Z GOOD; replay: live  S1/sr1_0001: "));
  for (int s = 310; s < 410; s += 10) (void)look(s);
  EXPECT_THAT(look(480), HasSubstr("CRITICAL S1 1 Hz: no data for "));
  EXPECT_THAT(look(480), HasSubstr("; replay: no data since 00:06:40 (1 min 20 s)"));
  for (int s = 500; s < 700; s += 10) (void)look(s);
  EXPECT_THAT(look(700), HasSubstr("of the samples are there, the longest gap is from 00:06 UTC"));
  EXPECT_THAT(look(1000), HasSubstr("; replay: closed  S1/sr1_0002: "));
}

/// Of a recording that was read from a file, much later: the times of its recorder tell nothing of the samples.
class ReplayOfLaterRecording : public ReplayOfFile {
 protected:
  ReplayOfLaterRecording() : ReplayOfFile{hours{24 * 90}} {}
};

TEST_F(ReplayOfLaterRecording, LeavesOutWhatItsRecorderNoted) {
  {
    mth5::Reader file{path_};
    file.replay(at(700));
    EXPECT_EQ(file.table_rows("commits"), 0);
    EXPECT_EQ(file.table_rows("gaps"), 1);
    EXPECT_FALSE(file.last_commit());
  }
  analysis::LiveFile live{path_, options()};
  analysis::Watch watch;
  for (int s = 0; s < 400; s += 10) (void)live.look(at(s), watch);
  EXPECT_THAT(analysis::to_line(live.look(at(400), watch)), HasSubstr("Z GOOD; replay: live"));
  EXPECT_THAT(analysis::to_line(live.look(at(1000), watch)), testing::Not(HasSubstr("ledger")))
      << "at the end it is as it is now";
}

}  // namespace
