#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "mth5/error.hpp"
#include "mth5/reader.hpp"
#include "support/fail_nth.h"
#include "support/forked.hpp"
#include "support/streaming.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// What readers see of a commit that was recorded and not yet put in its place when its writer died: while the recovery puts it
/// there, write by write, every sample that a reader counts is there.
namespace {

namespace fs = std::filesystem;
using support::TestWriter;

constexpr std::int64_t kBatch = 180;  ///< samples: some chunks of 64 with each commit
constexpr int kCommits = 12;

void die_before(int nth_write, const fs::path& directory) {
  setenv("FAIL_NTH_DIR", directory.c_str(), 1);
  setenv("FAIL_NTH_CALL", "write", 1);
  setenv("FAIL_NTH_HOW", "KILL", 1);
  setenv("FAIL_NTH", std::to_string(nth_write).c_str(), 1);
  fail_nth_reload();
}

/// @param durable  the last commit, too; else it is only visible
/// @returns 0 if that commit has fewer writes
int write_and_die(const fs::path& path, int nth_write, bool durable) {
  TestWriter writer{path, 64};
  for (int i = 1; i < kCommits; ++i) {
    writer.append(kBatch);
    i % 2 == 0 ? writer.file().flush() : writer.file().sync();
  }
  die_before(nth_write, path.parent_path());
  writer.append(kBatch);
  durable ? writer.file().sync() : writer.file().flush();
  setenv("FAIL_NTH", "0", 1);
  fail_nth_reload();
  return 0;
}

/// What a reader finds that comes now.
struct Looked {
  bool opened;        ///< else it was told that the file needs recovery
  std::string wrong;  ///< the first sample that it counts and that is not there
};

Looked look(const fs::path& path) {
  constexpr int kWrong = 1, kRefused = 2;
  const auto ended = support::forked([&] {
    try {
      const mth5::Reader reader{path, {.deadline = std::chrono::milliseconds{200}}};
      support::Watched watched;
      const std::string wrong = watched.look(reader);
      if (!wrong.empty()) std::fprintf(stderr, "%s\n", wrong.c_str());
      return wrong.empty() ? 0 : kWrong;
    } catch (const mth5::FileError& e) {
      return std::string_view{e.what()}.find("mth5-recover") == std::string_view::npos ? throw : kRefused;
    }
  });
  return {ended.code != kRefused, ended.code == 0 || ended.code == kRefused ? "" : ended.err};
}

class RecoveryOrder : public testing::TestWithParam<bool> {
 protected:
  static void SetUpTestSuite() {
    // What a reader sees is in the page cache: in memory some hundred recoveries take seconds.
    if (fs::is_directory("/dev/shm")) setenv("TMPDIR", "/dev/shm", 0);
  }
};

TEST_P(RecoveryOrder, ShowsNoLengthBeforeItsSamples) {
  int recoveries = 0, states = 0;
  for (int nth_write = 1;; ++nth_write) {
    const support::TempDir dir;
    const auto path = dir / "a.h5", copy = dir / "copy" / "a.h5";
    const auto written = support::forked([&] { return write_and_die(path, nth_write, GetParam()); });
    if (written.code == 0) break;  // the commit has no such write
    ASSERT_EQ(written.code, 128 + SIGKILL) << written.err;
    const auto left = look(path);
    ASSERT_TRUE(left.opened);
    ASSERT_EQ(left.wrong, "") << "after write " << nth_write - 1 << " of the commit";
    fs::create_directory(copy.parent_path());
    // All of them for each commit would take minutes; those of neighbouring commits are much the same.
    for (int nth_change = 1 + nth_write % 7;; nth_change += 7) {
      fs::copy_file(path, copy, fs::copy_options::overwrite_existing);
      const auto recovered = support::forked([&] {
        die_before(nth_change, copy.parent_path());
        (void)mth5::File::open(copy, "r+");
        return 0;
      });
      if (recovered.code == 0) break;
      ASSERT_EQ(recovered.code, 128 + SIGKILL) << recovered.err;
      const auto found = look(copy);
      ASSERT_EQ(found.wrong, "") << "after write " << nth_change - 1 << " of the recovery of a commit that ended after its write "
                                 << nth_write - 1;
      if (!found.opened) break;  // all is in its place, and a writer without SWMR goes on
      ++states;
    }
    ++recoveries;
  }
  EXPECT_GT(recoveries, 3);
  EXPECT_GT(states, 20);
}

INSTANTIATE_TEST_SUITE_P(, RecoveryOrder, testing::Values(true, false),
                         [](const auto& tested) { return tested.param ? "OfADurableCommit" : "OfAVisibleCommit"; });

}  // namespace
