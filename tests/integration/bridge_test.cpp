#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/acquisition_file.hpp"
#include "support/process.hpp"
#include "support/support.hpp"

/// mth5-recover --finalize --bridge as its user runs it: long runs for who needs them, and a recording that keeps the truth.
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

support::Finished run_program(const std::string& name, const std::vector<std::string>& arguments) {
  std::vector<std::string> command{support::program(name)};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return support::run(command);
}

nlohmann::json report_of(const fs::path& file) {
  const auto done = run_program("mth5-summary", {"--format", "json", "--now", "2026-05-02T00:00:00Z", file.string()});
  EXPECT_EQ(done.code, 0) << done.err;
  return nlohmann::json::parse(done.out);
}

/// Two channels at 10 Hz, one of them of whole numbers: a, b after a gap of 20 samples, c without a gap, d after a minute, e half
/// a sample beside the next place of d.
class Bridge : public testing::Test {
 protected:
  void SetUp() override {
    std::vector<mth5::ChannelSpec> channels;
    for (const char* component : {"ex", "ey"}) {
      mth5::Metadata channel{mth5::Kind::Electric};
      channel.set("component", std::string{component});
      channel.set("units", std::string{"milliVolt per kilometer"});
      channels.push_back({channel, channels.empty() ? mth5::SampleType::Int32 : mth5::SampleType::Float64, 64, {}});
    }
    channels.front().fill = -9999;
    support::AcquisitionFile file{path_, {{0, "box", "S1", 10, channels}}};
    const auto begin = [&](const char* id, std::chrono::nanoseconds after) {
      const auto run = file.add_run(0, id, after);
      std::vector<double> frames;
      for (int i = 0; i < 100; ++i) frames.insert(frames.end(), {1000.0 * static_cast<double>(run) + i, 0.25 * i});
      file.file().append_interleaved<double>(file.id_of(run), frames);
      return run;
    };
    begin("a", 0s);
    file.gap(0, "", 10s, 15, "no-data", "a", "b", false);
    file.gap(0, "", 11500ms, 5, "sync-lost", "a", "b", false);
    begin("b", 12s);
    file.anchor("b", 50, support::AcquisitionFile::start() + 17s, "gps", 0, 0, true);
    begin("c", 22s);
    file.gap(0, "", 32s, 600, "no-data", "c", "d", false);
    begin("d", 92s);
    begin("e", 102050ms);
    file.commit(0, support::AcquisitionFile::start() + 120s, {{1000, 1000, 0, 0, 500}}, {{500, 500, 0, 0, 0, 500, 0}});
    file.file().close();
  }
  [[nodiscard]] fs::path bridged() const { return dir_ / "archive" / "x.bridged.h5"; }

  support::TempDir dir_;
  fs::path path_ = dir_ / "x.h5";
};

TEST_F(Bridge, JoinsRunsListsWhatItMadeUpAndLeavesTheRecording) {
  const auto before = support::read_text(path_);
  const auto done = run_program("mth5-recover", {"--finalize", "gzip-4", "--bridge", "5s", path_.string()});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr("archived as " + bridged().string()), HasSubstr("1000 samples compared"),
                              HasSubstr("\n  S1/b is joined to a: samples 100 to 119 are interpolated"),
                              HasSubstr("\n  S1/c is joined to a: nothing lacks between them"),
                              HasSubstr("\n  S1/e is not joined to d: it begins 50ms beside a sample of d")));
  EXPECT_EQ(support::read_text(path_), before);
  const mth5::Reader copy{bridged()}, source{path_};
  EXPECT_EQ(copy.file_uuid(), source.file_uuid());
  ASSERT_EQ(copy.runs().size(), 3U);
  EXPECT_EQ(copy.runs()[0].n_samples, 320);
  EXPECT_EQ(copy.runs()[0].end(), support::AcquisitionFile::start() + 31900ms);
  const auto ex = copy.read(copy.find("S1", "a", "ex").at(0), 98, 24), ey = copy.read(copy.find("S1", "a", "ey").at(0), 98, 24);
  EXPECT_THAT((std::vector<double>{ex[1], ex[2], ex[3], ex[21], ex[22]}), ElementsAre(99, 142, 185, 957, 1000))
      << "from 99 to 1000 in 21 steps, rounded";
  EXPECT_DOUBLE_EQ(ey[2], 24.75 * 20 / 21);
  EXPECT_EQ(copy.read(copy.find("S1", "a", "ex").at(0), 219, 2), (std::vector<double>{1099, 2000}));
  const auto bridges = copy.table("bridges").value();
  ASSERT_EQ(bridges.size(), 2U);
  EXPECT_EQ(bridges.text(0, "joined"), "b");
  EXPECT_EQ(bridges.integer(0, "sample"), 100);
  EXPECT_EQ(bridges.integer(0, "samples"), 20);
  EXPECT_EQ(bridges.integer(1, "samples"), 0);
  const auto anchors = copy.clock(0).anchors();
  ASSERT_EQ(anchors.size(), 1U);
  EXPECT_EQ(anchors[0].sample, 170) << "50 of the run that begins at 120";
}

TEST_F(Bridge, IsTheSameInAReportAsTheRecordingAndPythonReadsLongRuns) {
  ASSERT_EQ(run_program("mth5-recover", {"--finalize", "gzip-1", "--bridge", "5s", path_.string()}).code, 0);
  const auto truth = report_of(path_), copy = report_of(bridged());
  const auto& channel = truth.at("channels").at(0);
  const auto& joined = copy.at("channels").at(0);
  for (const char* figure : {"expected", "missing", "completeness", "mean", "min", "max"})
    EXPECT_EQ(joined.at(figure), channel.at(figure)) << figure;
  EXPECT_EQ(joined.at("missing"), 621) << "20, 600, and half a sample, which counts as one";
  const auto& ledger = copy.at("files").at(0).at("ledger");
  ASSERT_EQ(ledger.size(), 1U);
  EXPECT_TRUE(ledger.at(0).at("balanced").get<bool>()) << ledger;
  const auto& gaps = joined.at("gaps");
  ASSERT_GE(gaps.size(), 3U);
  EXPECT_EQ(gaps.at(0).at("reason"), "no-data");
  EXPECT_EQ(gaps.at(0).at("samples"), 15);
  EXPECT_TRUE(gaps.at(0).at("filled").get<bool>());
  EXPECT_EQ(gaps.at(1).at("reason"), "sync-lost");
  ASSERT_EQ(run_program("mth5-recover", {"--finalize", "gzip-1", path_.string()}).code, 0);
  const auto all = report_of(dir_.path());
  EXPECT_EQ(all.at("files").size(), 1U) << "recording, archive and the copy with joined runs";
  EXPECT_EQ(all.at("channels").at(0).at("missing"), 621);
  const char* python = std::getenv("MTH5_TEST_PYTHON");
  ASSERT_TRUE(python != nullptr);
  const auto read = support::run({python, (support::source() / "tests/integration/bridged.py").string(), bridged().string()});
  EXPECT_EQ(read.code, 0) << read.err;
  EXPECT_THAT(run_program("mth5-summary", {"--verify", dir_.path().string()}).out, HasSubstr("x.bridged.h5: unchanged"));
}

/// A copy is read by start and rate: what a clock did must not add up in it.
TEST_F(Bridge, JoinsNoRunThatAClockHasLedAwayFromItsPlace) {
  const auto path = dir_ / "drift.h5";
  {
    support::AcquisitionFile file{path, {{0, "box", "S1", 10}}};
    for (int i = 0; i < 6; ++i) {  // each 4 ms later than the one before says, as are its anchors
      const auto after = std::chrono::seconds{12} * i + std::chrono::milliseconds{4} * i;
      const auto run = file.add_run(0, "r" + std::to_string(i), after);
      file.append(run, 100);
      file.anchor("r" + std::to_string(i), 0, support::AcquisitionFile::start() + after, "gps", 0, 33, true);
    }
    file.file().close();
  }
  const auto done = run_program("mth5-recover", {"--finalize", "gzip-1", "--bridge", "5s", path.string()});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("S1/r3 is not joined to r2: it begins 12ms beside a sample of r2"));
  const mth5::Reader copy{dir_ / "archive" / "drift.bridged.h5"};
  ASSERT_EQ(copy.runs().size(), 2U);
  EXPECT_EQ(copy.runs()[1].start, support::AcquisitionFile::start() + 36012ms) << "from there on its own axis";
  EXPECT_NEAR(copy.table("bridges").value().number(1, "offset"), 0.008, 1e-9);
}

/// A receiver that is set forward by whole samples leaves the same hole in the axis as lost ones.
TEST_F(Bridge, MakesNothingUpWhereOnlyTheClockWasSet) {
  const auto path = dir_ / "step.h5";
  {
    support::AcquisitionFile file{path, {{0, "box", "S1", 10}}};
    const char* reasons[] = {"", "clock-step", "no-data", "clock-drift"};
    for (int i = 0; i < 4; ++i) {
      if (i > 0)
        file.gap(0, "", std::chrono::seconds{12 * i - 2}, i == 2 ? 20 : 0, reasons[i], "r" + std::to_string(i - 1),
                 "r" + std::to_string(i), false);
      file.append(file.add_run(0, "r" + std::to_string(i), std::chrono::seconds{12} * i), 100);
    }
    file.file().close();
  }
  const auto done = run_program("mth5-recover", {"--finalize", "gzip-1", "--bridge", "5s", path.string()});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out,
              AllOf(HasSubstr("S1/r1 is not joined to r0: no sample lacks between them, the time of the samples was put "
                              "right there (clock-step)"),
                    HasSubstr("S1/r2 is joined to r1: samples 100 to 119 are interpolated"),
                    HasSubstr("S1/r3 is not joined to r2: no sample lacks between them, the time of the samples was put "
                              "right there (clock-drift)")));
  EXPECT_EQ(mth5::Reader{dir_ / "archive" / "step.bridged.h5"}.runs().size(), 3U);
}

TEST_F(Bridge, LeavesUnknownWhatIsUnknownBesideAGapAndRefusesWhatWouldCostTheTruth) {
  {
    auto file = mth5::File::open(path_, "r+");
    const auto run = file.open_run("TEST", "S1", "c");
    file.append_interleaved<double>(run, std::vector<double>{-9999, 5});
    file.close();
  }
  const auto whole = run_program("mth5-recover", {"--finalize", "gzip-4", "--bridge", "2min", path_.string()});
  ASSERT_EQ(whole.code, 0) << whole.err;
  EXPECT_THAT(whole.out, HasSubstr("S1/d is joined to a: samples 321 to 919 are not known"));
  const mth5::Reader copy{bridged()};
  EXPECT_EQ(copy.read(copy.find("S1", "a", "ex").at(0), 321, 1).at(0), -9999);
  EXPECT_NEAR(copy.read(copy.find("S1", "a", "ey").at(0), 919, 1).at(0), 5 - 5.0 * 599 / 600, 1e-12)
      << "of this channel both are";

  for (const auto& [arguments, says] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--bridge", "5s"}, "--bridge goes with --finalize"},
           {{"--bridge", "0s", "--finalize", "gzip-4"}, "'0s' is not a duration above zero"},
           {{"--bridge", "1d", "--finalize", "gzip-4"}, "up to 10m"},
           {{"--bridge", "5s", "--finalize", "gzip-4", "--retention", "1d"}, "does not go with --retention"}}) {
    auto all = arguments;
    all.push_back(path_.string());
    const auto refused = run_program("mth5-recover", all);
    EXPECT_EQ(refused.code, 2);
    EXPECT_THAT(refused.err, HasSubstr(says));
  }
}

}  // namespace
