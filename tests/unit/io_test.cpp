#include "mth5/io.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/played_disk.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

namespace {

using support::TestWriter;

constexpr std::int64_t kBatch = 100, kBatches = 2;

/// Samples that were handed over, and those of them that are safe. Ends at the first error.
struct Told {
  std::int64_t handed = 0, durable = 0;
  bool closed = false;
};

Told record(const std::filesystem::path& path) {
  Told told;
  try {
    TestWriter recorder{path};
    for (int i = 0; i < kBatches; ++i) {
      told.handed += kBatch;
      recorder.append(kBatch);
      if (i % 2 == 0) {
        recorder.file().flush();
        continue;
      }
      recorder.file().sync();
      told.durable = told.handed;
    }
    recorder.file().close();
    told.closed = true;
  } catch (const mth5::FileError&) {
  }
  return told;
}

/// One call after the other: a sweep to the last of them, as the recording makes them, with no preload and no child.
TEST(Io, AnyCallThatFailsIsAnErrorAndTakesNothingThatWasDurable) {
  // What fails here fails before it comes to a disk.
  if (std::filesystem::is_directory("/dev/shm")) setenv("TMPDIR", "/dev/shm", 0);
  const support::TempDir dir;
  std::int64_t nth = 1;
  for (bool failed = true; failed; ++nth) {
    const int error = nth % 2 == 0 ? EIO : ENOSPC;
    SCOPED_TRACE("call " + std::to_string(nth) + ", error " + std::to_string(error));
    const auto path = dir / (std::to_string(nth) + ".h5");
    Told told;
    {
      support::PlayedDisk disk;
      disk.fail(nth, error);
      told = record(path);
      failed = disk.failed();
    }
    EXPECT_EQ(told.closed, !failed);
    if (!std::filesystem::exists(path)) {
      EXPECT_EQ(told.durable, 0);
      continue;
    }
    if (!told.closed) mth5::File::open(path, "r+").close();
    const mth5::Reader reader{path};
    EXPECT_EQ(reader.state(), mth5::FileState::Closed);
    for (std::size_t c = 0; c < TestWriter::components().size(); ++c) {
      const auto found = reader.find("S1", "r0", TestWriter::components()[c]);
      if (found.empty() && told.durable == 0) continue;
      ASSERT_EQ(found.size(), 1u);
      const auto n = reader.channels()[found[0]].n_samples;
      EXPECT_GE(n, told.durable);
      EXPECT_LE(n, told.handed);
      const auto samples = reader.read(found[0], 0, n);
      for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(samples[static_cast<std::size_t>(i)], support::sample_at(c, 0, i)) << i;
    }
  }
  EXPECT_GT(nth, 30) << "calls of a recording of " << kBatches << " batches: few are seen";
}

TEST(Io, IsThatOfTheSystemAgainAfterATest) {
  const support::TempDir dir;
  {
    support::PlayedDisk disk;
    disk.leave(0);
    disk.refuse_writes(true);
    EXPECT_EQ(mth5::io().free_bytes(dir.path()), 0);
    EXPECT_THROW(TestWriter{dir / "a.h5"}, mth5::FileError);
  }
  EXPECT_GT(mth5::io().free_bytes(dir.path()), 0);
  EXPECT_EQ(mth5::io().free_bytes(dir / "gone"), std::nullopt);
  EXPECT_TRUE(record(dir / "a.h5").closed);
}

}  // namespace
