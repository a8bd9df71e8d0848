#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <regex>
#include <set>

#include "acquisition/config/keys.hpp"
#include "mth5/reader.hpp"
#include "support/peers.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

/// Every key of the configuration is seen where it acts: in the file, or at the peer.
namespace {

namespace fs = std::filesystem;
using support::Recording;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// A site with a made-up instrument of two channels and a battery, one line a second.
struct Site {
  std::string output = "";                              ///< more keys of `output`, in a flow map
  std::string top = "";                                 ///< more sections
  std::string file = "";                                ///< more keys of the input
  std::string source = "";                              ///< more keys of the source, in a flow map
  std::string rate = "1";                               ///< of the profile
  std::string text = "";                                ///< more keys of `text`
  std::string ex = "type: electric, units: milliVolt";  ///< channel ex
  std::string battery = "units: V";                     ///< quantity battery
  std::string columns = "year, month, day, hour, minute, second, {channel: ex}, {channel: hy}, {soh: battery}";

  support::TempDir dir{};
  std::string log{};

  /// Records the lines; returns the files that were made.
  std::vector<fs::path> record(const std::string& lines) {
    support::write_text(dir / "day.TXT", lines);
    fs::create_directory(dir / "data");
    support::write_text(dir / "mth5d.yaml", yaml("file: {path: '" + (dir / "day.TXT").string() + "', speed: max" +
                                                 (file.empty() ? "" : ", " + file) + "}"));
    const auto done = support::run({support::program("mth5d"), "--config", (dir / "mth5d.yaml").string(), "--until-eof",
                                    "--status-file", (dir / "status.json").string()});
    log = done.err;
    EXPECT_EQ(done.code, 0) << log;
    return files();
  }
  [[nodiscard]] std::string yaml(const std::string& input) const {
    const auto more = [](const std::string& keys) { return keys.empty() ? "" : ", " + keys; };
    return "survey: {id: TEST}\nstation: {id: MT001}\noutput: {directory: '" + (dir / "data").string() + "'" + more(output) +
           "}\n" + top + "sources:\n  - {name: box, " + input + more(source) + ", instrument: {sample_rate: " + rate +
           ", text: {columns: [" + columns + "]" + more(text) + "}, channels: {ex: {" + ex +
           "}, hy: {type: magnetic, units: nanoTesla}}, state_of_health: {battery: {" + battery + "}}}}\n";
  }
  [[nodiscard]] std::vector<fs::path> files() const { return support::files_in(dir / "data"); }
  [[nodiscard]] nlohmann::json status() const { return nlohmann::json::parse(support::read_text(dir / "status.json")); }
};

std::string line(int second, const std::string& values) {
  char text[64];
  std::snprintf(text, sizeof text, "2026 05 01 %02d %02d %02d ", second / 3600, second / 60 % 60, second % 60);
  return text + values + "\n";
}

std::string lines(std::initializer_list<int> seconds) {
  std::string all;
  for (const int second : seconds) all += line(second, std::to_string(10 * second) + " " + std::to_string(second) + ".5 12.5");
  return all;
}

/// What Python sees of a file, by h5py.
std::string python(const fs::path& file, const std::string& expression) {
  const char* program = std::getenv("MTH5_TEST_PYTHON");
  if (program == nullptr) throw std::runtime_error{"MTH5_TEST_PYTHON is not set"};
  const auto done = support::run(
      {program, "-c",
       "import h5py,sys\nf=h5py.File(sys.argv[1],'r')\ns=f['Experiment/Surveys/TEST/Stations/MT001']\nprint(" + expression + ")",
       file.string()});
  EXPECT_EQ(done.code, 0) << done.err;
  return done.out;
}

std::vector<double> values(const fs::path& file, std::size_t run, const std::string& component) {
  mth5::Reader reader{file};
  for (const auto channel : reader.runs().at(run).channels)
    if (reader.channels()[channel].component == component) return reader.read(channel, 0, 1000);
  return {};
}

TEST(ConfigKeys, OutputIsWhereAndAsItSays) {
  Site site{.output = "file_name: 'x_{start:%Y%m%d_%H%M%S}.h5', file_version: 0.1.0"};
  const auto files = site.record(lines({0, 1, 2}));
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].filename(), "x_20260501_000000.h5");
  EXPECT_EQ(mth5::Reader{files[0]}.file_version(), "0.1.0");
}

TEST(ConfigKeys, MountRequiredWantsADiskOfItsOwn) {
  // Memory is mounted, and kept by nobody.
  ASSERT_EQ(setenv("TMPDIR", "/dev/shm", 1), 0);
  const support::TempDir in_memory;
  Site any{.output = "mount: any"};
  ASSERT_EQ(unsetenv("TMPDIR"), 0);
  EXPECT_EQ(any.record(lines({0, 1, 2})).size(), 1u);
  EXPECT_THAT(any.log,
              testing::HasSubstr("/data: is in memory: recordings are lost when the power is cut; name a directory on a disk"));

  const Site site{.output = "mount: required"};
  support::write_text(site.dir / "mth5d.yaml", site.yaml("file: {path: day.TXT}"));
  const auto error_in = [&](const std::string& directory) {
    const auto refused = support::run({support::program("mth5d"), "--config", (site.dir / "mth5d.yaml").string(), "--set",
                                       "output.directory=" + directory, "--status-file", (site.dir / "status.json").string()});
    EXPECT_EQ(refused.code, 1);
    return refused.err;
  };
  EXPECT_EQ(
      error_in("/"),
      "mth5d: error: output.directory /: no disk is mounted there, it lies on that of /, and output.mount is required; mount it "
      "(see /etc/fstab), or set output.mount: any\n");
  EXPECT_EQ(
      error_in(in_memory.path().string()),
      "mth5d: error: output.directory " + in_memory.path().string() +
          ": no disk is mounted there, and output.mount is required: it is in memory: recordings are lost when the power is "
          "cut; name a directory on a disk, or set output.mount: any\n");
}

TEST(ConfigKeys, ChunkIsThatOfTheDatasets) {
  Site site{.top = "chunk: 7\n"};
  const auto files = site.record(lines({0, 1, 2}));
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(python(files[0], "s['sr1_0001/ex'].chunks"), "(7,)\n");
}

TEST(ConfigKeys, FillStandsForWhatIsNotKnownInIntegersAndNaNInFloats) {
  Site site{.top = "gap: {fill_up_to: 10s}\n", .ex = "type: electric, units: milliVolt, dtype: int32, fill: -999"};
  const auto files = site.record(lines({0, 1}) + line(2, "*** *** 12.5") + lines({3, 6, 7}));
  ASSERT_EQ(files.size(), 1u);
  EXPECT_THAT(values(files[0], 0, "ex"), ElementsAre(0, 10, -999, 30, -999, -999, 60, 70));
  const auto hy = values(files[0], 0, "hy");
  ASSERT_EQ(hy.size(), 8u);
  for (const std::size_t i : {2u, 4u, 5u}) EXPECT_TRUE(std::isnan(hy[i])) << i;
  EXPECT_EQ(hy[6], 6.5);
  EXPECT_EQ(python(files[0], "s['sr1_0001/ex'].dtype, s['sr1_0001/hy'].dtype"), "int32 float64\n");
}

/// Whether a dataset has a fill value of its own, as h5py knows it.
std::string has_fill(const std::string& name) {
  return "s['" + name + "'].id.get_create_plist().fill_value_defined() == h5py.h5d.FILL_VALUE_USER_DEFINED";
}

/// What the report knows of channel ex: missing, least value, clipped.
std::string reported(const fs::path& file) {
  const auto done = support::run({support::program("mth5-summary"), "--check", "--format", "json", file.string()});
  const auto report = nlohmann::json::parse(done.out);
  for (const auto& channel : report.at("channels"))
    if (channel.at("component") == "ex")
      return channel.at("missing").dump() + " " + channel.at("min").dump() + " " + channel.at("clipped").dump();
  return "";
}

TEST(ConfigKeys, WithoutFillWhatWasSentIsASampleWhateverItsValueAndTheGapsSayWhatWasNot) {
  Site site{.ex = "type: electric, units: milliVolt, dtype: int16, clip_limits: [-32768, 32767]"};
  std::string text = lines({0, 1}) + line(2, "*** 2.5 12.5") + line(3, "*** 3.5 12.5") + lines({4});
  for (const int second : {5, 6, 7}) text += line(second, "-32768 1 12.5");
  for (const int second : {8, 9}) text += line(second, "32767 1 12.5");
  const auto files = site.record(text);
  ASSERT_EQ(files.size(), 1u);
  EXPECT_THAT(values(files[0], 0, "ex"), ElementsAre(0, 10, -32768, -32768, 40, -32768, -32768, -32768, 32767, 32767));
  EXPECT_EQ(python(files[0], has_fill("sr1_0001/ex")), "False\n");
  mth5::Reader reader{files[0]};
  EXPECT_EQ(reader.fill_value(reader.find("MT001", "sr1_0001", "ex").at(0)), std::nullopt);
  const std::string gaps = "f['Acquisition/gaps']";
  EXPECT_EQ(python(files[0], "[(g['component'].decode(), g['reason'].decode(), int(g['start'])-int(" + gaps +
                                 "['start'][0]), int(g['samples']), int(g['filled'])) for g in " + gaps + "]"),
            "[('ex', 'no-value', 0, 2, 1)]\n");
  EXPECT_EQ(mth5::to_iso(mth5::UtcNanos{mth5::Nanos{reader.table("gaps")->integer(0, "start")}}), "2026-05-01T00:00:02Z");
  EXPECT_EQ(reported(files[0]), "2 -32768.0 5") << "all that was sent is there, and cut off";
  EXPECT_THAT(site.log, testing::HasSubstr("samples=2 reason=no-value filled channel=ex"));
}

TEST(ConfigKeys, WhatIsSentAndEqualsTheFillValueIsUnknownAndCounted) {
  Site site{.ex = "type: electric, units: milliVolt, dtype: int16, fill: -32768"};
  const auto files = site.record(lines({0, 1}) + line(2, "-32768 2.5 12.5") + line(3, "*** 2.5 12.5") + line(4, "-40000 1 12.5"));
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(python(files[0], has_fill("sr1_0001/ex") + ", s['sr1_0001/ex'].fillvalue"), "True -32768\n");
  EXPECT_EQ(reported(files[0]).substr(0, 5), "3 0.0");
  const auto ledger = mth5::Reader{files[0]}.table("stream_ledger").value();
  EXPECT_EQ(ledger.integer(ledger.size() - 1, "values_as_fill"), 2);
  EXPECT_EQ(ledger.integer(ledger.size() - 1, "values_clipped"), 1);
  EXPECT_THAT(site.log, testing::HasSubstr("values of a channel stream=box channel=ex n=2 first=-32768 dtype=\"int16, -32768 to "
                                           "32767, fill -32768\" reason=values_as_fill: the same as the fill value"));
}

TEST(ConfigKeys, ValuesThatTheDtypeCannotHoldAreNamedAndCounted) {
  Site site{.ex = "type: electric, units: milliVolt, dtype: int16"};
  const auto files = site.record(line(0, "40000 1 12.5") + line(1, "1.5 1 12.5") + line(2, "2 1 12.5") + line(3, "-2.25 1 12.5"));
  ASSERT_EQ(files.size(), 1u);
  EXPECT_THAT(values(files[0], 0, "ex"), ElementsAre(32767, 2, 2, -2));
  const std::string dtype = " dtype=\"int16, -32768 to 32767\" reason=";
  EXPECT_THAT(site.log, testing::HasSubstr("warning: values of a channel stream=box channel=ex n=1 first=40000" + dtype +
                                           "values_clipped: beyond what"));
  EXPECT_THAT(site.log, testing::HasSubstr("warning: values of a channel stream=box channel=ex n=2 first=1.5" + dtype +
                                           "values_rounded: no whole numbers"));
  const auto summary = support::run({support::program("mth5-summary"), files[0].string()});
  EXPECT_THAT(summary.out, testing::HasSubstr("values beyond what their channel can hold 1\n"));
  EXPECT_THAT(summary.out, testing::HasSubstr("values that are no whole numbers, as their channel holds 2\n"));
  const auto ledger = site.status().at("ledger").at("streams").at(0);
  EXPECT_EQ(ledger.at("values_clipped"), 1);
  EXPECT_EQ(ledger.at("values_rounded"), 2);
}

TEST(ConfigKeys, GapFillUpToHoldsPerSource) {
  Site common{.top = "gap: {fill_up_to: 10s}\n"};
  EXPECT_EQ(mth5::Reader{common.record(lines({0, 1, 4, 5})).at(0)}.runs().size(), 1u);
  Site own{.top = "gap: {fill_up_to: 10s}\n", .source = "gap: {fill_up_to: 1s}"};
  EXPECT_EQ(mth5::Reader{own.record(lines({0, 1, 4, 5})).at(0)}.runs().size(), 2u);
}

TEST(ConfigKeys, GapToleranceDecidesWhatFollowsWhat) {
  const std::string off = line(0, "1 1 1") + line(1, "1 1 1") + "2026 05 01 00 00 02.4 1 1 1\n2026 05 01 00 00 03.4 1 1 1\n";
  Site wide;
  EXPECT_EQ(mth5::Reader{wide.record(off).at(0)}.runs().size(), 1u);
  Site narrow{.top = "gap: {tolerance: 0.1 samples}\n"};
  EXPECT_GT(mth5::Reader{narrow.record(off).at(0)}.runs().size(), 1u);
}

TEST(ConfigKeys, AClockThatWasSetBackIsAcceptedAfterItsTime) {
  Site site{.top = "gap: {accept_backward_after: 2s}\n"};
  const auto files = site.record(lines({100, 101, 102, 103, 50, 51, 52, 53, 54, 55, 56}));
  ASSERT_EQ(files.size(), 1u) << site.log;
  EXPECT_EQ(mth5::Reader{files[0]}.runs().size(), 2u);
}

TEST(ConfigKeys, ReanchorAfterBeginsARunWithoutAGap) {
  // A sample each 1.001 s: after 300 of them the plain axis is off by 300 ms.
  std::string drifting;
  for (int i = 0; i < 300; ++i) {
    char text[64];
    std::snprintf(text, sizeof text, "2026 05 01 00 %02d %02d.%03d %d 0.5 12.5\n", (i * 1001 / 1000) / 60, (i * 1001 / 1000) % 60,
                  i * 1001 % 1000, i);
    drifting += text;
  }
  Site never;
  auto files = never.record(drifting);
  ASSERT_EQ(files.size(), 1u) << never.log;
  EXPECT_EQ(mth5::Reader{files[0]}.runs().size(), 1u);
  Site often{.top = "clock: {reanchor_after: 0.1 samples}\n"};
  files = often.record(drifting);
  ASSERT_EQ(files.size(), 1u) << often.log;
  const mth5::Reader reader{files[0]};
  EXPECT_GE(reader.runs().size(), 2u) << often.log;
  std::int64_t n = 0;
  for (const auto& run : reader.runs()) n += run.n_samples;
  EXPECT_EQ(n, 300);
  const auto gaps = reader.table("gaps").value();
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    EXPECT_EQ(gaps.text(i, "reason"), "clock-drift");
    EXPECT_EQ(gaps.integer(i, "samples"), 0);
  }
}

TEST(ConfigKeys, NotBeforeMovesTimesOnByWeeks) {
  Site site{.top = "clock: {not_before: 2020-01-01}\n"};
  std::string old;
  for (int i = 0; i < 5; ++i) old += "2006 09 15 12 00 0" + std::to_string(i) + " 1.0 0.5 12.5\n";
  const auto files = site.record(old);
  ASSERT_EQ(files.size(), 1u) << site.log;
  EXPECT_EQ(mth5::to_iso(mth5::Reader{files[0]}.runs().at(0).start), "2026-05-01T12:00:00Z") << "1024 weeks later";
}

/// Lines with a time in tenths of a second.
std::string tenths(const std::vector<int>& at, const char* form = "2026 05 01 00 %02d %02d.%d 1 %d 12.5\n") {
  std::string all;
  for (std::size_t i = 0; i < at.size(); ++i) {
    char text[64];
    std::snprintf(text, sizeof text, form, at[i] / 600, at[i] / 10 % 60, at[i] % 10, static_cast<int>(i));
    all += text;
  }
  return all;
}

std::vector<std::string> reasons(const fs::path& file) {
  const mth5::Reader reader{file};
  const auto gaps = reader.table("gaps").value();
  std::vector<std::string> all;
  for (std::size_t i = 0; i < gaps.size(); ++i) all.push_back(gaps.text(i, "reason"));
  return all;
}

TEST(ConfigKeys, ToleranceFloorLetsTimesBeOff) {
  std::vector<int> at;  // 5 Hz; two samples are lost, or the clock moved by 400 ms
  for (int i = 0; i < 40; ++i) at.push_back(2 * i + (i < 20 ? 0 : 4));
  Site strict{.rate = "5"};
  EXPECT_EQ(mth5::Reader{strict.record(tenths(at)).at(0)}.runs().size(), 2u);
  Site wide{.top = "gap: {tolerance_floor: 600ms}\n", .rate = "5"};
  EXPECT_EQ(mth5::Reader{wide.record(tenths(at)).at(0)}.runs().size(), 1u) << wide.log;
}

TEST(ConfigKeys, LongestTellsAGapFromAClockThatWasSet) {
  const auto text = lines({0, 1, 2, 3, 300, 301, 302, 303, 304});
  Site gap;
  EXPECT_THAT(reasons(gap.record(text).at(0)), ElementsAre("no-data"));
  Site set{.top = "gap: {longest: 1min}\n"};
  EXPECT_THAT(reasons(set.record(text).at(0)), ElementsAre("clock-step")) << set.log;
}

TEST(ConfigKeys, RememberSaysHowFarBackARepetitionIsKnown) {
  std::string text;
  for (int i = 0; i < 9000; ++i) text += line(i, std::to_string(i) + " 0.5 12.5");
  for (int i = 0; i < 50; ++i) text += line(i, std::to_string(i) + " 0.5 12.5");
  for (int i = 9000; i < 9010; ++i) text += line(i, std::to_string(i) + " 0.5 12.5");
  const auto duplicates = [&](const std::string& top) {
    Site site{.top = top};
    static_cast<void>(site.record(text));
    return site.status().at("sources").at(0).at("dropped").value("duplicate", 0);
  };
  EXPECT_EQ(duplicates(""), 50);
  EXPECT_EQ(duplicates("gap: {remember: 1}\n"), 0);
}

TEST(ConfigKeys, ResolutionMakesSenseOfWholeSeconds) {
  // The first sample comes in the middle of a second: half of that second's are there.
  std::vector<int> at;
  for (int i = 5; i < 100; ++i) at.push_back(i / 10 * 10);
  for (const bool profile : {true, false}) {
    Site whole{.top = profile ? "" : "clock: {resolution: 1ns}\n", .rate = "10", .text = profile ? "resolution: 1ns" : ""};
    const mth5::Reader exact{whole.record(tenths(at)).at(0)};
    EXPECT_GT(exact.runs().size(), 1u) << "taken for exact, such times contradict one another";
  }
  Site site{.top = "clock: {resolution: 1s}\n", .rate = "10"};
  const mth5::Reader cut{site.record(tenths(at)).at(0)};
  ASSERT_EQ(cut.runs().size(), 1u);
  EXPECT_EQ(cut.runs()[0].n_samples, 95);
  const auto last = *mth5::parse_time("2026-05-01T00:00:09.9Z");  // when it was taken
  EXPECT_LT(std::abs(std::chrono::duration<double>(cut.utc_of(0, 94) - last).count()), 0.101) << "one sample";
}

TEST(ConfigKeys, WindowIsTheMemoryOfTheClock) {
  std::string text;  // stamps that jitter by a tenth of a second
  for (int i = 0; i < 2000; ++i) {
    char one[64];
    std::snprintf(one, sizeof one, "2026 05 01 00 %02d %02d.%d00000 %d 0.5 12.5\n", i / 60, i % 60, i * 7 % 3, i);
    text += one;
  }
  const auto uncertainty = [&](const std::string& window) {
    Site site{.top = "clock: {window: " + window + "}\n"};
    const mth5::Reader reader{site.record(text).at(0)};
    const auto anchors = reader.table("clock/box").value();
    return anchors.number(anchors.size() - 1, "uncertainty");
  };
  EXPECT_GT(uncertainty("10s"), 3 * uncertainty("1d"));
}

TEST(ConfigKeys, LinesWithoutATimeHaveThatOfTheirArrivalLessTheDelay) {
  const auto begins_before = [](const std::string& top) {
    Site site{.top = top, .text = "time: host", .columns = "{channel: ex}, {channel: hy}, {soh: battery}"};
    const auto files = site.record("48464.53 1 12.5\n48464.60 2 12.5\n48464.71 3 12.5\n");
    EXPECT_EQ(files.size(), 1u) << site.log;
    const mth5::Reader reader{files.at(0)};
    EXPECT_EQ(reader.runs().size(), 1u);
    EXPECT_EQ(reader.runs().at(0).n_samples, 3);
    EXPECT_EQ(reader.table("clock/box")->text(0, "kind"), "host");
    EXPECT_EQ(python(files[0], "s['sr1_0001'].attrs['data_logger.timing_system.type']"), "clock of the recording computer\n");
    return std::chrono::duration<double>(mth5::host_now() - reader.runs().at(0).start).count();
  };
  EXPECT_LT(begins_before(""), 45) << "seconds ago";
  EXPECT_GE(begins_before("clock: {delay: 1min}\n"), 60);
}

TEST(ConfigKeys, TheDateOfThisComputerGoesWithTimesOfDay) {
  Site site{.text = "time: host-date, clock: device",
            .columns = "{time: '%H%M%S'}, {channel: ex}, {channel: hy}, {soh: battery}"};
  const auto now = mth5::to_iso(mth5::host_now());
  const int hour = std::stoi(now.substr(11, 2));
  std::string text;  // of a GSM-19 with the old firmware: the hour goes on behind 23
  for (int second = 10; second < 15; ++second)
    text += std::to_string(hour + 48) + "00" + std::to_string(second) + ".0 48464.5 1 12.5\n";
  const auto files = site.record(text);
  ASSERT_EQ(files.size(), 1u) << site.log;
  const mth5::Reader reader{files[0]};
  ASSERT_EQ(reader.runs().size(), 1u);
  const auto start = mth5::to_iso(reader.runs()[0].start);
  EXPECT_EQ(start.substr(10), now.substr(10, 4) + "00:10Z");
  EXPECT_LT(std::chrono::abs(reader.runs()[0].start - mth5::host_now()), std::chrono::hours{13});
  EXPECT_EQ(reader.table("clock/box")->text(0, "kind"), "device");
}

TEST(ConfigKeys, TheDateOfARecordingWithoutOneIsThatWhichIsGiven) {
  const std::string text = "235958.0 1 2 12\n235959.0 3 4 12\n000000.0 5 6 12\n000001.0 7 8 12\n103000.0 9 10 12\n";
  const auto times = [&](const std::string& date, std::string& log) {
    Site site{
        .file = date, .text = "time: host-date", .columns = "{time: '%H%M%S'}, {channel: ex}, {channel: hy}, {soh: battery}"};
    const auto files = site.record(text);
    log = site.log;
    if (files.size() != 1) return std::vector<std::string>{};
    const mth5::Reader reader{files[0]};
    std::vector<std::string> found;
    for (const auto& run : reader.runs()) found.push_back(mth5::to_iso(run.start) + " " + std::to_string(run.n_samples));
    return found;
  };
  std::string log;
  EXPECT_THAT(times("date: 2024-02-28", log), ElementsAre("2024-02-28T23:59:58Z 4", "2024-02-29T10:30:00Z 1")) << log;
  EXPECT_THAT(log, Not(HasSubstr("no date")));
  EXPECT_THAT(times("", log), SizeIs(2));
  EXPECT_THAT(log,
              HasSubstr("warning: source box: its lines have no date, the first one gets that of this computer's clock; if it "
                        "is of another day give that: file: {..., date: 2026-03-01}"));
}

TEST(RunMetadata, TellTheDriftOfTheClockAndHowWellItIsKnown) {
  std::string text;  // samples 1.0001 s apart: 100 ppm
  for (int i = 0; i < 1000; ++i) {
    char one[64];
    const int tenth_ms = i * 10001;
    std::snprintf(one, sizeof one, "2026 05 01 00 %02d %02d.%04d %d 0.5 12.5\n", tenth_ms / 600000, tenth_ms / 10000 % 60,
                  tenth_ms % 10000, i);
    text += one;
  }
  text += lines({2000, 2001, 2002, 2003});  // ends the run
  Site site{.text = "clock: device"};
  const auto files = site.record(text);
  ASSERT_EQ(files.size(), 1u) << site.log;
  const std::string of = "r.attrs['data_logger.timing_system.";
  const auto said = python(files[0], "*[(" + of + "type'], round(float(" + of + "drift']), 3), 0 <= float(" + of +
                                         "uncertainty']) < 1) for r in (s['sr1_0001'], s['sr1_0002'])]");
  EXPECT_EQ(said, "('internal clock of the instrument', 0.1, True) ('internal clock of the instrument', 0.0, True)\n")
      << "seconds from the first sample to the last";
}

TEST(RunMetadata, OfARunThatIsBeingRecordedSayWhoseClockItIs) {
  for (const bool host : {true, false}) {
    support::TcpPeer peer;
    const std::string text =
        host ? "time: host, columns: [{channel: ex}]" : "clock: device, columns: [{time: '%s'}, {channel: ex}]";
    Recording recording{
        Recording::tcp(peer.port()),
        {.instrument = "{sample_rate: 1, text: {" + text + "}, channels: {ex: {type: electric, units: milliVolt}}}"}};
    ASSERT_TRUE(peer.accept()) << recording.log();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(peer.send(host ? "1.5\n" : std::to_string(1'777'593'600 + i) + " 1.5\n"));
    ASSERT_TRUE(recording.wait_until([](const auto& s) { return !s.at("channels").empty() && s["channels"][0]["visible"] == 5; }))
        << recording.log();
    const mth5::Reader reader{recording.file()};
    const auto run = reader.run_metadata(0);
    EXPECT_EQ(run.text("data_logger.timing_system.type"),
              host ? "clock of the recording computer" : "internal clock of the instrument");
    EXPECT_EQ(recording.stop(), 0);
  }
}

TEST(ConfigKeys, RollBeginsAFileAfterSoManyRuns) {
  Site site{.output = "roll: {runs: 2}"};
  const auto files = site.record(lines({0, 1, 10, 11, 20, 21, 30, 31, 40, 41}));
  ASSERT_EQ(files.size(), 3u) << site.log;
  std::vector<std::size_t> runs;
  for (const auto& file : files) runs.push_back(mth5::Reader{file}.runs().size());
  EXPECT_THAT(runs, ElementsAre(2, 2, 1));
}

TEST(ConfigKeys, TheSourcesNameIsThatOfItsTables) {
  Site site;
  const auto files = site.record(lines({0, 1, 2}));
  ASSERT_EQ(files.size(), 1u);
  EXPECT_THAT(mth5::Reader{files[0]}.tables(), testing::Contains("state_of_health/box"));
}

TEST(ConfigKeys, TheRateOfASourceGoesBeforeThatOfTheProfile) {
  Site site{.source = "sample_rate: 0.1"};
  const auto files = site.record(lines({0, 10, 20}));
  ASSERT_EQ(files.size(), 1u);
  const mth5::Reader reader{files[0]};
  ASSERT_EQ(reader.runs().size(), 1u);
  EXPECT_EQ(reader.runs()[0].sample_rate, 0.1);
  EXPECT_EQ(reader.runs()[0].n_samples, 3);
  EXPECT_EQ(reader.runs()[0].id, "sr0p1_0001");
}

TEST(ConfigKeys, ASkippedChannelIsNotInTheFile) {
  Site site{.source = "channels: {ex: skip}"};
  const auto files = site.record(lines({0, 1, 2}));
  ASSERT_EQ(files.size(), 1u);
  const mth5::Reader reader{files[0]};
  ASSERT_EQ(reader.channels().size(), 1u);
  EXPECT_EQ(reader.channels()[0].component, "hy");
  EXPECT_THAT(values(files[0], 0, "hy"), ElementsAre(0.5, 1.5, 2.5));
  EXPECT_TRUE(site.status().at("ledger").at("balanced").get<bool>());
}

TEST(ConfigKeys, TextIsReadAsTheProfileSays) {
  Site site{.text = "delimiter: ',', comment: '#', max_line: 40"};
  auto text = "# a line that is longer than forty bytes is a comment all the same\n" + lines({0, 1});
  for (char& c : text)
    if (c == ' ') c = ',';
  const auto files = site.record(text + std::string(60, 'x') + "\n2026,05,01,00,00,02,20,,\n");
  ASSERT_EQ(files.size(), 1u);
  EXPECT_THAT(values(files[0], 0, "ex"), ElementsAre(0, 10, 20));
  EXPECT_TRUE(std::isnan(values(files[0], 0, "hy").at(2)));
  EXPECT_THAT(site.log, testing::HasSubstr("too-long"));
}

TEST(ConfigKeys, LinesOfOtherLengthsAreKeptAsFarAsTheyAreWholeOrNot) {
  const auto text = lines({0, 1}) + line(2, "20 2.5 12.5 9") + lines({3}) + line(4, "40 4.5") + lines({5});
  Site site{.text = "lengths: [9]"};
  const auto files = site.record(text);
  ASSERT_EQ(files.size(), 1u);
  EXPECT_THAT(values(files[0], 0, "ex"), ElementsAre(0, 10, 20, 30));
  const auto source = site.status().at("sources").at(0);
  EXPECT_EQ(source.at("short_lines"), 1);
  EXPECT_EQ(source.at("skipped").at("short-line"), line(4, "40 4.5").size());
  const auto ledger = mth5::Reader{files[0]}.table("source_ledger");
  EXPECT_EQ(ledger->integer(ledger->size() - 1, "short_lines"), 1);
  Site strict{.text = "lengths: [9], strict: true"};
  const auto strict_files = strict.record(text);
  ASSERT_EQ(strict_files.size(), 1u);
  EXPECT_THAT(values(strict_files[0], 0, "ex"), ElementsAre(0, 10));
  EXPECT_EQ(strict.status().at("sources").at(0).at("short_lines"), 0);
}

TEST(ConfigKeys, OtherFormsOfTextAreReadAsTheProfileSays) {
  Site cr{.text = "terminator: cr, header_lines: 1, decimal: comma"};
  const auto cr_files = cr.record("ex hy battery\r2026 05 01 00 00 00 1,5 2,5 12,5\r2026 05 01 00 00 01 2,5 3,5 12,5\r");
  ASSERT_EQ(cr_files.size(), 1u) << cr.log;
  EXPECT_THAT(values(cr_files[0], 0, "ex"), ElementsAre(1.5, 2.5));
  const auto skipped = cr.status().at("sources").at(0).at("skipped");
  for (const auto& [reason, bytes] : skipped.items()) EXPECT_EQ(bytes, 0) << reason;
  Site nmea{.text = "checksum: nmea, delimiter: ','",
            .columns = "{time: '%s'}, {channel: ex}, {channel: hy, form: hex, bits: 8}, {soh: battery}"};
  const auto nmea_files = nmea.record("$1777593600,1.5,FF,12*0A\n$1777593601,2.5,7F,12*79\n");
  ASSERT_EQ(nmea_files.size(), 1u) << nmea.log;
  EXPECT_THAT(values(nmea_files[0], 0, "hy"), ElementsAre(-1, 127));
  Site json{.text = "json: true",
            .columns = "{key: t, time: '%s'}, {key: e, channel: ex}, {key: h, channel: hy}, {key: b, soh: battery}"};
  const auto json_files =
      json.record("{\"t\":1777593600,\"e\":1.5,\"h\":2,\"b\":12}\n{\"t\":\"1777593601\",\"e\":2.5,\"h\":\"3\",\"b\":12}\n");
  ASSERT_EQ(json_files.size(), 1u) << json.log;
  EXPECT_THAT(values(json_files[0], 0, "hy"), ElementsAre(2, 3));
  Site unended{.text = "terminator: none, line_bytes: 22",
               .columns =
                   "{time: '%Q', width: 13}, {skip: 1}, {channel: ex, width: 4, scale: 2, offset: 1}, {channel: hy, "
                   "width: 2, missing: 0}, {text: '/'}, {soh: battery, width: 1}"};
  const auto unended_files = unended.record("1777593600000x 1.5 7/91777593601000x-2.5 0/9");
  ASSERT_EQ(unended_files.size(), 1u) << unended.log;
  EXPECT_THAT(values(unended_files[0], 0, "ex"), ElementsAre(4, -4));
  EXPECT_THAT(values(unended_files[0], 0, "hy"), ElementsAre(7, testing::IsNan()));
}

TEST(ConfigKeys, AnswersSayAStateOfHealthThatNoColumnSays) {
  Site site{.text = "comment: '%', answers: [{begins: '%Ubat', soh: battery}]",
            .columns = "year, month, day, hour, minute, second, {channel: ex}, {channel: hy}"};
  const auto files = site.record(line(0, "1 2") + "%Ubat 12.43V\r\n" + line(1, "3 4"));
  ASSERT_EQ(files.size(), 1u) << site.log;
  const auto table = mth5::Reader{files[0]}.table("state_of_health/box");
  ASSERT_EQ(table->size(), 2u);
  EXPECT_TRUE(std::isnan(table->number(0, "battery")));
  EXPECT_EQ(table->number(1, "battery"), 12.43);
}

TEST(ConfigKeys, RateAndTypesAreThoseOfTheProfile) {
  Site site{.rate = "0.5", .ex = "type: electric, units: milliVolt, dtype: float32"};
  const auto files = site.record(lines({0, 2, 4}));
  ASSERT_EQ(files.size(), 1u);
  const mth5::Reader reader{files[0]};
  ASSERT_EQ(reader.runs().size(), 1u);
  EXPECT_EQ(reader.runs()[0].sample_rate, 0.5);
  EXPECT_EQ(python(files[0], "s['sr0p5_0001/ex'].dtype, s['sr0p5_0001/ex'].attrs['type'], s['sr0p5_0001/hy'].attrs['type']"),
            "float32 electric magnetic\n");
}

TEST(ConfigKeys, AChangeOfStateOfHealthIsWorthARowOrNot) {
  const auto text = line(0, "1 1 12.0") + line(1, "1 1 12.1") + line(2, "1 1 12.1") + line(3, "1 1 12.6") + line(4, "1 1 ?") +
                    line(5, "1 1 12.6");
  const auto rows = [&](const std::string& battery) {
    Site site{.battery = battery};
    const auto files = site.record(text);
    const auto table = mth5::Reader{files.at(0)}.table("state_of_health/box");
    std::string all;
    for (std::size_t i = 0; i < table->size(); ++i)
      all += (all.empty() ? "" : " ") + std::to_string(table->number(i, "battery")).substr(0, 4);
    return all;
  };
  EXPECT_EQ(rows("units: V"), "12.0 12.1 12.6 nan 12.6");
  EXPECT_EQ(rows("units: V, change: 0.5"), "12.0 12.6 nan 12.6") << "what comes or goes is always worth one";
}

TEST(ConfigKeys, FlushSamplesMakesThemVisible) {
  support::TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.config = "flush: {samples: 3, interval: 1h}\nsync: {interval: 1d}\n"}};
  ASSERT_TRUE(peer.accept());
  const auto day = support::read_text(support::data() / "lemi424" / "202010010000.TXT");
  std::size_t end = 0;
  for (int i = 0; i < 10; ++i) end = day.find('\n', end) + 1;
  ASSERT_TRUE(peer.send(day.substr(0, end)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) {
    return !s.at("channels").empty() && s.at("channels")[0].at("visible") >= 6;
  })) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

TEST(ConfigKeys, SyncMakesThemDurable) {
  support::TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.config = "flush: {interval: 50ms}\nsync: {interval: 100ms}\n"}};
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(peer.send(support::read_text(support::data() / "lemi424" / "202010010000.TXT")));
  EXPECT_TRUE(recording.wait_until([](const auto& s) {
    return !s.at("channels").empty() && s.at("channels")[0].at("durable") >= 100;
  })) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

TEST(ConfigKeys, TheRingHasRoomForItsTime) {
  Site small{.top = "ring: 1s\n"};
  static_cast<void>(small.record(lines({0, 1, 2})));
  Site large{.top = "ring: 12h\n"};
  static_cast<void>(large.record(lines({0, 1, 2})));
  EXPECT_GT(large.status().at("ring").at("capacity"), small.status().at("ring").at("capacity"));
}

TEST(ConfigKeys, TheReserveIsHeldWhileItRecords) {
  support::TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.arguments = {"--set", "output.reserve=3MiB"}}};
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(peer.send(support::read_text(support::data() / "lemi424" / "202010010000.TXT")));
  ASSERT_TRUE(recording.wait_for_log("file open")) << recording.log();
  std::set<std::uintmax_t> hidden;
  for (const auto& entry : fs::directory_iterator{recording.directory()})
    if (entry.path().filename().string().find("reserve") != std::string::npos) hidden.insert(entry.file_size());
  EXPECT_THAT(hidden, ElementsAre(3u << 20));
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

TEST(ConfigKeys, TheSpeedOfARecordingIsKept) {
  Site site;
  support::write_text(site.dir / "day.TXT", lines({0, 1, 2, 3}));
  fs::create_directory(site.dir / "data");
  support::write_text(site.dir / "mth5d.yaml", site.yaml("file: {path: '" + (site.dir / "day.TXT").string() + "', speed: 4}"));
  const auto start = std::chrono::steady_clock::now();
  const auto done = support::run({support::program("mth5d"), "--config", (site.dir / "mth5d.yaml").string(), "--until-eof",
                                  "--status-file", (site.dir / "status.json").string()});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds{750}) << "the last line comes after 3/4 s";
}

TEST(ConfigKeys, ThePortIsSetAsItSays) {
  const support::TempDir dir;
  support::PtyPeer line{dir / "port"};
  line.plug();
  const int port = open(line.link().c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(port, 0);
  Recording recording{"serial: {device: '" + line.link().string() + "', baud: 2500000, stop_bits: 2}\n"};
  EXPECT_TRUE(recording.wait_for_log("source connected")) << recording.log();
  termios settings{};
  EXPECT_EQ(tcgetattr(port, &settings), 0);
  close(port);
  EXPECT_EQ(cfgetospeed(&settings), speed_t{B2500000});
  EXPECT_EQ(settings.c_cflag & CSTOPB, tcflag_t{CSTOPB});
  EXPECT_EQ(settings.c_cflag & PARENB, 0u);
  EXPECT_EQ(settings.c_cflag & CSIZE, tcflag_t{CS8});
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

TEST(ConfigKeys, TheDescriptionIsListed) {
  const support::TempDir dir;
  support::write_text(
      dir / "tiny.yaml",
      "description: A tiny box\nsample_rate: 2.5\ntext: {columns: [{time: '%Y%m%d%H%M%S'}, {channel: ex}, {soh: t}]}\n"
      "channels: {ex: {type: electric, units: milliVolt}}\nstate_of_health: {t: {units: C}}\n");
  const auto list = support::run({support::program("mth5d"), "--list-instruments"}, {{"MTH5D_INSTRUMENTS", dir.path().string()}});
  EXPECT_EQ(list.code, 0) << list.err;
  EXPECT_THAT(list.out, testing::HasSubstr("tiny  A tiny box  (" + (dir / "tiny.yaml").string() +
                                           ")\n    text, 2.5 Hz: ex; state of health: t\n"));
}

TEST(ConfigKeys, AProfileBehindOneOfItsNameIsListedAsShadowedAndABrokenOneIsAFailure) {
  const support::TempDir dir;
  const auto folder = [&](const char* name) {
    fs::create_directory(dir / name);
    return (dir / name).string();
  };
  const auto folders = folder("site") + ":" + folder("system");
  const std::string good =
      "description: A tiny box\nsample_rate: 1\ntext: {columns: [{time: '%Y%m%d%H%M%S'}, {channel: ex}]}\n"
      "channels: {ex: {type: electric, units: milliVolt}}\n";
  const auto list = [&] {
    return support::run({support::program("mth5d"), "--list-instruments"}, {{"MTH5D_INSTRUMENTS", folders}});
  };
  for (const auto& text : {good, std::string{"sample_rate: x\n"}}) {
    support::write_text(dir / "site/tiny.yaml", good);
    support::write_text(dir / "system/tiny.yaml", text);
    const auto listed = list();
    EXPECT_EQ(listed.code, 0) << "nobody would use that one: " << listed.err;
    EXPECT_THAT(listed.out, testing::HasSubstr("tiny  A tiny box  (" + (dir / "site/tiny.yaml").string() + ")\n"));
    EXPECT_THAT(listed.out, testing::HasSubstr("tiny  shadowed by " + (dir / "site/tiny.yaml").string() + "  (" +
                                               (dir / "system/tiny.yaml").string() + ")\n"));
    EXPECT_THAT(listed.out, testing::Not(testing::HasSubstr("BROKEN")));
  }
  support::write_text(dir / "site/apart.yaml", "sample_rate: x\n");
  const auto listed = list();
  EXPECT_EQ(listed.code, 3);
  EXPECT_THAT(listed.out, testing::HasSubstr("apart  BROKEN: "));
  EXPECT_THAT(listed.out, testing::HasSubstr("tiny  A tiny box  (")) << "all are listed";
  EXPECT_EQ(listed.err, "mth5d: config error: broken profiles, each with what is wrong in the list: apart\n");
}

/// Where each key is seen.
const std::map<std::string, std::string> kSeenBy{
    {"ring", "ConfigKeys, TheRingHasRoomForItsTime"},
    {"chunk", "ConfigKeys, ChunkIsThatOfTheDatasets"},
    {"output.directory", "ConfigKeys, OutputIsWhereAndAsItSays"},
    {"output.file_name", "ConfigKeys, OutputIsWhereAndAsItSays"},
    {"output.file_version", "ConfigKeys, OutputIsWhereAndAsItSays"},
    {"output.allow_network", "FileSystem, OfTheNetworkIsForReadingUnlessItIsAllowed"},
    {"output.mount", "ConfigKeys, MountRequiredWantsADiskOfItsOwn"},
    {"output.reserve", "ConfigKeys, TheReserveIsHeldWhileItRecords"},
    {"output.give_up_after", "RealDisk, ThatDiesKeepsEverySyncedSampleAndIsGivenUpEvenWhenNothingMoreComes"},
    {"output.finalize", "FinalizeByItself, ArchivesWhatIsClosedAndRemovesWhatIsOldAndSafe"},
    {"output.finalize_wait_below", "FinalizeByItself, WaitsWhileTheBatteryIsLow"},
    {"output.retention", "FinalizeByItself, ArchivesWhatIsClosedAndRemovesWhatIsOldAndSafe"},
    {"output.retention_below", "FinalizeByItself, ArchivesWhatIsClosedAndRemovesWhatIsOldAndSafe"},
    {"output.roll.every", "Roll, AFileEndsAtEachMarkOfTheSamplesTime"},
    {"output.roll.at", "Roll, AFileEndsAtEachMarkOfTheSamplesTime"},
    {"output.roll.size", "Roll, AFileThatHasBecomeTooLargeEnds"},
    {"output.roll.runs", "ConfigKeys, RollBeginsAFileAfterSoManyRuns"},
    {"flush.samples", "ConfigKeys, FlushSamplesMakesThemVisible"},
    {"flush.interval", "ConfigKeys, SyncMakesThemDurable"},
    {"sync.interval", "ConfigKeys, SyncMakesThemDurable"},
    {"gap.tolerance", "ConfigKeys, GapToleranceDecidesWhatFollowsWhat"},
    {"gap.fill_up_to", "ConfigKeys, GapFillUpToHoldsPerSource"},
    {"gap.new_run_after", "ConfigErrors, AreAllFoundWithTheirPlace"},  // only ever equal to fill_up_to
    {"gap.accept_backward_after", "ConfigKeys, AClockThatWasSetBackIsAcceptedAfterItsTime"},
    {"clock.reanchor_after", "ConfigKeys, ReanchorAfterBeginsARunWithoutAGap"},
    {"clock.not_before", "ConfigKeys, NotBeforeMovesTimesOnByWeeks"},
    {"gap.tolerance_floor", "ConfigKeys, ToleranceFloorLetsTimesBeOff"},
    {"gap.longest", "ConfigKeys, LongestTellsAGapFromAClockThatWasSet"},
    {"gap.remember", "ConfigKeys, RememberSaysHowFarBackARepetitionIsKnown"},
    {"gap.channel_wait", "ShakeDatacast, GoesOnWithoutAChannelThatStaysAway"},
    {"profile.datacast.clock", "Datacast, TimesOfGpsAreThat"},
    {"profile.miniseed.locked_from", "MiniSeed, TimesAreOfGpsFromATimingQualityOn"},
    {"clock.delay", "ConfigKeys, LinesWithoutATimeHaveThatOfTheirArrivalLessTheDelay"},
    {"clock.resolution", "ConfigKeys, ResolutionMakesSenseOfWholeSeconds"},
    {"clock.window", "ConfigKeys, WindowIsTheMemoryOfTheClock"},
    {"profile.text.time", "ConfigKeys, TheDateOfThisComputerGoesWithTimesOfDay"},
    {"profile.text.resolution", "ConfigKeys, ResolutionMakesSenseOfWholeSeconds"},
    {"profile.text.clock", "ConfigKeys, TheDateOfThisComputerGoesWithTimesOfDay"},
    {"sources[].name", "ConfigKeys, TheSourcesNameIsThatOfItsTables"},
    {"sources[].sample_rate", "ConfigKeys, TheRateOfASourceGoesBeforeThatOfTheProfile"},
    {"sources[].idle_timeout", "SilentPeer, IsHungUpOnAndCalledAgain"},
    {"sources[].reconnect.first", "PeerThatOnlyHangsUp, IsCalledLessAndLessOften"},
    {"sources[].reconnect.limit", "PeerThatOnlyHangsUp, IsCalledLessAndLessOften"},
    {"sources[].commands.spacing", "CommandKeys, AreSeenAtTheInstrument"},
    {"sources[].commands.no_answer", "AnInstrument, ThatDoesNotAnswerIsCalledAnewWhereThatIsWanted"},
    {"sources[].commands.limit", "AnInstrument, ThatNeverReadsHoldsNothingUp"},
    {"sources[].commands.start[].send", "AnInstrument, IsToldToStartAfterEachConnection"},
    {"sources[].commands.start[].answer", "AnInstrument, IsToldToStartAfterEachConnection"},
    {"sources[].commands.start[].timeout", "AnInstrument, ThatDoesNotAnswerIsToldTheRestAllTheSame"},
    {"sources[].commands.start[].pause", "CommandKeys, AreSeenAtTheInstrument"},
    {"sources[].commands.every[].send", "CommandKeys, AreSeenAtTheInstrument"},
    {"sources[].commands.every[].interval", "CommandKeys, AreSeenAtTheInstrument"},
    {"profile.text.line_bytes", "ConfigKeys, OtherFormsOfTextAreReadAsTheProfileSays"},
    {"profile.text.answers[].begins", "ConfigKeys, AnswersSayAStateOfHealthThatNoColumnSays"},
    {"profile.text.answers[].soh", "ConfigKeys, AnswersSayAStateOfHealthThatNoColumnSays"},
    {"profile.channels.NAME.divided_by", "Lemi424, SendsAFieldWhereItsLineLengthIsSet"},
    {"profile.channels.NAME.clip_limits", "SensorKeys, AreInTheFileForItsReaders"},
    {"profile.channels.NAME.noise.f", "SensorKeys, AreInTheFileForItsReaders"},
    {"profile.channels.NAME.noise.asd", "SensorKeys, AreInTheFileForItsReaders"},
    {"profile.channels.NAME.filters[].name", "PhysicalUnits, AreMadeByPythonFromFiltersOfTheProfile"},
    {"profile.channels.NAME.filters[].kind", "PhysicalUnits, AreMadeByPythonFromFiltersOfTheProfile"},
    {"profile.channels.NAME.filters[].units_in", "PhysicalUnits, AreMadeByPythonFromFiltersOfTheProfile"},
    {"profile.channels.NAME.filters[].units_out", "PhysicalUnits, AreMadeByPythonFromFiltersOfTheProfile"},
    {"profile.channels.NAME.filters[].gain", "PhysicalUnits, AreMadeByPythonFromFiltersOfTheProfile"},
    {"profile.channels.NAME.filters[].file", "PhysicalUnits, AreMadeByPythonFromFiltersOfTheProfile"},
    {"profile.channels.NAME.filters[].phase", "PhysicalUnits, AreMadeByPythonFromFiltersOfTheProfile"},
    {"profile.channels.NAME.filters[].normalization_factor", "PhysicalUnits, AreMadeByPythonFromFiltersOfTheProfile"},
    {"profile.channels.NAME.filters[].comments", "Filters, AreReadFromAChannel"},
    {"profile.simulate.otherwise", "SimulatedAnswers, ComeFromTheProfile"},
    {"profile.simulate.answers[].to", "SimulatedAnswers, ComeFromTheProfile"},
    {"profile.simulate.answers[].answer", "SimulatedAnswers, ComeFromTheProfile"},
    {"profile.simulate.answers[].then", "SimCommands, StartTheInstrumentOverALineAndASocket"},
    {"sources[].serial.device", "ConfigKeys, ThePortIsSetAsItSays"},
    {"sources[].serial.baud", "ConfigKeys, ThePortIsSetAsItSays"},
    {"sources[].serial.bits", "ConfigKeys, ThePortIsSetAsItSays"},    // a pty knows 8 only
    {"sources[].serial.parity", "ConfigKeys, ThePortIsSetAsItSays"},  // and none
    {"sources[].serial.stop_bits", "ConfigKeys, ThePortIsSetAsItSays"},
    {"sources[].tcp.host", "MainJob, OverTcpEqualsPython"},
    {"sources[].tcp.port", "MainJob, OverTcpEqualsPython"},
    {"sources[].serial.rs485", "SerialPort, SwitchesItsTransmitterByRts"},
    {"sources[].serial.low_latency", "SerialPort, HasLowLatencyAndKeepsItsOtherFlags"},
    {"sources[].tcp.listen", "Caller, IsTakenAgainAndAgain"},
    {"sources[].tcp.from", "Caller, FromElsewhereIsRefusedAndKeepsNobodyOut"},
    {"sources[].tcp.yield_after", "Caller, ThatOnlyOccupiesTheLineGivesWay"},
    {"sources[].seedlink.host", "SeedLinkVersion, RecordsWhatTheServerSends"},
    {"sources[].seedlink.port", "SeedLinkVersion, RecordsWhatTheServerSends"},
    {"sources[].seedlink.streams", "SeedLinkVersion, SelectorsLeaveOnlyTheirChannels"},
    {"sources[].seedlink.protocol", "SeedLinkVersion, RecordsWhatTheServerSends"},
    {"sources[].seedlink.silence", "SeedLink, AsksAServerThatIsSilentWhetherItIsThere"},
    {"sources[].http.url", "Http, RecordsWhatABoxServes"},
    {"sources[].http.user", "Http, RecordsFromABoxThatWantsAPassword"},
    {"sources[].http.password_file", "Http, RecordsFromABoxThatWantsAPassword"},
    {"sources[].http.poll", "AtssTalk, AsksForWhatIsNewOnly"},
    {"sources[].http.pin", "Https, RecordsFromABoxWhoseCertificateIsPinned"},
    {"sources[].http.self_signed", "Https, TakesNothingFromABoxThatIsNotTrustedUnlessItIsToldTo"},
    {"sources[].http.runs", "AtssTalk, FollowsRunsInTheirOrder"},
    {"sources[].file.follow", "GrowingFile, IsWaitedForAndTakenAsItGrows"},
    {"sources[].file.directory", "GrowingDirectory, IsReadInTheOrderOfItsNames"},
    {"sources[].file.pattern", "GrowingDirectory, IsReadInTheOrderOfItsNames"},
    {"sources[].file.next_after", "GrowingDirectory, StaysWithAFileUntilItHasRestedForNextAfter"},
    {"sources[].udp.listen", "Datagrams, AreEachAPieceOfTheirOwn"},
    {"sources[].udp.group", "Datagrams, OfAGroupComeByTheInterfaceThatIsNamed"},
    {"sources[].udp.interface", "Datagrams, OfAGroupComeByTheInterfaceThatIsNamed"},
    {"sources[].udp.from", "Datagrams, OfAnotherSenderAreCounted"},
    {"sources[].udp.receive_buffer", "Datagrams, ThatFindNoRoomAreCounted"},
    {"sources[].udp.longest", "Datagrams, ThatAreTooLongAreCountedInOneLine"},
    {"sources[].file.path", "MainJob, FromAFileEqualsPython"},
    {"sources[].gpsd.host", "HostClock, IsThatOfGpsdAsLongAsItIsHeard"},
    {"sources[].gpsd.port", "HostClock, IsThatOfGpsdAsLongAsItIsHeard"},
    {"sources[].chrony.every", "HostClock, IsKnownAsFarAsChronySaysAndSoAreTimesOfArrival"},
    {"sources[].file.date", "ConfigKeys, TheDateOfARecordingWithoutOneIsThatWhichIsGiven"},
    {"sources[].file.speed", "ConfigKeys, TheSpeedOfARecordingIsKept"},
    {"profile.description", "ConfigKeys, TheDescriptionIsListed"},
    {"profile.sample_rate", "ConfigKeys, RateAndTypesAreThoseOfTheProfile"},
    {"profile.text.delimiter", "ConfigKeys, TextIsReadAsTheProfileSays"},
    {"profile.text.comment", "ConfigKeys, TextIsReadAsTheProfileSays"},
    {"profile.text.lengths", "ConfigKeys, LinesOfOtherLengthsAreKeptAsFarAsTheyAreWholeOrNot"},
    {"profile.text.strict", "ConfigKeys, LinesOfOtherLengthsAreKeptAsFarAsTheyAreWholeOrNot"},
    {"profile.text.header_lines", "ConfigKeys, OtherFormsOfTextAreReadAsTheProfileSays"},
    {"profile.text.terminator", "ConfigKeys, OtherFormsOfTextAreReadAsTheProfileSays"},
    {"profile.text.decimal", "ConfigKeys, OtherFormsOfTextAreReadAsTheProfileSays"},
    {"profile.text.checksum", "ConfigKeys, OtherFormsOfTextAreReadAsTheProfileSays"},
    {"profile.text.json", "ConfigKeys, OtherFormsOfTextAreReadAsTheProfileSays"},
    {"profile.text.max_line", "ConfigKeys, TextIsReadAsTheProfileSays"},
    {"profile.frame.confirm_frames", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.name", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.sync", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.sync_mask", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.trailer", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.trailer_mask", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.length", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.max_length", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.until", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.endian", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.per_frame", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.match[].at", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.match[].type", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.match[].endian", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.match[].mask", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.match[].value", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.length_field.at", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.length_field.type", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.length_field.endian", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.length_field.add", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.check.rule", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.check.from", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.check.to", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.check.at", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.check.endian", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.check.encoding", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.check.bits", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.check.poly", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.check.init", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.check.xor_out", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.check.reflect_in", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.check.reflect_out", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.counter.at", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.counter.type", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.counter.endian", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.counter.modulus", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.counter.counts", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.time.form", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.time.at", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.time.type", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.time.endian", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.time.unit", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.time.epoch", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.time.shift", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.time.stamps", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.time.clock", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.time.resolution", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.time.ticks.at", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.time.ticks.type", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.time.ticks.endian", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.time.ticks.rate", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.locked.at", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.locked.type", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.locked.endian", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.locked.mask", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.locked.values", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.samples.at", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.samples.type", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.samples.endian", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.samples.layout", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.samples.stride", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.samples.offset_binary", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.samples.scale", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.samples.offset", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.fields[].soh", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.fields[].at", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.fields[].type", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.fields[].endian", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.fields[].mask", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.fields[].scale", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.fields[].offset", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.frame.fields[].values", "FrameProfile, EveryKeyIsInTheFormat"},
    {"profile.channels.NAME.type", "ConfigKeys, RateAndTypesAreThoseOfTheProfile"},
    {"profile.channels.NAME.dtype", "ConfigKeys, RateAndTypesAreThoseOfTheProfile"},
    {"profile.channels.NAME.fill", "ConfigKeys, FillStandsForWhatIsNotKnownInIntegersAndNaNInFloats"},
    {"profile.state_of_health.NAME.units", "ConfigKeys, UnitsOfStateOfHealthAreShown"},
    {"profile.state_of_health.NAME.change", "ConfigKeys, AChangeOfStateOfHealthIsWorthARowOrNot"},
};

TEST(ConfigKeys, UnitsOfStateOfHealthAreShown) {
  const support::TempDir dir;
  const auto day = (support::data() / "lemi424" / "202010010000.TXT").string();
  const auto tried =
      support::run({support::program("mth5d"), "--try", (support::source() / "config/instruments/lemi424.yaml").string(), day});
  EXPECT_EQ(tried.code, 0) << tried.err;
  EXPECT_TRUE(std::regex_search(tried.out, std::regex{"\n  battery +V +12\\.98 "})) << tried.out;
}

TEST(ConfigKeys, EachHasATestThatSeesIt) {
  std::string tests;
  for (const auto* kind : {"unit", "integration", "fault"})
    for (const auto& entry : fs::directory_iterator{support::source() / "tests" / kind})
      if (entry.path().extension() == ".cpp") tests += support::read_text(entry.path());
  std::set<std::string> known;
  for (const auto& key : daq::config::all_keys()) {
    known.insert(key.path());
    const auto seen = kSeenBy.find(key.path());
    ASSERT_NE(seen, kSeenBy.end()) << key.path() << ": name the test that sees it in the file or at the peer";
    EXPECT_NE(tests.find("(" + seen->second + ") {"), std::string::npos) << key.path() << ": there is no test " << seen->second;
  }
  for (const auto& [key, test] : kSeenBy) EXPECT_TRUE(known.contains(key)) << key << " is no key";
}

}  // namespace
