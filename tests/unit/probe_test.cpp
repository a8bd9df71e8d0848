#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "h5/checksum.hpp"
#include "h5/lock.hpp"
#include "mth5/reader.hpp"
#include "sandbox/check.hpp"
#include "support/stages.hpp"
#include "support/support.hpp"

namespace {

namespace fs = std::filesystem;
using mth5::FileState;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::size_t kFlagsAt = 11;

class ProbeTest : public testing::Test {
 protected:
  fs::path copy(const std::string& name = "a.h5") {
    const fs::path to = dir_ / name;
    fs::copy_file(support::data() / "mth5" / "python_v020.h5", to);
    fs::permissions(to, fs::perms::owner_write, fs::perm_options::add);
    return to;
  }
  static void set_flags(const fs::path& path, char flags, std::size_t user_block = 0) {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(user_block + kFlagsAt));
    file.put(flags);
    ASSERT_TRUE(file.flush());
  }
  static void set_age(const fs::path& path, std::chrono::seconds age) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - age);
  }

  support::TempDir dir_;
};

TEST_F(ProbeTest, SaysClosedOfAFileThatNobodyWrites) {
  const auto found = mth5::probe(copy());
  EXPECT_EQ(found.state, FileState::Closed);
  EXPECT_EQ(found.consistency_flags, 0);
  EXPECT_FALSE(found.locked);
}

TEST_F(ProbeTest, SaysLiveOfAFlaggedFileWithoutALock) {
  const auto path = copy();
  set_flags(path, 5);
  const auto found = mth5::probe(path);
  EXPECT_EQ(found.state, FileState::Live);
  EXPECT_EQ(found.consistency_flags, 5);
  EXPECT_FALSE(found.locked);
}

TEST_F(ProbeTest, SeesTheLockOfAnotherDescriptorAndItsEnd) {
  const auto path = copy();
  {
    const mth5::h5::WriterLock lock{path};
    const auto found = mth5::probe(path);
    EXPECT_TRUE(found.locked);
    EXPECT_EQ(found.state, FileState::Live);
  }
  EXPECT_FALSE(mth5::probe(path).locked);
}

TEST_F(ProbeTest, SeesTheLockOfAnotherProcessUntilItDies) {
  const auto path = copy();
  support::Stages writer{[&](support::Stages::Gate& gate) {
    const mth5::h5::WriterLock lock{path};
    gate.reached();
  }};
  writer.wait();
  EXPECT_TRUE(mth5::probe(path).locked);
  writer.kill_now();
  EXPECT_FALSE(mth5::probe(path).locked);
}

TEST_F(ProbeTest, FindsTheSuperblockBehindAUserBlock) {
  const std::string content = support::read_text(support::data() / "mth5" / "python_v020.h5");
  for (const std::size_t user_block : {512U, 1024U, 2048U, 1048576U}) {
    const auto path = dir_ / ("block" + std::to_string(user_block) + ".h5");
    support::write_text(path, std::string(user_block, '\0') + content);
    set_flags(path, 5, user_block);
    EXPECT_EQ(mth5::probe(path).consistency_flags, 5) << user_block;
  }
}

TEST_F(ProbeTest, RefusesWhatIsNoHdf5File) {
  support::write_text(dir_ / "text.h5", "station,ex,ey\n1,2,3\n");
  support::write_text(dir_ / "empty.h5", "");
  support::write_text(dir_ / "shifted.h5",
                      std::string(700, ' ') + support::read_text(support::data() / "mth5" / "python_v020.h5"));
  for (const char* name : {"text.h5", "empty.h5", "shifted.h5"})
    EXPECT_THAT([&] { (void)mth5::probe(dir_ / name); }, ThrowsMessage<mth5::FormatError>(HasSubstr("not an HDF5 file"))) << name;
  EXPECT_THAT([&] { (void)mth5::probe(dir_ / "none.h5"); }, ThrowsMessage<mth5::FileError>(HasSubstr("No such file")));
  EXPECT_THAT([&] { (void)mth5::probe(dir_.path()); }, ThrowsMessage<mth5::FileError>(HasSubstr("is a directory")));
  ASSERT_EQ(mkfifo((dir_ / "pipe.h5").c_str(), 0600), 0);
  EXPECT_THAT([&] { (void)mth5::probe(dir_ / "pipe.h5"); }, ThrowsMessage<mth5::FileError>(HasSubstr("not a regular file")));
}

TEST_F(ProbeTest, CallsAVersionOfTheSuperblockNewOnlyIfItsChecksumFits) {
  const auto path = copy();
  const std::string whole = support::read_text(path);
  ASSERT_EQ(whole.at(8), 3);
  // What HDF5 wrote itself.
  EXPECT_EQ(mth5::h5::checksum({reinterpret_cast<const unsigned char*>(whole.data()), 44}),
            *reinterpret_cast<const std::uint32_t*>(whole.data() + 44));
  for (const int version : {4, 7, 19, 131, 255}) {
    std::string content = whole;
    content.at(8) = static_cast<char>(version);
    support::write_text(path, content);
    EXPECT_THAT([&] { (void)mth5::probe(path); },
                ThrowsMessage<mth5::FormatError>(HasSubstr("damaged: its superblock says version " + std::to_string(version))));
    const auto checksum = mth5::h5::checksum({reinterpret_cast<const unsigned char*>(content.data()), 44});
    std::memcpy(content.data() + 44, &checksum, sizeof checksum);
    support::write_text(path, content);
    EXPECT_THAT([&] { (void)mth5::probe(path); }, ThrowsMessage<mth5::UnsupportedError>(HasSubstr("needs a newer HDF5")));
  }
  std::mt19937 random{1};
  for (int i = 0; i < 60; ++i) {
    std::string content = whole.substr(0, 8);
    while (content.size() < 4096) content += static_cast<char>(random());
    content.at(kFlagsAt) = 0;  // nobody writes it
    support::write_text(path, content);
    EXPECT_THROW(sandbox::check(path), mth5::FormatError) << i;
  }
  support::write_text(path, whole.substr(0, 8) + "\x07" + whole.substr(9, 11));  // cut off behind it
  EXPECT_THROW((void)mth5::probe(path), mth5::FormatError);
}

TEST_F(ProbeTest, NewestFileIsTheOneThatIsWrittenElseTheYoungest) {
  EXPECT_EQ(mth5::newest_file(dir_.path()), std::nullopt);
  const auto old = copy("old.h5");
  const auto young = copy("young.mth5");
  set_age(old, std::chrono::hours{2});
  set_age(young, std::chrono::hours{1});
  copy(".hidden.h5");
  copy("notes.txt");
  support::write_text(dir_ / "broken.h5", "no HDF5");
  EXPECT_EQ(mth5::newest_file(dir_.path()), young);
  const mth5::h5::WriterLock lock{old};
  EXPECT_EQ(mth5::newest_file(dir_.path()), old);
  EXPECT_THROW((void)mth5::newest_file(dir_ / "none"), mth5::FileError);
}

}  // namespace
