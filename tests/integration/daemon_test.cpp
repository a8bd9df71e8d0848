#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "mth5/reader.hpp"
#include "support/process.hpp"
#include "support/recording.hpp"
#include "support/sim.hpp"
#include "support/support.hpp"

/// The main job: a recording down a line into a file that Python reads, while it grows and when it is closed.
namespace {

using support::Process;
using support::Recording;

std::string python() {
  const char* path = std::getenv("MTH5_TEST_PYTHON");
  if (path == nullptr || !std::filesystem::exists(path))
    throw std::runtime_error{"MTH5_TEST_PYTHON is no Python with mth5; scripts/setup.sh --test makes build/venv"};
  return path;
}

std::string script(const std::string& name) { return (support::source() / "tests" / "integration" / name).string(); }

const std::filesystem::path kDays[] = {support::data() / "lemi424" / "202010010000.TXT",
                                       support::data() / "lemi424" / "202010020000.TXT"};
constexpr std::uint64_t kBytes = 18119 + 1 + 18120;  // the first day has no line end after its last line: the simulator adds it

/// @param options  {"--samples"}: h5py alone compares them, in a tenth of the time
void expect_equal_to_python(const std::filesystem::path& file, const std::vector<std::string>& options) {
  std::vector<std::string> command{python(), script("python_closed.py"), file.string(),
                                   (support::data() / "mth5" / "lemi424_python.h5").string()};
  command.insert(command.end(), options.begin(), options.end());
  const auto check = support::run(command, {}, std::chrono::seconds{200});
  EXPECT_EQ(check.code, 0) << check.err;
  EXPECT_THAT(check.out, testing::HasSubstr("\"sr1_0001\": 120, \"sr1_0002\": 120"));
}

void expect_balanced(const nlohmann::json& status) {
  EXPECT_TRUE(status.at("ledger").at("balanced").get<bool>()) << status.at("ledger").dump(1);
  EXPECT_EQ(status.at("ledger").at("streams").at(0).at("samples_stored"), 240);
  EXPECT_EQ(status.at("gaps"), 1);
}

TEST(MainJob, FromAFileEqualsPython) {
  const support::TempDir dir;
  const auto both = dir / "both.TXT";
  support::write_text(both, support::read_text(kDays[0]) + "\n" + support::read_text(kDays[1]));
  Recording recording{Recording::replay(both), {.arguments = {"--until-eof"}}};
  ASSERT_EQ(recording.process().wait(), 0) << recording.log();
  expect_balanced(recording.status().value());
  expect_equal_to_python(recording.file(), {"--samples"});
}

TEST(MainJob, OverTcpEqualsPython) {
  auto sim = Process::start(
      support::sim({"--replay", kDays[0], "--replay", kDays[1], "--to", "tcp-listen:127.0.0.1:0", "--speed", "max"}));
  const auto port = sim.wait_for_output("listening on 127\\.0\\.0\\.1:([0-9]+)");
  ASSERT_TRUE(port) << sim.err();
  Recording recording{Recording::tcp(std::stoi(*port)), {.arguments = {"--until-eof"}}};
  ASSERT_EQ(recording.process().wait(), 0) << recording.log();
  EXPECT_EQ(sim.wait(), 0) << sim.err();
  expect_balanced(recording.status().value());
  expect_equal_to_python(recording.file(), {"--samples"});
}

TEST(MainJob, OverASerialLineEqualsPythonAndLosesNothingAtTerm) {
  const support::TempDir dir;
  const auto line = dir / "lemi";
  auto sim = Process::start(
      support::sim({"--replay", kDays[0], "--replay", kDays[1], "--to", "pty:" + line.string(), "--speed", "100"}));
  Recording recording{Recording::serial(line)};
  ASSERT_TRUE(recording.wait_for_bytes(kBytes)) << recording.log() << sim.err();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  expect_balanced(recording.status().value());
  expect_equal_to_python(recording.file(), {});
}

TEST(MainJob, PythonSeesTheFileGrowWhileItIsWritten) {
  const support::TempDir dir;
  auto sim = Process::start(support::sim({"--signal", "counter", "--start", "2026-05-01T00:00:00Z", "--duration", "1h", "--speed",
                                          "20", "--to", "pty:" + (dir / "lemi").string()}));
  Recording recording{Recording::serial(dir / "lemi"), {.config = "flush: {samples: 1000, interval: 200ms}\n"}};
  ASSERT_TRUE(recording.wait_for_log("file open")) << recording.log();
  const auto live = support::run({python(), script("python_live.py"), recording.file().string()}, {}, std::chrono::seconds{120});
  EXPECT_EQ(live.code, 0) << live.err;
  EXPECT_THAT(live.out, testing::HasSubstr("\"seen\""));
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

TEST(MainJob, PlainToolsReadTheFile) {
  Recording recording{Recording::replay(kDays[0]), {.arguments = {"--until-eof"}}};
  ASSERT_EQ(recording.process().wait(), 0) << recording.log();
  const auto dump = support::run(
      {"h5dump", "-d", "/Experiment/Surveys/TEST/Stations/MT001/sr1_0001/bx", "-s", "0", "-c", "3", recording.file().string()});
  EXPECT_EQ(dump.code, 0) << dump.err;
  EXPECT_THAT(dump.out, testing::HasSubstr("(0): 23773.5, 23773.6, 23773.7"));
  const auto tables = support::run(
      {python(), "-c",
       "import h5py,sys\n"
       "f=h5py.File(sys.argv[1],'r')['Acquisition']\n"
       "s=f['state_of_health/lemi']\n"
       "print(s[0]['battery'], s[0]['satellites'], round(s[0]['latitude'],6))\n"
       "print(f['source_ledger'][-1]['bytes_in'], f['stream_ledger'][-1]['samples_stored'], f['state'][0]['closed'])\n",
       recording.file().string()});
  EXPECT_EQ(tables.code, 0) << tables.err;
  EXPECT_EQ(tables.out, "12.98 12.0 34.080631\n18119 120 1\n");
}

TEST(MainJob, ATermInFullFlowKeepsEveryLineThatWasReceived) {
  // The simulator blocks when the line is full, so it has sent exactly what the daemon's side of the line has.
  const support::TempDir dir;
  const auto truth = dir / "truth.csv";
  auto sim = Process::start(support::sim({"--signal", "counter", "--start", "2026-05-01T00:00:00Z", "--duration", "100000s",
                                          "--speed", "max", "--to", "tcp-listen:127.0.0.1:0"}));
  const auto port = sim.wait_for_output("listening on 127\\.0\\.0\\.1:([0-9]+)");
  ASSERT_TRUE(port) << sim.err();
  Recording recording{Recording::tcp(std::stoi(*port))};
  ASSERT_TRUE(
      recording.wait_until([](const auto& s) { return !s.at("channels").empty() && s.at("channels")[0].at("visible") > 500; }));
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  const auto status = recording.status().value();
  const auto& ledger = status.at("ledger").at("streams").at(0);
  EXPECT_TRUE(ledger.at("balanced").get<bool>()) << ledger.dump(1);
  EXPECT_EQ(ledger.at("samples_decoded"), ledger.at("samples_stored")) << "nothing that came as a whole line is dropped";
  mth5::Reader reader{recording.file()};
  ASSERT_EQ(reader.runs().size(), 1u);
  const auto& run = reader.runs().front();
  EXPECT_EQ(run.n_samples, ledger.at("samples_stored").get<std::int64_t>());
  // The counter signal tells each sample's index on bx.
  std::size_t bx = 0;
  while (reader.channels()[run.channels[bx]].component != "bx") ++bx;
  const auto values = reader.read(run.channels[bx], 0, run.n_samples);
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i] - values[0], static_cast<double>(i)) << "sample " << i;
}

TEST(MainJob, MonitorAndSummaryShowTheLiveFile) {
  const support::TempDir dir;
  auto sim = Process::start(support::sim({"--replay", kDays[0], "--speed", "50", "--to", "pty:" + (dir / "lemi").string()}));
  Recording recording{Recording::serial(dir / "lemi"), {.config = "flush: {samples: 1000, interval: 100ms}\n"}};
  ASSERT_TRUE(recording.wait_until([](const auto& s) {
    return !s.at("channels").empty() && s.at("channels")[0].at("visible") >= 20;
  })) << recording.log();
  const auto look = support::run({support::program("mth5-monitor"), "--once", "--json", recording.directory().string()});
  ASSERT_EQ(look.code, 0) << look.err;
  const auto json = nlohmann::json::parse(look.out);
  EXPECT_EQ(json.at("state"), "live");
  EXPECT_EQ(json.at("channels").size(), 9u);
  EXPECT_GE(json.at("channels")[0].at("n_samples").get<int>(), 20);
  ASSERT_TRUE(recording.wait_for_bytes(18119)) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  const auto summary = support::run({support::program("mth5-summary"), "--format", "json", recording.file().string()});
  ASSERT_EQ(summary.code, 0) << summary.err;
  EXPECT_THAT(summary.out, testing::HasSubstr("\"closed\""));
}

}  // namespace
