#include "analysis/steps.hpp"

#include <gtest/gtest.h>

#include <set>

#include "acquisition/ledger/reasons.hpp"
#include "analysis/summary.hpp"
#include "support/acquisition_file.hpp"
#include "support/support.hpp"

namespace {

using analysis::Steps;
using std::chrono::hours;
using std::chrono::seconds;
using support::AcquisitionFile;

constexpr hours kYears{24 * 365 * 13};

TEST(Steps, AreTheReasonsOfTheLedgerThatTellOfTimeOnly) {
  using daq::ledger::GapReason;
  const std::set of_time{to_string(GapReason::ClockStep), to_string(GapReason::ClockDrift), to_string(GapReason::OutOfOrder)};
  for (const auto& reason : daq::ledger::gap_reasons())
    EXPECT_EQ(analysis::tells_of_time_only(reason.name), of_time.contains(reason.name)) << reason.name;
}

TEST(Steps, AreSeenBothWaysAndAcrossOtherRuns) {
  Steps steps;
  steps.link(0, 1, false);
  steps.link(1, 2, true);
  steps.link(1, 2, false);  // a second row for the same end
  steps.link(2, 3, false);
  steps.link(4, 5, true);
  steps.settle();
  EXPECT_FALSE(steps.between(0, 1));
  EXPECT_TRUE(steps.between(1, 2));
  EXPECT_TRUE(steps.between(2, 1));
  EXPECT_TRUE(steps.between(0, 3));
  EXPECT_FALSE(steps.between(2, 3));
  EXPECT_FALSE(steps.between(3, 4)) << "nobody says what was between them";
  EXPECT_FALSE(steps.between(1, 4));
  EXPECT_FALSE(steps.between(1, 99));
}

TEST(Steps, DoNotGoRoundInCircles) {
  Steps steps;
  steps.link(0, 1, true);
  steps.link(1, 0, true);
  steps.link(2, 3, true);
  steps.link(3, 3, true);
  steps.settle();
  EXPECT_FALSE(steps.between(0, 1));
  EXPECT_TRUE(steps.between(2, 3));
}

class StepsOfAFile : public testing::Test {
 protected:
  /// A run of n samples at 1 Hz; a row links it to the run before if a reason is given.
  struct Run {
    seconds after;
    std::int64_t n;
    std::string why = {};
    std::int64_t missing = 0;
  };
  void write(const std::string& name, const std::vector<Run>& runs, std::optional<Run> behind = {}) {
    AcquisitionFile file{dir_ / name, {{0, "lemi", "S1", 1}}};
    std::string before;
    seconds end = behind ? behind->after + seconds{behind->n} : seconds{0};
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const std::string id = "sr1_000" + std::to_string(i + 1);
      const auto run = file.add_run(0, id, runs[i].after);
      file.append(run, runs[i].n);
      if (!runs[i].why.empty()) file.gap(0, "", end, runs[i].missing, runs[i].why, before, id, false);
      before = id;
      end = runs[i].after + seconds{runs[i].n};
    }
    file.file().close();
    files_.push_back(std::make_unique<mth5::Reader>(dir_ / name));
  }
  [[nodiscard]] analysis::ChannelSummary report(const analysis::Window& window = {}, seconds now = kYears) const {
    return analysis::summarise(files_, window, AcquisitionFile::start() + now).channels.at(0);
  }

  support::TempDir dir_;
  std::vector<std::unique_ptr<mth5::Reader>> files_;
};

TEST_F(StepsOfAFile, DoNotMissTheYearsBetweenTwoTimesOfAClockThatWasSet) {
  write("a.h5", {{seconds{0}, 50}, {kYears, 100, "clock-step"}});
  const auto all = report();
  EXPECT_EQ(all.expected, 150);
  EXPECT_EQ(all.missing, 0);
  EXPECT_EQ(all.percent(), 100.0);
  ASSERT_EQ(all.gaps.size(), 1U) << "the step itself is told";
  EXPECT_EQ(all.gaps[0].reason, "clock-step");
  EXPECT_EQ(all.gaps[0].samples, 0);
  EXPECT_EQ(report({{}, AcquisitionFile::start() + seconds{1000}}).missing, 0) << "within the years nothing is expected either";
}

TEST_F(StepsOfAFile, CountWhatThePauseBesideAStepCost) {
  write("a.h5", {{seconds{0}, 50}, {kYears, 100, "clock-step", 30}});
  EXPECT_EQ(report().expected, 180);
  EXPECT_EQ(report().missing, 30);
}

TEST_F(StepsOfAFile, CountWhatACounterMissedHoweverTheClockWasSet) {
  for (const int step : {1, 3, 1000, -1, -3, -30, -40}) {  // of 50 and 30 samples
    SCOPED_TRACE(step);
    files_.clear();
    write("a" + std::to_string(step) + ".h5",
          {{seconds{0}, 50}, {seconds{80 + step}, 100, "clock-step", 30}, {seconds{1300}, 10}});
    const auto all = report();
    EXPECT_EQ(all.missing, 30 + 1120 - step);
    ASSERT_EQ(all.gaps.size(), 2U);
    EXPECT_EQ(all.gaps[0].reason, "clock-step");
    EXPECT_EQ(all.gaps[0].samples, 30);
  }
}

TEST_F(StepsOfAFile, LeaveATimeOfTheFutureBehindAllOthersWithoutAWayToIt) {
  // 20 wild lines, then the true time again, a true gap of 100 s, and a clock of the host that does not know which is wrong.
  write("a.h5",
        {{seconds{0}, 50}, {kYears, 20, "clock-step"}, {seconds{70}, 30, "clock-step"}, {seconds{200}, 50, "no-data", 100}});
  EXPECT_EQ(report().expected, 50 + 20 + 30 + 100 + 50);
  EXPECT_EQ(report().missing, 100);
}

TEST_F(StepsOfAFile, AreNoExcuseForATimeInWhichNobodyRecorded) {
  // After the step back the recorder was off for 1000 s: no row links the last run, and none counts these.
  write("a.h5", {{seconds{0}, 50}, {seconds{5000}, 20, "clock-step"}, {seconds{70}, 30, "clock-step"}, {seconds{1100}, 50}});
  EXPECT_EQ(report().missing, 1000 + 3850) << "what lies before the run of a wrong time cannot be told from a gap";
}

TEST_F(StepsOfAFile, DriftIsNoGapEither) {
  write("a.h5", {{seconds{0}, 1000}, {seconds{1004}, 1000, "clock-drift"}});
  EXPECT_EQ(report().expected, 2000);
  EXPECT_EQ(report().missing, 0);
}

TEST_F(StepsOfAFile, AreKnownAcrossFiles) {
  write("a.h5", {{seconds{0}, 50}});
  write("b.h5", {{kYears, 100, "clock-step"}}, Run{seconds{0}, 50});
  EXPECT_EQ(report().expected, 150);
  EXPECT_EQ(report().missing, 0);
}

TEST_F(StepsOfAFile, OfAnotherTimeDoNotHideAGapBetweenFiles) {
  write("a.h5", {{seconds{0}, 50}});
  write("b.h5", {{seconds{1000}, 100, "clock-step"}}, Run{seconds{-9000}, 50});
  EXPECT_EQ(report().missing, 950);
}

TEST_F(StepsOfAFile, NothingIsExpectedUpToARunOfTheFutureThatNoRowTellsOf) {
  write("a.h5", {{seconds{0}, 50}, {kYears, 20}});
  EXPECT_EQ(report({}, seconds{100}).missing, 0);
  EXPECT_EQ(report({{}, AcquisitionFile::start() + seconds{100}}, seconds{100}).missing, 30)
      << "up to a limit it is, but for the 20 that were recorded meanwhile, at times of the future";
  EXPECT_GT(report({}, 2 * kYears).missing, 1'000'000) << "a time that has come may have been missed";
}

}  // namespace
