#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// Somebody renames or deletes a file while it is written. All writing goes through the descriptor, so the file stays whole
/// wherever it is.
namespace {

namespace fs = std::filesystem;
using mth5::FileName;
using support::TestWriter;

/// Leaves SWMR and returns, appends, and closes.
void go_on(TestWriter& writer) {
  writer.append(50);
  writer.new_run(std::chrono::hours{1});
  writer.append(30);
  writer.file().sync();
  writer.append(20);
  writer.file().close();
}

void expect_whole(const fs::path& path) {
  const mth5::Reader reader{path};
  EXPECT_EQ(reader.state(), mth5::FileState::Closed);
  ASSERT_EQ(reader.runs().size(), 2u);
  for (std::size_t run = 0; run < 2; ++run)
    for (std::size_t c = 0; c < 3; ++c) {
      const std::int64_t n = run == 0 ? 150 : 50;
      const auto samples = reader.read(3 * run + c, 0, 1000);
      ASSERT_EQ(samples.size(), static_cast<std::size_t>(n));
      for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(samples[static_cast<std::size_t>(i)], support::sample_at(c, run, i));
    }
  auto again = mth5::File::open(path);  // and it can be written again
  EXPECT_TRUE(again.recovery().empty());
  again.close();
}

struct Written {
  support::TempDir dir;
  fs::path folder = dir / "data";
  fs::path path = folder / "a.h5";
  std::unique_ptr<TestWriter> writer = [this] {
    fs::create_directory(folder);
    return std::make_unique<TestWriter>(path);
  }();
  Written() {
    writer->append(100);
    writer->file().sync();
    EXPECT_EQ(writer->file().still_there(), FileName::There);
  }
};

TEST(MovedFile, ThatWasCutIsNotWrittenAnyMore) {
  Written w;
  fs::resize_file(w.path, fs::file_size(w.path) - 100);
  EXPECT_EQ(w.writer->file().still_there(), FileName::Cut);
  const auto left = support::read_text(w.path);
  EXPECT_THAT([&] { go_on(*w.writer); }, testing::ThrowsMessage<mth5::FileError>(testing::HasSubstr("another program cut it")));
  EXPECT_EQ(support::read_text(w.path), left);
}

TEST(MovedFile, IsWholeUnderItsNewName) {
  Written w;
  fs::rename(w.path, w.dir / "b.h5");
  EXPECT_EQ(w.writer->file().still_there(), FileName::Renamed);
  EXPECT_GT(w.writer->file().file_bytes(), 0u);
  go_on(*w.writer);
  expect_whole(w.dir / "b.h5");
  EXPECT_FALSE(fs::exists(w.path));
}

TEST(MovedFile, IsWholeWhereItsDirectoryIs) {
  Written w;
  fs::rename(w.folder, w.dir / "elsewhere");
  EXPECT_EQ(w.writer->file().still_there(), FileName::Renamed);
  go_on(*w.writer);
  expect_whole(w.dir / "elsewhere" / "a.h5");
}

TEST(MovedFile, LeavesAloneWhatHasItsNameNow) {
  Written w;
  fs::rename(w.path, w.dir / "b.h5");
  support::write_text(w.path, "precious");
  EXPECT_EQ(w.writer->file().still_there(), FileName::Renamed) << "there is another file of that name";
  go_on(*w.writer);
  EXPECT_EQ(support::read_text(w.path), "precious");
  expect_whole(w.dir / "b.h5");
}

TEST(MovedFile, KeepsAnotherLink) {
  Written w;
  fs::create_hard_link(w.path, w.dir / "b.h5");
  fs::remove(w.path);
  EXPECT_EQ(w.writer->file().still_there(), FileName::Renamed);
  go_on(*w.writer);
  expect_whole(w.dir / "b.h5");
}

TEST(MovedFile, IsReplacedByALinkToItself) {
  Written w;
  fs::rename(w.path, w.dir / "b.h5");
  fs::create_symlink(w.dir / "b.h5", w.path);
  EXPECT_EQ(w.writer->file().still_there(), FileName::There) << "who opens its name gets this file";
  go_on(*w.writer);
  expect_whole(w.path);
}

TEST(MovedFile, CanBeClosedWhenItIsDeleted) {
  Written w;
  fs::remove(w.path);
  EXPECT_EQ(w.writer->file().still_there(), FileName::Deleted);
  go_on(*w.writer);
  EXPECT_FALSE(fs::exists(w.path)) << "nothing comes back";
}

TEST(MovedFile, CanBeClosedWhenItsDirectoryIsDeleted) {
  Written w;
  fs::remove_all(w.folder);
  EXPECT_EQ(w.writer->file().still_there(), FileName::Deleted);
  go_on(*w.writer);
  EXPECT_FALSE(fs::exists(w.folder));
}

TEST(MovedFile, ThatNeverGotItsNameSaysSo) {
  const support::TempDir dir;
  fs::create_directory(dir / "data");
  auto file = mth5::File::create(dir / "data" / "a.h5");
  EXPECT_EQ(file.still_there(), FileName::There);
  fs::rename(dir / "data", dir / "elsewhere");
  EXPECT_EQ(file.still_there(), FileName::Renamed);
  EXPECT_THROW(file.close(), mth5::FileError);
}

TEST(FileErrors, TellWhatTheSystemSaid) {
  const support::TempDir dir;
  const auto code_of = [](const auto& call) {
    try {
      call();
    } catch (const mth5::FileError& e) {
      return e.code();
    }
    return std::error_code{};
  };
  EXPECT_EQ(code_of([&] { (void)mth5::File::create(dir / "none" / "a.h5"); }), std::errc::no_such_file_or_directory);
  fs::create_directory(dir / "b.h5");
  EXPECT_EQ(code_of([&] { throw mth5::FileError{"no call of the system"}; }), std::error_code{});
}

}  // namespace
