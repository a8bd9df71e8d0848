#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/ledger.hpp"
#include "analysis/snapshot.hpp"
#include "analysis/summary.hpp"
#include "support/acquisition_file.hpp"
#include "support/support.hpp"

/// Reports on instruments whose clocks are off: what is missing is what was lost, whatever the drift.
namespace {

using std::chrono::nanoseconds;
using support::AcquisitionFile;

struct Run {
  std::int64_t n = 0;
  std::int64_t lost = 0;  ///< before it
  double step_s = 0;      ///< by which the clock was set before it
  bool told = true;       ///< a row of the recorder says how many were lost
  std::int64_t filled_from = 0, filled = 0;
};

/// A recording of one stream, and where its samples really are.
class Recorded {
 public:
  explicit Recorded(unsigned seed) : random_{seed} {
    const double rates[] = {1, 4, 10, 64};
    rate = rates[below(4)];
    ppm = static_cast<double>(below(801)) - 400;
    runs.resize(static_cast<std::size_t>(1 + below(6)));
    for (std::size_t i = 0; i < runs.size(); ++i) {
      auto& run = runs[i];
      run.n = 300 + below(20'000);
      if (below(2) == 0) {
        run.filled_from = 1 + below(200);
        run.filled = 1 + below(90);
      }
      if (i == 0) continue;
      if (below(4) == 0) {
        run.step_s = below(2) == 0 ? (1 + below(5000)) / 1.7 : -below(200) / rate;
        steps = true;
      } else {
        run.lost = 1 + below(below(2) == 0 ? 5 : 3000);
        run.told = below(4) != 0;
      }
    }
  }
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  /// @param index  of the instrument's samples, lost ones too
  [[nodiscard]] nanoseconds time(std::int64_t index, double step_s) const {
    return nanoseconds{std::llround((static_cast<double>(index) / (rate * (1 + ppm * 1e-6)) + step_s) * 1e9)};
  }

  void write(const std::filesystem::path& path) {
    AcquisitionFile file{path, {{0, "lemi", "S1", rate}}};
    std::int64_t index = 0;
    double step_s = 0;
    std::string before;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const auto& run = runs[i];
      const std::string id = "sr1_000" + std::to_string(i + 1);
      const auto end_before = time(index, step_s);
      index += run.lost;
      step_s += run.step_s;
      const auto in_file = file.add_run(0, id, time(index, step_s));
      file.append(in_file, run.n);
      const auto at = [&](std::int64_t sample) { return time(index + sample, step_s); };
      for (const std::int64_t sample : {std::int64_t{0}, run.n / 3, run.n - 1})
        file.anchor(id, sample, AcquisitionFile::start() + at(sample), "gps", 0, ppm, true);
      if (run.step_s != 0)
        file.gap(0, "", end_before, 0, "clock-step", before, id, false);
      else if (run.lost > 0 && run.told)
        file.gap(0, "", end_before, run.lost, "no-data", before, id, false);
      if (run.filled > 0) file.gap(0, "", at(run.filled_from), run.filled, "no-data", id, id, true);
      index += run.n;
      before = id;
    }
    file.file().close();
  }

  double rate, ppm;
  std::vector<Run> runs;
  bool steps = false;

 private:
  std::mt19937 random_;
};

TEST(Drift, IsNeitherAGapNorDoesItHideOne) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    Recorded recording{seed};
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", " << recording.rate << " Hz, " << recording.ppm << " ppm");
    const support::TempDir dir;
    recording.write(dir / "a.h5");
    std::vector<std::unique_ptr<mth5::Reader>> files;
    files.push_back(std::make_unique<mth5::Reader>(dir / "a.h5"));
    const auto report = analysis::summarise(files, {}, AcquisitionFile::start() + std::chrono::hours{24 * 300});
    std::int64_t n = 0;
    std::int64_t lost = 0;
    std::int64_t filled = 0;
    double sum = 0;
    for (const auto& run : recording.runs) {
      n += run.n;
      lost += run.lost;
      filled += run.filled;
      for (std::int64_t i = 0; i < run.n; ++i)
        if (i < run.filled_from || i >= run.filled_from + run.filled) sum += static_cast<double>(i + 1);
    }
    ASSERT_EQ(report.channels.size(), 2U);
    const auto& channel = report.channels.front();
    EXPECT_EQ(channel.n_samples, n);
    EXPECT_EQ(channel.expected + channel.overlapping, n + lost);
    EXPECT_EQ(channel.values.count(), n - filled);
    EXPECT_NEAR(channel.values.mean(), sum / static_cast<double>(n - filled), 1e-6) << "the samples that are no fill";
    EXPECT_EQ(analysis::read_ledger(*files.front()).streams.front().samples_in_file, n - filled);
    if (recording.steps) continue;  // a filled gap at a time that another run has too is missing there
    EXPECT_EQ(channel.missing, lost + filled);
    EXPECT_EQ(channel.overlapping, 0);

    files.clear();  // one reader of a file in a process
    analysis::LiveFile live{dir / "a.h5", {}};
    analysis::Watch watch;
    EXPECT_EQ(live.look(AcquisitionFile::start(), watch).gap_samples, lost + filled);
  }
}

TEST(Drift, DoesNotMoveTheEdgesOfAWindow) {
  for (unsigned seed = 100; seed < 120; ++seed) {
    Recorded recording{seed};
    if (recording.steps) continue;
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", " << recording.rate << " Hz, " << recording.ppm << " ppm");
    const support::TempDir dir;
    recording.write(dir / "a.h5");
    std::vector<std::unique_ptr<mth5::Reader>> files;
    files.push_back(std::make_unique<mth5::Reader>(dir / "a.h5"));
    // From a sample of the last run to the last sample of all.
    const auto& last = recording.runs.back();
    std::int64_t index = 0;
    for (const auto& run : recording.runs) index += run.lost + run.n;
    const std::int64_t samples = 1 + recording.below(static_cast<int>(last.n) - 295);
    const nanoseconds third{std::llround(1e9 / recording.rate / 3)};
    const auto now = AcquisitionFile::start() + std::chrono::hours{24 * 300};
    analysis::Window window;
    window.from = AcquisitionFile::start() + recording.time(index - samples, 0) - third;
    window.to = analysis::data_end(files, now);
    ASSERT_TRUE(window.to);
    const auto channel = analysis::summarise(files, window, now).channels.at(0);
    EXPECT_EQ(channel.n_samples, samples);
    EXPECT_EQ(channel.expected, samples);
    EXPECT_EQ(channel.missing, 0);
  }
}

}  // namespace
