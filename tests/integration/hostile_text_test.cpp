#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "mth5/printable.hpp"
#include "support/hostile_file.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/process.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string program(const std::string& name) { return support::program(name); }

/// Nothing in it moves a cursor, hides or turns text, and it is UTF-8.
MATCHER(IsHarmless, "holds nothing a terminal obeys") {
  const bool good = arg == mth5::printable_lines(arg);
  if (!good) *result_listener << mth5::printable_lines(arg);
  return good;
}

class HostileText : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new support::TempDir;
    support::write_hostile_file(file());
  }
  static void TearDownTestSuite() { delete dir_; }
  static std::filesystem::path file() { return *dir_ / "MT\x1b[41m001\u202E.h5"; }
  static support::TempDir* dir_;
};
support::TempDir* HostileText::dir_ = nullptr;

TEST_F(HostileText, ReachesNoTerminalFromAnyProgramAndFormat) {
  const std::string path = file();
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {program("mth5-monitor"), "--once", path},
           {program("mth5-monitor"), "--once", "--csv", path},
           {program("mth5-monitor"), "--once", "--json", path},
           {program("mth5-monitor"), path},
           {program("mth5-monitor"), "--json", path},
           {program("mth5-monitor"), "--once", "--channels", "no\x1bne", path},
           {program("mth5-monitor"), "--once", "--station", "none", path},
           {program("mth5-summary"), path},
           {program("mth5-summary"), "--format", "json", path},
           {program("mth5-summary"), "--format", "html", path},
           {program("mth5-recover"), path},
           {program("mth5-recover"), "--check", "--json", path},
           {program("mth5-recover"), path + "\x1b[1mgone"},
       }) {
    const auto finished = support::run(arguments);
    EXPECT_THAT(finished.out, IsHarmless()) << testing::PrintToString(arguments);
    EXPECT_THAT(finished.err, IsHarmless()) << testing::PrintToString(arguments);
    EXPECT_FALSE(finished.out.empty() && finished.err.empty()) << testing::PrintToString(arguments);
  }
}

TEST_F(HostileText, CannotPretendToBeAnotherLine) {
  const auto page = support::run({program("mth5-monitor"), "--once", file()});
  EXPECT_EQ(page.code, 0) << page.err;
  EXPECT_THAT(page.out, HasSubstr("S1\\x1b[2J\\x1b[31m\\x0aState    live"));
  EXPECT_THAT(page.out, Not(HasSubstr("\nState    live")));
  const auto summary = support::run({program("mth5-summary"), file()});
  EXPECT_EQ(summary.code, 0) << summary.err;
  EXPECT_THAT(summary.out, HasSubstr("Station S1\\x1b[2J\\x1b[31m\\x0aState    live, survey SU\\x1b]0;owned\\x07RVEY"));
  EXPECT_THAT(summary.out, HasSubstr("gar\\x1b[7mbage 3"));
}

TEST_F(HostileText, IsWholeInJson) {
  const auto& names = support::hostile_names();
  const auto summary = json::parse(support::run({program("mth5-summary"), "--format", "json", file()}).out);
  EXPECT_EQ(summary["stations"][0]["id"], names.station);
  EXPECT_EQ(summary["stations"][0]["survey"], names.survey);
  EXPECT_EQ(summary["runs"][0]["id"], names.run);
  const auto look = json::parse(support::run({program("mth5-monitor"), "--once", "--json", file()}).out);
  EXPECT_EQ(look["stations"][0], names.station);
}

TEST_F(HostileText, IsNoFormulaInASpreadsheet) {
  const auto csv = support::run({program("mth5-monitor"), "--once", "--csv", file()});
  EXPECT_THAT(csv.out, HasSubstr(",'=cmd|' C calc'!A0,"));
  EXPECT_THAT(csv.out, HasSubstr(",\"'@SUM(1),\"\"quoted\"\"\\x7f\\x0d\\xff\\xfe\","));
  std::istringstream lines{csv.out};
  int n = 0;
  for (std::string line; std::getline(lines, line);) ++n;
  EXPECT_EQ(n, 3) << csv.out;
}

TEST_F(HostileText, OfAConfigurationReachesNoTerminal) {
  const support::TempDir dir;
  support::write_text(dir / "a\u202Eb.yaml", "survey: {id: TEST}\nring: 1\u202Ed\nse\u202Ex: 3\n");
  for (const char* what : {"--check-config", "--print-config"}) {
    const auto finished = support::run({program("mth5d"), "--config", dir / "a\u202Eb.yaml", what});
    EXPECT_EQ(finished.code, 3);
    EXPECT_THAT(finished.out + finished.err, IsHarmless());
    EXPECT_THAT(finished.err, HasSubstr("a\\u202eb.yaml:2:7: ring: '1\\u202ed'"));
  }
}

TEST_F(HostileText, OfAProfileAndOfAPlaceToSendToReachesNoTerminal) {
  const support::TempDir dir;
  support::write_text(dir / "ti\x1b[41mny.yaml",
                      "description: A box\nsample_rate: 1\ntext: {columns: [{time: '%Y%m%d%H%M%S'}, {channel: ex}]}\n"
                      "channels: {ex: {type: electric, units: milliVolt}}\n");
  support::write_text(dir / "bro\x1b[41mken.yaml", "sample_rate: 1\n");
  const auto list = support::run({program("mth5d"), "--list-instruments"}, {{"MTH5D_INSTRUMENTS", dir.path().string()}});
  EXPECT_EQ(list.code, 3) << list.err;
  EXPECT_THAT(list.out, IsHarmless());
  EXPECT_THAT(list.err, IsHarmless());
  EXPECT_THAT(list.out, HasSubstr("bro\\x1b[41mken  BROKEN: "));
  EXPECT_THAT(list.out, HasSubstr("ti\\x1b[41mny  A box"));
  const auto sent = support::run(
      {program("mth5-sim"), "--instrument", "lemi424", "--to", "file:" + (dir / "o\x1b[41mut.txt").string(), "--duration", "2s"});
  EXPECT_EQ(sent.code, 0) << sent.err;
  EXPECT_THAT(sent.err, IsHarmless());
  EXPECT_THAT(sent.err, HasSubstr("o\\x1b[41mut.txt"));
}

TEST_F(HostileText, OfTheStatusReachesNoTerminal) {
  const support::TempDir dir;
  std::filesystem::create_directory(dir / "a\u202Eb");
  support::TcpPeer peer;
  support::Recording recording{support::Recording::tcp(peer.port()), {.directory = dir / "a\u202Eb"}};
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(peer.send(support::numbered_lines(0, 3)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return !s.at("file").is_null(); })) << recording.log();
  const auto seen = support::run({program("mth5d"), "--status", "--status-file", recording.status_path()});
  EXPECT_THAT(seen.out, HasSubstr("/a\\u202eb/MT001_"));
  EXPECT_EQ(seen.out.find("\u202E"), std::string::npos);
  EXPECT_EQ(recording.stop(), 0);
  const auto gone = support::run({program("mth5d"), "--status", "--status-file", dir / "a\u202Ec"});
  EXPECT_EQ(gone.code, 1);
  EXPECT_EQ((gone.out + gone.err).find("\u202E"), std::string::npos);
}

}  // namespace
