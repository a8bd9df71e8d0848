#include <filesystem>
#include <functional>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "mth5/time.hpp"
#include "support/acquisition_file.hpp"
#include "support/process.hpp"
#include "support/recording.hpp"
#include "support/stages.hpp"
#include "support/support.hpp"

// mth5-summary --check, as cron runs it.

namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using support::AcquisitionFile;
using support::Stages;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

support::Finished check(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {support::program("mth5-summary"), "--check"});
  return support::run(arguments);
}

/// What stands on top of the report.
std::string verdict(const support::Finished& report) { return report.out.substr(0, report.out.find("\n\n") + 1); }

std::string from_now(int s) { return mth5::to_iso(std::chrono::floor<seconds>(mth5::host_now()) + seconds{s}); }

/// Six hours of a LEMI-424 that is well, from 2026-05-01T03:00:00Z.
class Check : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const support::TempDir dir;
    const auto path = (dir / "day.TXT").string();
    const auto sim = support::run({support::program("mth5-sim"), "lemi424", "--to", "file:" + path, "--speed", "max", "--start",
                                   "2026-05-01T03:00:00Z", "--duration", "6h", "--seed", "3"});
    ASSERT_EQ(sim.code, 0) << sim.err;
    std::istringstream text{support::read_text(path)};
    for (std::string line; std::getline(text, line);) {
      std::istringstream blanks{line};
      auto& fields = day_.emplace_back();
      for (std::string field; blanks >> field;) fields.push_back(field);
    }
  }

  using Fields = std::vector<std::string>;
  /// @param change  of line i; false: it is not sent
  using Change = std::function<bool(int i, Fields& fields)>;
  /// That day, recorded by mth5d. @returns the directory of its file
  fs::path record(const std::string& name, const Change& change) {
    std::string text;
    for (std::size_t i = 0; i < day_.size(); ++i) {
      auto fields = day_[i];
      if (!change(static_cast<int>(i), fields)) continue;
      for (const auto& field : fields) text += field + " ";
      text.back() = '\r';
      text += '\n';
    }
    support::write_text(dir_ / (name + ".TXT"), text);
    fs::create_directory(dir_ / name);
    support::Recording recording{support::Recording::replay(dir_ / (name + ".TXT")),
                                 {.arguments = {"--until-eof"}, .directory = dir_ / name}};
    EXPECT_EQ(recording.process().wait(), 0) << recording.log();
    return dir_ / name;
  }
  static bool as_it_is(int, Fields&) { return true; }

  static inline std::vector<Fields> day_;
  static inline const std::vector<std::string> kNow{"--now", "2026-05-01T09:00:01Z"};
  support::TempDir dir_;
};

TEST_F(Check, IsGoodAndQuietOfAStationThatIsWell) {
  const auto data = record("well", as_it_is);
  const auto report = check({"--since", "5h", "--now", "2026-05-01T09:00:00Z", data});
  EXPECT_EQ(report.code, 0);
  EXPECT_EQ(verdict(report), "GOOD\n");
  EXPECT_EQ(report.err, "");
  const auto quiet = check({"--quiet-ok", data, data});
  EXPECT_EQ(quiet.code, 0);
  EXPECT_EQ(quiet.out + quiet.err, "");
  EXPECT_EQ(check({"--quiet-ok", "--output", dir_ / "report", data}).code, 0);
  EXPECT_THAT(support::read_text(dir_ / "report"), StartsWith("GOOD\n\nFile "));
  // Nobody asked: as before.
  const auto plain = support::run({support::program("mth5-summary"), data});
  EXPECT_EQ(plain.code, 0);
  EXPECT_THAT(plain.out, StartsWith("File "));
  const auto judged = check({data}).out;
  std::istringstream lines{plain.out};
  std::size_t at = 0;
  for (std::string line; std::getline(lines, line);) {
    at = judged.find(line, at);
    ASSERT_NE(at, std::string::npos) << "the report is the same, with more: " << line << "\n" << judged;
  }
  EXPECT_THAT(plain.out, testing::Not(HasSubstr("clipped")));

  const auto object = nlohmann::json::parse(check({"--format", "json", data}).out);
  EXPECT_EQ(object["verdict"]["state"], "good");
  for (const auto& channel : object["channels"]) {
    const bool measured = channel["component"].get<std::string>().starts_with("temperature") == false;
    EXPECT_EQ(channel.contains("clipped"), measured) << channel["component"];
    if (!measured) continue;
    EXPECT_EQ(channel["clipped"], 0);
    EXPECT_EQ(channel["mains_db"], nullptr) << "at 1 Hz nobody knows";
    EXPECT_NEAR(channel["dc"], channel["mean"], channel["std"]);
  }
}

TEST_F(Check, NamesWhatIsWrongSinceWhenAndWhatToDo) {
  constexpr int kBx = 6, kE1 = 11, kBattery = 15;
  struct Case {
    std::string name;
    Change change;
    int code;
    std::string line;
  };
  const auto is = [](int column, std::string value, int from = 0) {
    return [=](int i, Fields& fields) {
      if (i >= from) fields[static_cast<std::size_t>(column)] = value;
      return true;
    };
  };
  const auto e1 = [](auto change) {
    return [=](int i, Fields& fields) {
      fields[kE1] = std::to_string(change(i, std::stod(fields[kE1]))).substr(0, 10);
      return true;
    };
  };
  for (const auto& [name, change, code, line] : std::vector<Case>{
           {"gap", [](int i, Fields&) { return i < 9000 || i >= 9600; }, 6,
            "WARNING  MT001 1 Hz: only 97.2 % of the samples are there, the longest gap is from 05:30 UTC: see the list of gaps "
            "for the reasons"},
           {"short_gap", [](int i, Fields&) { return i < 9000 || i >= 9100; }, 0, "GOOD"},
           {"low", is(kBattery, "11.80"), 6, "WARNING  MT001: battery at 11.80 V: change the battery, check the charger"},
           {"empty", is(kBattery, "11.20"), 7, "CRITICAL MT001: battery at 11.20 V: change the battery, check the charger"},
           {"other_battery", is(kBattery, "3.90"), 0, "GOOD"},
           {"stuck", is(kBx, "23740.100", 12'000), 7,
            "CRITICAL MT001 bx: stuck at one value for 2 h 40 min since 06:20 UTC: check sensor and cable; leave out a channel "
            "that "
            "is not used"},
           {"away", is(kE1, "?"), 7, "CRITICAL MT001 e1: only 0 % of the samples have a value: check sensor and cable"},
           {"open", e1([](int i, double value) { return i < 18'000 ? value : 2'400'000 + i % 7; }), 7,
            "CRITICAL MT001 e1: electrode or cable open, level [0-9]+ times that of the others since 08:00 UTC: check the cable "
            "and "
            "the electrode"},
           {"spikes", e1([](int i, double value) { return value + (i % 100 == 50 ? 400 : 0); }), 6,
            "WARNING  MT001 e1: spikes, [0-9.]+ an hour: look for a fence, lightning, a loose contact"},
           {"no_gps",
            [](int i, Fields&fields) {
              if (i >= 7200) fields.resize(16);
              return true;
            },
            6, "WARNING  MT001: no GPS fix for 3 h 59 min since (04:59|05:00) UTC: check the GPS antenna"},
       }) {
    const auto report = check({kNow[0], kNow[1], record(name, change)});
    EXPECT_EQ(report.code, code) << name;
    EXPECT_THAT(verdict(report), MatchesRegex(line + "\n"));
  }
}

TEST_F(Check, FindsNothingWhereNothingIs) {
  const auto data = record("well", as_it_is);
  const auto dead = check({"--since", "24h", "--now", "2026-06-01T00:00:00Z", data});
  EXPECT_EQ(dead.code, 7);
  EXPECT_EQ(
      verdict(dead),
      "CRITICAL MT001: no samples in the time of this report; the last is of 2026-05-01 08:59 UTC: check that mth5d runs, with "
      "this directory, and that the instrument is on\n");
  EXPECT_EQ(check({"--from", "2030-01-01", data}).code, 7) << "what has not come yet is not good";
  EXPECT_EQ(check({"--now", "2026-06-01T00:00:00Z", data}).code, 0) << "an archive";
  fs::create_directory(dir_ / "nothing");
  const auto nothing = check({dir_ / "nothing"});
  EXPECT_EQ(nothing.code, 7) << "nothing has been recorded";
  EXPECT_THAT(nothing.err, HasSubstr("no MTH5 file"));
}

TEST_F(Check, FindsAClockThatIsAheadOfNow) {
  {
    AcquisitionFile file{dir_ / "f.h5", {{0, "s", "S1"}}};
    const auto run = file.add_run(0, "r0", seconds{0});
    file.append(run, 43'200);
    file.commit(0, AcquisitionFile::start() + seconds{60}, {{.in = 43'200, .decoded = 43'200}},
                {{.decoded = 43'200, .stored = 43'200}});
    file.file().close();
  }
  const auto warned = check({"--now", "2026-05-01T00:01:00Z", dir_ / "f.h5"});
  EXPECT_EQ(warned.code, 6);
  EXPECT_EQ(verdict(warned),
            "WARNING  S1: samples are at times that have not come yet, up to 11 h 58 min ahead: check the GPS antenna, and the "
            "clocks of instrument and computer\n");
  EXPECT_EQ(check({"--now", "2026-04-30T00:00:00Z", dir_ / "f.h5"}).code, 7) << "more than a day";
  EXPECT_EQ(check({"--now", "2026-05-01T11:30:00Z", dir_ / "f.h5"}).code, 0);
  EXPECT_EQ(check({"--since", "5s", "--now", "2026-05-01T00:02:00Z", dir_ / "f.h5"}).code, 0) << "the file is of before";
  const auto plugin =
      support::run({support::program("mth5-summary"), "--format", "nagios", "--now", "2026-05-01T00:01:00Z", dir_ / "f.h5"});
  EXPECT_EQ(plugin.code, 1);
  EXPECT_THAT(plugin.out, HasSubstr("MTH5 WARNING - S1: samples are at times that have not come yet"));
  EXPECT_THAT(plugin.out, HasSubstr("age=0s "));
}

TEST_F(Check, IsCriticalOfFilesThatCannotBeRead) {
  const auto data = record("well", as_it_is);
  const auto name = (data / "junk.h5").string();
  support::write_text(name, "no HDF5");
  for (const auto& arguments : std::vector<std::vector<std::string>>{{name}, {data}}) {
    const auto report = check(arguments);
    EXPECT_EQ(report.code, 7);
    EXPECT_EQ(
        verdict(report),
        "CRITICAL " + name + ": cannot be read, or not all of it: see the error about it; if it is damaged, try mth5-recover\n");
    EXPECT_THAT(report.err, HasSubstr("junk.h5: not an HDF5 file"));
  }
  EXPECT_THAT(check({data}).out, HasSubstr("Station MT001")) << "the others are reported all the same";
  EXPECT_EQ(check({dir_ / "none.h5"}).code, 7);
  EXPECT_EQ(support::run({support::program("mth5-summary"), data}).code, 4);
  fs::remove(name);
  fs::create_directory(dir_ / "empty");
  for (const auto& gone : {(dir_ / "empty").string(), (dir_ / std::string(300, 'x')).string()}) {  // a name too long to look at
    const auto report = check({gone, data});
    EXPECT_EQ(report.code, 7);
    EXPECT_THAT(report.out, StartsWith("CRITICAL " + gone + ": cannot be read"));
    EXPECT_THAT(report.out, HasSubstr("Station MT001")) << "another directory hides no station";
    EXPECT_EQ(support::run({support::program("mth5-summary"), gone, data}).code, 1);
  }
}

TEST_F(Check, TellsASilentInstrumentFromADeadWriter) {
  const auto path = dir_ / "live.h5";
  Stages writer{[&](Stages::Gate& gate) {
    AcquisitionFile file{path, {{0, "lemi", "S1", 1}, {1, "other", "S1", 2}}};
    const auto now = std::chrono::floor<seconds>(mth5::host_now());
    const auto run = file.add_run(0, "sr1_0001", seconds{0});
    file.append(run, 5000);
    for (int k = 1; k <= 5; ++k) file.commit(1, now - seconds{50 - 10 * k}, {{k, k}, {}}, {{1000 * k, 1000 * k}, {}});
    file.file().flush();
    gate.reached();
  }};
  writer.wait();
  const auto beginning = check({"--now", from_now(5), path});
  EXPECT_EQ(beginning.code, 0) << "a source may take a minute: " << verdict(beginning);
  const auto silent = check({"--now", from_now(40), path});
  EXPECT_EQ(silent.code, 7);
  EXPECT_THAT(verdict(silent),
              MatchesRegex("CRITICAL S1 2 Hz: no data for 1 min 2[0-9] s since .* UTC: check instrument, cable and "
                           "power\nWARNING  S1 1 Hz: no data for [34][0-9] s since .* UTC: check .*\n"));
  writer.kill_now();
  const auto died = check({"--now", from_now(2), path});
  EXPECT_EQ(died.code, 7);
  EXPECT_EQ(verdict(died), "CRITICAL " + path.string() +
                               ": its writer died without closing it: start mth5d, which recovers its newest file, or run "
                               "mth5-recover\n");
  EXPECT_EQ(support::run({support::program("mth5-summary"), path}).code, 5);
}

/// A closed file of a station; 1 Hz from the beginning and 2 Hz later.
/// @param begin  of the file: s after AcquisitionFile::start()
void write(const fs::path& path, int n_first, int second_after, int n_second, seconds commit, double disk_full_in = 1e9,
           std::int64_t lost = 0, int begin = 0) {
  AcquisitionFile file{path, {{0, "a", "S1", 1}, {0, "b", "S1", 2}}};
  file.append(file.add_run(0, "sr1_0001", seconds{begin}), n_first);
  file.append(file.add_run(1, "sr2_0001", seconds{begin + second_after}), n_second);
  file.commit(1, AcquisitionFile::start() + commit, {{1, 1}}, {{n_first + lost, n_first}, {n_second, n_second}}, disk_full_in);
  file.file().close();
}

TEST_F(Check, ExpectsNothingOfARateThatAnotherTookThePlaceOf) {
  const std::vector<std::string> day{"--from", "2026-05-01T00:00:00Z", "--to", "2026-05-01T01:00:00Z"};
  const auto report = [&](const fs::path& path) { return check({day[0], day[1], day[2], day[3], path}); };
  write(dir_ / "changed.h5", 1800, 1810, 2 * 1790, seconds{3600});
  EXPECT_EQ(verdict(report(dir_ / "changed.h5")), "GOOD\n");
  write(dir_ / "paused.h5", 1800, 2400, 2 * 1200, seconds{3600});
  EXPECT_THAT(verdict(report(dir_ / "paused.h5")), StartsWith("CRITICAL S1 1 Hz: only 75.0 % of the samples are there, "));
  write(dir_ / "dead.h5", 1800, 0, 2 * 3600, seconds{3600});
  EXPECT_THAT(verdict(report(dir_ / "dead.h5")),
              StartsWith("CRITICAL S1 1 Hz: only 50.0 % of the samples are there, the longest gap is from 2026-05-01 00:30 UTC"));
}

TEST_F(Check, SaysOfADiskThatIsFullUntilItIsNot) {
  write(dir_ / "a.h5", 600, 0, 1200, seconds{600}, 0);
  EXPECT_EQ(verdict(check({dir_ / "a.h5"})),
            "CRITICAL " + (dir_ / "a.h5").string() +
                ": disk full: the recorder closed the file and waits for space since 2026-05-01 00:10 UTC: free some space, "
                "or change the disk\n");
  write(dir_ / "b.h5", 600, 0, 1200, seconds{1200}, 1e9, 0, 600);
  EXPECT_EQ(verdict(check({dir_.path()})), "GOOD\n") << "it went on in the next file";
}

TEST_F(Check, JudgesTheDiskByTheNewestFileBeItClosedAndIsOneMindInAllFormats) {
  write(dir_ / "a.h5", 600, 0, 1200, seconds{600}, 86'400);
  write(dir_ / "b.h5", 600, 0, 1200, seconds{1'200}, 5 * 86'400.0, 0, 600);
  const auto report = [&](const std::string& format, const std::string& now) {
    return check({"--format", format, "--now", now, dir_.path()});
  };
  const std::string soon = "2026-05-01T01:20:00Z", late = "2026-05-04T00:00:00Z";
  const auto text = report("text", soon);
  EXPECT_EQ(text.code, 6);
  EXPECT_EQ(verdict(text),
            "WARNING  " + (dir_ / "b.h5").string() + ": disk full in 4 d 23 h: free some space, or change the disk\n");
  EXPECT_THAT(text.out, HasSubstr("\n  disk full in 4 d 23 h, 0 MiB free\n"));
  const auto json = nlohmann::json::parse(report("json", soon).out)["stations"][0];
  EXPECT_EQ(json["disk_full_in_s"], 5 * 86'400 - 3'600);
  EXPECT_EQ(json["disk_free_bytes"], 1'000'000);
  EXPECT_THAT(report("prometheus", soon).out, HasSubstr("mth5_disk_full_seconds{station=\"S1\"} 428400.0\n"));
  EXPECT_THAT(report("nagios", soon).out, HasSubstr(" disk_days=4.958333;7:;2: "));
  EXPECT_THAT(report("html", soon).out, HasSubstr("Disk full in <data value=\"428400.0\">4 d 23 h</data>"));
  // Two days later nobody knows.
  EXPECT_EQ(report("text", late).code, 0);
  for (const auto* format : {"text", "html", "nagios", "prometheus"}) {
    const auto out = report(format, late).out;
    for (const auto* words : {": disk full", "  disk full", "Disk full in <", "disk_days", "mth5_disk_full", "mth5_free"})
      EXPECT_THAT(out, testing::Not(HasSubstr(words))) << format;
  }
  EXPECT_EQ(nlohmann::json::parse(report("json", late).out)["stations"][0]["disk_full_in_s"], nullptr);
}

TEST_F(Check, SaysOfALedgerThatDoesNotBalance) {
  write(dir_ / "a.h5", 600, 0, 1200, seconds{600}, 1e9, 5);
  const auto report = check({dir_ / "a.h5"});
  EXPECT_EQ(report.code, 7);
  EXPECT_THAT(verdict(report), HasSubstr("a.h5: the ledger does not balance, or cannot be read: samples are unaccounted for"));
}

TEST(Nagios, KnowsNothingOfWhatIsNotThereAndSaysSoWhereItIsRead) {
  const support::TempDir dir;
  const auto ask = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {support::program("mth5-summary"), "--format", "nagios"});
    return support::run(arguments);
  };
  for (const auto& [arguments, why] : {std::pair{std::vector<std::string>{}, "no file or directory given"},
                                       std::pair{std::vector<std::string>{"--nonsense", dir.path().string()}, "nonsense"},
                                       std::pair{std::vector<std::string>{"--timeout", "soon", dir.path().string()}, "--timeout"},
                                       std::pair{std::vector<std::string>{(dir / "not.h5").string()}, "not.h5"}}) {
    const auto plugin = ask(arguments);
    EXPECT_EQ(plugin.code, 3) << plugin.out << plugin.err;
    EXPECT_THAT(plugin.out, StartsWith("MTH5 UNKNOWN - "));
    EXPECT_THAT(plugin.out, HasSubstr(why));
  }
  for (const auto* timeout : {"10", "10s"})
    EXPECT_EQ(ask({"-t", timeout, dir.path().string()}).code, 2) << "as plugins are called";
  EXPECT_EQ(ask({"-t", "0", dir.path().string()}).code, 3);
  const auto empty = ask({dir.path().string()});
  EXPECT_EQ(empty.code, 2) << "nothing is recorded there";
  EXPECT_THAT(empty.out, StartsWith("MTH5 CRITICAL - "));
}

}  // namespace
