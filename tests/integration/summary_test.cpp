#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "mth5/reader.hpp"
#include "support/acquisition_file.hpp"
#include "support/lemi424.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/recording.hpp"
#include "support/stages.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using support::Finished;
using support::Stages;
using support::TestWriter;
using testing::AllOf;
using testing::HasSubstr;

Finished summary(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), support::program("mth5-summary"));
  return support::run(arguments);
}
json summary_json(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--format", "json"});
  const auto finished = summary(arguments);
  EXPECT_EQ(finished.code, 0) << finished.err;
  return json::parse(finished.out);
}
std::string python_file(const std::string& name) { return support::data() / "mth5" / name; }

const json& channel_of(const json& report, const std::string& component, double rate) {
  for (const auto& channel : report["channels"])
    if (channel["component"] == component && channel["sample_rate"] == rate) return channel;
  throw std::out_of_range{component};
}

class Summary : public testing::Test {
 protected:
  support::TempDir dir_;
};

TEST_F(Summary, PrintsThePageThatIsExpectedOfAPythonFile) {
  auto program = support::Process::start({support::program("mth5-summary"), "--now", "2020-10-05T00:01:59Z", "lemi424_python.h5"},
                                         {}, support::data() / "mth5");
  EXPECT_EQ(program.wait(), 0);
  EXPECT_EQ(program.err(), "");
  EXPECT_EQ(program.out(), support::read_text(support::data() / "mth5" / "lemi424_python.summary.txt"));
}

TEST_F(Summary, HasTheFiguresOfPythonsOwnConversion) {
  const auto report = summary_json({python_file("lemi424_python.h5")});
  const auto truth = json::parse(support::read_text(python_file("lemi424_python.json")));
  EXPECT_EQ(report["schema"], 1);
  EXPECT_EQ(report["from"], nullptr);
  EXPECT_EQ(report["files"][0]["state"], "closed");
  EXPECT_EQ(report["files"][0]["file_version"], "0.2.0");
  EXPECT_EQ(report["files"][0]["ledger"], json::array());
  EXPECT_EQ(report["stations"][0]["id"], "L424");
  EXPECT_EQ(report["stations"][0]["elevation"], truth["station"]["elevation"]);
  ASSERT_EQ(report["runs"].size(), 2U);
  EXPECT_EQ(report["runs"][1]["id"], "sr1_0002");
  EXPECT_EQ(report["runs"][1]["n_samples"], 120);
  EXPECT_EQ(report["runs"][1]["end"], "2020-10-02T00:01:59Z");
  ASSERT_EQ(report["channels"].size(), 9U);
  for (const auto& channel : report["channels"]) {
    const std::string name = channel["component"];
    EXPECT_EQ(channel["n_samples"], 240);
    EXPECT_EQ(channel["expected"], 86'520);
    EXPECT_EQ(channel["missing"], 86'280);
    EXPECT_DOUBLE_EQ(channel["completeness"].get<double>(), 100.0 * 240 / 86'520);
    EXPECT_EQ(channel["units"], truth["sr1_0001"]["channels"][name]["units"]);
    const double sum =
        truth["sr1_0001"]["channels"][name]["sum"].get<double>() + truth["sr1_0002"]["channels"][name]["sum"].get<double>();
    EXPECT_NEAR(channel["mean"].get<double>(), sum / 240, 1e-9 * std::abs(sum)) << name;
    ASSERT_EQ(channel["gaps"].size(), 1U);
    EXPECT_EQ(
        channel["gaps"][0],
        json::parse(R"({"station": "L424", "component": null, "start": "2020-10-01T00:02:00Z", "end": "2020-10-02T00:00:00Z",
      "samples": 86280, "run_before": "sr1_0001", "run_after": "sr1_0002", "filled": false, "reason": null})"));
  }
}

TEST_F(Summary, HasTheStatisticsOfTheFormulaOfThePythonFiles) {
  for (const char* name : {"python_v020.h5", "python_v010.h5"}) {
    const auto report = summary_json({python_file(name)});
    const auto& ey = channel_of(report, "ey", 8);
    double sum = 0;
    double squares = 0;
    double low = 1e9;
    for (std::int64_t k = 0; k < 4000; ++k) {
      const auto value = static_cast<double>((k * 7919 + 104'729 + 1'299'709) % 20'001 - 10'000);
      sum += value;
      squares += value * value;
      low = std::min(low, value);
    }
    EXPECT_EQ(ey["n_samples"], 4000);
    EXPECT_EQ(ey["expected"], 4000);
    EXPECT_EQ(ey["missing"], 0);
    EXPECT_EQ(ey["completeness"], 100.0);
    EXPECT_EQ(ey["min"], low);
    EXPECT_NEAR(ey["mean"].get<double>(), sum / 4000, 1e-9);
    EXPECT_NEAR(ey["std"].get<double>(), std::sqrt(squares / 4000 - sum / 4000 * sum / 4000), 1e-6);
    EXPECT_EQ(ey["gaps"], json::array());
  }
}

TEST_F(Summary, ExpectsSamplesAllTheWayToALimit) {
  const auto file = python_file("python_v020.h5");  // 1 Hz: 12:00:00 to 12:33:19
  auto report = summary_json({file, "--from", "2024-05-01T11:59:00Z", "--to", "2024-05-01T13:00:00Z"});
  const auto& ex = channel_of(report, "ex", 1);
  EXPECT_EQ(ex["n_samples"], 2000);
  EXPECT_EQ(ex["expected"], 3660);
  EXPECT_EQ(ex["missing"], 1660);
  ASSERT_EQ(ex["gaps"].size(), 2U);
  EXPECT_EQ(ex["gaps"][0]["samples"], 60);
  EXPECT_EQ(ex["gaps"][1]["start"], "2024-05-01T12:33:20Z");
  EXPECT_EQ(ex["gaps"][1]["samples"], 1600);

  report = summary_json({file, "--from", "2024-05-01T12:00:10Z", "--to", "2024-05-01T12:00:20Z"});
  EXPECT_EQ(channel_of(report, "ex", 1)["n_samples"], 10);
  EXPECT_EQ(channel_of(report, "ex", 8)["n_samples"], 80);
  EXPECT_EQ(channel_of(report, "ex", 8)["expected"], 80);
  std::int64_t highest = -10'000;
  for (std::int64_t k = 10; k < 20; ++k) highest = std::max(highest, k * 7919 % 20'001 - 10'000);
  EXPECT_EQ(channel_of(report, "ex", 1)["max"], highest);

  struct Day {
    std::string name, now;
    int expected;
  };
  for (const auto& [day, now, expected] : {Day{"2024-05-01", "2024-05-09", 86'400},
                                           {"yesterday", "2024-05-02T23:00:00Z", 86'400},
                                           {"today", "2024-05-01T18:00:00Z", 18 * 3'600},
                                           {"today", "2024-05-01T00:00:00Z", 2'000}}) {
    report = summary_json({file, "--day", day, "--now", now});
    EXPECT_EQ(report["from"], "2024-05-01T00:00:00Z");
    EXPECT_EQ(report["to"], "2024-05-02T00:00:00Z");
    EXPECT_EQ(channel_of(report, "ex", 1)["expected"], expected) << day << " at " << now << ": all of it that is over";
  }

  report = summary_json({file, "--since-end", "10min"});
  EXPECT_EQ(channel_of(report, "ex", 1)["n_samples"], 600);
  EXPECT_EQ(channel_of(report, "ex", 1)["completeness"], 100.0);
  EXPECT_EQ(channel_of(report, "ex", 8)["n_samples"], 0);
  EXPECT_EQ(channel_of(report, "ex", 8)["completeness"], 0.0);
  EXPECT_EQ(channel_of(report, "ex", 8)["mean"], nullptr);
}

TEST_F(Summary, JoinsTheFilesOfADirectoryAndFindsTheGapBetween) {
  for (const int hour : {0, 1}) {
    Stages writer{[&](Stages::Gate& gate) {
      TestWriter recorder{dir_ / ("f" + std::to_string(hour) + ".h5")};
      gate.reached();
      if (hour == 1) recorder.new_run(std::chrono::hours{1});
      recorder.append(500);
      recorder.file().close();
    }};
    writer.wait();
    ASSERT_EQ(writer.finish(), 0);
  }
  const auto report = summary_json({dir_.path()});
  EXPECT_EQ(report["files"].size(), 2U);
  EXPECT_EQ(report["runs"].size(), 2U) << "the run without samples did not stay";
  const auto& ex = channel_of(report, "ex", 100);
  EXPECT_EQ(ex["n_samples"], 1000);
  EXPECT_EQ(ex["expected"], 360'500);
  ASSERT_EQ(ex["gaps"].size(), 1U);
  EXPECT_EQ(ex["gaps"][0]["start"], "2026-05-01T00:00:05Z");
  EXPECT_EQ(ex["gaps"][0]["samples"], 359'500);
  EXPECT_EQ(ex["gaps"][0]["run_before"], "r0");
  EXPECT_EQ(ex["gaps"][0]["run_after"], "r1");
}

TEST_F(Summary, TakesReasonsAndFilledGapsFromTheRecorderAndReportsALiveFile) {
  const auto path = dir_ / "live.h5";
  const auto start = TestWriter::start().time_since_epoch().count();
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path};
    recorder.append(500);
    recorder.append_gap(start + 1'000'000'000, 20, "source", "r0", "r0", true);  // samples 100 to 119 are fill values
    recorder.append_gap(start + 5'000'000'000, 359'500, "ring-full", "r0", "r1", false);
    recorder.new_run(std::chrono::hours{1});
    recorder.append(100);
    recorder.file().flush();
    gate.reached();
  }};
  writer.wait();
  const auto report = summary_json({path});
  EXPECT_EQ(report["files"][0]["state"], "live");
  const auto& ex = channel_of(report, "ex", 100);
  EXPECT_EQ(ex["n_samples"], 600);
  EXPECT_EQ(ex["expected"], 360'100);
  EXPECT_EQ(ex["missing"], 359'520);
  ASSERT_EQ(ex["gaps"].size(), 2U);
  EXPECT_EQ(ex["gaps"][0]["filled"], true);
  EXPECT_EQ(ex["gaps"][0]["samples"], 20);
  EXPECT_EQ(ex["gaps"][1]["reason"], "ring-full");
  double sum = 0;
  for (std::int64_t k = 0; k < 500; ++k) sum += k >= 100 && k < 120 ? 0 : support::sample_at(0, 0, k);
  for (std::int64_t k = 0; k < 100; ++k) sum += support::sample_at(0, 1, k);
  EXPECT_NEAR(ex["mean"].get<double>(), sum / 580, 1e-9);
  EXPECT_THAT(summary({path}).out, HasSubstr("r0 (filled)"));
  writer.kill_now();
  const auto dead = summary({path, "--format", "json"});
  EXPECT_EQ(dead.code, 5);
  EXPECT_EQ(json::parse(dead.out)["files"][0]["state"], "writer-died");
}

TEST_F(Summary, CountsTheLastHoursFromNowAndShowsHowOldTheDataAre) {
  const auto file = python_file("python_v020.h5");  // 1 Hz: 12:00:00 to 12:33:19 on 2024-05-01
  // Weeks after its last sample a box is not 100 % complete.
  auto report = summary_json({file, "--since", "24h", "--now", "2024-05-22T12:00:00Z"});
  EXPECT_EQ(report["time"], "2024-05-22T12:00:00Z");
  EXPECT_EQ(report["from"], "2024-05-21T12:00:00Z");
  EXPECT_EQ(report["to"], "2024-05-22T12:00:00Z");
  EXPECT_EQ(channel_of(report, "ex", 1)["completeness"], 0.0);
  EXPECT_EQ(channel_of(report, "ex", 1)["expected"], 86'400);
  EXPECT_EQ(report["stations"][0]["age_s"], 21.0 * 86'400 - 1999);
  EXPECT_THAT(summary({file, "--now", "2024-05-22T12:00:00Z"}).out,
              HasSubstr("newest sample 2024-05-01T12:33:19Z, 20 d 23 h old"));
  EXPECT_THAT(summary({file, "--now", "2024-05-01T12:33:18.5Z"}).out, HasSubstr("newest sample 2024-05-01T12:33:19Z, 0 s old"));
  // A quarter of an hour after it, half of the last half hour is there.
  report = summary_json({file, "--since", "30min", "--now", "2024-05-01T12:48:20Z"});
  EXPECT_EQ(channel_of(report, "ex", 1)["n_samples"], 900);
  EXPECT_EQ(channel_of(report, "ex", 1)["completeness"], 50.0);
  report = summary_json({file, "--since-end", "30min", "--now", "2024-05-22T12:00:00Z"});
  EXPECT_EQ(channel_of(report, "ex", 1)["completeness"], 100.0);
  EXPECT_EQ(report["stations"][0]["age_s"], 21.0 * 86'400 - 1999);
}

TEST_F(Summary, LetsAClockOfTheFutureNotHideWhatIsNow) {
  {
    TestWriter recorder{dir_ / "f.h5"};
    recorder.append(1000);
    recorder.new_run(std::chrono::hours{24 * 7168});  // 1024 weeks ahead
    recorder.append(300);
    recorder.new_run(std::chrono::seconds{10});
    recorder.append(500);
    recorder.file().close();
  }
  const auto report = summary_json({dir_ / "f.h5", "--since-end", "15s", "--now", "2026-05-02T00:00:00Z"});
  EXPECT_EQ(report["to"], "2026-05-01T00:00:15Z");
  EXPECT_EQ(channel_of(report, "ex", 100)["n_samples"], 1500);
  EXPECT_EQ(channel_of(report, "ex", 100)["completeness"], 100.0);
  EXPECT_EQ(report["stations"][0]["newest"], "2026-05-01T00:00:14.990Z");
  EXPECT_EQ(report["stations"][0]["future_samples"], 300);
  EXPECT_THAT(summary({dir_ / "f.h5", "--now", "2026-05-02T00:00:00Z"}).out,
              HasSubstr("300 samples are at times that have not come yet"));
}

TEST_F(Summary, CountsAsFutureWhatHasNotComeWhereverItsRunBegan) {
  {
    TestWriter recorder{dir_ / "f.h5"};
    recorder.append(1'000'000);  // until 02:46:40
    recorder.file().close();
  }
  const auto report = summary_json({dir_ / "f.h5", "--since-end", "10min", "--now", "2026-05-01T01:00:00Z"});
  EXPECT_EQ(report["to"], "2026-05-01T01:00:00.010Z") << "behind the last sample that has come";
  EXPECT_EQ(channel_of(report, "ex", 100)["completeness"], 100.0);
  EXPECT_EQ(channel_of(report, "ex", 100)["n_samples"], 60'000);
  EXPECT_EQ(report["stations"][0]["newest"], "2026-05-01T01:00:00Z");
  EXPECT_EQ(report["stations"][0]["age_s"], 0.0);
  EXPECT_EQ(report["stations"][0]["future_samples"], 1'000'000 - 360'001);
  EXPECT_EQ(report["stations"][0]["end"], "2026-05-01T02:46:39.990Z");
  // Less than an hour ahead a clock may be.
  const auto near = summary_json({dir_ / "f.h5", "--now", "2026-05-01T02:00:00Z"});
  EXPECT_EQ(near["stations"][0]["future_samples"], 0);
  EXPECT_EQ(near["stations"][0]["age_s"], -2799.99);
  // All of it is of the future: how old it is, nobody knows.
  const auto all = summary_json({dir_ / "f.h5", "--now", "2026-04-01T00:00:00Z"});
  EXPECT_EQ(all["stations"][0]["future_samples"], 1'000'000);
  EXPECT_EQ(all["stations"][0]["age_s"], nullptr);
}

TEST_F(Summary, ExpectsNothingOnTheWayToARunOfTheFutureWhateverTheRecorderSays) {
  {
    TestWriter recorder{dir_ / "f.h5"};
    recorder.append(60'000);  // ten minutes
    recorder.new_run(std::chrono::hours{30});
    recorder.append(300'000);  // fifty
    const auto start = std::chrono::nanoseconds{(TestWriter::start() + std::chrono::minutes{10}).time_since_epoch()}.count();
    recorder.append_gap(start, 10'740'000, "no-data", "r0", "r1", false);
    recorder.file().close();
  }
  const auto all = summary_json({dir_ / "f.h5", "--now", "2026-05-01T01:00:00Z"});
  EXPECT_EQ(channel_of(all, "ex", 100)["missing"], 0);
  EXPECT_EQ(channel_of(all, "ex", 100)["completeness"], 100.0);
  // Up to a limit as many are expected as without them, but for those that were recorded instead.
  const auto hour = summary_json({dir_ / "f.h5", "--day", "today", "--now", "2026-05-01T01:00:00Z"});
  EXPECT_EQ(channel_of(hour, "ex", 100)["expected"], 60'000);
  EXPECT_EQ(channel_of(hour, "ex", 100)["completeness"], 100.0);
  const auto later = summary_json({dir_ / "f.h5", "--day", "today", "--now", "2026-05-01T02:00:00Z"});
  EXPECT_EQ(channel_of(later, "ex", 100)["expected"], 60'000 + 360'000) << "and then it was off for an hour";
  EXPECT_EQ(channel_of(later, "ex", 100)["missing"], 360'000);
  ASSERT_EQ(channel_of(later, "ex", 100)["gaps"].size(), 1u);
  EXPECT_EQ(channel_of(later, "ex", 100)["gaps"][0]["start"], "2026-05-01T01:00:00Z");
  EXPECT_EQ(channel_of(later, "ex", 100)["gaps"][0]["reason"], "after the last sample");
  const auto none = summary_json({dir_ / "f.h5", "--day", "yesterday", "--now", "2026-05-01T01:00:00Z"});
  EXPECT_EQ(channel_of(none, "ex", 100)["completeness"], 0.0) << "that was before";
  // Once its time has come, it is no future.
  const auto old = summary_json({dir_ / "f.h5", "--now", "2026-05-03T00:00:00Z"});
  EXPECT_EQ(channel_of(old, "ex", 100)["missing"], 10'740'000);
  EXPECT_EQ(channel_of(old, "ex", 100)["gaps"][0]["reason"], "no-data");
}

TEST_F(Summary, LetsNoOldRunOfTheFutureStandForWhatIsMissingNow) {
  {
    TestWriter recorder{dir_ / "f.h5"};
    recorder.append(100);
    recorder.new_run(std::chrono::hours{30});
    recorder.append(300'000);
    recorder.new_run(std::chrono::seconds{1});  // the clock was set
    recorder.append(60'000);
    recorder.file().close();
  }
  const auto report = summary_json({dir_ / "f.h5", "--day", "today", "--now", "2026-05-01T01:00:01Z"});
  EXPECT_EQ(channel_of(report, "ex", 100)["missing"], 300'000) << "the fifty minutes since";
}

TEST_F(Summary, ExpectsNothingFromAClockThatWasNotSetOn) {
  // A computer without a battery: its first run is of 1970, the others of the time that it has from the network.
  {
    TestWriter recorder{dir_ / "f.h5"};
    recorder.append(1000);
    recorder.new_run(std::chrono::seconds{30} - TestWriter::start().time_since_epoch());
    recorder.append(300);
    recorder.file().close();
  }
  const auto report = summary_json({dir_.path(), "--now", "2026-05-02T00:00:00Z"});
  const auto channel = channel_of(report, "ex", 100);
  EXPECT_EQ(channel["n_samples"], 1300);
  EXPECT_EQ(channel["expected"], 1300);
  EXPECT_EQ(channel["completeness"], 100.0);
  EXPECT_EQ(report["stations"][0]["unset_samples"], 300);
  EXPECT_EQ(report["stations"][0]["newest"], "2026-05-01T00:00:09.990Z");
  EXPECT_THAT(summary({dir_.path(), "--now", "2026-05-02T00:00:00Z"}).out,
              AllOf(HasSubstr("300 samples are at times before 1980: the clock was not set"), HasSubstr("no gaps")));
}

TEST_F(Summary, CountsEachTimeOnceHoweverOftenItIsInTheFiles) {
  const fs::path file = dir_ / "a.h5";
  {
    TestWriter recorder{file};
    recorder.append(1000);
    recorder.new_run(std::chrono::seconds{5});  // a clock that was set back: 500 samples at times taken, 500 at new ones
    recorder.append(1000);
    recorder.new_run(std::chrono::seconds{20});
    recorder.new_run(std::chrono::seconds{25});  // nothing came in the run before
    recorder.append(100);
    recorder.file().close();
  }
  const auto check = [&](const std::string& what, std::size_t files) {
    const auto finished = summary({dir_.path(), "--format", "json"});
    const auto report = json::parse(finished.out);
    EXPECT_EQ(report["files"].size(), files) << what;
    const auto& ex = channel_of(report, "ex", 100);
    EXPECT_EQ(ex["n_samples"], 2100) << what;
    EXPECT_EQ(ex["overlapping"], 500) << what;
    EXPECT_EQ(ex["expected"], 2600) << what;
    EXPECT_EQ(ex["missing"], 1000) << what;
    EXPECT_EQ(ex["gaps"].size(), 1U) << what;
    EXPECT_EQ(ex["gaps"].at(0)["start"], "2026-05-01T00:00:15Z") << what;
    return finished.err;
  };
  EXPECT_EQ(check("alone", 1), "");
  EXPECT_THAT(summary({file}).out, testing::Not(HasSubstr("\n  r2 "))) << "the run without samples did not stay";
  fs::create_symlink("a.h5", dir_ / "link.h5");
  EXPECT_THAT(check("link", 1), HasSubstr("link.h5: the same file as"));
  fs::remove(dir_ / "link.h5");
  fs::create_hard_link(file, dir_ / "hard.h5");
  EXPECT_THAT(check("hard link", 1), HasSubstr("the same file as"));
  fs::remove(dir_ / "hard.h5");
  fs::copy_file(file, dir_ / "copy.h5");
  EXPECT_THAT(check("copy", 2), HasSubstr("counted once"));
  fs::remove(dir_ / "copy.h5");
  ASSERT_EQ(support::run({support::program("mth5-recover"), "--set-swmr", file}).code, 0);
  EXPECT_THAT(check("set-swmr", 2), HasSubstr("a.swmr.h5"));
}

TEST_F(Summary, LooksIntoTheArchiveAndCountsAPairOnce) {
  const auto recording = dir_ / "f.h5", archived = dir_ / "archive/f.h5";
  {
    support::AcquisitionFile file{recording, {{0, "s", "S1"}}};
    file.append(file.add_run(0, "r0", {}), 500);
    file.append(file.add_run(0, "r1", std::chrono::seconds{503}), 497);
    file.commit(0, support::AcquisitionFile::start() + std::chrono::seconds{1000}, {{.in = 997, .decoded = 997}},
                {{.decoded = 997, .stored = 997}});
    file.file().close();
  }
  const auto archiver = support::run({support::program("mth5-recover"), "--finalize", "gzip-4", recording});
  ASSERT_EQ(archiver.code, 0) << archiver.err;
  fs::copy_file(archived, dir_ / "archive/f.bridged.h5");
  const auto both = summary({dir_.path(), "--format", "json"});
  EXPECT_EQ(both.code, 0);
  EXPECT_THAT(both.err, HasSubstr("archive/f.h5: the archive of " + recording.string() + ": counted once"));
  EXPECT_THAT(both.err, HasSubstr("archive/f.bridged.h5: the copy with joined runs of " + archived.string() + ": counted once"));
  const auto report = json::parse(both.out);
  ASSERT_EQ(report["files"].size(), 1u);
  EXPECT_EQ(report["files"][0]["file"], recording.string());
  EXPECT_EQ(channel_of(report, "ex", 1)["n_samples"], 997);
  EXPECT_EQ(channel_of(report, "ex", 1)["overlapping"], 0);
  EXPECT_EQ(channel_of(report, "ex", 1)["missing"], 3);
  const auto good = support::read_text(recording);
  fs::remove(recording);  // as retention does
  const auto left = summary_json({dir_.path()});
  ASSERT_EQ(left["files"].size(), 1u);
  EXPECT_EQ(left["files"][0]["file"], archived.string());
  EXPECT_EQ(channel_of(left, "ex", 1)["missing"], 3);
  EXPECT_EQ(left["stations"][0]["end"], "2026-05-01T00:16:39Z");
  // What is whole of the two counts.
  auto bad = good;
  for (auto at = bad.find("FAHD"); at != std::string::npos; at = bad.find("FAHD", at + 1)) bad[at + 9] ^= 1;
  for (auto at = bad.find("EAHD"); at != std::string::npos; at = bad.find("EAHD", at + 1)) bad[at + 9] ^= 1;
  support::write_text(recording, bad);
  const auto damaged = summary({dir_.path(), "--format", "json"});
  EXPECT_EQ(damaged.code, 4) << damaged.err;
  EXPECT_EQ(channel_of(json::parse(damaged.out), "ex", 1)["missing"], 3) << damaged.err;
  // Of another recording, by its uuid: both count.
  support::write_text(recording, good);
  fs::create_directories(dir_ / "other/archive");
  fs::copy_file(archived, dir_ / "other/archive/f.h5");
  {
    support::AcquisitionFile file{dir_ / "other/f.h5", {{0, "s", "S1"}}};
    file.append(file.add_run(0, "r0", std::chrono::hours{1}), 600);
    file.file().close();
  }
  EXPECT_EQ(channel_of(summary_json({dir_ / "other"}), "ex", 1)["n_samples"], 1597);
}

TEST_F(Summary, SaysWhereUnitsContradictEachOtherOrAreNone) {
  const auto path = dir_ / "f.h5";
  {
    support::AcquisitionFile file{path, {{0, "s", "S1"}}};
    file.append(file.add_run(0, "r0", {}), 100);
    file.file().close();
  }
  EXPECT_EQ(summary({path}).err, "");
  const auto units = channel_of(summary_json({path}), "ex", 1)["units"].get<std::string>();
  (void)support::python("integration/change_units.py", {path, "ex", "nanoTesla"});
  const auto told = "S1/r0/ex: units are " + mth5::unit_symbol(units) +
                    " in channel_summary and nT in the dataset, and one of the two is wrong: shown as the first";
  const auto contradicts = summary({path});
  EXPECT_EQ(contradicts.code, 0);
  EXPECT_EQ(contradicts.err, "mth5-summary: warning: " + path.string() + ": " + told + "\n");
  EXPECT_THAT(contradicts.out, HasSubstr("\n  remark: " + told + "\n"));
  EXPECT_THAT(summary({path, "--format", "html"}).out, HasSubstr(told));
  EXPECT_EQ(summary_json({path})["files"][0]["remarks"], json::array({told}));
  // Of a program that has units of its own.
  fs::copy_file(python_file("python_v020.h5"), dir_ / "python.h5");
  (void)support::python("integration/change_units.py", {dir_ / "python.h5", "ex", "furlong"});
  const auto report = summary({dir_ / "python.h5", "--format", "json"});
  EXPECT_EQ(channel_of(json::parse(report.out), "ex", 1)["units"], "furlong") << report.err;
  EXPECT_THAT(report.err, HasSubstr("/ex: units 'furlong' are not of MTH5, or the dataset has none: shown as they stand\n"));
}

TEST_F(Summary, ListsTheRunsOfTheTimeOfTheReport) {
  {
    support::AcquisitionFile file{dir_ / "f.h5", {{0, "s", "S1"}}};
    for (int day = 0; day < 3; ++day) file.append(file.add_run(0, "r" + std::to_string(day), std::chrono::days{day}), 600);
    file.file().close();
  }
  const auto day = summary({dir_ / "f.h5", "--day", "2026-05-02"}).out;
  EXPECT_THAT(day, HasSubstr("\n  r1 "));
  EXPECT_THAT(day, testing::Not(testing::AnyOf(HasSubstr("\n  r0 "), HasSubstr("\n  r2 "))));
  EXPECT_THAT(day, HasSubstr("\n  2 more runs are not of that time\n"));
  EXPECT_THAT(summary({dir_ / "f.h5", "--day", "2026-05-09"}).out, HasSubstr("\n  3 runs are not of that time\n"));
  EXPECT_EQ(summary_json({dir_ / "f.h5", "--day", "2026-05-02"})["runs"].size(), 3u);
}

TEST_F(Summary, CallsACopyWithAChangedSampleNoCopy) {
  const fs::path file = dir_ / "a.h5";
  {
    TestWriter recorder{file};
    recorder.append(1000);
    recorder.file().close();
  }
  std::string bytes = support::read_text(file);
  std::string in_the_middle;
  for (std::int64_t i = 520; i < 530; ++i) {
    const auto sample = support::sample_at(0, 0, i);
    in_the_middle.append(reinterpret_cast<const char*>(&sample), sizeof sample);
  }
  const auto at = bytes.find(in_the_middle);
  ASSERT_NE(at, std::string::npos);
  support::write_text(dir_ / "copy.h5", bytes);
  const auto same = summary({file, dir_ / "copy.h5"});
  EXPECT_EQ(same.code, 0);
  EXPECT_THAT(same.err, HasSubstr("copy.h5: all its samples are in " + file.string() + ": counted once\n"));
  bytes[at] = static_cast<char>(bytes[at] + 1);
  support::write_text(dir_ / "copy.h5", bytes);
  const auto changed = summary({file, dir_ / "copy.h5", "--format", "json"});
  EXPECT_EQ(changed.code, 0);
  EXPECT_EQ(changed.err, "");
  EXPECT_EQ(channel_of(json::parse(changed.out), "ex", 100)["overlapping"], 1000);
}

TEST_F(Summary, NamesThePartsOfAGapThatTheRecorderKnowsAndCountsNoneTwice) {
  const fs::path path = dir_ / "gaps.h5";
  {
    support::AcquisitionFile file{path, {{0, "lemi", "S1", 1}}};
    const auto first = file.add_run(0, "sr1_0001", std::chrono::seconds{0});
    file.append(first, 50);
    // A gap of 300 s, a run of which nothing was stored before a crash, and 50 s in which nobody recorded.
    file.gap(0, "", std::chrono::seconds{50}, 300, "no-data", "sr1_0001", "sr1_0002", false);
    (void)file.add_run(0, "sr1_0002", std::chrono::seconds{350});
    file.gap(0, "", std::chrono::seconds{50}, 350, "writer-died", "sr1_0001", "sr1_0003", false);
    const auto last = file.add_run(0, "sr1_0003", std::chrono::seconds{400});
    file.append(last, 100);
    file.gap(0, "ey", std::chrono::seconds{410}, 7, "channel-away", "sr1_0003", "sr1_0003", true);
    file.file().close();
  }
  const auto report = summary_json({path});
  const auto& ex = channel_of(report, "ex", 1);
  EXPECT_EQ(ex["expected"], 500);
  EXPECT_EQ(ex["missing"], 350);
  EXPECT_EQ(ex["completeness"], 30.0);
  ASSERT_EQ(ex["gaps"].size(), 2U);
  EXPECT_EQ(ex["gaps"][0]["samples"], 300);
  EXPECT_EQ(ex["gaps"][0]["reason"], "no-data");
  EXPECT_EQ(ex["gaps"][1]["samples"], 50);
  EXPECT_EQ(ex["gaps"][1]["reason"], "writer-died");
  const auto& ey = channel_of(report, "ey", 1);
  EXPECT_EQ(ey["missing"], 357);
  ASSERT_EQ(ey["gaps"].size(), 3U);
  EXPECT_EQ(ey["gaps"][2]["component"], "ey");
  EXPECT_THAT(summary({path}).out, HasSubstr("ey: channel-away"));
}

TEST_F(Summary, MissesNothingOfAFilledGapThatAnotherRunHas) {
  const auto path = dir_ / "late.h5";
  const auto start = TestWriter::start().time_since_epoch().count();
  {
    TestWriter recorder{path};
    recorder.append(500);
    recorder.append_gap(start + 1'000'000'000, 20, "no-data", "r0", "r0", true);  // samples 100 to 119 are fill values
    recorder.append_gap(start + 3'000'000'000, 30, "no-data", "r0", "r0", true);  // samples 300 to 329
    recorder.new_run(std::chrono::milliseconds{900});
    recorder.append(40);  // 90 to 129: all of the first
    recorder.new_run(std::chrono::milliseconds{3100});
    recorder.append(10);  // 310 to 319: the middle of the second
    recorder.file().close();
  }
  const auto report = summary_json({path});
  const auto& ex = channel_of(report, "ex", 100);
  EXPECT_EQ(ex["n_samples"], 550);
  EXPECT_EQ(ex["expected"], 500);
  EXPECT_EQ(ex["missing"], 20);
  EXPECT_EQ(ex["overlapping"], 50);
  ASSERT_EQ(ex["gaps"].size(), 2U);
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_EQ(ex["gaps"][i]["start"], i == 0 ? "2026-05-01T00:00:03Z" : "2026-05-01T00:00:03.200Z");
    EXPECT_EQ(ex["gaps"][i]["samples"], 10);
    EXPECT_EQ(ex["gaps"][i]["filled"], true);
  }
  const auto look = json::parse(support::run({support::program("mth5-monitor"), "--once", "--json", path}).out);
  EXPECT_EQ(look["gaps"]["samples"], 20);
  // Within a window as well.
  const auto part = summary_json({path, "--from", "2026-05-01T00:00:01.1Z", "--to", "2026-05-01T00:00:03.3Z"});
  EXPECT_EQ(channel_of(part, "ex", 100)["missing"], 20);
}

TEST_F(Summary, SpeaksPlainlyOfWhatIsSafe) {
  const auto path = dir_ / "a.h5";
  Stages writer{[&](Stages::Gate& gate) {
    support::AcquisitionFile file{path, {{.name = "lemi", .station = "A"}}};
    const auto run = file.add_run(0, "r0", {});
    file.append(run, 130);
    file.commit(1, support::AcquisitionFile::start(), {{130, 130, 0, 0}}, {{.decoded = 130, .stored = 130, .visible = 130}});
    file.file().sync();
    gate.reached();
    file.file().close();
  }};
  writer.wait();
  EXPECT_THAT(summary({path}).out, HasSubstr(": 130 samples are safe with it; a power cut just before it would have cost "));
  ASSERT_EQ(writer.finish(), 0);
  for (const char* word : {"commit", "at risk", "safe"}) EXPECT_THAT(summary({path}).out, testing::Not(HasSubstr(word)));
}

TEST_F(Summary, MissesNothingWhereTheClockOfTheInstrumentWasSet) {
  const auto line = [](const std::string& time, int number) {
    return time + " " + std::to_string(number) + ".000" + support::kLemi424Values.substr(support::kLemi424Values.find(' ')) +
           "\r\n";
  };
  std::string text;  // no fix for five lines, and one receiver that thought it was 2045 for five of the day's
  for (int k = 0; k < 5; ++k) text += line("2000 01 01 00 00 0" + std::to_string(k), k);
  for (int k = 5; k < 10; ++k) text += line("2020 10 04 00 00 0" + std::to_string(k), k);
  for (int k = 10; k < 15; ++k) text += line("2045 10 04 00 00 " + std::to_string(k), k);
  for (int k = 15; k < 60; ++k) text += k < 30 || k >= 40 ? line("2020 10 04 00 00 " + std::to_string(k), k) : "";
  support::write_text(dir_ / "day.txt", text);
  support::Recording recording{support::Recording::replay(dir_ / "day.txt"), {.arguments = {"--until-eof"}}};
  ASSERT_EQ(recording.process().wait(), 0) << recording.log();
  const auto finished = summary({recording.file(), "--now", "2020-10-05", "--format", "json"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const auto report = json::parse(finished.out);
  const auto& bx = channel_of(report, "bx", 1);
  EXPECT_EQ(bx["n_samples"], 50);
  EXPECT_EQ(bx["expected"], 60) << "the ten lines that did not come";
  EXPECT_EQ(bx["missing"], 10);
  std::vector<std::string> reasons;
  for (const auto& gap : bx["gaps"]) reasons.push_back(gap["reason"].get<std::string>() + " " + gap["samples"].dump());
  EXPECT_THAT(reasons, testing::UnorderedElementsAre("clock-step 0", "clock-step 0", "clock-step 0", "no-data 10"));
  const auto look = support::run({support::program("mth5-monitor"), "--once", "--json", recording.file()});
  EXPECT_EQ(json::parse(look.out)["gaps"]["samples"], 10) << look.out;
}

TEST_F(Summary, TellsWhatWasLostWhereAClockDriftsAndAFieldIsNotKnown) {
  std::string text;  // 10 Hz that are 400 ppm fast: 8 samples within the recording
  for (int k = 0; k < 20'000; ++k) {
    if ((k >= 12'000 && k < 12'020) || (k >= 16'000 && k < 16'060)) continue;
    const auto time = mth5::to_iso(TestWriter::start() + std::chrono::nanoseconds{k * 99'960'016LL + 1});
    text += time.substr(0, time.size() - 1) + (k % 5000 == 3 ? ",,\n" : "," + std::to_string(k) + "," + std::to_string(k) + "\n");
  }
  support::write_text(dir_ / "day.txt", text);
  const std::string instrument =
      "{sample_rate: 10, text: {delimiter: ',', columns: [{time: '%Y-%m-%dT%H:%M:%S'}, {channel: x}, {channel: y}]}, channels: "
      "{x: {type: auxiliary, units: volt, dtype: int32, fill: -999}, y: {type: auxiliary, units: volt, dtype: float32}}}";
  support::Recording recording{support::Recording::replay(dir_ / "day.txt"),
                               {.config = "gap: {fill_up_to: 5s}\n", .arguments = {"--until-eof"}, .instrument = instrument}};
  ASSERT_EQ(recording.process().wait(), 0) << recording.log();
  const auto report = summary_json({recording.file()});
  for (const char* component : {"x", "y"}) {
    const auto& channel = channel_of(report, component, 10);
    EXPECT_EQ(channel["expected"], 20'000) << component;
    EXPECT_EQ(channel["overlapping"], 0) << component;
    EXPECT_EQ(channel["missing"], 20 + 60 + 4) << component;
    EXPECT_EQ(channel["min"], 0) << component;
    EXPECT_EQ(channel["max"], 19'999) << component;
  }
  const auto look = json::parse(support::run({support::program("mth5-monitor"), "--once", "--json", recording.file()}).out);
  EXPECT_EQ(look["gaps"]["samples"], 20 + 60);
  EXPECT_EQ(look["channels"][0]["min"], 19'400) << "of the last minute";
  const mth5::Reader reader{recording.file()};
  EXPECT_EQ(reader.fill_value(reader.find("MT001", reader.runs()[0].id, "x").at(0)), -999);
  EXPECT_EQ(reader.fill_value(reader.find("MT001", reader.runs()[0].id, "y").at(0)), std::nullopt);
}

TEST_F(Summary, ExpectsSamplesOfASilentRecorderUntilNow) {
  const auto path = dir_ / "live.h5";
  Stages writer{[&](Stages::Gate& gate) {
    support::AcquisitionFile file{path, {{0, "lemi", "S1", 1}}};
    const auto now = std::chrono::floor<std::chrono::seconds>(mth5::host_now());
    const auto run = file.add_run(0, "sr1_0001", std::chrono::seconds{0});
    file.append(run, 50);
    for (int k = 1; k <= 5; ++k) file.commit(1, now - std::chrono::seconds{50 - 10 * k}, {{k, k}}, {{10 * k, 10 * k}});
    file.file().flush();
    gate.reached();
  }};
  writer.wait();
  const auto in = [](int s) {
    return mth5::to_iso(std::chrono::floor<std::chrono::seconds>(mth5::host_now()) + std::chrono::seconds{s});
  };
  auto report = summary_json({path, "--now", in(2)});
  EXPECT_EQ(channel_of(report, "ex", 1)["state"], "receiving");
  EXPECT_EQ(channel_of(report, "ex", 1)["completeness"], 100.0);
  report = summary_json({path, "--now", in(3600)});
  EXPECT_EQ(channel_of(report, "ex", 1)["state"], "no-data");
  EXPECT_LT(channel_of(report, "ex", 1)["completeness"], 2.0);
  EXPECT_EQ(channel_of(report, "ex", 1)["gaps"][0]["reason"], "no-data");
  EXPECT_THAT(summary({path, "--now", in(3600)}).out, HasSubstr("1 Hz: no-data for 1 h"));
}

TEST_F(Summary, GivesNumbersThatMakeSense) {
  const fs::path path = dir_ / "constant.h5";
  {
    auto file = mth5::File::create(path);
    mth5::RunId run;
    file.edit([&](mth5::Edit& edit) {
      mth5::Metadata survey{mth5::Kind::Survey};
      survey.set("id", std::string{"TEST"});
      edit.add_survey(survey);
      mth5::Metadata station{mth5::Kind::Station};
      station.set("id", std::string{"S1"});
      station.set("location.latitude", 40.123456789);
      station.set("location.longitude", -115.5);
      edit.add_station("TEST", station);
      mth5::Metadata of_run{mth5::Kind::Run};
      of_run.set("id", std::string{"r"});
      of_run.set("sample_rate", 1.0);
      std::vector<mth5::ChannelSpec> channels;
      for (const auto& [component, units] :
           std::vector<std::pair<std::string, std::string>>{{"hy", "nT"}, {"ex", "mV/km"}, {"temperature", "celsius"}}) {
        mth5::Metadata channel{component == "hy"   ? mth5::Kind::Magnetic
                               : component == "ex" ? mth5::Kind::Electric
                                                   : mth5::Kind::Auxiliary};
        channel.set("component", component);
        channel.set("units", units);
        channels.push_back({channel, mth5::SampleType::Float64, 0});
      }
      run = edit.add_run("TEST", "S1", of_run, TestWriter::start(), channels);
    });
    std::vector<double> frames;
    for (int i = 0; i < 4001; ++i) frames.insert(frames.end(), {33.37, 0.1 * (i % 2), -0.0});
    file.append_interleaved<double>(run, frames);
    file.close();
  }
  const auto report = summary_json({path});
  EXPECT_EQ(report["channels"][0]["component"], "hy") << "in the order of the instrument";
  EXPECT_EQ(report["channels"][0]["std"], 0.0);
  EXPECT_EQ(report["channels"][0]["mean"], 33.37);
  EXPECT_EQ(report["channels"][2]["mean"].dump(), "0.0");
  const auto page = summary({path}).out;
  EXPECT_THAT(page, testing::ContainsRegex("hy +1 Hz +4001 +4001 +0 +100 % +33.37 +33.37 +33.37 +0  nT"));
  EXPECT_THAT(page, testing::ContainsRegex("ex .*  mV/km"));
  EXPECT_THAT(page, testing::ContainsRegex("temperature .* 0 +0 +0 +0  C"));
  EXPECT_THAT(page, HasSubstr("latitude 40.1234568  longitude -115.5\n")) << "to a centimetre; nobody gave an elevation";
}

TEST_F(Summary, GivesTheSameBytesAgainAndWritesThemBesideAndRenames) {
  const auto file = python_file("python_v020.h5");
  const auto first = summary({file, "--now", "2024-06-01", "--format", "json"});
  EXPECT_EQ(summary({file, "--now", "2024-06-01", "--format", "json"}).out, first.out);
  const fs::path out = dir_ / "report.json";
  support::write_text(out, "old");
  const auto finished = summary({file, "--now", "2024-06-01", "--format", "json", "--output", out});
  EXPECT_EQ(finished.code, 0);
  EXPECT_EQ(finished.out, "");
  EXPECT_EQ(support::read_text(out), first.out);
  EXPECT_EQ(std::distance(fs::directory_iterator{dir_.path()}, fs::directory_iterator{}), 1);
  const auto refused = summary({file, "--output", dir_ / "none" / "report.txt"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("cannot be written: No such file or directory"));
}

TEST_F(Summary, ReplacesNothingButAnOlderReport) {
  const auto python = python_file("python_v020.h5");
  const fs::path data = dir_ / "data.h5";
  fs::copy_file(python, data);
  fs::copy_file(python, dir_ / "renamed.txt");
  support::write_text(dir_ / "cut.h5", "no HDF5 any more");
  support::write_text(dir_ / "notes.txt", "no HDF5");
  support::write_text(dir_ / "block.txt", std::string(512, '#') + support::read_text(python));  // behind a user block
  std::string newer = support::read_text(python);
  newer.at(8) = 9;  // the version of its superblock
  support::write_text(dir_ / "newer.txt", newer);
  fs::create_symlink("report.txt", dir_ / "link.txt");
  fs::create_hard_link(data, dir_ / "hard.txt");
  fs::create_directory(dir_ / "folder.txt");
  ASSERT_EQ(mkfifo((dir_ / "fifo.txt").c_str(), 0600), 0);
  std::vector<std::string> names{"data.h5",  "renamed.txt", "cut.h5",   "new.h5",     "block.txt", "newer.txt",
                                 "link.txt", "hard.txt",    "fifo.txt", "folder.txt", ""};
  if (mknod((dir_ / "node.txt").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0) names.emplace_back("node.txt");
  std::map<std::string, std::pair<ino_t, std::string>> before;
  const auto look = [&](const fs::path& path) {
    struct stat info {};
    (void)lstat(path.c_str(), &info);
    return std::pair{info.st_ino, S_ISREG(info.st_mode) ? support::read_text(path) : std::string{}};
  };
  for (const auto& entry : fs::directory_iterator{dir_.path()}) before[entry.path()] = look(entry.path());
  for (const auto& name : names) {
    const auto refused = summary({data, "--output", (dir_ / name).string() + (name.empty() ? "/" : "")});
    EXPECT_EQ(refused.code, 1) << name;
    EXPECT_THAT(refused.err, testing::StartsWith("mth5-summary: error: --output ")) << name;
    EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
  }
  // Two files, so that the one that is no HDF5 does not end it; it is named as an input.
  EXPECT_THAT(summary({data, dir_ / "notes.txt", "--output", dir_ / "notes.txt"}).err, HasSubstr("is a file to report on"));
  for (const auto& entry : fs::directory_iterator{dir_.path()}) {
    ASSERT_TRUE(before.contains(entry.path())) << entry.path() << " was made";
    EXPECT_EQ(before[entry.path()], look(entry.path())) << entry.path();
  }
  EXPECT_EQ(summary({data, "--output", dir_ / "report.txt"}).code, 0);
  EXPECT_EQ(summary({data, "--output", dir_ / "report.txt"}).code, 0) << "an older report";
}

TEST_F(Summary, SaysWhatIsWrongInOneLineWithItsExitCode) {
  support::write_text(dir_ / "text.h5", "no HDF5");
  const auto file = python_file("python_v020.h5");
  struct Case {
    std::vector<std::string> arguments;
    int code;
    std::string err;
  };
  for (const auto& [arguments, code, err] : {
           Case{{dir_ / "text.h5"}, 4, "text.h5: not an HDF5 file"},
           Case{{dir_ / "none.h5"}, 1, "none.h5: No such file or directory"},
           Case{{support::data() / "lemi424"}, 1, "no MTH5 file"},
           Case{{}, 2, "no file or directory given"},
           Case{{file, "--format", "pdf"}, 2, "'pdf' is not one of text, json"},
           Case{{file, "--since", "24"}, 2, "'24' is not a duration"},
           Case{{file, "--from", "yesterday"}, 2, "'yesterday' is not a time"},
           Case{{file, "--from", "2024-05-02", "--to", "2024-05-01"}, 2, "--from must be before --to"},
           Case{{file, "--since", "1h", "--to", "2024-05-01"}, 2, "--since excludes"},
           Case{{file, "--since", "1h", "--since-end", "1h"}, 2, "exclude each other"},
           Case{{file, "--day", "2024-05-01", "--since", "1h"}, 2, "--day excludes --since"},
           Case{{file, "--day", "2024-02-30"}, 2, "'2024-02-30' is not a date"},
           Case{{file, "--day", "tomorrow"}, 2, "'tomorrow' is not a date, like 2026-05-01, nor yesterday or today"},
           Case{{file, "--now", "noon"}, 2, "'noon' is not a time"},
           Case{{file, "--quiet-ok"}, 2, "--quiet-ok needs --check"},
       }) {
    const auto finished = summary(arguments);
    EXPECT_EQ(finished.code, code) << err;
    EXPECT_THAT(finished.err, HasSubstr(err));
    EXPECT_EQ(finished.out, "");
  }
  const auto both = summary({dir_ / "text.h5", file});
  EXPECT_EQ(both.code, 4);
  EXPECT_THAT(both.err, HasSubstr("not an HDF5 file"));
  EXPECT_THAT(both.out, HasSubstr("Station MT001"));
}

}  // namespace
