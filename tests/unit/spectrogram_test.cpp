#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/spectra/spectrogram.hpp"
#include "analysis/spectra/spectrum.hpp"

namespace {

using analysis::Spectrogram;

const mth5::UtcNanos kStart{std::chrono::seconds{1'777'593'600}};  // a multiple of 512 s, as all of a day are not

std::vector<double> noise(std::size_t n, double size, unsigned seed = 1) {
  std::mt19937 random{seed};
  std::normal_distribution<double> normal{0, size};
  std::vector<double> values(n);
  for (auto& value : values) value = normal(random);
  return values;
}

/// In blocks of odd lengths, as a reader gives them.
void add(Spectrogram& spectrogram, mth5::UtcNanos start, double rate, std::span<const double> values) {
  for (std::size_t at = 0; at < values.size(); at += 10'007)
    spectrogram.add({mth5::sample_time(start, rate, static_cast<std::int64_t>(at)), rate,
                     values.subspan(at, std::min<std::size_t>(10'007, values.size() - at))});
}

TEST(Spectrogram, HasTheSpectrumOfAllOfItInItsCells) {
  const auto values = noise(100'000, 3);
  Spectrogram spectrogram{10};
  add(spectrogram, kStart, 10, values);
  analysis::Spectrum whole{Spectrogram::kSegment};
  whole.add({kStart, 10, values});
  const auto density = whole.density();
  int compared = 0;
  for (std::size_t b = 0; b < spectrogram.bands().size(); ++b) {
    const auto& band = spectrogram.bands()[b];
    if (band.stage != 0) continue;
    double of_cells = 0, of_all = 0;
    std::int64_t segments = 0;
    for (const auto& [number, levels] : spectrogram.cells()) {
      of_cells += levels[b].mean * static_cast<double>(levels[b].n);
      segments += levels[b].n;
    }
    for (std::size_t i = 0; i < band.n; ++i) {
      of_all += density[band.first + i] / static_cast<double>(band.n);
      const double hz = static_cast<double>(band.first + i) * whole.step();
      EXPECT_TRUE(hz >= band.low * (1 - 1e-9) && hz < band.high) << hz;
    }
    EXPECT_EQ(segments, whole.segments());
    EXPECT_NEAR(of_cells / static_cast<double>(segments), of_all, 1e-9 * of_all);
    ++compared;
  }
  EXPECT_GE(compared, 10);
}

TEST(Spectrogram, OfWhiteNoiseIsFlatOverAllStages) {
  Spectrogram spectrogram{10};
  add(spectrogram, kStart, 10, noise(1'000'000, std::sqrt(5.0)));  // 1 unit^2 / Hz
  std::size_t stages = 0;
  const auto usual = spectrogram.usual();
  for (std::size_t b = 0; b < usual.size(); ++b) {
    const auto& band = spectrogram.bands()[b];
    stages = std::max(stages, band.stage + 1);
    ASSERT_TRUE(usual[b]) << band.low;
    EXPECT_LE(usual[b]->tenth, usual[b]->median);
    EXPECT_LE(usual[b]->median, usual[b]->nine_tenths);
    // The median of a few lines of a few segments is less than their mean, which is what is flat.
    double sum = 0;
    std::int64_t segments = 0;
    for (const auto& [number, levels] : spectrogram.cells()) {
      sum += levels[b].mean * static_cast<double>(levels[b].n);
      segments += levels[b].n;
    }
    if (static_cast<std::int64_t>(band.n) * segments < 200) continue;
    EXPECT_NEAR(sum / static_cast<double>(segments), 1, 0.15) << band.low << " Hz, stage " << band.stage;
  }
  EXPECT_EQ(stages, 4u) << "10, 1, 0.1 and 0.01 Hz";
  EXPECT_LT(spectrogram.bands().front().low, 1e-4);
  EXPECT_GT(spectrogram.bands().back().high, 4);
}

TEST(Spectrogram, ShowsALineWhereAndWhenItIs) {
  auto values = noise(36'000, 1);
  for (std::size_t i = 18'000; i < values.size(); ++i) values[i] += 20 * std::sin(2 * M_PI * 0.02 * static_cast<double>(i));
  Spectrogram spectrogram{1};
  add(spectrogram, kStart, 1, values);
  const auto bands = spectrogram.bands();
  const auto line =
      std::find_if(bands.begin(), bands.end(), [](const auto& band) { return band.low <= 0.02 && band.high > 0.02; });
  ASSERT_NE(line, bands.end());
  const auto b = static_cast<std::size_t>(line - bands.begin());
  // The line fills most of the time of a segment of its stage, or little of it.
  const auto margin = 2 * std::chrono::ceil<std::chrono::seconds>(line->step);
  for (const auto& [number, levels] : spectrogram.cells()) {
    if (levels[b].n == 0) continue;
    const mth5::UtcNanos begin{number * spectrogram.cell_length()}, end = begin + spectrogram.cell_length();
    if (end < kStart + std::chrono::seconds{18'000} - margin) {
      EXPECT_LT(levels[b].mean, 20) << number;
    }
    if (begin > kStart + std::chrono::seconds{18'000} + margin) {
      EXPECT_GT(levels[b].mean, 1000) << number;
    }
  }
}

TEST(Spectrogram, LeavesOutSegmentsWithAHoleAndForgetsThemAtAGap) {
  auto values = noise(8192, 1);
  values[4096] = NAN;
  Spectrogram spectrogram{1};
  add(spectrogram, kStart, 1, values);
  add(spectrogram, kStart + std::chrono::hours{24}, 1, std::span{values}.first(200));  // less than a segment
  const auto fastest = spectrogram.bands().size() - 1;
  std::int64_t segments = 0;
  for (const auto& [number, levels] : spectrogram.cells()) segments += levels[fastest].n;
  EXPECT_EQ(segments, 8192 / 128 - 1 - 2);
  for (const auto& [number, levels] : spectrogram.cells())
    for (const auto& level : levels) EXPECT_TRUE(std::isfinite(level.mean));
}

TEST(Spectrogram, HasAFewHundredCellsHoweverLongItGets) {
  const auto values = noise(20 * 86'400, 1);
  Spectrogram spectrogram{1};
  add(spectrogram, kStart, 1, values);
  EXPECT_LE(spectrogram.cells().rbegin()->first - spectrogram.cells().begin()->first, Spectrogram::kMostCells);
  EXPECT_GT(spectrogram.cells().size(), 100u);
  EXPECT_EQ(spectrogram.cell_length(), std::chrono::seconds{8192});
  std::int64_t segments = 0;
  for (const auto& [number, levels] : spectrogram.cells()) segments += levels.back().n;
  EXPECT_EQ(segments, 20 * 86'400 / 128 - 1) << "none is lost as cells are put together";
}

TEST(Spectrogram, OfNothingHasNothing) {
  Spectrogram spectrogram{256};
  EXPECT_TRUE(spectrogram.cells().empty());
  for (const auto& usual : spectrogram.usual()) EXPECT_FALSE(usual);
  EXPECT_GT(spectrogram.bands().size(), 30u);
}

}  // namespace
