#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "analysis/coverage.hpp"

namespace {

using analysis::Extent;

const mth5::UtcNanos kStart{std::chrono::seconds{1'777'593'600}};

Extent extent(mth5::UtcNanos start, std::int64_t n, double rate) { return {start, mth5::sample_time(start, rate, n), n, rate}; }

RC_GTEST_PROP(Coverage, CountsEachTimeOnceWhateverTheOrderOfTheRuns, ()) {
  const double rate = *rc::gen::element(1.0, 8.0, 256.0, 0.1, 1000.0 / 3);
  const auto runs =
      *rc::gen::container<std::vector<std::pair<int, int>>>(rc::gen::pair(rc::gen::inRange(0, 200), rc::gen::inRange(0, 40)));
  std::vector<Extent> extents;
  std::set<std::int64_t> covered;
  for (const auto& [first, n] : runs) {
    extents.push_back(extent(mth5::sample_time(kStart, rate, first), n, rate));
    for (int i = 0; i < n; ++i) covered.insert(first + i);
  }
  const auto found = analysis::unite(extents);

  std::map<std::int64_t, int> owners;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    RC_ASSERT(found.taken[i] >= 0 && found.taken[i] <= extents[i].n);
    for (auto k = found.taken[i]; k < extents[i].n; ++k) ++owners[runs[i].first + k];
  }
  RC_ASSERT(owners.size() == covered.size());
  for (const auto& [index, n] : owners) RC_ASSERT(n == 1);

  std::set<std::int64_t> missing;
  if (!covered.empty())
    for (auto k = *covered.begin(); k < *covered.rbegin(); ++k)
      if (covered.count(k) == 0) missing.insert(k);
  std::set<std::int64_t> in_holes;
  for (const auto& hole : found.holes) {
    RC_ASSERT(hole.samples > 0);
    const auto first = std::llround(mth5::samples_between(kStart, hole.start, rate));
    for (std::int64_t k = 0; k < hole.samples; ++k) RC_ASSERT(in_holes.insert(first + k).second);
    RC_ASSERT(extents[hole.before].n > 0 && extents[hole.after].n > 0);
  }
  RC_ASSERT(in_holes == missing);
}

TEST(Coverage, LetsAFractionOfASampleBetweenManyRunsNotBecomeAGap) {
  // Runs of 10 samples, each 0.4 of a sample late: a clock that is anchored anew.
  std::vector<Extent> extents;
  auto start = kStart;
  for (int i = 0; i < 100; ++i) {
    extents.push_back(extent(start, 10, 1));
    start += std::chrono::milliseconds{10'400};
  }
  const auto found = analysis::unite(extents);
  EXPECT_TRUE(found.holes.empty());
  for (const auto taken : found.taken) EXPECT_EQ(taken, 0);
}

TEST(Coverage, FindsARunInsideAnotherAndTheSameTwice) {
  const std::vector<Extent> extents{extent(kStart + std::chrono::seconds{10}, 5, 1), extent(kStart, 100, 1),
                                    extent(kStart, 100, 1), extent(kStart, 0, 1)};
  const auto found = analysis::unite(extents);
  EXPECT_EQ(found.taken, (std::vector<std::int64_t>{5, 0, 100, 0}));
  EXPECT_TRUE(found.holes.empty());
}

}  // namespace
