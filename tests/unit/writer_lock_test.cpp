#include "h5/lock.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mth5/error.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "mth5/recover.hpp"
#include "support/forked.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// Who may only read a file must not be able to keep others from it, nor be taken for its writer.
namespace {

using mth5::h5::is_write_locked;
using mth5::h5::WriterLock;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// A shared lock over the whole file, for which a read-only descriptor is enough.
class ReadersLock {
 public:
  explicit ReadersLock(const std::filesystem::path& path) : fd_{open(path.c_str(), O_RDONLY | O_CLOEXEC)} {
    struct flock lock {};
    lock.l_type = F_RDLCK;
    lock.l_whence = SEEK_SET;
    held_ = fcntl(fd_, F_OFD_SETLK, &lock) == 0;
  }
  ~ReadersLock() { close(fd_); }
  [[nodiscard]] bool held() const { return held_; }

 private:
  int fd_;
  bool held_ = false;
};

class WriterLockTest : public testing::Test {
 protected:
  [[nodiscard]] bool write_locked(const std::filesystem::path& path) const {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const bool locked = is_write_locked(fd);
    close(fd);
    return locked;
  }
  support::TempDir dir_;
  std::filesystem::path path_ = dir_ / "file.h5";
};

TEST_F(WriterLockTest, OfANewFileCannotBeKeptOff) {
  const auto lock = WriterLock::create(path_, path_);
  EXPECT_TRUE(write_locked(path_));
  EXPECT_FALSE(ReadersLock{path_}.held());
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(
      info.st_mode & 0777, 0644U & ~[] {
        const auto mask = umask(0);
        umask(mask);
        return mask;
      }());
  EXPECT_THAT([&] { (void)WriterLock{path_}; }, ThrowsMessage<mth5::BusyError>(HasSubstr("another process is writing")));
}

TEST_F(WriterLockTest, IsSeenAfterTheFileWasRenamed) {
  const auto lock = WriterLock::create(path_, path_);
  std::filesystem::rename(path_, dir_ / "other.h5");
  EXPECT_TRUE(write_locked(dir_ / "other.h5"));
}

TEST_F(WriterLockTest, AReaderIsNoWriter) {
  support::write_text(path_, "x");
  const ReadersLock reader{path_};
  ASSERT_TRUE(reader.held());
  EXPECT_FALSE(write_locked(path_));
  EXPECT_THAT([&] { (void)WriterLock{path_}; }, ThrowsMessage<mth5::BusyError>(HasSubstr("only reads this file")));
  EXPECT_THAT([&] { (void)WriterLock(path_, [] { return false; }); }, ThrowsMessage<mth5::BusyError>(HasSubstr("only reads")));
  EXPECT_NO_THROW((void)WriterLock(path_, [] { return true; }));
}

/// A file whose writer died.
void leave_dead(const std::filesystem::path& path) {
  const auto ended = support::forked([&] {
    support::TestWriter writer{path};
    writer.append(200);
    writer.file().sync();
    _exit(0);
    return 0;
  });
  ASSERT_EQ(ended.code, 0) << ended.err;
}

TEST_F(WriterLockTest, ADeadFileThatAReaderHoldsIsRecoveredButNotRecordedInto) {
  leave_dead(path_);
  const ReadersLock reader{path_};
  ASSERT_TRUE(reader.held());
  EXPECT_FALSE(mth5::probe(path_).locked);
  EXPECT_THROW((void)mth5::File::open(path_, "r+"), mth5::BusyError);
  const auto ended = support::forked([&] {
    const auto done = mth5::recover(path_, dir_ / "before");
    return done.samples == 200 ? 0 : 1;
  });
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(mth5::probe(path_).state, mth5::FileState::Closed);
}

TEST_F(WriterLockTest, ALiveWriterIsLeftAloneAlsoWhenItsFileIsRenamed) {
  const auto ended = support::forked([&] {
    support::TestWriter writer{path_};
    writer.append(100);
    writer.file().sync();
    std::filesystem::rename(path_, dir_ / "renamed.h5");
    const auto other = support::forked([&] {
      try {
        (void)mth5::recover(dir_ / "renamed.h5", dir_ / "before");
      } catch (const mth5::BusyError&) {
        return std::filesystem::exists(dir_ / "before") ? 2 : 0;
      }
      return 1;
    });
    return other.code;
  });
  EXPECT_EQ(ended.code, 0) << ended.err;
}

}  // namespace
