#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <sstream>

#include "mth5/reader.hpp"
#include "support/process.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

/// What scientists do with a recording: aurora, unmodified, finds the impedance of a half space in our files. half_space.py makes
/// the text of the instrument, has the tolerances, and processes all files in one process, as aurora takes long to begin.
namespace {

namespace fs = std::filesystem;
using support::Recording;

constexpr int kLines = 40'000;
constexpr int kGapFrom = 20'000, kGapLines = 600;  // longer than any filled gap: a new run begins
constexpr int kShortGapLines = 4;                  // a new run, too, which an archive may join

std::string python() {
  const char* path = std::getenv("MTH5_TEST_PYTHON");
  if (path == nullptr || !fs::exists(path))
    throw std::runtime_error{"MTH5_TEST_PYTHON is no Python with mth5; scripts/setup.sh --test makes build/venv"};
  return path;
}

std::string script() { return (support::source() / "tests" / "integration" / "half_space.py").string(); }

/// A site that gives its channels the names that processing looks for.
constexpr const char* kChannels =
    "channels: {bx: {component: hx}, by: {component: hy}, bz: {component: hz}, e1: {component: ex, units: milliVolt per "
    "kilometer}, "
    "e2: {component: ey, units: milliVolt per kilometer}}\n";

void record(const fs::path& text, const fs::path& to, const char* version = "0.2.0") {
  setenv("MTH5D_OUTPUT_FILE_VERSION", version, 1);
  Recording recording{Recording::replay(text), {.source = kChannels, .arguments = {"--until-eof"}}};
  ASSERT_EQ(recording.process().wait(std::chrono::seconds{120}), 0) << recording.log();
  ASSERT_EQ(recording.files().size(), 1u);
  fs::copy_file(recording.file(), to);
}

/// As the man page says: aurora opens for writing what it only reads, and an archive can only be read.
void finalize(const fs::path& recording, const std::vector<std::string>& options, const fs::path& archive, const fs::path& to) {
  std::vector<std::string> command{support::program("mth5-recover"), "--finalize", "gzip-4"};
  command.insert(command.end(), options.begin(), options.end());
  command.push_back(recording.string());
  const auto done = support::run(command, {}, std::chrono::seconds{60});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(fs::status(archive).permissions() & fs::perms::owner_write, fs::perms::none);
  fs::copy_file(archive, to);
  fs::permissions(to, fs::perms::owner_write, fs::perm_options::add);
}

std::string without_position(std::string line) {
  const std::string position = "4030.00000 N 11506.00000 W";
  return line.replace(line.find(position), position.size(), "? N ? W");
}

TEST(Aurora, FindsTheImpedanceOfAHalfSpace) {
  const support::TempDir dir;
  const auto text = dir / "whole.txt", with_gap = dir / "gap.txt";  // the latter of a site whose GPS gave no position
  const auto with_short_gap = dir / "short.txt";
  ASSERT_EQ(support::run({python(), script(), "make", text.string()}, {}, std::chrono::seconds{200}).code, 0);
  std::istringstream lines{support::read_text(text)};
  std::string kept, kept_more;
  int n = 0;
  for (std::string line; std::getline(lines, line); ++n) {
    if (n < kGapFrom || n >= kGapFrom + kGapLines) kept += without_position(line) + "\n";
    if (n < kGapFrom || n >= kGapFrom + kShortGapLines) kept_more += line + "\n";
  }
  ASSERT_EQ(n, kLines);
  support::write_text(with_gap, kept);
  support::write_text(with_short_gap, kept_more);
  record(text, dir / "whole.h5");
  record(text, dir / "whole010.h5", "0.1.0");
  record(with_gap, dir / "gap.h5");
  ASSERT_TRUE(std::isnan(mth5::Reader{dir / "gap.h5"}.stations().at(0).metadata.number("location.latitude")));
  {  // a copy of a file that is being written is made whole as after a crash
    Recording recording{Recording::replay(text, "1000000"), {.source = kChannels}};
    ASSERT_TRUE(recording.wait_until(
        [](const nlohmann::json& status) { return status.dump().find(std::to_string(kLines)) != std::string::npos; },
        std::chrono::seconds{120}))
        << recording.log();
    fs::copy_file(recording.file(), dir / "live.h5");
    const auto recover = support::run({support::program("mth5-recover"), (dir / "live.h5").string()});
    EXPECT_EQ(recover.code, 0) << recover.err;
    recording.stop();
  }
  record(with_short_gap, dir / "short.h5");
  finalize(dir / "gap.h5", {}, dir / "archive" / "gap.h5", dir / "archived.h5");
  finalize(dir / "short.h5", {"--bridge", "5s"}, dir / "archive" / "short.bridged.h5", dir / "bridged.h5");
  const auto found = support::run(
      {python(), script(), "process", (dir / "whole.h5").string(), (dir / "whole010.h5").string(), (dir / "gap.h5").string(),
       (dir / "live.h5").string(), (dir / "archived.h5").string(), (dir / "bridged.h5").string()},
      {}, std::chrono::seconds{280});
  EXPECT_EQ(found.code, 0) << found.err;
  std::istringstream results{found.out};
  std::vector<int> runs;
  for (std::string line; std::getline(results, line);) {
    const auto result = nlohmann::json::parse(line);
    runs.push_back(result.at("runs"));
    EXPECT_GE(result.at("samples"), kLines - kGapLines);
  }
  EXPECT_THAT(runs, testing::ElementsAre(1, 1, 2, 1, 2, 1)) << found.out;
}

/// The natural signal of mth5-sim, with mains, drift and spikes, over an earth of two layers.
TEST(Aurora, FindsTheEarthThatIsSimulated) {
  const support::TempDir dir;
  const auto profile = (support::source() / "config" / "instruments" / "lemi424.yaml").string();
  const auto made =
      support::run({support::program("mth5-sim"), profile, "--to", "file:" + (dir / "day.txt").string(), "--duration", "40000s",
                    "--speed", "max", "--earth", "300:20000m:10", "--start", "2026-05-01T00:00:00Z"},
                   {}, std::chrono::seconds{200});
  ASSERT_EQ(made.code, 0) << made.err;
  // The simulated lines are microvolts of 100 m.
  Recording recording{
      Recording::replay(dir / "day.txt"),
      {.source = "channels: {bx: {component: hx}, by: {component: hy}, bz: {component: hz}, e1: {component: ex, "
                 "units: microVolt, dipole_length: 100}, e2: {component: ey, units: microVolt, dipole_length: 100}}\n",
       .arguments = {"--until-eof"}}};
  ASSERT_EQ(recording.process().wait(std::chrono::seconds{120}), 0) << recording.log();
  const auto found = support::run({python(), script(), "layers", "300", "20000", "10", recording.file().string()}, {},
                                  std::chrono::seconds{280});
  EXPECT_EQ(found.code, 0) << found.err;
}

}  // namespace
