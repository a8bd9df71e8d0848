#include <gmock/gmock.h>

#include <fstream>

#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

/// Files that grow, shrink, are replaced, and follow one another; and standard input.
namespace {

namespace fs = std::filesystem;
using support::counts;
using support::Counts;
using support::expect_good_end;
using support::lines_with;
using support::numbered_line;
using support::numbered_lines;
using support::Recording;
using support::seconds;
using testing::HasSubstr;
using testing::SizeIs;

void append(const fs::path& path, const std::string& text) { std::ofstream{path, std::ios::app | std::ios::binary} << text; }

std::string follow(const fs::path& path) { return "file: {path: '" + path.string() + "', follow: true}\n"; }
std::string follow_all(const fs::path& directory, const std::string& more) {
  return "file: {directory: '" + directory.string() + "', follow: true" + more + "}\n";
}

std::size_t size_of(int first, int last) { return numbered_lines(first, last).size(); }

TEST(GrowingFile, IsWaitedForAndTakenAsItGrows) {
  const support::TempDir dir;
  const auto path = dir / "day.TXT";
  Recording recording{follow(path)};
  ASSERT_TRUE(recording.wait_for_log("source waiting .*day.TXT: No such file")) << recording.log();
  append(path, numbered_lines(0, 5) + numbered_line(5).substr(0, 40));
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 5) + 40)) << recording.log();
  append(path, numbered_line(5).substr(40) + numbered_lines(6, 10));
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 10))) << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_EQ(counts(status, "skipped"), Counts{}) << "a line goes on where the writer goes on";
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 10));
}

TEST(GrowingFile, ThatShrinksIsReadFromItsBeginningAndCounted) {
  const support::TempDir dir;
  const auto path = dir / "day.TXT";
  append(path, numbered_lines(0, 10));
  Recording recording{follow(path)};
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 10))) << recording.log();
  support::write_text(path, numbered_lines(10, 13));  // as logrotate's copytruncate
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 13))) << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_EQ(status.at("sources").at(0).at("input_faults").at("shrunk"), 1);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 13));
}

TEST(GrowingFile, ThatIsWrittenAnewIsReadFromItsBeginningAndCounted) {
  for (const int more : {0, 20}) {
    SCOPED_TRACE(testing::Message{} << more << " lines longer");
    const support::TempDir dir;
    const auto path = dir / "day.TXT";
    append(path, numbered_lines(0, 10));
    Recording recording{follow(path)};
    ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 10))) << recording.log();
    std::fstream{path, std::ios::in | std::ios::out | std::ios::binary} << numbered_lines(10, 20 + more);  // never shorter
    ASSERT_TRUE(recording.wait_for_log("source fault .*rewritten|is not any more what was read")) << recording.log();
    ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 20 + more))) << recording.log();
    const auto status = expect_good_end(recording);
    EXPECT_GE(status.at("sources").at(0).at("input_faults").at("rewritten"), 1);
    EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 20 + more));
  }
}

TEST(GrowingFile, ThatIsReplacedIsReadOnInTheNewOne) {
  const support::TempDir dir;
  const auto path = dir / "day.TXT";
  append(path, numbered_lines(0, 10));
  Recording recording{follow(path)};
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 10))) << recording.log();
  support::write_text(dir / "new", numbered_lines(10, 30));
  fs::rename(dir / "new", path);
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 30))) << recording.log();
  expect_good_end(recording);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 30));
}

TEST(GrowingFile, ThatRestsInTheMiddleOfALineLosesNothing) {
  const support::TempDir dir;
  const auto path = dir / "day.TXT";
  append(path, numbered_lines(0, 10) + numbered_line(10).substr(0, 40));
  Recording recording{follow(path), {.source = "idle_timeout: 1s\n"}};
  ASSERT_TRUE(recording.wait_for_log("notice source=lemi .*no data for 1s \\(idle_timeout\\)")) << recording.log();
  append(path, numbered_line(10).substr(40) + numbered_lines(11, 20));
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 20))) << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_EQ(counts(status, "skipped"), Counts{});
  EXPECT_EQ(status.at("sources").at(0).at("bytes"), size_of(0, 20)) << "nothing twice";
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 20));
}

TEST(GrowingFile, IsLookedAtEachSecondWhereNobodyTellsOfChanges) {
  const support::TempDir dir;
  fs::permissions(dir.path(), fs::perms::all);
  const auto folder = dir / "card";
  fs::create_directory(folder);
  append(folder / "day.TXT", numbered_lines(0, 5));
  // A folder that may be entered and not be read cannot be watched.
  fs::permissions(folder, fs::perms::owner_write | fs::perms::owner_exec | fs::perms::others_exec);
  Recording recording{follow(folder / "day.TXT"), {.as_nobody = true}};
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 5))) << recording.log();
  append(folder / "day.TXT", numbered_lines(5, 10));
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 10))) << recording.log();
  fs::permissions(folder, fs::perms::all);
  expect_good_end(recording);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 10));
}

TEST(GrowingFile, EndsUntilEofWhenItRests) {
  const support::TempDir dir;
  append(dir / "day.TXT", numbered_lines(0, 10));
  Recording recording{follow(dir / "day.TXT"), {.source = "idle_timeout: 1s\n", .arguments = {"--until-eof"}}};
  EXPECT_EQ(recording.process().wait(std::chrono::seconds{60}), 0) << recording.log();
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 10));
}

TEST(GrowingFile, NeedNotBeThereWhenTheConfigurationIsChecked) {
  const support::TempDir dir;
  Recording recording{follow(dir / "day.TXT")};
  ASSERT_TRUE(recording.wait_for_log("source waiting")) << recording.log();
  for (const auto& keys : {"path: " + (dir / "day.TXT").string() + ", follow: true",
                           "directory: " + (dir / "card").string() + ", follow: true", std::string{"path: '-'"}}) {
    const auto checked = support::run({support::program("mth5d"), "--config", recording.config_path().string(), "--set",
                                       "sources=[{name: lemi, instrument: lemi424, file: {" + keys + "}}]", "--check-config"});
    EXPECT_EQ(checked.code, 0) << checked.err;
  }
  EXPECT_EQ(recording.stop(), 0);
}

TEST(GrowingFile, IsNoFolderAndNoDevice) {
  const support::TempDir dir;
  Recording recording{follow(dir.path())};
  EXPECT_TRUE(recording.wait_for_log("source waiting .*is no file that grows")) << recording.log();
  EXPECT_EQ(recording.stop(), 0);
}

TEST(GrowingDirectory, TellsOfWhatIsAddedBehindItsNextFile) {
  const support::TempDir dir;
  const auto folder = dir / "card";
  fs::create_directory(folder);
  append(folder / "a.TXT", numbered_lines(0, 10));
  append(folder / "b.TXT", numbered_lines(20, 30));
  Recording recording{follow_all(folder, ", pattern: '*.TXT', next_after: 10ms")};
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 10) + size_of(20, 30))) << recording.log();
  append(folder / "a.TXT", numbered_lines(10, 20));
  ASSERT_TRUE(
      recording.wait_for_log("a.TXT has grown by " + std::to_string(size_of(10, 20)) + " bytes since the next file began"))
      << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_EQ(status.at("sources").at(0).at("input_faults").at("added-late"), size_of(10, 20));
  EXPECT_EQ(support::stored(recording.file()).seconds.size(), 20u);
}

TEST(GrowingDirectory, IsReadInTheOrderOfItsNames) {
  const support::TempDir dir;
  const auto folder = dir / "card";
  fs::create_directory(folder);
  append(folder / "b.TXT", numbered_lines(10, 20));
  append(folder / "a.TXT", numbered_lines(0, 10));
  append(folder / "a.GPS", "not of this pattern\n");
  Recording recording{follow_all(folder, ", pattern: '*.TXT', next_after: 10ms")};
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 20))) << recording.log();
  append(folder / "b.TXT", numbered_lines(20, 25) + numbered_line(25).substr(0, 40));
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 25) + 40)) << recording.log();
  append(folder / "c.TXT", numbered_lines(26, 30));
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 25) + 40 + size_of(26, 30))) << recording.log();
  append(folder / "aa.TXT", numbered_lines(100, 110));
  EXPECT_TRUE(recording.wait_for_log("notice source=lemi .*'aa.TXT' comes before 'c.TXT', which is read already"))
      << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_EQ(counts(status, "skipped"), (Counts{{"cut-off", 40}})) << "a line does not go on in the next file";
  auto expected = seconds(0, 25);
  for (const int k : seconds(26, 30)) expected.push_back(k);
  EXPECT_EQ(support::stored(recording.file()).seconds, expected);
}

TEST(GrowingDirectory, StaysWithAFileUntilItHasRestedForNextAfter) {
  const support::TempDir dir;
  const auto folder = dir / "card";
  fs::create_directory(folder);
  append(folder / "a.TXT", numbered_lines(0, 10));
  Recording recording{follow_all(folder, ", next_after: 1h")};
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 10))) << recording.log();
  append(folder / "b.TXT", numbered_lines(15, 20));  // the next one is begun before the last lines are there
  append(folder / "a.TXT", numbered_lines(10, 15));
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 15))) << recording.log();
  fs::last_write_time(folder / "b.TXT", fs::last_write_time(folder / "a.TXT") + std::chrono::hours{2});
  append(folder / "c.TXT", numbered_lines(20, 25));  // wakes it up
  ASSERT_TRUE(recording.wait_for_bytes(size_of(0, 20))) << recording.log();
  expect_good_end(recording);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 20));
}

TEST(StandardInput, IsTakenAsItComesAndEnds) {
  const support::TempDir dir;
  append(dir / "day.TXT", numbered_lines(0, 20));
  for (const bool pipe : {true, false}) {
    const std::string script = pipe ? "f=$0; cat \"$f\" | \"$@\"" : "f=$0; exec \"$@\" < \"$f\"";
    Recording recording{"file: {path: '-'}\n", {.wrapper = {"/bin/bash", "-c", script, (dir / "day.TXT").string()}}};
    EXPECT_EQ(recording.process().wait(std::chrono::seconds{60}), 0) << pipe << recording.log();
    EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 20)) << pipe;
    EXPECT_THAT(recording.log(), testing::Not(HasSubstr("retry"))) << "there is nothing to be tried again";
  }
}

}  // namespace
