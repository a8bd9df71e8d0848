#include "mth5/descriptor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

/// Who closes what, and when.
namespace {

using mth5::Descriptor;

int any_descriptor() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

TEST(Descriptor, IsClosedOnceByItsLastOwner) {
  const int fd = any_descriptor();
  {
    Descriptor first{fd};
    Descriptor second{std::move(first)};
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that is what is asked
    first = std::move(second);
    EXPECT_EQ(first.get(), fd);
    EXPECT_TRUE(is_open(fd));
  }
  EXPECT_FALSE(is_open(fd));
}

TEST(Descriptor, IsClosedWhenAnotherTakesItsPlace) {
  const int fd = any_descriptor();
  Descriptor owner{fd};
  owner = Descriptor{any_descriptor()};
  EXPECT_TRUE(owner);
  EXPECT_FALSE(is_open(fd));
}

TEST(Descriptor, ThatIsReleasedIsNotClosed) {
  int fd = -1;
  {
    Descriptor owner{any_descriptor()};
    fd = owner.release();
    EXPECT_FALSE(owner);
  }
  EXPECT_TRUE(is_open(fd));
  EXPECT_EQ(Descriptor{fd}.close(), 0);
}

TEST(Descriptor, LeavesErrnoToWhoReportsIt) {
  errno = ENOSPC;
  { const Descriptor owner{-1}; }
  {
    Descriptor closed_by_others{any_descriptor()};
    close(closed_by_others.get());
    errno = ENOSPC;
  }
  EXPECT_EQ(errno, ENOSPC);
}

TEST(Descriptor, SaysWhatCloseSays) {
  Descriptor owner{any_descriptor()};
  close(owner.get());
  EXPECT_EQ(owner.close(), EBADF);
  EXPECT_EQ(owner.close(), 0) << "none";
}

}  // namespace
