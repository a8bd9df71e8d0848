#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "support/python.hpp"
#include "support/support.hpp"
#include "view/spectrogram.hpp"

namespace {

using view::Spectrogram;

constexpr double kRate = 64;

/// Noise, and a line whose frequency rises.
std::vector<double> series(std::size_t n) {
  std::mt19937 random{3};
  std::normal_distribution<double> noise;
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = 1000 + noise(random) + 3 * std::sin(1e-6 * double(i) * double(i));
  return values;
}

/// Each column is the mean of scipy's over the stretches of its samples, wherever it is cut and whatever the others are.
TEST(Spectrogram, HasTheColumnsOfScipy) {
  Spectrogram made{{"S1", "", "ex", kRate, std::chrono::minutes{10}}};
  const auto per_column = static_cast<std::size_t>(std::chrono::duration<double>(made.length()).count() * kRate);
  ASSERT_GT(per_column, 4 * made.segment());
  const auto first = made.number_of(mth5::UtcNanos{std::chrono::seconds{1'777'664'000}});
  const auto values = series(9 * per_column);
  std::mt19937 random{5};
  for (const int column : {7, 0, 4}) {  // in any order
    const auto at = static_cast<std::size_t>(column) * per_column;
    const auto hole = at + made.segment() + random() % (per_column - 3 * made.segment()), behind = hole + 5;
    const auto start = made.start_of(first + column);
    const auto piece = [&](std::size_t from, std::size_t to) {
      return analysis::Samples{
          mth5::sample_time(start, kRate, static_cast<std::int64_t>(from - at)),
          {values.begin() + static_cast<std::ptrdiff_t>(from), values.begin() + static_cast<std::ptrdiff_t>(to)}};
    };
    made.set(first + column, std::vector{piece(at, hole), piece(behind, at + per_column)}, mth5::UtcNanos::max());
    const support::TempDir dir;
    support::write_doubles(dir / "x", values);
    const auto right =
        support::python("property/spectrum_reference.py",
                        {(dir / "x").string(), std::to_string(kRate), std::to_string(made.segment()), std::to_string(at),
                         std::to_string(hole), std::to_string(behind), std::to_string(at + per_column)});
    const auto* ours = made.at(first + column);
    ASSERT_NE(ours, nullptr);
    EXPECT_FALSE(ours->open);
    EXPECT_EQ(ours->segments, right["segments"]);
    const auto expected = right["density"].get<std::vector<double>>();
    ASSERT_EQ(ours->density.size(), expected.size());
    for (std::size_t k = 1; k < expected.size(); ++k)
      EXPECT_LE(std::abs(ours->density[k] - expected[k]), 1e-9 * expected[k]) << k;
  }
}

}  // namespace
