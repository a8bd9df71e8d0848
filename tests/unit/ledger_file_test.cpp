#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/clock.hpp"
#include "analysis/ledger.hpp"
#include "analysis/snapshot.hpp"
#include "analysis/summary.hpp"
#include "mth5/recover.hpp"
#include "support/acquisition_file.hpp"
#include "support/stages.hpp"
#include "support/support.hpp"

namespace {

using analysis::FlowState;
using std::chrono::seconds;
using support::AcquisitionFile;
using support::Stages;
using testing::HasSubstr;

mth5::UtcNanos host(int s) { return AcquisitionFile::start() + seconds{s}; }

class LedgerOfAFile : public testing::Test {
 protected:
  support::TempDir dir_;
  const std::filesystem::path path_ = dir_ / "a.h5";

  /// One stream of 100 samples in two sessions, the first of which crashed with 10 samples that its ledger does not know.
  /// @param wait  for the next file, as the last session closes this one
  void write(std::int64_t stored_last, std::int64_t recovered, std::int64_t wait = 0) {
    AcquisitionFile file{path_, {{0, "lemi", "S1", 1}}};
    const auto run = file.add_run(0, "sr1_0001", seconds{0});
    file.append(run, 60);
    file.reason("skipped", 0, "garbage", 3);
    file.commit(1, host(10), {{103, 100, 0, 3}}, {{30, 30}});
    file.reason("skipped", 0, "garbage", 5);
    file.reason("dropped", 0, "ring-full", 2);
    file.commit(1, host(20), {{208, 200, 3, 5}}, {{54, 50, 2, 2, 0, 0, 3}});
    file.reason("dropped", 0, "ring-full", 1);
    file.append(run, 40);
    file.commit(2, host(500), {{161, 160, 1, 0}}, {{41 + wait, stored_last, wait, 1, recovered, 0, 4}});
    file.file().close();
  }
};

TEST_F(LedgerOfAFile, TellsSamplesThatAreInTheNextFileFromThoseThatDiedWithTheirSession) {
  write(40, 10, 7);
  const auto ledger = analysis::read_ledger(mth5::Reader{path_});
  EXPECT_EQ(ledger.streams.at(0).samples_were_buffered, 9);
  EXPECT_EQ(ledger.streams.at(0).samples_went_on, 7);
  EXPECT_TRUE(ledger.balanced());
  analysis::Summary summary{};
  summary.files.emplace_back();
  summary.files[0].state = mth5::FileState::Closed;
  summary.files[0].ledger = ledger;
  EXPECT_THAT(analysis::to_text(summary),
              testing::HasSubstr(" + buffered 0 + in memory when the recorder died 2 + in the next file 7"));
}

TEST_F(LedgerOfAFile, IsTheSumOfItsSessionsWithRecoveredSamplesAndReasons) {
  write(40, 10);
  const mth5::Reader reader{path_};
  const auto ledger = analysis::read_ledger(reader);
  EXPECT_EQ(ledger.layout, 2);
  EXPECT_EQ(ledger.sessions, 2);
  EXPECT_EQ(ledger.last_commit, host(500));
  ASSERT_EQ(ledger.sources.size(), 1U);
  const auto& source = ledger.sources.front();
  EXPECT_EQ(source.name, "box0");
  EXPECT_EQ(source.bytes_in, 369);
  EXPECT_EQ(source.bytes_pending, 4);
  EXPECT_EQ(source.bytes_skipped, (analysis::Reasons{{"garbage", 5}}));
  EXPECT_TRUE(source.balanced());
  ASSERT_EQ(ledger.streams.size(), 1U);
  const auto& stream = ledger.streams.front();
  EXPECT_EQ(stream.samples_decoded, 95);
  EXPECT_EQ(stream.samples_stored, 90);
  EXPECT_EQ(stream.samples_recovered, 10);
  EXPECT_EQ(stream.samples_buffered, 2);
  EXPECT_EQ(stream.samples_were_buffered, 2) << "of the session that crashed: nothing waits any more";
  EXPECT_EQ(stream.values_clipped, 7);
  EXPECT_EQ(stream.samples_dropped, (analysis::Reasons{{"ring-full", 3}}));
  EXPECT_EQ(stream.samples_in_file, 100);
  EXPECT_TRUE(ledger.balanced());
  const auto json = to_json(ledger);
  EXPECT_EQ(json[0]["samples_stored"], 90);
  EXPECT_EQ(json[0]["samples_were_buffered"], 2);
  EXPECT_EQ(json[0]["streams"][0]["samples_recovered"], 10);
  EXPECT_EQ(json[0]["streams"][0]["values_clipped"], 7);
  EXPECT_EQ(json[0]["values_clipped"], 7);
  EXPECT_EQ(json[0]["streams"][0]["station"], "S1");
  EXPECT_EQ(json[0]["balanced"], true);
}

TEST_F(LedgerOfAFile, DoesNotBalanceIfTheFileHoldsMoreOrLess) {
  write(40, 0);  // each row adds up; ten samples are in the file that nobody accounts for
  {
    const mth5::Reader reader{path_};
    const auto ledger = analysis::read_ledger(reader);
    EXPECT_FALSE(ledger.streams.front().agrees_with_file);
    EXPECT_FALSE(ledger.balanced());
    EXPECT_EQ(ledger.streams.front().samples_beyond_ledger, 0) << "it was closed in order";
    EXPECT_EQ(to_json(ledger)[0]["balanced"], false);
  }
  std::filesystem::remove(path_);
  write(40, 11);
  const mth5::Reader reader{path_};
  EXPECT_FALSE(analysis::read_ledger(reader).balanced());
}

TEST_F(LedgerOfAFile, OfTwoStreamsIsKeptApartAndFillDoesNotCountAsStored) {
  AcquisitionFile file{path_, {{0, "fast", "S1", 4}, {0, "slow", "S1", 1}, {1, "other", "S2", 4}}};
  const auto fast = file.add_run(0, "sr4_0001", seconds{0});
  const auto slow = file.add_run(1, "sr1_0001", seconds{0});
  const auto other = file.add_run(2, "sr4_0001", seconds{0});
  file.append(fast, 80);
  file.append(slow, 20);
  file.append(other, 44);
  file.gap(0, "", seconds{5}, 8, "no-data", "sr4_0001", "sr4_0001", true);
  file.gap(1, "ey", seconds{5}, 3, "channel-away", "sr1_0001", "sr1_0001", true);  // the other channels go on: stored
  file.commit(1, host(20), {{10, 10}, {5, 5}}, {{72, 72}, {20, 20}, {44, 44}});
  file.file().close();
  const mth5::Reader reader{path_};
  const auto ledger = analysis::read_ledger(reader);
  ASSERT_EQ(ledger.streams.size(), 3U);
  EXPECT_EQ(ledger.streams[0].samples_in_file, 72);
  EXPECT_EQ(ledger.streams[1].samples_in_file, 20);
  EXPECT_EQ(ledger.streams[2].samples_in_file, 44);
  EXPECT_TRUE(ledger.balanced());
  const auto json = to_json(ledger);
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0]["streams"].size(), 2U);
  EXPECT_EQ(json[0]["samples_stored"], 92);
  EXPECT_EQ(json[1]["samples_stored"], 44);
}

TEST_F(LedgerOfAFile, KnowsThatALiveAndACrashedWriterAreAheadOfIt) {
  Stages writer{[&](Stages::Gate& gate) {
    AcquisitionFile file{path_, {{0, "lemi", "S1", 1}}};
    const auto run = file.add_run(0, "sr1_0001", seconds{0});
    file.append(run, 30);
    file.commit(1, host(30), {{30, 30}}, {{30, 30}});
    file.append(run, 7);
    file.file().flush();
    gate.reached();
  }};
  writer.wait();
  for (const bool lives : {true, false}) {
    if (!lives) writer.kill_now();
    const mth5::Reader reader{path_};
    const auto ledger = analysis::read_ledger(reader);
    EXPECT_EQ(ledger.streams.front().samples_in_file, 37);
    EXPECT_EQ(ledger.streams.front().samples_beyond_ledger, 7);
    EXPECT_TRUE(ledger.balanced()) << lives;
    EXPECT_FALSE(ledger.recovered);
  }
  (void)mth5::recover(path_, dir_ / "before");
  {
    const mth5::Reader reader{path_};
    const auto ledger = analysis::read_ledger(reader);
    EXPECT_TRUE(ledger.recovered);
    EXPECT_EQ(ledger.streams.front().samples_beyond_ledger, 7);
    EXPECT_TRUE(ledger.balanced());
  }
  mth5::File::open(path_).close();  // by someone who leaves the ledger as it is: nobody has counted these seven
  const mth5::Reader reader{path_};
  EXPECT_FALSE(analysis::read_ledger(reader).recovered);
  EXPECT_FALSE(analysis::read_ledger(reader).balanced());
}

TEST_F(LedgerOfAFile, DoesNotBalanceIfARecoveryFoundLessThanItSays) {
  Stages writer{[&](Stages::Gate& gate) {
    AcquisitionFile file{path_, {{0, "lemi", "S1", 1}}};
    file.append(file.add_run(0, "sr1_0001", seconds{0}), 30);
    file.commit(1, host(30), {{31, 31}}, {{31, 31}});
    file.file().flush();
    gate.reached();
  }};
  writer.wait();
  writer.kill_now();
  (void)mth5::recover(path_, dir_ / "before");
  const mth5::Reader reader{path_};
  const auto ledger = analysis::read_ledger(reader);
  EXPECT_TRUE(ledger.recovered);
  EXPECT_EQ(ledger.streams.front().samples_beyond_ledger, 0);
  EXPECT_FALSE(ledger.balanced());
}

TEST_F(LedgerOfAFile, GivesTheClockOfAStreamWithTheErrorOfThePlainAxis) {
  AcquisitionFile file{path_, {{0, "lemi", "S1", 1}}};
  const auto run = file.add_run(0, "sr1_0001", seconds{0});
  file.append(run, 3000);
  file.anchor("sr1_0001", 0, host(0), "gps", 0, 0, false);
  file.anchor("sr1_0001", 500, host(500) + std::chrono::milliseconds{25}, "gps", 1e-6, -50, true);
  file.anchor("sr1_0001", 900, host(900) + std::chrono::milliseconds{45}, "gps", -4e-6, -50, true);
  file.anchor("sr1_0001", 999, host(999) - std::chrono::milliseconds{5}, "gps", 2e-6, -49.5, true);
  file.file().close();
  const mth5::Reader reader{path_};
  const auto clocks = analysis::read_clocks(reader);
  ASSERT_EQ(clocks.size(), 1U);
  EXPECT_EQ(clocks[0].stream, "lemi");
  EXPECT_EQ(clocks[0].source, "gps");
  EXPECT_EQ(clocks[0].ppm, -49.5);
  EXPECT_NEAR(clocks[0].residual_us, 2, 1e-9);
  EXPECT_NEAR(clocks[0].axis_error_s, -0.005 + 2000 * 49.5e-6, 1e-5) << "that of the newest sample, behind the last anchor";
  EXPECT_TRUE(clocks[0].locked);
  EXPECT_EQ(to_text(clocks[0]), "gps, locked, -49.5 ppm, residual 2 us, axis off by up to 0.094 s");
}

TEST_F(LedgerOfAFile, TakesTheRunThatWasBegunLastForTheNewestWhateverItsNumber) {
  {
    AcquisitionFile file{path_, {{0, "lemi", "S1", 1}, {1, "board", "S2", 1}}};
    const auto begin = [&](const std::string& id, int after, bool anchored) {
      file.append(file.add_run(0, id, seconds{after}), 50);
      if (anchored) file.anchor(id, 0, host(after), "gps", 0, 0, true);
    };
    begin("sr1_0003", 0, true);
    begin("sr1_0002", 100, true);  // of a recorder that began to count anew behind a crash
    file.append(file.add_run(1, "sr1_0003", seconds{0}), 50);
    file.append(file.add_run(1, "sr1_0002", seconds{100}), 50);  // without a clock
    file.file().close();
  }
  std::vector<std::string> newest;
  {
    const mth5::Reader file{path_};
    for (const auto run : analysis::newest_runs(file)) newest.push_back(file.runs()[run].station + "/" + file.runs()[run].id);
    EXPECT_TRUE(analysis::begun_after(file, 1, 0));
    EXPECT_FALSE(analysis::begun_after(file, 0, 1));
    EXPECT_FALSE(analysis::begun_after(file, 3, 2)) << "by their numbers";
  }
  EXPECT_THAT(newest, testing::ElementsAre("S1/sr1_0002", "S2/sr1_0003"));
  analysis::SnapshotOptions options;
  options.station = "S1";
  analysis::LiveFile file{path_, options};
  analysis::Watch watch;
  const auto look = file.look(host(200), watch);
  ASSERT_EQ(look.streams.size(), 1U);
  EXPECT_EQ(look.streams[0].run, "sr1_0002");
  EXPECT_EQ(look.streams[0].end, host(149));
}

TEST_F(LedgerOfAFile, CountsWhatWasLostWithADeletedFileBeforeTheFirstRun) {
  {
    AcquisitionFile file{path_, {{0, "lemi", "S1", 1}}};
    file.gap(0, "", seconds{-30}, 30, "file-lost", "", "sr1_0002", false);
    file.append(file.add_run(0, "sr1_0002", seconds{0}), 70);
    file.gap(0, "", seconds{70}, 10, "no-data", "sr1_0002", "sr1_0003", false);
    file.append(file.add_run(0, "sr1_0003", seconds{80}), 20);
    file.commit(1, host(100), {{90, 90}}, {{90, 90}});
    file.file().close();
  }
  {
    analysis::LiveFile file{path_, {}};
    analysis::Watch watch;
    const auto look = file.look(host(200), watch);
    EXPECT_EQ(look.gap_count, 2);
    EXPECT_EQ(look.gap_samples, 40);
    EXPECT_NEAR(look.percent, 100 * 90 / 130.0, 1e-9);
    ASSERT_FALSE(look.verdict.empty());
    EXPECT_EQ(look.verdict[0].rule->name, "completeness");
    EXPECT_NEAR(look.verdict[0].value, 100 * 90 / 130.0, 1e-9);
    EXPECT_EQ(look.verdict[0].since, host(-30)) << "the longest";
  }
  std::vector<std::unique_ptr<mth5::Reader>> files;
  files.push_back(std::make_unique<mth5::Reader>(path_));
  const auto all = analysis::find_series(files);
  ASSERT_EQ(all.size(), 1U);
  const auto samples_of = [&](const analysis::Window& window) {
    std::vector<std::pair<std::string, std::int64_t>> found;
    for (const auto& gap : analysis::gaps_within(all[0], window, files)) found.emplace_back(gap.reason, gap.samples);
    return found;
  };
  using testing::ElementsAre, testing::Pair;
  EXPECT_THAT(samples_of({}), ElementsAre(Pair("file-lost", 30), Pair("no-data", 10)));
  EXPECT_THAT(samples_of({host(-50), host(100)}),
              ElementsAre(Pair("before the first sample", 20), Pair("file-lost", 30), Pair("no-data", 10)));
  EXPECT_THAT(samples_of({host(-10), host(100)}), ElementsAre(Pair("file-lost", 10), Pair("no-data", 10)));
  EXPECT_THAT(samples_of({host(-90), host(-40)}), ElementsAre(Pair("before the first sample", 50)));
}

/// A recorder that commits every ten seconds of its host's clock, until it has no more samples after 60 s.
class LiveFlow : public LedgerOfAFile {
 protected:
  void record(const std::vector<AcquisitionFile::SourceRow>& behind, Stages::Gate& gate) const {
    AcquisitionFile file{path_, {{0, "lemi", "S1", 1}}};
    const auto now = std::chrono::floor<seconds>(mth5::host_now());
    const auto run = file.add_run(0, "sr1_0001", seconds{0});
    for (int k = 1; k <= 6; ++k) {
      file.append(run, 10);
      file.commit(1, now - seconds{60 - 10 * k}, {{k * 10, k * 10}}, {{k * 10, k * 10}});
    }
    file.file().flush();
    for (const auto& row : behind) {
      file.commit(1, now + seconds{30}, {row}, {{60, 60}});
      file.file().flush();
    }
    gate.reached();
  }
};

TEST_F(LiveFlow, SaysNoDataOnceSamplesFailToCome) {
  Stages writer{[&](Stages::Gate& gate) { record({}, gate); }};
  writer.wait();
  const auto now = mth5::host_now();
  analysis::LiveFile file{path_, {}};
  analysis::Watch watch;
  const auto good = file.look(now + seconds{1}, watch);
  ASSERT_EQ(good.streams.size(), 1U);
  EXPECT_EQ(good.streams[0].flow->state, FlowState::Receiving);
  EXPECT_EQ(state_text(good), "live");
  EXPECT_EQ(good.percent, 100);
  const auto silent = file.look(now + seconds{25}, watch);
  EXPECT_EQ(silent.streams[0].flow->state, FlowState::NoData);
  EXPECT_THAT(state_text(silent), testing::MatchesRegex(R"(no data since [0-9:]{8} \(2[0-9] s\))"));
  EXPECT_THAT(to_line(silent), HasSubstr(" no data since "));
  EXPECT_EQ(silent.gap_count, 1);
  EXPECT_EQ(silent.last_gap->reason, "no-data");
  EXPECT_EQ(silent.last_gap->start, host(60)) << "behind the last sample, by the instrument's clock";
  EXPECT_NEAR(static_cast<double>(silent.gap_samples), 25, 4);
  EXPECT_LT(silent.percent, 80);
  EXPECT_EQ(to_json(silent)["streams"][0]["state"], "no-data");
}

TEST_F(LiveFlow, SaysGarbageWhereBytesComeAndNoSamples) {
  Stages writer{[&](Stages::Gate& gate) { record({{900, 60, 0, 840}}, gate); }};
  writer.wait();
  analysis::LiveFile file{path_, {}};
  analysis::Watch watch;
  const auto look = file.look(mth5::host_now() + seconds{31}, watch);
  EXPECT_EQ(look.streams[0].flow->state, FlowState::Garbage);
  EXPECT_THAT(state_text(look), HasSubstr("garbage since "));
}

TEST_F(LiveFlow, SaysWaitingForAStreamFromWhichNothingHasCome) {
  Stages writer{[&](Stages::Gate& gate) {
    AcquisitionFile file{path_, {{0, "lemi", "S1", 1}}};
    file.commit(1, mth5::host_now() - seconds{100}, {{0, 0}}, {{0, 0}});
    file.file().flush();
    gate.reached();
  }};
  writer.wait();
  analysis::LiveFile file{path_, {}};
  analysis::Watch watch;
  const auto look = file.look(mth5::host_now(), watch);
  ASSERT_EQ(look.streams.size(), 1U);
  EXPECT_EQ(look.streams[0].flow->state, FlowState::Waiting);
  EXPECT_EQ(look.streams[0].name, "lemi");
  EXPECT_THAT(state_text(look), HasSubstr("waiting for data since "));
  EXPECT_TRUE(std::isnan(look.percent));
}

/// The first look of a monitor at two streams, of which samples came since the last row of the ledger.
class LiveFlowOfTwo : public LedgerOfAFile {
 protected:
  using Rows = std::vector<AcquisitionFile::StreamRow>;
  /// Commits of one session, so many seconds ago.
  struct Commit {
    std::int64_t session;
    int ago_s;
    Rows rows;
  };
  /// @param samples  that the file has in the end, of each stream
  analysis::Snapshot look(const std::vector<Commit>& commits, const std::array<std::int64_t, 2>& samples) {
    const auto now = std::chrono::floor<seconds>(mth5::host_now());
    Stages writer{[&](Stages::Gate& gate) {
      AcquisitionFile file{path_, {{0, "lemi", "S1", 1}, {1, "board", "S1", 4}}};
      const std::array runs{file.add_run(0, "sr1_0001", seconds{0}), file.add_run(1, "sr4_0001", seconds{0})};
      for (const auto& [session, ago_s, rows] : commits) file.commit(session, now - seconds{ago_s}, {{}, {}}, rows);
      for (const std::size_t stream : {0U, 1U}) file.append(runs.at(stream), samples.at(stream));
      file.file().flush();
      gate.reached();
    }};
    writer.wait();
    analysis::LiveFile file{path_, {}};
    analysis::Watch watch;
    return file.look(now, watch);
  }
  static std::vector<FlowState> states(const analysis::Snapshot& look) {
    std::vector<FlowState> all;
    for (const auto& stream : look.streams) all.push_back(stream.flow->state);
    return all;
  }
  static constexpr auto kReceiving = FlowState::Receiving, kNoData = FlowState::NoData;
  using States = std::vector<FlowState>;
};

TEST_F(LiveFlowOfTwo, SeesByTheSamplesThatTheyComeBeforeTheSecondSync) {
  const auto begun = look({{0, 9, {{}, {}}}, {0, 8, {{1, 1}, {4, 4}}}}, {9, 36});
  EXPECT_EQ(states(begun), (States{kReceiving, kReceiving}));
  EXPECT_EQ(begun.percent, 100) << "nothing is missing";
  EXPECT_THAT(begun.verdict, testing::IsEmpty());
}

TEST_F(LiveFlowOfTwo, SeesItWhereNothingWasStoredWithTheOnlyRow) {
  EXPECT_EQ(states(look({{0, 9, {{}, {}}}}, {9, 36})), (States{kReceiving, kReceiving}));
}

TEST_F(LiveFlowOfTwo, SeesWhichOneOfThemIsSilent) {
  const std::vector<Commit> commits{
      {0, 51, {{}, {}}}, {0, 50, {{1, 1}, {4, 4}}}, {0, 40, {{11, 11}, {40, 40}}}, {0, 30, {{11, 11}, {80, 80}}}};
  EXPECT_EQ(states(look(commits, {11, 200})), (States{kNoData, kReceiving}));
}

TEST_F(LiveFlowOfTwo, SeesWhichOneOfThemIsSilentWhereBothHaveOneRate) {
  const auto now = std::chrono::floor<seconds>(mth5::host_now());
  Stages writer{[&](Stages::Gate& gate) {
    AcquisitionFile file{path_, {{0, "lemi", "S1", 1}, {1, "board", "S1", 1}}};
    const std::array runs{file.add_run(0, "sr1_0001", seconds{0}), file.add_run(1, "b1_0001", seconds{0})};
    const auto start = AcquisitionFile::start();
    file.anchor("sr1_0001", 0, start, "gps", 1e-6, 0, true, 0);
    file.anchor("b1_0001", 0, start, "gps", 1e-6, 0, true, 1);
    for (const auto& [ago_s, n] : {std::pair{51, 0}, {50, 1}, {40, 11}, {30, 21}})
      file.commit(0, now - seconds{ago_s}, {{}, {}}, {{std::min(n, 11), std::min(n, 11)}, {n, n}});
    file.append(runs[0], 11);
    file.append(runs[1], 50);
    file.file().flush();
    gate.reached();
  }};
  writer.wait();
  analysis::LiveFile file{path_, {}};
  analysis::Watch watch;
  const auto seen = file.look(now, watch);
  std::map<std::string, FlowState> by_run;
  for (const auto& stream : seen.streams) by_run[stream.run] = stream.flow->state;
  EXPECT_EQ(by_run, (std::map<std::string, FlowState>{{"sr1_0001", kNoData}, {"b1_0001", kReceiving}}));
}

TEST_F(LiveFlowOfTwo, CountsTheSessionsBeforeACrash) {
  const std::vector<Commit> commits{{0, 90, {{}, {}}},
                                    {0, 80, {{6, 6}, {24, 24}}},
                                    {1, 60, {{.recovered = 9}, {.recovered = 36}}},
                                    {1, 50, {{10, 10, 0, 0, 9}, {40, 40, 0, 0, 36}}},
                                    {1, 40, {{20, 20, 0, 0, 9}, {80, 80, 0, 0, 36}}}};
  EXPECT_EQ(states(look(commits, {6 + 9 + 20, 24 + 36 + 81})), (States{kNoData, kReceiving}));
}

}  // namespace
