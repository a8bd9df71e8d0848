#include "analysis/measures/measures.hpp"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "mth5/error.hpp"
#include "support/python.hpp"
#include "support/support.hpp"

namespace {

using analysis::Block;
using analysis::Measures;
using analysis::state::Json;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kStart = 1'777'593'600;

/// A channel of a bad day: noise on a walk, the power line, spikes, jumps, a limit of the converter, a stuck stretch, missing
/// samples.
struct Day {
  double rate = 1;
  std::vector<double> values;
};

Day bad_day(unsigned seed) {
  std::mt19937 random{seed};
  const auto below = [&](int n) { return static_cast<std::size_t>(random() % static_cast<unsigned>(n)); };
  constexpr std::array<double, 5> kRates{1, 0.5, 4, 10, 64};
  Day day{kRates[below(5)], std::vector<double>(600 + below(3000))};
  std::normal_distribution<double> noise;
  const double resolved = below(2) == 0 ? 0.25 : 0;
  double walk = 1000 * noise(random);
  for (auto& value : day.values) {
    walk += 0.1 * noise(random);
    value = walk + noise(random);
  }
  if (seed % 3 == 1)  // of a period of 5.12 samples
    for (std::size_t i = 0; i < day.values.size(); ++i)
      day.values[i] += 2 * (seed % 10) * std::sin(1.22718 * static_cast<double>(i));
  for (std::size_t k = below(6); k > 0; --k) day.values[below(static_cast<int>(day.values.size()))] += 300 * noise(random);
  for (std::size_t k = below(3); k > 0; --k)
    for (std::size_t i = below(static_cast<int>(day.values.size())), h = 50 + below(500); i < day.values.size(); ++i)
      day.values[i] += static_cast<double>(h);
  if (below(3) == 0) {
    const double limit = *std::max_element(day.values.begin(), day.values.end()) - 2;
    for (auto& value : day.values) value = std::min(value, limit);
  }
  if (resolved > 0)
    for (auto& value : day.values) value = resolved * std::round(value / resolved);
  if (below(3) == 0) {
    const auto first = below(static_cast<int>(day.values.size()));
    for (std::size_t i = first; i < std::min(day.values.size(), first + 200); ++i) day.values[i] = day.values[first];
  }
  for (std::size_t k = below(4); k > 0; --k) {
    const auto first = below(static_cast<int>(day.values.size()));
    for (std::size_t i = first; i < std::min(day.values.size(), first + 1 + below(50)); ++i) day.values[i] = kNaN;
  }
  return day;
}

Block part_of(const Day& day, std::size_t first, std::size_t n) {
  const mth5::UtcNanos start{std::chrono::seconds{kStart}};
  return {mth5::sample_time(start, day.rate, static_cast<std::int64_t>(first)), day.rate,
          std::span{day.values}.subspan(first, n)};
}

Measures whole(const Day& day) {
  Measures measures;
  measures.add(part_of(day, 0, day.values.size()));
  return measures;
}

/// Cut into parts of any size, each fed by blocks of any size; missing samples at the ends of blocks are left out, as gaps
/// between runs are. Parts are put together in any order that keeps neighbours neighbours, some after having been kept.
Measures in_parts(const Day& day, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return random() % n; };
  std::vector<Measures> parts(1);
  for (std::size_t at = 0; at < day.values.size();) {
    std::size_t n = std::min(day.values.size() - at, 1 + below(below(3) == 0 ? 900 : 40));
    std::size_t skip = 0;
    while (skip < n && std::isnan(day.values[at + skip])) ++skip;
    if (below(2) == 0 || at == 0 || at + n == day.values.size()) skip = 0;  // the span stays what it is
    parts.back().add(part_of(day, at + skip, n - skip));
    at += n;
    if (below(3) == 0) parts.emplace_back();
  }
  while (parts.size() > 1) {
    const auto i = below(parts.size() - 1);
    if (below(3) == 0) {
      const auto kept = Json::to_cbor(parts[i + 1].save());
      parts[i + 1] = {};
      parts[i + 1].load(Json::from_cbor(kept));
    }
    parts[i].merge(parts[i + 1]);
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
  return parts.front();
}

void expect_same(const Measures& a, const Measures& b) {
  EXPECT_EQ(a.start(), b.start());
  EXPECT_EQ(a.end(), b.end());
  EXPECT_EQ(a.statistics().count(), b.statistics().count());
  EXPECT_EQ(a.statistics().min(), b.statistics().min());
  EXPECT_EQ(a.statistics().max(), b.statistics().max());
  EXPECT_NEAR(a.statistics().mean(), b.statistics().mean(), 1e-12 * std::abs(b.statistics().mean()));
  EXPECT_NEAR(a.statistics().std(), b.statistics().std(), 1e-9 * b.statistics().std());
  EXPECT_EQ(Json::to_cbor(a.histogram().save()), Json::to_cbor(b.histogram().save()));
  EXPECT_EQ(a.repeats().longest().n, b.repeats().longest().n);
  EXPECT_EQ(a.repeats().longest().start, b.repeats().longest().start);
  EXPECT_EQ(a.repeats().next_longest(), b.repeats().next_longest());
  EXPECT_EQ(a.repeats().last().n, b.repeats().last().n);
  EXPECT_EQ(a.repeats().last().start, b.repeats().last().start);
  EXPECT_EQ(a.repeats().clipped(), b.repeats().clipped());
  EXPECT_EQ(std::isnan(a.repeats().least_step()), std::isnan(b.repeats().least_step()));
  if (!std::isnan(a.repeats().least_step())) {
    EXPECT_EQ(a.repeats().least_step(), b.repeats().least_step());
  }
  EXPECT_EQ(a.spikes().count(), b.spikes().count());
  ASSERT_EQ(a.spikes().worst().has_value(), b.spikes().worst().has_value());
  if (a.spikes().worst()) {
    EXPECT_EQ(a.spikes().worst()->time, b.spikes().worst()->time);
    EXPECT_EQ(a.spikes().worst()->height, b.spikes().worst()->height);
  }
  EXPECT_EQ(a.jumps().count(), b.jumps().count());
  ASSERT_EQ(a.jumps().last().has_value(), b.jumps().last().has_value());
  if (a.jumps().last()) {
    EXPECT_EQ(a.jumps().last()->time, b.jumps().last()->time);
  }
  EXPECT_EQ(a.envelope().cell_length(), b.envelope().cell_length());
  ASSERT_EQ(a.envelope().cells().size(), b.envelope().cells().size());
  for (std::size_t i = 0; i < a.envelope().cells().size(); ++i) {
    const auto& [number, cell] = a.envelope().cells()[i];
    const auto& [same, other] = b.envelope().cells()[i];
    EXPECT_EQ(number, same);
    EXPECT_EQ(cell.n, other.n);
    EXPECT_EQ(cell.min, other.min);
    EXPECT_EQ(cell.max, other.max);
    EXPECT_NEAR(cell.mean, other.mean, 1e-9 * (1 + std::abs(other.mean)));
  }
  EXPECT_EQ(a.percent(), b.percent());
}

TEST(Measures, AreTheSameHoweverTheChannelIsCut) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const auto day = bad_day(seed);
    std::mt19937 random{seed + 1000};
    expect_same(in_parts(day, random), whole(day));
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Measures, AreThoseOfNumpyAndScipy) {
  const support::TempDir dir;
  std::int64_t spikes = 0;
  std::int64_t jumps = 0;
  std::int64_t clipped = 0;
  for (unsigned seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    const auto day = bad_day(seed);
    support::write_doubles(dir / "x", day.values);
    const auto right = support::python("property/measures_reference.py",
                                       {(dir / "x").string(), std::to_string(day.rate), std::to_string(kStart)});
    const auto ours = whole(day);
    const auto& values = ours.statistics();
    EXPECT_EQ(values.count(), right["count"]);
    EXPECT_NEAR(values.mean(), right["mean"], 1e-12 * std::abs(values.mean()));
    EXPECT_NEAR(values.std(), right["std"], 1e-9 * values.std());
    EXPECT_EQ(values.min(), right["min"]);
    EXPECT_EQ(values.max(), right["max"]);
    EXPECT_NEAR(ours.histogram().median(), right["median"], (values.max() - values.min()) / 1024);
    EXPECT_EQ(ours.repeats().longest().n, right["longest"]);
    EXPECT_EQ(ours.repeats().next_longest(), right["next_longest"]);
    EXPECT_EQ(ours.repeats().least_step(), right["least_step"]);
    EXPECT_EQ(ours.repeats().clipped(), right["clipped"]);
    EXPECT_EQ(ours.spikes().count(), right["spikes"]);
    EXPECT_EQ(ours.jumps().count(), right["jumps"]);
    EXPECT_EQ(ours.envelope().cell_length().count(), right["cell_length"]);
    EXPECT_NEAR(ours.envelope().drift_per_hour(), right["drift"], 1e-9 * (1 + std::abs(right["drift"].get<double>())));
    spikes += ours.spikes().count();
    jumps += ours.jumps().count();
    clipped += ours.repeats().clipped();
  }
  EXPECT_GT(spikes, 10) << "the days must be bad enough to tell";
  EXPECT_GT(jumps, 3);
  EXPECT_GT(clipped, 3);
}

}  // namespace
