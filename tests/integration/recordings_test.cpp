#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "mth5/reader.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

/// Recordings as inputs: the exit code says whether they were read, and `mth5d --try` what is in them.
namespace {

namespace fs = std::filesystem;
using support::Recording;
using testing::AllOf;
using testing::HasSubstr;

const fs::path kDay = support::data() / "lemi424" / "202010010000.TXT";
const std::string kProgram = support::program("mth5d");

TEST(UnreadRecording, EndsWithExitCodeOneAndItsReason) {
  const support::TempDir dir;
  fs::create_directory(dir / "folder");
  support::write_text(dir / "empty", "");
  support::write_text(dir / "notes", "not a line of a LEMI\n");
  support::write_text(dir / "packed", std::string{"\x1f\x8b\x08\0\0\0\0\0\0\x03 and more\n", 20});
  for (const auto& [name, says] : std::vector<std::pair<fs::path, std::string>>{
           {dir / "nowhere", ": No such file or directory"},
           {dir / "folder", ": Is a directory"},
           {"/proc/self/mem", ": Input/output error"},
           {dir / "empty", ": is empty"},
           {dir / "notes", ": no sample in it: line 1, field 1 (year): garbage: 'not a line of a LEMI'"},
           {dir / "packed", "; this is compressed (gzip): unpack it first"}}) {
    Recording recording{Recording::replay(name), {.arguments = {"--until-eof"}}};
    EXPECT_EQ(recording.process().wait(), 1) << name;
    EXPECT_THAT(recording.log(), HasSubstr("mth5d: error: source lemi: file:" + name.string())) << name;
    EXPECT_THAT(recording.log(), HasSubstr(says)) << name;
    EXPECT_THAT(recording.log(), testing::Not(HasSubstr("source waiting"))) << name << ": nobody waits for a recording";
    EXPECT_TRUE(recording.files().empty()) << name;
  }
}

TEST(UnreadRecording, DoesNotKeepTheOthersFromBeingRecorded) {
  const support::TempDir dir;
  const auto both =
      support::lemi_sources({{"lemi", "lemi", Recording::replay(kDay)}, {"other", "other", Recording::replay(dir / "nowhere")}});
  Recording recording{Recording::replay(kDay), {.arguments = {"--until-eof", "--set", both}}};
  EXPECT_EQ(recording.process().wait(), 1);
  EXPECT_THAT(recording.log(), HasSubstr("error: source other: file:"));
  ASSERT_EQ(recording.files().size(), 1u);
  mth5::Reader reader{recording.file()};
  EXPECT_EQ(reader.state(), mth5::FileState::Closed);
  EXPECT_EQ(reader.runs().at(0).n_samples, 120);
}

/// A day's first hours of an instrument of whole seconds at 1 Hz, whose readings come `ppm` too fast, without line `lost`.
std::string gsm90_lines(double ppm, int n, int lost) {
  std::string text;
  for (int i = 0; i < n; ++i) {
    if (i == lost) continue;
    const int t = static_cast<int>(std::floor(0.4 + i / (1 + ppm * 1e-6)));
    char line[64];
    std::snprintf(line, sizeof line, "05-01-2026 %02d%02d%02d %8.2f 99\r\n", t / 3600, t / 60 % 60, t % 60, 48000 + i * 0.01);
    text += line;
  }
  return text;
}

TEST(Recording, OfWholeSecondsShowsOneLostLine) {
  const support::TempDir dir;
  support::write_text(dir / "a.txt", gsm90_lines(0, 3600, 2000));
  Recording recording{Recording::replay(dir / "a.txt"), {.arguments = {"--until-eof"}, .instrument = "gsm90"}};
  EXPECT_EQ(recording.process().wait(), 0) << recording.log();
  const mth5::Reader reader{recording.file()};
  const auto gaps = reader.table("gaps").value();
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps.integer(0, "samples"), 1);
  ASSERT_EQ(reader.runs().size(), 2u);
  EXPECT_EQ(reader.runs()[0].n_samples, 2000);
}

TEST(Recording, OfWholeSecondsThatDriftHasNoFalseGap) {
  for (const double ppm : {50.0, -50.0}) {
    const support::TempDir dir;
    support::write_text(dir / "a.txt", gsm90_lines(ppm, 43'200, -1));  // two seconds slip
    Recording recording{Recording::replay(dir / "a.txt"),
                        {.arguments = {"--until-eof", "--set", "clock.resolution=1s"}, .instrument = "gsm90"}};
    EXPECT_EQ(recording.process().wait(), 0) << recording.log();
    const mth5::Reader reader{recording.file()};
    EXPECT_EQ(reader.table("gaps").value().size(), 0u) << ppm;
    ASSERT_EQ(reader.runs().size(), 1u) << ppm;
    EXPECT_EQ(reader.runs()[0].n_samples, 43'200) << ppm;
  }
}

TEST(Recording, SaysOnceWhatWasRefusedFirst) {
  const support::TempDir dir;
  support::write_text(dir / "day.TXT", "noise\n" + support::read_text(kDay) + "\nmore noise\n");
  Recording recording{Recording::replay(dir / "day.TXT"), {.arguments = {"--until-eof"}}};
  EXPECT_EQ(recording.process().wait(), 0) << recording.log();
  EXPECT_EQ(support::lines_with(recording.log(), "first refused").size(), 1u);
  EXPECT_THAT(recording.log(), HasSubstr("first refused source=lemi line 1, field 1 (year): garbage: 'noise'"));
}

TEST(Recording, WithoutAFixKeepsItsSamplesAndNoPosition) {
  const support::TempDir dir;
  std::string text;
  for (int i = 0; i < 30; ++i) {
    char line[200];
    std::snprintf(line, sizeof line,
                  "2026 05 01 00 00 %02d %9.3f  -202.000 24760.625  23.14  19.24 %s     0.725     0.768    -0.256 12.43 1200.0 "
                  "%s 4 0 0 \r\n",
                  i, double(i), i % 3 == 0 ? "    ****" : "   0.080", i % 2 == 0 ? "********** ? *********** ?" : "");
    text += line;
  }
  support::write_text(dir / "day.TXT", text);
  Recording recording{Recording::replay(dir / "day.TXT"), {.arguments = {"--until-eof"}}};
  ASSERT_EQ(recording.process().wait(), 0) << recording.log();
  mth5::Reader reader{recording.file()};
  ASSERT_EQ(reader.runs().size(), 1u);
  EXPECT_EQ(reader.runs()[0].n_samples, 30);
  const auto soh = reader.table("state_of_health/lemi");
  ASSERT_TRUE(soh);
  EXPECT_EQ(soh->number(0, "battery"), 12.43);
  EXPECT_TRUE(std::isnan(soh->number(0, "latitude")));
  const auto ledger = reader.table("source_ledger");
  ASSERT_TRUE(ledger);
  EXPECT_GE(ledger->integer(ledger->size() - 1, "fields_unknown"), 10 + 15 * 4);
}

TEST(Try, ShowsWhatAProfileMakesOfARecording) {
  const auto text = support::run({kProgram, "--try", "lemi424", kDay.string()});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("frames    120"), HasSubstr("rate      1 Hz by 119 of 119 steps"), HasSubstr("\n  bz ")));
  const auto json = support::run({kProgram, "--json", "--try", "lemi424", kDay.string()});
  EXPECT_EQ(json.code, 0) << json.err;
  EXPECT_EQ(nlohmann::json::parse(json.out).at("frames"), 120);
  const auto piped = support::run({"sh", "-c", "cat '" + kDay.string() + "' | '" + kProgram + "' --try lemi424 -"});
  EXPECT_EQ(piped.code, 0) << piped.err;
  EXPECT_THAT(piped.out, HasSubstr("frames    120"));
}

TEST(Try, SaysWhatIsWrongWithItsExitCode) {
  const support::TempDir dir;
  support::write_text(dir / "notes", "hello\n");
  support::write_text(dir / "bad.yaml", "sample_rate: 0\n");
  const auto nothing = support::run({kProgram, "--try", "lemi424", (dir / "notes").string()});
  EXPECT_EQ(nothing.code, 1);
  EXPECT_THAT(nothing.out, HasSubstr("refused   line 1, field 1 (year): garbage: 'hello'"));
  EXPECT_EQ(nothing.err, "mth5d: error: " + (dir / "notes").string() +
                             ": no frame of this instrument: line 1, field 1 (year): garbage: 'hello'\n");
  const auto missing = support::run({kProgram, "--try", "lemi424", (dir / "nowhere").string()});
  EXPECT_EQ(missing.code, 1);
  EXPECT_EQ(missing.err, "mth5d: error: " + (dir / "nowhere").string() + ": cannot be read: No such file or directory\n");
  const auto folder = support::run({kProgram, "--try", "lemi424", dir.path().string()});
  EXPECT_EQ(folder.code, 1);
  EXPECT_THAT(folder.err, HasSubstr("cannot be read: Is a directory"));
  const auto profile = support::run({kProgram, "--try", (dir / "bad.yaml").string(), kDay.string()});
  EXPECT_EQ(profile.code, 3);
  EXPECT_THAT(profile.err, HasSubstr("bad.yaml:1:14: sample_rate: 0 is out of range"));
  EXPECT_EQ(support::run({kProgram, "--try", "lemi425", kDay.string()}).code, 3);
  EXPECT_EQ(support::run({kProgram, "--try", "lemi424"}).code, 2);
  const auto stray = support::run({kProgram, dir / "mth5d.yaml"});
  EXPECT_EQ(stray.code, 2);
  EXPECT_THAT(stray.err, HasSubstr("mth5d takes options only; a configuration is given with --config"));
}

TEST(Try, TakesOtherOptionsInAnyPlace) {
  const auto plain = support::run({kProgram, "--try", "lemi424", kDay.string(), "--json"});
  EXPECT_EQ(plain.code, 0) << plain.err;
  const auto between = support::run({kProgram, "--try", "lemi424", "--json", kDay.string()});
  EXPECT_EQ(between.code, 0) << between.err;
  EXPECT_EQ(between.out, plain.out);
}

}  // namespace
