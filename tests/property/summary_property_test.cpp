#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/summary.hpp"
#include "support/acquisition_file.hpp"
#include "support/support.hpp"

namespace {

using std::chrono::seconds;
using support::AcquisitionFile;

struct Stretch {
  int first = 0, n = 0;
  int filled_from = 0, filled = 0;  ///< in the run
};

/// What a report must say, second by second.
struct Truth {
  std::int64_t n = 0, expected = 0, missing = 0;
};
Truth truth(const std::vector<Stretch>& runs, std::optional<int> from, std::optional<int> to) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (runs[i].n > 0) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return runs[a].first < runs[b].first; });
  Truth found;
  std::map<int, bool> good;  // by second: whether any run has a value there
  const auto in_window = [&](int k) { return (!from || k >= *from) && (!to || k < *to); };
  for (const auto i : order)
    for (int k = 0; k < runs[i].n; ++k) {
      const bool filled = k >= runs[i].filled_from && k < runs[i].filled_from + runs[i].filled;
      good[runs[i].first + k] |= !filled;
      if (in_window(runs[i].first + k)) ++found.n;
    }
  if (good.empty()) return found;
  const int begin = from ? *from : good.begin()->first;
  const int end = to ? *to : good.rbegin()->first + 1;
  for (int k = begin; k < end; ++k) {
    ++found.expected;
    const auto at = good.find(k);
    if (at == good.end() || !at->second) ++found.missing;
  }
  return found;
}

TEST(Summary, CountsAsOneWhoCountsEverySecond) {
  for (unsigned seed = 0; seed < 25; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random{seed};
    const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    std::vector<Stretch> runs(static_cast<std::size_t>(1 + below(6)));
    for (auto& run : runs) {
      run = {below(120), below(4) == 0 ? 0 : below(40), 0, 0};
      if (run.n > 10 && below(2) == 0) run.filled_from = below(run.n), run.filled = 1 + below(8);
      run.filled = std::min(run.filled, run.n - run.filled_from);
    }
    const support::TempDir dir;
    {
      AcquisitionFile file{dir / "a.h5", {{0, "lemi", "S1", 1}}};
      for (std::size_t i = 0; i < runs.size(); ++i) {
        const std::string id = "r" + std::to_string(i);
        const auto run = file.add_run(0, id, seconds{runs[i].first});
        if (runs[i].n > 0) file.append(run, runs[i].n);
        if (runs[i].filled > 0)
          file.gap(0, "", seconds{runs[i].first + runs[i].filled_from}, runs[i].filled, "no-data", id, id, true);
        // What the recorder thought was missing before this run, right or not, must not count.
        if (i > 0) file.gap(0, "", seconds{below(150)}, 1 + below(30), "no-data", "r" + std::to_string(i - 1), id, false);
      }
      file.file().close();
    }
    std::vector<std::unique_ptr<mth5::Reader>> files;
    files.push_back(std::make_unique<mth5::Reader>(dir / "a.h5"));
    for (int k = 0; k < 6; ++k) {
      std::optional<int> from;
      std::optional<int> to;
      if (k > 0 && below(3) > 0) from = below(170) - 10;
      if (k > 0 && below(3) > 0) to = from.value_or(0) + 1 + below(120);
      analysis::Window window;
      if (from) window.from = AcquisitionFile::start() + seconds{*from};
      if (to) window.to = AcquisitionFile::start() + seconds{*to};
      const auto report = analysis::summarise(files, window, AcquisitionFile::start() + seconds{1000});
      const auto right = truth(runs, from, to);
      if (report.channels.empty()) {
        EXPECT_EQ(right.n, 0);
        continue;  // no run has a sample: there is no series
      }
      ASSERT_EQ(report.channels.size(), 2U);
      const auto& channel = report.channels.front();
      EXPECT_EQ(channel.n_samples, right.n) << from.value_or(-1) << " " << to.value_or(-1);
      EXPECT_EQ(channel.expected, right.expected) << from.value_or(-1) << " " << to.value_or(-1);
      EXPECT_EQ(channel.missing, right.missing) << from.value_or(-1) << " " << to.value_or(-1);
    }
  }
}

}  // namespace
