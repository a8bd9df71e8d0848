#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/acquisition_file.hpp"
#include "support/needs.hpp"
#include "support/process.hpp"
#include "support/small_disk.hpp"
#include "support/support.hpp"

/// A cache of mth5-summary that is of no use: the report comes all the same, with one line that says why.
namespace {

namespace fs = std::filesystem;
using support::AcquisitionFile;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kAnew = "; what it should know is measured anew each time\n";

class ReportCache : public testing::Test {
 protected:
  /// Of two channels and three days: the cache has six files.
  void SetUp() override {
    constexpr std::int64_t kDay = 86'400, kAll = 3 * kDay;
    AcquisitionFile file{dir_ / "f.h5", {{0, "s", "S1"}}};
    file.append(file.add_run(0, "r0", std::chrono::nanoseconds{0}), kAll);
    file.commit(0, AcquisitionFile::start(), {{.in = kAll, .decoded = kAll}}, {{.decoded = kAll, .stored = kAll}});
    file.file().close();
  }
  /// The report, made by a user who may not do all.
  [[nodiscard]] support::Finished report(const std::vector<std::string>& options) const {
    std::vector<std::string> argv;
    fs::path program = support::program("mth5-summary");
    if (geteuid() == 0) {
      argv = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"};
      fs::permissions(dir_.path(), fs::perms::all);
      fs::copy_file(program, dir_ / "mth5-summary", fs::copy_options::skip_existing);
      program = dir_ / "mth5-summary";
    }
    argv.insert(argv.end(), {program.string(), "--now", "2026-05-04T00:10:00Z", dir_ / "f.h5"});
    argv.insert(argv.end(), options.begin(), options.end());
    return support::run(argv);
  }
  [[nodiscard]] support::Finished cached(const fs::path& cache) const { return report({"--cache", cache}); }

  support::TempDir dir_;
};

TEST_F(ReportCache, OfAnotherUserCostsALineAndNoReport) {
  const auto good = report({});
  EXPECT_EQ(good.err, "");
  const fs::path cache = dir_ / "cache";
  fs::create_directory(cache);

  ASSERT_EQ(chmod(cache.c_str(), 0555), 0);
  const auto locked = cached(cache);
  EXPECT_EQ(locked.out, good.out);
  EXPECT_EQ(locked.code, good.code);
  EXPECT_EQ(locked.err, "mth5-summary: cache: " + cache.string() + ": cannot be written: Permission denied" + kAnew);

  ASSERT_EQ(chmod(cache.c_str(), 0777), 0);
  EXPECT_EQ(cached(cache).err, "");
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator{cache})
    if (entry.is_regular_file()) files += chmod(entry.path().c_str(), 0) == 0 ? 1 : 0;
  EXPECT_EQ(files, 6);
  const auto closed = cached(cache);
  EXPECT_EQ(closed.out, good.out);
  EXPECT_EQ(closed.code, good.code);
  EXPECT_THAT(closed.err, AllOf(StartsWith("mth5-summary: cache: " + cache.string() + "/"),
                                EndsWith(std::string{": Permission denied"} + kAnew)));
  EXPECT_EQ(std::count(closed.err.begin(), closed.err.end(), '\n'), 1) << closed.err;
  EXPECT_EQ(cached(cache).err, "") << "what could not be read is there anew";
  EXPECT_THAT(report({"--cache", cache, "-v"}).err, HasSubstr("0 samples read, "));
}

TEST_F(ReportCache, OfADiskThatIsFullCostsALineAndNoReport) {
  MTH5_NEEDS_MOUNTS(false);
  const auto good = report({});
  const support::SmallDisk disk{dir_ / "disk", "size=8k,mode=777"};
  ASSERT_TRUE(disk.mounted());
  const auto full = cached(disk.path() / "cache");
  EXPECT_EQ(full.out, good.out);
  EXPECT_EQ(full.code, good.code);
  EXPECT_EQ(full.err,
            "mth5-summary: cache: " + (disk.path() / "cache").string() + ": cannot be written: No space left on device" + kAnew);
  for (const auto& entry : fs::recursive_directory_iterator{disk.path()})
    EXPECT_NE(entry.path().extension(), ".part") << "half of a file is left: " << entry.path();
}

}  // namespace
