#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>

#include "mth5/reader.hpp"
#include "support/fail_nth.h"
#include "support/forked.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// Whichever call to the file system fails: the recording ends with one line, and what was acknowledged is there. How the calls
/// are made to fail: support/fail_nth.h. MTH5_FAIL_NTH=all tries more ways of failing than fit into every build.
namespace {

namespace fs = std::filesystem;
using support::TestWriter;

constexpr std::size_t kRuns = 2;
constexpr std::int64_t kBatch = 50, kAgain = 10;

bool more() { return std::getenv("MTH5_FAIL_NTH") != nullptr && std::getenv("MTH5_FAIL_NTH") == std::string{"all"}; }

/// What the recording was told is there, run by run: the test's own memory of it outlives the recording.
struct Told {
  std::array<std::int64_t, kRuns> handed, visible, durable;
  std::int64_t runs, rows;
  bool closed;
};

/// A line on stderr and 1, as a program ends that meets an error.
int record(const fs::path& path, Told& told) {
  try {
    TestWriter recorder{path};
    told.runs = 1;
    const std::int64_t batches = more() ? 30 : 10;
    for (std::int64_t i = 0; i < batches; ++i) {
      if (i == batches / 2) {
        recorder.new_run(std::chrono::hours{1});
        told.runs = 2;
        told.durable[0] = told.visible[0];
      }
      const auto run = static_cast<std::size_t>(told.runs - 1);
      told.handed[run] += kBatch;
      recorder.append(kBatch);
      const bool sync = i % 5 == 4;
      if (sync) {
        recorder.append_gap(i, 3, "ring", "r0", "r0", true);
        recorder.file().sync();
        ++told.rows;
        told.durable[run] = told.handed[run];
      } else {
        recorder.file().flush();
      }
      told.visible[run] = told.handed[run];
    }
    recorder.file().close();
    told.closed = true;
    return 0;
  } catch (const mth5::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}

/// The file under its name, or under the hidden one it has before it is whole.
std::optional<fs::path> left_behind(const fs::path& path) {
  if (fs::exists(path)) return path;
  for (const auto& entry : fs::directory_iterator{path.parent_path()})
    if (entry.path().extension() == ".part") return entry.path();
  return std::nullopt;
}

int complain(const char* what, const std::string& where, std::int64_t is, std::int64_t should_be) {
  std::fprintf(stderr, "%s: %s is %lld, should be %lld\n", where.c_str(), what, static_cast<long long>(is),
               static_cast<long long>(should_be));
  return 1;
}

/// Goes on in each run that was promised, then reads everything. 0 if it is as it was told.
/// @param promised  samples, run by run
int go_on(const fs::path& path, const Told& told, const std::array<std::int64_t, kRuns>& promised) {
  std::array<std::int64_t, kRuns> found{};
  std::array<bool, kRuns> gone{};  // without a sample: a recovery removes it
  {
    auto file = mth5::File::open(path, "r+", {.swmr = true});
    const auto names = file.run_names("TEST", "S1");
    for (std::size_t r = 0; r < static_cast<std::size_t>(told.runs); ++r) {
      const std::string name = "r" + std::to_string(r);
      gone[r] = std::find(names.begin(), names.end(), name) == names.end();
      if (gone[r] && promised[r] > 0) return complain("samples, fewer than promised", name, 0, promised[r]);
      if (gone[r]) continue;
      const auto run = file.open_run("TEST", "S1", name);  // refuses channels that differ in length
      found[r] = file.n_samples(run);
      if (found[r] < promised[r]) return complain("samples, fewer than promised", name, found[r], promised[r]);
      if (found[r] > told.handed[r]) return complain("samples, more than there were", name, found[r], told.handed[r]);
      support::append_numbered(file, run, r, kAgain);
      file.sync();
    }
    file.close();
  }
  const mth5::Reader reader{path};
  if (reader.state() != mth5::FileState::Closed) return complain("state", path, static_cast<int>(reader.state()), 1);
  for (std::size_t r = 0; r < static_cast<std::size_t>(told.runs); ++r)
    for (std::size_t c = 0; c < TestWriter::components().size() && !gone[r]; ++c) {
      const auto at = reader.find("S1", "r" + std::to_string(r), TestWriter::components()[c]);
      if (at.size() != 1) return complain("channels of one name", "r" + std::to_string(r), static_cast<int>(at.size()), 1);
      const auto& info = reader.channels()[at[0]];
      const std::string name = info.run + "/" + info.component;
      if (info.n_samples != found[r] + kAgain) return complain("samples", name, info.n_samples, found[r] + kAgain);
      const auto samples = reader.read(at[0], 0, info.n_samples);
      for (std::size_t i = 0; i < samples.size(); ++i)
        if (samples[i] != support::sample_at(c, r, static_cast<std::int64_t>(i)))
          return complain("a sample", name + "[" + std::to_string(i) + "]", static_cast<std::int64_t>(samples[i]),
                          support::sample_at(c, r, static_cast<std::int64_t>(i)));
    }
  if (told.runs > 0 && reader.table_rows("gaps") < told.rows)
    return complain("rows", "gaps", reader.table_rows("gaps"), told.rows);
  return 0;
}

struct Way {
  const char* call;
  const char* how;
  int error;  ///< 0: nothing a recorder may be troubled by
  bool from_then_on;
};

class NthCall : public testing::TestWithParam<Way> {
 protected:
  static void SetUpTestSuite() {
    // What fails here fails before it comes to a disk: in memory thousands of recordings take seconds.
    if (fs::is_directory("/dev/shm")) setenv("TMPDIR", "/dev/shm", 0);
  }
  /// @returns whether there was an n-th call
  bool attempt(int nth);
  /// "" or what is wrong with the end of the recording, and with the file it left; a line.
  [[nodiscard]] std::string told_well(const fs::path& path, const support::Ended& ended, bool hit, const Told& told) const;
  [[nodiscard]] std::string holds_what_was_told(const fs::path& path, const Told& told) const;

  int hits_ = 0, ended_ = 0, problems_ = 0;
};

void arm(const Way& way, int nth, const fs::path& directory, const fs::path& log) {
  setenv("FAIL_NTH_DIR", directory.c_str(), 1);
  setenv("FAIL_NTH_CALL", way.call, 1);
  setenv("FAIL_NTH_HOW", way.how, 1);
  setenv("FAIL_NTH_ON", way.from_then_on ? "1" : way.error == 0 && !more() ? "2" : "0", 1);
  setenv("FAIL_NTH_LOG", log.c_str(), 1);
  setenv("FAIL_NTH", std::to_string(nth).c_str(), 1);
  fail_nth_reload();
}

bool NthCall::attempt(int nth) {
  const Way& way = GetParam();
  const support::TempDir dir;
  const fs::path data = dir / "data", path = data / "a.h5", log = dir / "log";
  fs::create_directory(data);
  const support::Shared<Told> told;
  const auto ended = support::forked([&] {
    arm(way, nth, data, log);
    return record(path, *told);
  });
  const std::string failed = fs::exists(log) ? support::read_text(log) : "";
  const std::string problem = told_well(path, ended, !failed.empty(), *told) + holds_what_was_told(path, *told);
  if (!problem.empty()) {
    ADD_FAILURE() << problem << "stderr: " << ended.err << "call " << nth << " of " << way.call << ", " << way.how << ":\n"
                  << failed;
    ++problems_;
  }
  ended_ += ended.code == 1;
  hits_ += !failed.empty();
  return !failed.empty();
}

std::string NthCall::told_well(const fs::path& path, const support::Ended& ended, bool hit, const Told& told) const {
  const Way& way = GetParam();
  const auto lines = std::count(ended.err.begin(), ended.err.end(), '\n');
  if (ended.hung) return "it hangs\n";
  if (ended.code > 1) return "it ended with " + std::to_string(ended.code) + "\n";
  if (ended.code == 1 && (!hit || way.error == 0)) return "it has no reason to fail\n";
  if (lines != ended.code) return std::to_string(lines) + " lines, not " + std::to_string(ended.code) + "\n";
  if (told.closed != (ended.code == 0)) return "it ended with " + std::to_string(ended.code) + " before it closed the file\n";
  if (ended.code == 1 && (!ended.err.starts_with(path.string()) || ended.err.find(std::strerror(way.error)) == std::string::npos))
    return "it does not say which file, or why\n";
  return "";
}

std::string NthCall::holds_what_was_told(const fs::path& path, const Told& told) const {
  const auto file = left_behind(path);
  if (!file) return told.runs == 0 ? "" : "there is no file\n";
  // After a failed sync nobody knows what the page cache still holds: what was only visible may go.
  const bool may_cut = GetParam().call == std::string{"sync"} && GetParam().error != 0;
  const auto checked = support::forked([&] { return go_on(*file, told, may_cut ? told.durable : told.visible); });
  // A file that never had its name may be a torso: that is told, not read.
  const bool refused = checked.code == 99 && told.runs == 0;
  return checked.code == 0 || refused ? "" : "recovery: " + std::to_string(checked.code) + ": " + checked.err;
}

TEST_P(NthCall, EndsWithOneLineAndLosesNothing) {
  // What a recording survives can happen to it a hundred times: all odd calls, and then all even ones.
  const int most = GetParam().error == 0 && !more() ? 2 : std::numeric_limits<int>::max();
  // Writes are many, and each costs a recording: without more(), one error at the first, fourth …, the other at the second, fifth
  // …
  const int step = std::string_view{GetParam().call} == "write" && !more() && GetParam().error != 0 ? 3 : 1;
  for (int nth = step == 3 && GetParam().error == EIO ? 2 : 1; nth <= most && problems_ < 5 && attempt(nth);) nth += step;
  std::printf("%s %s: %d calls, %d ended the recording\n", GetParam().call, GetParam().how, hits_, ended_);
  EXPECT_GT(hits_, 0) << "nothing was made to fail";
}

std::vector<Way> ways() {
  std::vector<Way> all{{"write", "EINTR", 0, false},
                       {"write", "SHORT", 0, false},
                       {"truncate", "EINTR", 0, false},
                       {"allocate", "EINTR", 0, false},
                       {"sync", "EINTR", 0, false}};
  for (const char* call : {"write", "sync", "truncate", "allocate", "open", "rename"}) {
    for (const Way& way : {Way{call, "ENOSPC", ENOSPC, true}, {call, "EIO", EIO, true}}) all.push_back(way);
    if (!more()) continue;
    for (const bool on : {false, true})
      for (const Way& way : {Way{call, "EDQUOT", EDQUOT, on}, {call, "EROFS", EROFS, on}}) all.push_back(way);
    for (const Way& way : {Way{call, "ENOSPC", ENOSPC, false}, {call, "EIO", EIO, false}}) all.push_back(way);
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(, NthCall, testing::ValuesIn(ways()), [](const auto& param) {
  return std::string{param.param.call} + "_" + param.param.how + (param.param.from_then_on ? "_from_then_on" : "_once");
});

}  // namespace
