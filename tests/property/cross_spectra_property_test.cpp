#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/measures/state.hpp"
#include "analysis/spectra/cross_spectra.hpp"
#include "support/python.hpp"
#include "support/support.hpp"

namespace {

using analysis::CrossSpectra;
using analysis::Frames;
using analysis::state::Json;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kStart = 1'777'664'000;  // s; a multiple of every segment used here, and of its tenths

/// Channels that have something in common.
struct Site {
  double rate = 1;
  std::vector<std::vector<double>> channels;
};
Site site(unsigned seed, double rate, std::size_t channels, std::size_t n) {
  std::mt19937 random{seed};
  std::normal_distribution<double> noise;
  Site made{rate, std::vector<std::vector<double>>(channels, std::vector<double>(n))};
  double common = 0;
  for (std::size_t i = 0; i < n; ++i) {
    common = 0.9 * common + noise(random);
    for (std::size_t c = 0; c < channels; ++c)
      made.channels[c][i] = common * static_cast<double>(c + 1) + noise(random) + std::sin(0.3 * static_cast<double>(i));
  }
  return made;
}

Frames frames_of(const Site& site, std::size_t first, std::size_t n) {
  Frames frames{mth5::sample_time(mth5::UtcNanos{std::chrono::seconds{kStart}}, site.rate, static_cast<std::int64_t>(first)),
                site.rate};
  for (const auto& channel : site.channels) frames.channels.push_back(std::span{channel}.subspan(first, n));
  return frames;
}

std::vector<double> interleaved(const Site& site) {
  std::vector<double> all;
  for (std::size_t i = 0; i < site.channels.front().size(); ++i)
    for (const auto& channel : site.channels) all.push_back(channel[i]);
  return all;
}

Json scipy(const Site& site, std::size_t segment) {
  const support::TempDir dir;
  support::write_doubles(dir / "x", interleaved(site));
  return support::python("property/cross_spectra_reference.py", {(dir / "x").string(), std::to_string(site.channels.size()),
                                                                 std::to_string(site.rate), std::to_string(segment)});
}

void expect_near(const std::vector<std::complex<double>>& ours, const Json& right, double relative) {
  ASSERT_EQ(ours.size(), right.size());
  for (std::size_t k = 0; k < ours.size(); ++k) {
    const std::complex<double> value{right[k][0].get<double>(), right[k][1].get<double>()};
    EXPECT_LE(std::abs(ours[k] - value), relative * std::abs(value)) << "line " << k;
  }
}

TEST(CrossSpectra, AreThoseOfScipy) {
  for (const double rate : {1.0, 64.0, 250.0}) {
    const auto quiet = site(3, rate, 3, 5000);
    CrossSpectra ours{3, 256};
    ours.add(frames_of(quiet, 0, 5000));
    const auto right = scipy(quiet, 256);
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_EQ(ours.segments(0, c), right["segments"]);
      const auto density = ours.density(c);
      const auto welch = right["welch"][c].get<std::vector<double>>();
      ASSERT_EQ(density.size(), welch.size());
      // The line at 0 is what the window lets through of the mean that was taken out.
      for (std::size_t k = 1; k < welch.size(); ++k) EXPECT_LE(std::abs(density[k] - welch[k]), 1e-9 * welch[k]) << k;
      if (c > 0) {
        auto cross = ours.cross(0, c);
        expect_near(cross, right["cross"][c], 1e-9);
        const auto back = ours.cross(c, 0);
        for (std::size_t k = 0; k < cross.size(); ++k) EXPECT_EQ(back[k], std::conj(cross[k]));
      }
    }
    const auto coherence = ours.coherence(0, 2);
    const double noise = 1 / (0.94 * right["segments"].get<double>());
    for (std::size_t k = 1; k < coherence.size(); ++k)
      EXPECT_NEAR(coherence[k], std::max(0.0, (right["coherence"][k].get<double>() - noise) / (1 - noise)), 1e-9);
  }
}

TEST(CrossSpectra, LeaveOutWhatTouchesAGap) {
  auto holed = site(4, 64, 2, 6000);
  for (auto& channel : holed.channels)
    for (const std::size_t first : {700U, 2000U, 2001U, 4500U})
      for (std::size_t i = first; i < first + 30; ++i) channel[i] = kNaN;
  CrossSpectra ours{2, 128};
  ours.add(frames_of(holed, 0, 6000));
  const auto right = scipy(holed, 128);
  EXPECT_EQ(ours.segments(0, 1), right["segments"]);
  expect_near(ours.cross(0, 1), right["cross"][1], 1e-9);
  // The same as blocks with a gap between.
  CrossSpectra blocks{2, 128};
  for (const auto& [first, end] :
       std::vector<std::pair<std::size_t, std::size_t>>{{0, 700}, {730, 2000}, {2031, 4500}, {4530, 6000}})
    blocks.add(frames_of(holed, first, end - first));
  EXPECT_EQ(blocks.segments(0, 1), right["segments"]);
  expect_near(blocks.cross(0, 1), right["cross"][1], 1e-9);
}

void expect_same(const CrossSpectra& a, const CrossSpectra& b) {
  for (std::size_t s = 0; s < a.stages(); ++s)
    for (std::size_t x = 0; x < a.channels(); ++x)
      for (std::size_t y = x; y < a.channels(); ++y) {
        ASSERT_EQ(a.segments(x, y, s), b.segments(x, y, s)) << "stage " << s;
        const auto one = a.cross(x, y, s);
        const auto other = b.cross(x, y, s);
        ASSERT_EQ(one.size(), other.size());
        for (std::size_t k = 1; k < one.size(); ++k) EXPECT_LE(std::abs(one[k] - other[k]), 1e-9 * std::abs(other[k]) + 1e-14);
      }
}

TEST(CrossSpectra, AreTheSameHoweverTheSeriesIsCut) {
  std::int64_t lowest = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random{seed};
    const auto below = [&](std::size_t n) { return random() % n; };
    const std::size_t n = 18'000 + below(4000);
    auto whole_site = site(seed, 4, 2, n);
    for (std::size_t k = below(4); k > 0; --k)
      for (std::size_t i = below(n), end = std::min(n, i + 1 + below(60)); i < end; ++i) whole_site.channels[below(2)][i] = kNaN;
    CrossSpectra whole{2, 64, 3};
    whole.add(frames_of(whole_site, 0, n));
    lowest += whole.segments(0, 0, 2) + whole.segments(1, 1, 2);
    std::vector<CrossSpectra> parts(1, CrossSpectra{2, 64, 3});
    for (std::size_t at = 0; at < n;) {
      const std::size_t size = std::min(n - at, 1 + below(below(3) == 0 ? 3000 : 100));
      parts.back().add(frames_of(whole_site, at, size));
      at += size;
      if (below(3) == 0) parts.emplace_back(2, 64, 3);
    }
    while (parts.size() > 1) {
      const auto i = below(parts.size() - 1);
      if (below(3) == 0) {
        const auto kept = Json::to_cbor(parts[i].save());
        parts[i] = CrossSpectra{1, 16};
        parts[i].load(Json::from_cbor(kept));
      }
      parts[i].merge(parts[i + 1]);
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
    expect_same(parts.front(), whole);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(lowest, 10) << "there must be something to compare";
}

}  // namespace
