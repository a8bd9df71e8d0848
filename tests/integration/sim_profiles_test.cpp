#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "mth5/reader.hpp"
#include "support/recording.hpp"
#include "support/sim.hpp"
#include "support/support.hpp"

/// Every profile: what mth5-sim makes of it is in the file that mth5d makes of that, sample and time.
namespace {

namespace fs = std::filesystem;

const std::string kSim = support::program("mth5-sim");
const std::string kDaemon = support::program("mth5d");

/// Whose times it sends: none; of --start; of a time of day, that gets the date of the recorder's own clock.
enum class Times { None, Given, OfToday };
struct Case {
  const char* profile;
  Times times;
  const char* duration = "20s";      ///< so long that the field changes by what it resolves
  const char* with_faults = "120s";  ///< so long that there are some
  std::size_t frames_in_a_record = 1;
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.profile; }

class Simulated : public testing::Test {
 protected:
  /// Makes `duration` of a signal into dir/day.bin, and its truth.
  void make(const std::string& duration, const std::vector<std::string>& more = {}) {
    std::vector<std::string> argv{kSim,      profile, "--to",    "file:" + (dir / "day.bin").string(), "--duration", duration,
                                  "--speed", "max",   "--truth", (dir / "truth.csv").string()};
    if (!rate.empty()) argv.insert(argv.end(), {"--rate", rate});
    if (times != Times::OfToday) argv.insert(argv.end(), {"--start", "2026-05-01T00:00:00Z"});
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
      for (std::string value; in >> value;) all.push_back(std::stod(value));
    }
    return all;
  }
  [[nodiscard]] nlohmann::json tried() const {
    const auto done = support::run({kDaemon, "--json", "--try", profile, (dir / "day.bin").string()});
    EXPECT_EQ(done.code, 0) << done.err;
    return nlohmann::json::parse(done.out);
  }

  /// The recording made of it, against the truth.
  void expect_truth_in_file() {
    support::Recording recording{support::Recording::replay(dir / "day.bin"),
                                 {.source = rate.empty() ? "" : "sample_rate: " + rate + "\n",
                                  .arguments = {"--until-eof"},
                                  .instrument = inline_profile.empty() ? profile : inline_profile}};
    ASSERT_EQ(recording.process().wait(), 0) << recording.log();
    mth5::Reader reader{recording.file()};
    ASSERT_EQ(reader.runs().size(), 1u) << recording.log();
    const auto& run = reader.runs()[0];
    auto rows = support::truth_rows(dir / "truth.csv");
    std::erase_if(rows, [](auto& row) { return row.at("what") == "state"; });
    ASSERT_FALSE(rows.empty());
    EXPECT_NE(rows.front().at("time"), "") << "also where the record says none";
    if (times != Times::None) {
      const auto first = mth5::parse_time(rows.front().at("time")), last = mth5::parse_time(rows.back().at("time"));
      ASSERT_TRUE(first && last);
      EXPECT_EQ(run.start, *first);
      const auto in_a_record = run.n_samples / static_cast<std::int64_t>(rows.size());
      const auto last_record = mth5::sample_time(run.start, run.sample_rate, run.n_samples - in_a_record);
      EXPECT_LE(std::chrono::abs(last_record - *last), std::chrono::milliseconds{1});
    }
    const auto channels = tried().at("channels");
    ASSERT_FALSE(channels.empty());
    for (const auto& channel : channels) {
      const auto found = reader.find("MT001", run.id, channel.at("component").get<std::string>());
      ASSERT_EQ(found.size(), 1u) << channel;
      const auto expected = truth(channel.at("name"));
      const auto samples = reader.read(found[0], 0, run.n_samples);
      ASSERT_EQ(samples.size(), expected.size()) << channel;
      EXPECT_TRUE(std::adjacent_find(samples.begin(), samples.end(), std::not_equal_to{}) != samples.end()) << channel;
      for (std::size_t i = 0; i < samples.size(); ++i) {
        if (std::isnan(expected[i])) {
          ASSERT_TRUE(std::isnan(samples[i])) << channel << " sample " << i;
        } else {
          ASSERT_DOUBLE_EQ(samples[i], expected[i]) << channel << " sample " << i;
        }
      }
    }
    EXPECT_EQ(static_cast<std::size_t>(run.n_samples), truth(channels.at(0).at("name")).size());
  }
  [[nodiscard]] static std::size_t short_lines(const nlohmann::json& tried) { return tried.value("short_lines", std::size_t{0}); }

  support::TempDir dir;
  std::string profile;
  std::string inline_profile;  ///< the same for mth5d, if it has no name
  std::string rate;            ///< of sender and source; "" = the profile's
  Times times = Times::Given;
};

class SimulatedProfile : public Simulated, public testing::WithParamInterface<Case> {
 protected:
  void SetUp() override {
    profile = GetParam().profile;
    times = GetParam().times;
  }
};

TEST_P(SimulatedProfile, AreInTheFileSampleAndTime) {
  make(GetParam().duration, {"--signal", "mt"});
  expect_truth_in_file();
}

TEST_P(SimulatedProfile, AreDecodedWithFaultsAsFarAsTheyArriveWhole) {
  make(GetParam().with_faults, {"--signal", "counter", "--fault", "drop=0.02,garbage=0.02,truncate=0.02", "--seed", "7"});
  const auto found = tried();
  std::size_t frames = 0, of_parts = 0, bytes = 0;
  for (const auto& row : support::truth_rows(dir / "truth.csv")) {
    bytes += std::stoul(row.at("bytes"));
    const bool whole = row.at("what") == "sent" || row.at("what") == "state";
    (whole ? frames : of_parts) += GetParam().frames_in_a_record;
  }
  EXPECT_EQ(found.at("bytes").at("in"), bytes);
  EXPECT_GT(found.at("bytes").at("skipped"), 0);
  // Without a strong check, frames between two faults that are near one another are not believed. Of a line that was cut the part
  // that is whole is kept where the profile lists lengths; of an ObsDAQ all that stands behind the samples may lack.
  if (GetParam().frames_in_a_record == 1 && profile != "obsdaq") of_parts = 0;
  EXPECT_LE(found.at("frames"), frames + of_parts + short_lines(found));
  EXPECT_GE(found.at("frames").get<double>(), 0.5 * static_cast<double>(frames));
}

const std::map<std::string, Case> kProfiles = {
    {"mth5-frame", {"mth5-frame", Times::Given}},
    {"mth5-frame-ublox", {"mth5-frame-ublox", Times::Given}},
    {"metronix-adu", {"metronix-adu", Times::Given}},
    {"lemi025", {"lemi025", Times::Given}},
    {"lemi036", {"lemi036", Times::Given}},
    {"lemi423", {"lemi423", Times::Given, "20s", "5s"}},
    {"nims", {"nims", Times::None}},
    {"ads131m04", {"ads131m04", Times::None}},
    {"lemi424", {"lemi424", Times::Given, "100s", "900s"}},
    {"lemi018", {"lemi018", Times::Given, "100s", "900s"}},
    {"gsm90", {"gsm90", Times::Given, "100s", "900s"}},
    {"gsm19", {"gsm19", Times::OfToday, "100s", "900s"}},
    {"pos1", {"pos1", Times::Given, "500s", "4500s"}},
    {"obsdaq", {"obsdaq", Times::Given, "100s", "900s"}},
    {"geomag02", {"geomag02", Times::Given, "20s", "90s"}},
    {"gsm90v7", {"gsm90v7", Times::OfToday, "100s", "900s"}},
    {"gsm90-polled", {"gsm90-polled", Times::None, "500s", "4500s"}},
    {"rm3100", {"rm3100", Times::Given, "3600s", "900s"}},
    {"rs4d", {"rs4d", Times::Given, "20s", "120s", 4}},
    {"miniseed-mt", {"miniseed-mt", Times::Given, "100s", "900s", 5}},
};

INSTANTIATE_TEST_SUITE_P(Profiles, SimulatedProfile, testing::ValuesIn([] {
                           std::vector<Case> all;
                           for (const auto& [name, one] : kProfiles) all.push_back(one);
                           return all;
                         }()),
                         [](const auto& one) {
                           std::string name = one.param.profile;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

/// Of lines that come from a file nothing but their times tells that one lacks.
TEST_F(Simulated, ALineThatWasLostAloneMovesNoOther) {
  for (const auto& [name, when] : {std::pair{"gsm90v7", Times::OfToday}, {"gsm19", Times::OfToday}, {"obsdaq", Times::Given}}) {
    SCOPED_TRACE(name);
    profile = name;
    times = when;
    make("200s", {"--signal", "counter", "--fault", "drop=0.1", "--seed", "5"});
    support::Recording recording{support::Recording::replay(dir / "day.bin"), {.arguments = {"--until-eof"}, .instrument = name}};
    ASSERT_EQ(recording.process().wait(), 0) << recording.log();
    mth5::Reader reader{recording.file()};
    const auto channel = tried().at("channels").at(0);
    std::map<std::int64_t, double> found;
    for (const auto& run : reader.runs()) {
      const auto at = reader.find("MT001", run.id, channel.at("component").get<std::string>());
      ASSERT_EQ(at.size(), 1u);
      const auto samples = reader.read(at[0], 0, run.n_samples);
      for (std::size_t i = 0; i < samples.size(); ++i)
        found[mth5::sample_time(run.start, run.sample_rate, static_cast<std::int64_t>(i)).time_since_epoch().count()] =
            samples[i];
    }
    std::size_t sent = 0;
    for (const auto& row : support::truth_rows(dir / "truth.csv")) {
      if (row.at("what") != "sent") continue;
      ++sent;
      const auto time = mth5::parse_time(row.at("time"));
      ASSERT_TRUE(time);
      const auto sample = found.find(time->time_since_epoch().count());
      ASSERT_NE(sample, found.end()) << row.at("time");
      EXPECT_DOUBLE_EQ(sample->second, std::stod(row.at(channel.at("name")))) << row.at("time");
    }
    EXPECT_EQ(found.size(), sent);
    EXPECT_LT(sent, 195u) << "some were lost";
    fs::remove(dir / "day.bin");
    fs::remove(dir / "truth.csv");
  }
}

/// Ticks of the LEMI-423 count to the rate, the Shake's packets and the decimals of a GSM-90's seconds follow it.
TEST_F(Simulated, AtAnotherRateAreInTheFileSampleAndTime) {
  for (const auto& [name, hz] : {std::pair{"lemi423", "250"}, {"rs4d", "50"}, {"gsm90", "5"}, {"mth5-frame", "4096"}}) {
    SCOPED_TRACE(name);
    profile = name;
    rate = hz;
    make("20s");
    expect_truth_in_file();
    fs::remove(dir / "day.bin");
    fs::remove(dir / "truth.csv");
  }
}

/// Records of another rate are those of another stream: what `--try` takes for 1 Hz is not there, and says what is.
TEST_F(Simulated, RecordsOfMiniSeedAreOfTheRateThatTheSourceNames) {
  profile = "miniseed-mt";
  rate = "40";
  make("20s");
  const auto other = support::run({kDaemon, "--try", profile, (dir / "day.bin").string()});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err, testing::HasSubstr("XX.SIM..BFX at 40 Hz: other-record"));
  support::Recording recording{support::Recording::replay(dir / "day.bin"),
                               {.source = "sample_rate: 40\n", .arguments = {"--until-eof"}, .instrument = profile}};
  ASSERT_EQ(recording.process().wait(), 0) << recording.log();
  mth5::Reader reader{recording.file()};
  ASSERT_EQ(reader.runs().size(), 1u) << recording.log();
  EXPECT_EQ(reader.runs()[0].sample_rate, 40);
  EXPECT_EQ(reader.read(reader.find("MT001", reader.runs()[0].id, "ey").at(0), 0, reader.runs()[0].n_samples), truth("ey"));
}

TEST_F(Simulated, AnswersBetweenFramesOfALemi025CostNothing) {
  profile = "lemi025";
  make("100s", {"--fault", "answer=0.2"});
  const auto found = tried();
  EXPECT_EQ(found.at("bytes").at("skipped"), 0);
  EXPECT_EQ(found.at("channels").at(0).at("n"), 1000);
  EXPECT_GT(found.at("frames"), 100) << "answers are frames too";
}

TEST_F(Simulated, FramesWithoutSamplesSayTheStateOfTheInstrument) {
  for (const auto* name : {"mth5-frame", "mth5-frame-ublox"}) {
    SCOPED_TRACE(name);
    profile = name;
    make("20s");
    const auto found = tried();
    EXPECT_EQ(found.at("bytes").at("skipped"), 0);
    for (const auto& quantity : found.at("state_of_health")) EXPECT_GT(quantity.at("n"), 0) << quantity;
    std::size_t states = 0;
    for (const auto& row : support::truth_rows(dir / "truth.csv")) {
      if (row.at("what") != "state") continue;
      ++states;
      EXPECT_EQ(row.at("time") + row.at("hx"), "") << "a row of its own";
    }
    EXPECT_EQ(found.at("frames"), 20 * 8 + states);
    EXPECT_EQ(states % 20, 0u);
    fs::remove(dir / "day.bin");
    fs::remove(dir / "truth.csv");
  }
}

/// Forms of text that no profile has yet; 8 Hz.
TEST_F(Simulated, LinesOfAnyFormAreInTheFileSampleAndTime) {
  constexpr const char* kTime = "{time: '%Y-%m-%dT%H:%M:%S'}";
  const std::pair<const char*, std::string> forms[] = {
      {"carriage return, decimal comma", "terminator: cr, decimal: comma, delimiter: ';', columns: [" + std::string{kTime} +
                                             ", {channel: ex, decimals: 2}, skip, {channel: hy, decimals: 4}]"},
      {"zero byte, hexadecimal",
       "terminator: nul, columns: [{time: '%s'}, {channel: hy, form: hex, bits: 24}, {channel: ex, "
       "form: hex, bits: 32}]"},
      {"checksum, header, tabs", "checksum: nmea, header_lines: 3, comment: '#', delimiter: tab, columns: [{channel: ex}, " +
                                     std::string{kTime} + ", {channel: hy, decimals: 0}]"},
      {"nested keys",
       "json: true, columns: [{key: meta.t, time: '%d %b %y %H-%M-%S'}, {key: field.0, channel: ex}, {key: "
       "field.2, channel: hy}]"},
      {"width behind a delimiter", "delimiter: ';', columns: [" + std::string{kTime} +
                                       ", {channel: ex, decimals: 2, width: 12}, {text: 'V'}, {channel: hy, decimals: 4}]"},
      {"columns of a date, token", "columns: [token, year, month, day, {channel: ex}, hour, minute, second, {channel: hy}]"},
  };
  for (const auto& [what, text] : forms) {
    SCOPED_TRACE(what);
    const support::TempDir own;
    profile = (own / "form.yaml").string();
    inline_profile = "{sample_rate: 8, text: {" + text +
                     "}, channels: {ex: {type: electric, units: microVolt}, hy: {type: magnetic, units: nanoTesla}}}";
    support::write_text(profile, inline_profile);
    make("30s", {"--signal", "sine"});
    expect_truth_in_file();
    fs::remove(dir / "day.bin");
    fs::remove(dir / "truth.csv");
  }
}

TEST_F(Simulated, ANumberThatMeansNoneIsNoneInTheTruthToo) {
  profile = "pos1";
  make("200s", {"--signal", "sine"});  // begins with 0
  EXPECT_TRUE(std::isnan(truth("f").at(0)));
  EXPECT_FALSE(std::isnan(truth("f").at(1)));
  expect_truth_in_file();
}

TEST(SimProfiles, AreAllTested) {
  for (const auto& file : fs::directory_iterator{support::source() / "config" / "instruments"})
    EXPECT_TRUE(kProfiles.contains(file.path().stem())) << file.path() << ": a new profile belongs into the table of these tests";
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

/// A magnetometer that knows three commands, as a map in one line.
const std::string kTold =
    "{sample_rate: 1, text: {columns: [{time: '%m-%d-%Y'}, {time: '%H%M%S'}, {channel: f, decimals: 2}, {soh: quality}]}, "
    "channels: {f: {type: magnetic, component: bf, units: nanoTesla}}, state_of_health: {quality: {change: 1}}, "
    "commands: {start: [{send: 'T048.5', timeout: 1h}, {send: '{now:%y%m%d%w%H%M%S}', answer: 'set', timeout: 1h}, "
    "{send: 'R', answer: 'run', timeout: 1h}]}, "
    "simulate: {answers: [{to: 'R', answer: 'run\\r\\n', then: send}, {to: 'H', answer: 'halt\\r\\n', then: stop}]}}";

fs::path told_instrument(const support::TempDir& dir) {
  support::write_text(dir / "told.yaml", kTold);
  return dir / "told.yaml";
}

TEST(SimCommands, StartTheInstrumentOverALineAndASocket) {
  for (const std::string kind : {"pty", "tcp"}) {
    const support::TempDir dir;
    const auto profile = told_instrument(dir);
    const auto to = kind == "pty" ? "pty:" + (dir / "port").string() : std::string{"tcp-listen:127.0.0.1:0"};
    auto sender = support::Process::start({kSim, profile.string(), "--to", to, "--await-start", "--duration", "100s", "--speed",
                                           "max", "--signal", "counter", "--start", "2026-05-01T00:00:00Z", "--fault",
                                           "answer=0.1", "--truth", (dir / "truth.csv").string()});
    std::string input;
    if (kind == "pty") {
      ASSERT_TRUE(support::eventually([&] { return fs::exists(dir / "port"); })) << sender.err();
      input = support::Recording::serial(dir / "port");
    } else {
      const auto port = sender.wait_for_output("listening on 127.0.0.1:(\\d+)");
      ASSERT_TRUE(port) << sender.err();
      input = support::Recording::tcp(std::stoi(*port));
    }
    support::Recording recording{input, {.instrument = kTold}};
    EXPECT_EQ(sender.wait(), 0) << sender.err();
    EXPECT_TRUE(recording.wait_for_bytes(support::truth_bytes(dir / "truth.csv"))) << recording.log();
    EXPECT_EQ(recording.stop(), 0) << recording.log();
    mth5::Reader reader{recording.file()};
    ASSERT_EQ(reader.runs().size(), 1u);
    EXPECT_EQ(reader.runs()[0].n_samples, 100);
    const auto f = reader.read(reader.find("MT001", reader.runs()[0].id, "bf").at(0), 0, 100);
    for (std::size_t i = 0; i < f.size(); ++i) ASSERT_EQ(f[i], 8 * static_cast<double>(i));
    std::size_t answers = 0;
    for (const auto& row : support::truth_rows(dir / "truth.csv")) answers += row.at("what") == "answer" ? 1u : 0u;
    EXPECT_GT(answers, 2u) << "to the commands, and unasked";
  }
}

TEST(SimCommands, StopARunningInstrument) {
  const support::TempDir dir;
  auto sender = support::Process::start(
      {kSim, told_instrument(dir).string(), "--to", "pty:" + (dir / "port").string(), "--speed", "1000", "--signal", "counter"});
  ASSERT_TRUE(support::eventually([&] { return fs::exists(dir / "port"); })) << sender.err();
  const auto line = support::open_line(dir / "port");
  const auto read_to = [&](const std::string& end) {
    std::string all;
    for (char c = 0; !all.ends_with(end) && read(line.get(), &c, 1) == 1;) all += c;
    return all;
  };
  EXPECT_NE(read_to("\n"), "");
  ASSERT_EQ(write(line.get(), "H", 1), 1);
  EXPECT_THAT(read_to("halt\r\n"), testing::MatchesRegex("([-0-9. ]* 99\n)*halt\r\n")) << "between two records";
  ASSERT_EQ(write(line.get(), "R", 1), 1);
  EXPECT_EQ(read_to("\n"), "run\r\n") << "nothing between the two answers";
  EXPECT_THAT(read_to("\n"), testing::EndsWith("99\n")) << "and then records";
  EXPECT_EQ(sender.terminate(), 0);
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

/// Of each kind of decoder one that sends no lines. With noise between frames, that goes along.
TEST(SimFrames, ARecordingIsPlayedByteForByteAtThePaceOfItsSamples) {
  for (const char* profile : {"mth5-frame", "nims", "rs4d", "miniseed-mt"}) {
    SCOPED_TRACE(profile);
    const support::TempDir dir;
    const auto day = (dir / "day.bin").string(), played = (dir / "played.bin").string();
    const auto made = support::run({kSim, profile, "--to", "file:" + day, "--duration", "60s", "--speed", "max", "--start",
                                    "2026-05-01T00:00:00Z", "--fault", "garbage=0.02", "--seed", "3"});
    ASSERT_EQ(made.code, 0) << made.err;
    const auto replay = support::run({kSim, profile, "--to", "file:" + played, "--replay", day, "--speed", "max"});
    ASSERT_EQ(replay.code, 0) << replay.err;
    EXPECT_EQ(support::read_text(played), support::read_text(day));
    const auto part = support::run({kSim, profile, "--to", "-", "--replay", day, "--duration", "30s", "--speed", "max"});
    ASSERT_EQ(part.code, 0) << part.err;
    EXPECT_TRUE(support::read_text(day).starts_with(part.out));
    EXPECT_NEAR(static_cast<double>(part.out.size()) / static_cast<double>(support::read_text(day).size()), 0.5, 0.1);
  }
}

TEST_F(Simulated, FramesOfAFixedLengthHoldAsManySamplesAsFitIntoThem) {
  profile = (dir / "mine.yaml").string();
  support::write_text(
      profile,
      "sample_rate: 10\nframe: {sync: A5 5A, length: 14, counter: {at: 2, type: u16}, samples: {at: 4, type: i32, "
      "channels: [x]}, check: {rule: crc16/kermit, at: -2}}\n"
      "channels: {x: {type: magnetic, units: nanoTesla, component: bx}}\n");
  make("10s", {"--signal", "mt"});
  EXPECT_EQ(truth("x").size(), 100u);
  EXPECT_EQ(tried().at("frames"), 50);
}

/// Of each kind of decoder, lines that end with LF and with NUL: what the simulator made up, told once by itself and once from
/// the bytes alone.
TEST_F(Simulated, TheTruthOfARecordingSaysWhatWasRecorded) {
  for (const char* name : {"mth5-frame", "nims", "lemi025", "rs4d", "miniseed-mt", "gsm90", "pos1", "rm3100"}) {
    SCOPED_TRACE(name);
    profile = name;
    make("100s", {"--signal", "mt"});
    auto made = support::truth_rows(dir / "truth.csv");
    std::erase_if(made, [](auto& row) { return row.at("what") == "state"; });
    const auto channels = tried().at("channels");
    std::map<std::string, std::vector<double>> values;
    for (const auto& channel : channels) values[channel.at("name")] = truth(channel.at("name"));
    fs::remove(dir / "truth.csv");
    const auto replay = support::run({kSim, profile, "--to", "file:" + (dir / "played.bin").string(), "--replay",
                                      (dir / "day.bin").string(), "--speed", "max", "--truth", (dir / "truth.csv").string()});
    ASSERT_EQ(replay.code, 0) << replay.err;
    const auto played = support::truth_rows(dir / "truth.csv");
    ASSERT_FALSE(played.empty());
    EXPECT_EQ(played.front().at("time"), made.front().at("stamp")) << "the record says it, or nobody knows";
    EXPECT_EQ(played.back().at("time"), made.back().at("stamp"));
    for (const auto& channel : channels) {
      const auto& expected = values.at(channel.at("name"));
      const auto found = truth(channel.at("name"));
      ASSERT_EQ(found.size(), expected.size()) << channel;
      for (std::size_t i = 0; i < found.size(); ++i) {
        if (std::isnan(found[i]) && std::isnan(expected[i])) continue;
        ASSERT_DOUBLE_EQ(found[i], expected[i]) << channel << " sample " << i;
      }
    }
    for (const char* file : {"day.bin", "played.bin", "truth.csv"}) fs::remove(dir / file);
  }
}

TEST_F(Simulated, TheTruthOfADamagedRecordingIsThatBeforeTheDamage) {
  profile = "mth5-frame";
  make("20s");
  const auto expected = truth("hx");
  fs::remove(dir / "truth.csv");
  const auto replay = support::run({kSim, profile, "--to", "file:" + (dir / "played.bin").string(), "--replay",
                                    (dir / "day.bin").string(), "--speed", "max", "--truth", (dir / "truth.csv").string(),
                                    "--fault", "drop=0.2,bitflip=0.0005", "--seed", "5"});
  ASSERT_EQ(replay.code, 0) << replay.err;
  std::vector<double> found;
  std::set<std::string> what;
  for (const auto& row : support::truth_rows(dir / "truth.csv")) {
    what.insert(row.at("what"));
    std::istringstream in{row.at("hx")};
    for (std::string value; in >> value;) found.push_back(std::stod(value));
  }
  EXPECT_THAT(what, testing::IsSupersetOf({"sent", "dropped", "bitflip"}));
  EXPECT_EQ(found, expected);
}

TEST(SimFrames, RefuseWhatTheyHaveNot) {
  const auto replay = support::run({kSim, "mth5-frame", "--to", "-", "--replay", "/dev/null"});
  EXPECT_EQ(replay.code, 1);
  EXPECT_THAT(replay.err, testing::HasSubstr("/dev/null: "));
  const support::TempDir dir;
  support::write_text(dir / "lines.txt", std::string(5000, 'x'));
  EXPECT_THAT(support::run({kSim, "mth5-frame", "--to", "-", "--replay", (dir / "lines.txt").string()}).err,
              testing::HasSubstr("lines.txt: no frame of mth5-frame at its beginning; mth5d --try mth5-frame tells why"));
  EXPECT_THAT(support::run({kSim, "nims", "--to", "-", "--fault", "clock-step=+2s@3m"}).err,
              testing::HasSubstr("there is no time in what nims sends"));
  EXPECT_THAT(support::run({kSim, "gsm90", "--to", "-", "--fault", "lose-lock=1s@1s"}).err,
              testing::HasSubstr("gsm90 does not say whether it has GPS"));
  EXPECT_THAT(support::run({kSim, "gsm90", "--to", "-", "--fault", "answer=1"}).err,
              testing::HasSubstr("the profile of gsm90 has no answers"));
  EXPECT_THAT(support::run({kSim, "gsm90", "--to", "-", "--await-start"}).err,
              testing::HasSubstr("the profile of gsm90 has no command that starts it"));
  EXPECT_THAT(support::run({kSim, "nims", "--to", "-", "--fault", "shorten=0.1"}).err,
              testing::HasSubstr("what nims sends are no lines"));
  EXPECT_THAT(support::run({kSim, "mth5-frame", "--to", "-", "--replay", "/dev/null", "--fault", "clock-step=+2s@3m"}).err,
              testing::HasSubstr("clock-step: cannot be done to a recording of mth5-frame"));
  EXPECT_THAT(support::run({kSim, "lemi018", "--to", "-", "--replay", "/dev/null", "--fault", "lose-lock=1s@1s"}).err,
              testing::HasSubstr("lose-lock: cannot be done to a recording of lemi018"));
  EXPECT_THAT(support::run({kSim, "gsm90", "--to", "-", "--rate", "9e9"}).err,
              testing::HasSubstr("--rate: sample_rate: 9000000000 is out of range"));
  EXPECT_THAT(support::run({kSim, "nimes", "--to", "-"}).err, testing::HasSubstr("did you mean 'nims'?"));
}

}  // namespace
