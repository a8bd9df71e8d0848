#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "mth5/reader.hpp"
#include "support/recording.hpp"
#include "support/sim.hpp"

/// Every profile with frames: what mth5-sim makes of it is in the file that mth5d makes of that, sample and time.
namespace {

namespace fs = std::filesystem;

const std::string kSim = std::string{MTH5_TEST_BIN} + "/mth5-sim";
const std::string kDaemon = std::string{MTH5_TEST_BIN} + "/mth5d";

struct Case {
  const char* profile;
  bool timed;
  const char* with_faults = "120s";  ///< so long that there are some
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.profile; }

class SimulatedFrames : public testing::TestWithParam<Case> {
 protected:
  /// Makes `duration` of a signal into dir/day.bin, and its truth.
  void make(const std::string& duration, const std::vector<std::string>& more = {}) {
    std::vector<std::string> argv{kSim,         GetParam().profile,
                                  "--to",       "file:" + (dir / "day.bin").string(),
                                  "--start",    "2026-05-01T00:00:00Z",
                                  "--duration", duration,
                                  "--speed",    "max",
                                  "--truth",    (dir / "truth.csv").string()};
    argv.insert(argv.end(), more.begin(), more.end());
    const auto made = support::run(argv);
    ASSERT_EQ(made.code, 0) << made.err;
  }
  /// All values of a channel in the truth, of frames that were sent as they are.
  [[nodiscard]] std::vector<double> truth(const std::string& channel) const {
    std::vector<double> all;
    for (const auto& row : support::truth_rows(dir / "truth.csv")) {
      if (row.at("what") != "sent") continue;
      std::istringstream in{row.at(channel)};
      for (double value = 0; in >> value;) all.push_back(value);
    }
    return all;
  }
  [[nodiscard]] nlohmann::json tried() const {
    const auto done = support::run({kDaemon, "--json", "--try", GetParam().profile, (dir / "day.bin").string()});
    EXPECT_EQ(done.code, 0) << done.err;
    return nlohmann::json::parse(done.out);
  }

  support::TempDir dir;
};

TEST_P(SimulatedFrames, AreInTheFileSampleAndTime) {
  make("20s", {"--signal", "mt"});
  support::Recording recording{support::Recording::replay(dir / "day.bin"),
                               {.arguments = {"--until-eof"}, .instrument = GetParam().profile}};
  ASSERT_EQ(recording.process().wait(), 0) << recording.log();
  mth5::Reader reader{recording.file()};
  ASSERT_EQ(reader.runs().size(), 1u) << recording.log();
  const auto& run = reader.runs()[0];
  EXPECT_EQ(run.n_samples, std::llround(20 * run.sample_rate));
  if (GetParam().timed) {
    const auto rows = support::truth_rows(dir / "truth.csv");
    EXPECT_EQ(mth5::to_iso(run.start), rows.at(0).at("time"));
  }
  const auto channels = tried().at("channels");
  for (const auto& channel : channels) {
    const auto found = reader.find("MT001", run.id, channel.at("component").get<std::string>());
    ASSERT_EQ(found.size(), 1u) << channel;
    const auto expected = truth(channel.at("name"));
    const auto samples = reader.read(found[0], 0, run.n_samples);
    ASSERT_EQ(samples.size(), expected.size()) << channel;
    for (std::size_t i = 0; i < samples.size(); ++i) ASSERT_DOUBLE_EQ(samples[i], expected[i]) << channel << " sample " << i;
  }
}

TEST_P(SimulatedFrames, AreDecodedWithFaultsAsFarAsTheyArriveWhole) {
  make(GetParam().with_faults, {"--signal", "counter", "--fault", "drop=0.02,garbage=0.02,truncate=0.02", "--seed", "7"});
  const auto found = tried();
  std::size_t frames = 0, bytes = 0;
  for (const auto& row : support::truth_rows(dir / "truth.csv")) {
    bytes += std::stoul(row.at("bytes"));
    if (row.at("what") == "sent") ++frames;
  }
  EXPECT_EQ(found.at("bytes").at("in"), bytes);
  EXPECT_GT(found.at("bytes").at("skipped"), 0);
  // Without a strong check, frames between two faults that are near one another are not believed.
  EXPECT_LE(found.at("frames"), frames);
  EXPECT_GE(found.at("frames").get<double>(), 0.5 * static_cast<double>(frames));
}

INSTANTIATE_TEST_SUITE_P(Profiles, SimulatedFrames,
                         testing::Values(Case{"mth5-frame", true}, Case{"lemi025", true}, Case{"lemi036", true},
                                         Case{"lemi423", true, "5s"}, Case{"nims", false}, Case{"ads131m04", false}),
                         [](const auto& one) {
                           std::string name = one.param.profile;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(SimFrames, OfEveryProfileAreTested) {
  std::size_t profiles = 0;
  const auto listed = support::run({kDaemon, "--list-instruments"});
  for (const auto& line : support::lines_with(listed.out, "^    frame, ")) profiles += line.empty() ? 0u : 1u;
  EXPECT_EQ(profiles, 6u) << "a new profile belongs into the list of these tests";
}

TEST(SimFrames, GoThroughASerialLine) {
  const support::TempDir dir;
  auto sender =
      support::Process::start({kSim, "mth5-frame", "--to", "pty:" + (dir / "port").string(), "--duration", "4s", "--speed", "max",
                               "--signal", "counter", "--start", "2026-05-01T00:00:00Z", "--fault", "garbage=0.2"});
  ASSERT_TRUE(support::eventually([&] { return fs::exists(dir / "port"); })) << sender.err();
  support::Recording recording{support::Recording::serial(dir / "port"), {.instrument = "mth5-frame"}};
  EXPECT_EQ(sender.wait(), 0) << sender.err();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  mth5::Reader reader{recording.file()};
  ASSERT_EQ(reader.runs().size(), 1u);
  EXPECT_EQ(reader.runs()[0].n_samples, 4 * 256);
  const auto hz = reader.read(reader.find("MT001", reader.runs()[0].id, "hz").at(0), 0, 1024);
  for (std::size_t i = 0; i < hz.size(); ++i) ASSERT_EQ(hz[i], 8 * static_cast<double>(i) + 2);
}

TEST(SimFrames, ShowByVoteWhichCheckTheyHave) {
  const support::TempDir dir;
  const auto made = support::run({kSim, "lemi423", "--to", "file:" + (dir / "day.bin").string(), "--duration", "2s", "--speed",
                                  "max", "--start", "2026-05-01T00:00:00Z"});
  ASSERT_EQ(made.code, 0) << made.err;
  const auto tried = support::run({kDaemon, "--try", "lemi423", (dir / "day.bin").string()});
  EXPECT_THAT(tried.out,
              testing::HasSubstr("found     data: of 100 frames check crc16/ccitt-false fits 100, crc16/xmodem fits 0"));
}

TEST(SimFrames, RefuseWhatTheyHaveNot) {
  const auto replay = support::run({kSim, "mth5-frame", "--to", "-", "--replay", "/dev/null"});
  EXPECT_EQ(replay.code, 2);
  EXPECT_THAT(replay.err, testing::HasSubstr("--replay: plays lines of text; a recording of mth5-frame is played by mth5d"));
  EXPECT_THAT(support::run({kSim, "nims", "--to", "-", "--fault", "clock-step=+2s@3m"}).err,
              testing::HasSubstr("there is no time in what nims sends"));
  EXPECT_THAT(support::run({kSim, "gsm90", "--to", "-"}).err, testing::HasSubstr("instrument 'gsm90': is described as text"));
  EXPECT_THAT(support::run({kSim, "nimes", "--to", "-"}).err, testing::HasSubstr("did you mean 'nims'?"));
}

}  // namespace
