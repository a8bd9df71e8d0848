#include <csignal>
#include <filesystem>
#include <functional>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/process.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

// What mth5-monitor says of a recording while it goes on.

namespace {

namespace fs = std::filesystem;
using support::Process;
using support::Recording;
using testing::HasSubstr;
using testing::MatchesRegex;

const std::string kMonitor = support::program("mth5-monitor");

class LiveVerdict : public testing::Test {
 protected:
  using Fields = std::vector<std::string>;
  /// A LEMI-424 that is well but for what is changed in line i, ten minutes of it a second. @returns the recording's input
  std::string lemi(const std::string& duration, const std::function<void(int i, Fields& fields)>& change) const {
    const auto made = support::run({support::program("mth5-sim"), "lemi424", "--to", "file:" + (dir_ / "well.TXT").string(),
                                    "--speed", "max", "--start", "2026-05-01T00:00:00Z", "--duration", duration});
    EXPECT_EQ(made.code, 0) << made.err;
    std::istringstream well{support::read_text(dir_ / "well.TXT")};
    std::string text;
    int i = 0;
    for (std::string line; std::getline(well, line); ++i) {
      std::istringstream blanks{line};
      Fields fields;
      for (std::string field; blanks >> field;) fields.push_back(field);
      change(i, fields);
      for (const auto& field : fields) text += field + " ";
      text.back() = '\r';
      text += '\n';
    }
    support::write_text(dir_ / "day.TXT", text);
    return Recording::replay(dir_ / "day.TXT", "600");
  }
  [[nodiscard]] support::RecordingOptions options() const {
    return {.config = "flush: {interval: 50ms}\n", .directory = dir_.path()};
  }
  static constexpr std::size_t kBx = 6, kBattery = 15;
  support::TempDir dir_;
};

TEST_F(LiveVerdict, NamesAFaultWhileItLastsAndRemembersInTheNextFile) {
  const auto input = lemi("120min", [](int i, Fields& fields) {
    if (i >= 1200 && i < 2400) fields[kBx] = "23740.100";
    if (i >= 3600) fields[kBx] = "23740.200";
  });
  auto monitor = Process::start({kMonitor, "--interval", "20ms", dir_.path()});
  ASSERT_TRUE(monitor.wait_for_output("waiting for a file"));
  Recording recording{input, options()};
  EXPECT_TRUE(monitor.wait_for_output("Z GOOD; live  MT001/sr1_0001: ")) << monitor.out() << recording.log();
  EXPECT_TRUE(
      monitor.wait_for_output("Z CRITICAL MT001 bx: stuck at one value for [^\n]* since 2026-05-01 00:20 UTC: check sensor "
                              "and cable; leave out a channel that is not used; live  MT001/"));
  EXPECT_TRUE(monitor.wait_for_output("bx: stuck[^\n]*\n[^\n]*Z GOOD; live  MT001/")) << "it was mended";
  EXPECT_TRUE(monitor.wait_for_output("bx: stuck at one value for [^\n]* since 2026-05-01 01:00 UTC"));
  fs::rename(recording.file(), dir_ / "elsewhere.h5");  // the recorder goes on in another
  EXPECT_TRUE(monitor.wait_for_output("renamed to elsewhere.h5"));
  EXPECT_TRUE(
      monitor.wait_for_output("# [^\n]*/MT001_20260501T(?!000000)[^#]*Z CRITICAL MT001 bx: stuck at one value for [^\n]* since "
                              "2026-05-01 01:00 UTC[^\n]*; live  MT001/"))
      << monitor.out() << recording.log();
  EXPECT_EQ(recording.stop(), 0);
  EXPECT_EQ(monitor.terminate(), 0);
}

TEST_F(LiveVerdict, IsWaitedForByScripts) {
  const auto wait = [&](const std::string& what, const std::string& timeout) {
    return support::run({kMonitor, "--wait", what, "--timeout", timeout, "--interval", "20ms", "-q", dir_.path()});
  };
  const auto nothing = wait("live", "50ms");
  EXPECT_EQ(nothing.code, 1);
  EXPECT_EQ(nothing.out, "");
  EXPECT_EQ(nothing.err,
            "mth5-monitor: error: " + dir_.path().string() + ": not live within 0.05s: there is no file that can be read\n");

  Recording recording{lemi("50min", [](int i, Fields& fields) { fields[kBattery] = i < 1500 ? "11.10" : "12.60"; }), options()};
  const auto live = wait("live", "60s");
  EXPECT_EQ(live.code, 0) << live.err;
  EXPECT_THAT(live.out, MatchesRegex("# .*\n.*Z [^\n]*; live  MT001/[^\n]*\n"));
  const auto bad = wait("good", "1ms");
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.err, HasSubstr(": not good within 0.001s: "));
  const auto good = support::run({kMonitor, "--wait", "good", "--json", "--interval", "20ms", "-q", dir_.path()});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(nlohmann::json::parse(good.out)["verdict"]["state"], "good");
  EXPECT_EQ(nlohmann::json::parse(good.out)["state"], "live");
  EXPECT_EQ(recording.stop(), 0);
  const auto closed = wait("live", "200ms");
  EXPECT_EQ(closed.code, 1);
  EXPECT_THAT(closed.err, HasSubstr(": not live within 0.2s: closed; "));
}

TEST_F(LiveVerdict, OfAClosedFileIsReplayedAsItWas) {
  (void)lemi("40min", [](int i, Fields& fields) {
    if (i >= 1200) fields[kBx] = "23740.100";
  });
  Recording recording{Recording::replay(dir_ / "day.TXT"), {.arguments = {"--until-eof"}, .directory = dir_.path()}};
  ASSERT_EQ(recording.process().wait(), 0) << recording.log();
  const auto file = recording.file().string();
  auto monitor = Process::start({kMonitor, "--replay", "1200", "--interval", "20ms", file});
  EXPECT_EQ(monitor.wait(), 0);
  EXPECT_THAT(monitor.out(),
              MatchesRegex("# [^\n]*  station MT001\n"
                           // Twelve hundred times as fast, a busy machine looks for the first time seconds later.
                           "2026-05-01T00:0[^\n]*Z (NOT KNOWN YET: [^\n]*|GOOD); replay: live  MT001/.*"
                           "\n2026-05-01T00:1[^\n]*Z GOOD; replay: live  MT001/.*"
                           "\n2026-05-01T00:2[^\n]*Z CRITICAL MT001 bx: stuck at one value [^\n]*; replay: live  .*"
                           "\n2026-05-01T00:39:59Z [^\n]*; replay: closed  [^\n]*"
                           "\n2026-05-01T00:39:59Z file closed\n"))
      << monitor.out();
  EXPECT_THAT(monitor.err(), HasSubstr(": replayed 1200 times as fast"));
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"--replay", "0", file},
                                                                     {"--replay", "1x", file},
                                                                     {"--replay", "1", dir_.path()},
                                                                     {"--replay", "1", "--once", file}}) {
    auto argv = arguments;
    argv.insert(argv.begin(), kMonitor);
    EXPECT_EQ(support::run(argv).code, 2) << arguments[1] + arguments[2];
  }
}

struct Fault {
  const char *name, *fault, *duration;
  std::vector<std::string> named;  ///< what the verdict names, whatever it says beside it; empty: it is good
};
/// Faults of mth5-sim after an hour or less. Those that cost no sample (a stall, a disconnect) are named while they last:
/// monitor_test. An answer of a LEMI-424 is a comment, and costs nothing.
class FaultOfTheSimulator : public LiveVerdict, public testing::WithParamInterface<Fault> {};

TEST_P(FaultOfTheSimulator, IsNamed) {
  const auto& [name, fault, duration, named] = GetParam();
  std::vector<std::string> argv{support::program("mth5-sim"),
                                "lemi424",
                                "--to",
                                "file:" + (dir_ / "day.TXT").string(),
                                "--speed",
                                "max",
                                "--start",
                                "2026-05-01T00:00:00Z",
                                "--duration",
                                duration,
                                "--seed",
                                "3"};
  if (*fault != '\0') argv.insert(argv.end(), {"--fault", fault});
  ASSERT_EQ(support::run(argv).code, 0);
  Recording recording{Recording::replay(dir_ / "day.TXT"), {.arguments = {"--until-eof"}, .directory = dir_.path()}};
  ASSERT_EQ(recording.process().wait(), 0) << recording.log();
  const auto seen = support::run({kMonitor, "--once", "--json", recording.file().string()});
  const auto verdict = nlohmann::json::parse(seen.out).at("verdict");
  std::vector<std::string> found;
  for (const auto& finding : verdict.at("findings")) found.push_back(finding.at("name"));
  EXPECT_EQ(verdict.at("state") == "good", named.empty()) << verdict.dump(1);
  for (const auto& one : named) EXPECT_THAT(found, testing::Contains(one)) << verdict.dump(1);
}

INSTANTIATE_TEST_SUITE_P(Faults, FaultOfTheSimulator,
                         testing::ValuesIn(std::vector<Fault>{
                             {"None", "", "20min", {}},
                             {"Drop", "drop=0.03", "20min", {"completeness"}},
                             {"Garbage", "garbage=0.05", "20min", {"input"}},
                             {"Duplicate", "duplicate=0.05", "20min", {"input"}},
                             {"Bitflip", "bitflip=0.001", "20min", {"completeness", "input"}},
                             {"Truncate", "truncate=0.05", "20min", {"completeness", "input"}},
                             {"Shorten", "shorten=0.05", "20min", {"empty"}},
                             {"Answer", "answer=0.05", "20min", {}},
                             {"ClockStepForth", "clock-step=+1h@20min", "70min", {"completeness"}},
                             {"ClockStepBack", "clock-step=-1h@10min", "20min", {"clock"}},
                             {"LoseLock", "lose-lock=2h@5min", "70min", {"gps"}},
                         }),
                         [](const auto& one) { return std::string{one.param.name}; });

TEST_F(LiveVerdict, IsNotWaitedForWithOptionsThatSaySomethingElse) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--wait", "bad"}, {"--wait", "good", "--once"}, {"--wait", "live", "--follow"}, {"--timeout", "5s"}}) {
    auto argv = arguments;
    argv.insert(argv.begin(), kMonitor);
    argv.push_back(dir_.path());
    EXPECT_EQ(support::run(argv).code, 2) << arguments.front() + arguments.back();
  }
}

}  // namespace
