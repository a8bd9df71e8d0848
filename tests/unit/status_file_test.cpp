#include "acquisition/status/status_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "support/support.hpp"

namespace {

namespace fs = std::filesystem;
using daq::status::read_status;
using daq::status::StatusFile;
using daq::status::Unfit;
using support::read_text;
using support::write_text;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kOne = R"({"pid": 1234, "state": "recording", "n": 1})";
const std::string kTwo = R"({"pid": 1234, "state": "recording", "n": 2})";

/// What else lies in a folder.
std::vector<std::string> names(const fs::path& folder) {
  std::vector<std::string> all;
  for (const auto& entry : fs::directory_iterator{folder}) all.push_back(entry.path().filename().string());
  return all;
}

class StatusFileTest : public testing::Test {
 protected:
  support::TempDir dir_;
  const fs::path path_ = dir_ / "TEST-MT001.json";
};

TEST_F(StatusFileTest, IsReplacedInOneStepAndLeavesNothingBeside) {
  StatusFile file{path_};
  file.claim(kOne);
  EXPECT_EQ(read_text(path_), kOne);
  file.write(kTwo);
  EXPECT_EQ(read_text(path_), kTwo);
  EXPECT_THAT(names(dir_.path()), ElementsAre("TEST-MT001.json"));
  EXPECT_EQ(fs::status(path_).permissions(), static_cast<fs::perms>(0644)) << "others may read it";
}

TEST_F(StatusFileTest, OfADaemonThatLivesIsRefusedWithItsPidAndIsFreeAfterwards) {
  auto first = std::make_unique<StatusFile>(path_);
  first->claim(kOne);
  first->write(kTwo);
  StatusFile second{path_};
  try {
    second.claim(kOne);
    ADD_FAILURE() << "two daemons share a status file";
  } catch (const mth5::BusyError& e) {
    EXPECT_THAT(e.what(), HasSubstr("(pid 1234)"));
  }
  EXPECT_EQ(read_text(path_), kTwo);
  EXPECT_TRUE(read_status(path_).alive);
  EXPECT_FALSE(read_status(path_).stale());
  first.reset();
  EXPECT_FALSE(read_status(path_).alive) << "as after kill -9";
  EXPECT_TRUE(read_status(path_).stale());
  second.claim(kOne);
  EXPECT_TRUE(read_status(path_).alive);
}

TEST_F(StatusFileTest, CannotBeHeldByWhoMayOnlyRead) {
  write_text(path_, kOne);  // of a daemon that died
  const int fd = open(path_.c_str(), O_RDONLY);
  struct flock lock {};
  lock.l_type = F_RDLCK;
  ASSERT_EQ(fcntl(fd, F_OFD_SETLK, &lock), 0);
  EXPECT_FALSE(read_status(path_).alive) << "a reader is no daemon";
  StatusFile file{path_};
  file.claim(kTwo);
  EXPECT_EQ(read_text(path_), kTwo);
  close(fd);
}

TEST_F(StatusFileTest, FollowsNoLinkAndReplacesNoDevice) {
  write_text(dir_ / "victim", "precious");
  fs::create_symlink(dir_ / "victim", path_);
  EXPECT_THROW(StatusFile{path_}.claim(kOne), Unfit);
  EXPECT_EQ(read_text(dir_ / "victim"), "precious");
  EXPECT_TRUE(fs::is_symlink(path_));

  EXPECT_THROW(StatusFile{"/dev/full"}.claim(kOne), Unfit);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));

  ASSERT_EQ(mkfifo((dir_ / "fifo").c_str(), 0600), 0);
  EXPECT_THROW(StatusFile{dir_ / "fifo"}.claim(kOne), Unfit);
  EXPECT_TRUE(fs::is_fifo(dir_ / "fifo"));
  EXPECT_THROW(StatusFile{dir_.path()}.claim(kOne), Unfit) << "a folder";
}

TEST_F(StatusFileTest, ReplacesNoFileOfAnotherKind) {
  write_text(path_, "survey: {id: TEST}\n");
  EXPECT_THROW(StatusFile{path_}.claim(kOne), Unfit);
  EXPECT_EQ(read_text(path_), "survey: {id: TEST}\n");
}

TEST_F(StatusFileTest, DoesNotWriteThroughNamesThatOthersMadeBefore) {
  write_text(dir_ / "victim", "precious");
  for (const char* name : {"TEST-MT001.json.part", ".TEST-MT001.json.part", "TEST-MT001.json.tmp"})
    fs::create_symlink(dir_ / "victim", dir_ / name);
  StatusFile file{path_};
  file.claim(kOne);
  file.write(kTwo);
  EXPECT_EQ(read_text(dir_ / "victim"), "precious");
}

TEST_F(StatusFileTest, ComesBackAfterAFailure) {
  const fs::path folder = dir_ / "run";
  StatusFile file{folder / "status.json"};
  file.claim(kOne);
  fs::rename(folder, dir_ / "away");
  write_text(folder, "in the way");
  EXPECT_THROW(file.write(kTwo), mth5::FileError);
  EXPECT_THROW(file.write(kTwo), mth5::FileError);
  fs::remove(folder);
  file.write(kTwo);
  EXPECT_EQ(read_text(folder / "status.json"), kTwo);
}

TEST_F(StatusFileTest, ThatWasTakenAwayIsMadeAgainButNotTakenFromAnother) {
  StatusFile file{path_};
  file.claim(kOne);
  fs::remove(path_);
  file.write(kTwo);
  EXPECT_EQ(read_text(path_), kTwo);
  fs::remove(path_);
  StatusFile other{path_};
  other.claim(kOne);
  EXPECT_THROW(file.write(kTwo), mth5::BusyError);
  EXPECT_EQ(read_text(path_), kOne);
}

TEST_F(StatusFileTest, TellsItsAge) {
  StatusFile file{path_};
  file.claim(kOne);
  EXPECT_LT(read_status(path_).age, std::chrono::seconds{5});
  const timespec times[2] = {{0, UTIME_OMIT}, {time(nullptr) - 3600, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
  const auto seen = read_status(path_);
  EXPECT_TRUE(seen.alive);
  EXPECT_TRUE(seen.stale()) << "it lives, but says nothing any more";
  EXPECT_GE(seen.age, std::chrono::seconds{3600});
}

TEST_F(StatusFileTest, IsReadOnlyIfItIsOne) {
  EXPECT_THROW((void)read_status(path_), mth5::FileError);
  for (const char* text : {"", "[]", "{}", R"({"pid": "x", "state": "recording"})", R"({"pid": 1})"}) {
    write_text(path_, text);
    EXPECT_THROW((void)read_status(path_), mth5::FileError) << text;
  }
  EXPECT_THROW((void)read_status("/dev/zero"), mth5::FileError);
}

TEST_F(StatusFileTest, OfAFolderAreListedByName) {
  for (const char* name : {"B-2.json", "A-1.json", ".A-1.json.X1y2Z3", "note.txt"}) write_text(dir_ / name, kOne);
  EXPECT_THAT(daq::status::status_files(dir_.path()), ElementsAre(dir_ / "A-1.json", dir_ / "B-2.json"));
  EXPECT_THAT(daq::status::status_files(dir_ / "missing"), testing::IsEmpty());
}

}  // namespace
