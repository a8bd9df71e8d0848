#include <cmath>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/process.hpp"
#include "support/stages.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using support::Finished;
using support::Stages;
using support::TestWriter;
using testing::HasSubstr;

Finished summary(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), MTH5_TEST_BIN "/mth5-summary");
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
  auto program = support::Process::start({MTH5_TEST_BIN "/mth5-summary", "lemi424_python.h5"}, {}, support::data() / "mth5");
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
    EXPECT_EQ(channel["gaps"][0],
              json::parse(R"({"station": "L424", "start": "2020-10-01T00:02:00Z", "end": "2020-10-02T00:00:00Z",
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

  report = summary_json({file, "--since", "10min"});
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
  EXPECT_EQ(report["runs"].size(), 3U);
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
  EXPECT_EQ(summary_json({path})["files"][0]["state"], "writer-died");
}

TEST_F(Summary, GivesTheSameBytesAgainAndWritesThemBesideAndRenames) {
  const auto file = python_file("python_v020.h5");
  const auto first = summary({file, "--format", "json"});
  EXPECT_EQ(summary({file, "--format", "json"}).out, first.out);
  const fs::path out = dir_ / "report.json";
  support::write_text(out, "old");
  const auto finished = summary({file, "--format", "json", "--output", out});
  EXPECT_EQ(finished.code, 0);
  EXPECT_EQ(finished.out, "");
  EXPECT_EQ(support::read_text(out), first.out);
  EXPECT_EQ(std::distance(fs::directory_iterator{dir_.path()}, fs::directory_iterator{}), 1);
  const auto refused = summary({file, "--output", dir_ / "none" / "report.txt"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("cannot be written: No such file or directory"));
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
           Case{{file, "--format", "html"}, 2, "'html' is not one of text, json"},
           Case{{file, "--since", "24"}, 2, "'24' is not a duration"},
           Case{{file, "--from", "yesterday"}, 2, "'yesterday' is not a time"},
           Case{{file, "--from", "2024-05-02", "--to", "2024-05-01"}, 2, "--from must be before --to"},
           Case{{file, "--since", "1h", "--to", "2024-05-01"}, 2, "--since excludes"},
           Case{{file, "--check", "x"}, 2, "check"},
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
