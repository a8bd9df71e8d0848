#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <future>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/filesystem.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"
#include "support/support.hpp"

namespace {

using mth5::core::network_name;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(FileSystem, NamesNetworkAndUserSpaceOnesByTheirMagicNumber) {
  EXPECT_EQ(network_name(0x6969), "NFS");
  EXPECT_EQ(network_name(0xff534d42), "CIFS");
  EXPECT_EQ(network_name(0xfe534d42), "SMB2");
  EXPECT_EQ(network_name(0x65735546), "FUSE");
  EXPECT_EQ(network_name(0x01021997), "9p");
}

TEST(FileSystem, HasNoNameForLocalOnes) {
  for (const std::uint32_t local :
       {0xef53U /* ext4 */, 0x01021994U /* tmpfs */, 0x58465342U /* xfs */, 0x9123683eU /* btrfs */, 0x794c7630U /* overlayfs */,
        0x2011bab0U /* exfat */, 0x4d44U /* vfat */, 0xf2f52010U /* f2fs */})
    EXPECT_EQ(network_name(local), std::nullopt) << std::hex << local;
}

TEST(FileSystem, IsLocalWhereTheTestsRunAndInMemory) {
  const support::TempDir dir;
  EXPECT_EQ(mth5::network_file_system(dir.path()), std::nullopt);
  EXPECT_EQ(mth5::network_file_system("/dev/shm"), std::nullopt);
}

TEST(FileSystem, OfAFileToComeIsThatOfTheDirectoryAbove) {
  const support::TempDir dir;
  EXPECT_EQ(mth5::network_file_system(dir / "no" / "such" / "file.h5"), std::nullopt);
  EXPECT_EQ(mth5::network_file_system("file-to-come.h5"), std::nullopt);
  EXPECT_EQ(mth5::network_file_system(""), std::nullopt);
}

TEST(FileSystem, WhatCannotBeLookedAtIsNamed) {
  const support::TempDir dir;
  support::write_text(dir / "plain", "x");
  EXPECT_THAT([&] { (void)mth5::network_file_system(dir / "plain" / "below.h5"); },
              ThrowsMessage<mth5::FileError>(HasSubstr("below.h5: file system: Not a directory")));
}

TEST(FileSystem, ReadsAllOfARegularFileOrItsFirstBytes) {
  const support::TempDir dir;
  std::string bytes(200'000, 'a');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i % 251);
  support::write_text(dir / "plain", bytes);
  EXPECT_EQ(mth5::read_regular(dir / "plain", 1 << 20), bytes);
  EXPECT_EQ(mth5::read_regular(dir / "plain", bytes.size()), bytes);
  EXPECT_EQ(mth5::read_regular(dir / "plain", 70'000), bytes.substr(0, 70'000));
  EXPECT_EQ(mth5::read_regular(dir / "plain", 0), "");
  support::write_text(dir / "empty", "");
  EXPECT_EQ(mth5::read_regular(dir / "empty", 1), "");
  ASSERT_EQ(mkfifo((dir / "fifo").c_str(), 0600), 0);
  EXPECT_THAT([&] { (void)mth5::read_regular(dir / "fifo", 1); },
              ThrowsMessage<mth5::FileError>(HasSubstr("fifo: cannot be read: not a regular file")));
}

TEST(FileSystem, TakesAllOfATextThroughAPipeThatHasNoRoomForIt) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const mth5::Descriptor from{ends[0]};
  mth5::Descriptor to{ends[1]};
  const std::string text(1 << 20, 'x');
  auto written = std::async(std::launch::async, [&] {
    const int error = mth5::write_all(to.get(), text);
    to.reset();
    return error;
  });
  std::string read;
  std::array<char, 4096> block{};
  for (;;) {
    const auto n = ::read(from.get(), block.data(), block.size());
    if (n == 0) break;
    if (n > 0) read.append(block.data(), static_cast<std::size_t>(n));
    pollfd more{.fd = from.get(), .events = POLLIN, .revents = 0};
    if (n < 0) (void)poll(&more, 1, -1);
  }
  EXPECT_EQ(written.get(), 0);
  EXPECT_EQ(read, text);
}

TEST(FileSystem, OfTheNetworkIsForReadingUnlessItIsAllowed) {
  EXPECT_THAT([] { mth5::core::require_local("/mnt/a.h5", "NFS", false); },
              ThrowsMessage<mth5::FileError>(HasSubstr("/mnt/a.h5: is on NFS, where SWMR is not safe")));
  EXPECT_NO_THROW(mth5::core::require_local("/mnt/a.h5", "NFS", true));
  EXPECT_NO_THROW(mth5::core::require_local("/mnt/a.h5", std::nullopt, false));
}

}  // namespace
