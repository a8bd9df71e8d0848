#include "analysis/spectra/lines.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "analysis/median.hpp"
#include "analysis/spectra/mains.hpp"

namespace analysis {

namespace {

constexpr double kAround = 5;     ///< Hz
constexpr double kAbove = 6;      ///< dB
constexpr double kSteady = 0.05;  ///< Hz
constexpr double kOfStep = 0.2;   ///< of a step of the spectrum: what the centre of a line is off by, where that is more
constexpr double kApart = 0.15;   ///< Hz
constexpr double kNearGrid = 1;   ///< Hz
constexpr std::chrono::hours kFor{2};
constexpr std::chrono::minutes kGone{15};

bool is_of_grid(double hz) {
  return std::any_of(kGrids.begin(), kGrids.end(), [&](double grid) {
    const double harmonic = std::round(hz / grid);
    return harmonic >= 1 && std::abs(hz - harmonic * grid) <= kNearGrid;
  });
}

}  // namespace

std::vector<Line> narrow_lines(std::span<const double> density, double step) {
  constexpr std::ptrdiff_t kBeside = 4;  // lines of the spectrum; a Hann window spreads one over three
  std::vector<Line> found;
  if (!(step > 0)) return found;
  const auto size = static_cast<std::ptrdiff_t>(density.size());
  const auto reach = std::max<std::ptrdiff_t>(2 * kBeside, std::lround(kAround / step));
  const double times = std::pow(10, kAbove / 10);
  const auto at = [&](std::ptrdiff_t i) { return density[static_cast<std::size_t>(i)]; };
  std::vector<double> around;
  for (std::ptrdiff_t i = kBeside + 1; i + kBeside < size; ++i) {
    if (!(at(i) > at(i - 1) && at(i) >= at(i + 1))) continue;
    const double beside = std::max({at(i - kBeside), at(i - kBeside + 1), at(i + kBeside - 1), at(i + kBeside)});
    if (!(at(i) >= times * beside)) continue;
    around.clear();
    for (auto k = std::max<std::ptrdiff_t>(1, i - reach); k <= std::min(size - 1, i + reach); ++k) around.push_back(at(k));
    const double floor = upper_median(around);
    if (!(at(i) >= times * floor)) continue;
    double sum = 0, moment = 0;
    for (auto k = i - 1; k <= i + 1; ++k) {
      const double over = std::max(0.0, at(k) - floor);
      sum += over;
      moment += over * static_cast<double>(k);
    }
    const double hz = moment / sum * step;
    if (!is_of_grid(hz)) found.push_back({hz, 10 * std::log10(at(i) / std::max(floor, 1e-20 * at(i))), {}});
  }
  return found;
}

std::optional<double> pulses_of(std::span<const double> density, double step) {
  constexpr double kShortestPulse = 7, kLongestPulse = 30;  // s
  constexpr int kHarmonics = 6, kLeastHarmonics = 3;
  const auto lines = narrow_lines(density, step);
  for (const auto& first : lines) {
    if (first.hz * kLongestPulse < 1 || first.hz * kShortestPulse > 1) continue;
    double hz = first.hz;  // the better known, the higher the harmonic
    int n = 1;
    for (int k = 2; k <= kHarmonics; ++k) {
      const auto near =
          std::find_if(lines.begin(), lines.end(), [&](const Line& one) { return std::abs(one.hz - k * hz) <= 0.5 * step; });
      if (near == lines.end()) continue;
      hz = near->hz / k;
      ++n;
    }
    if (n >= kLeastHarmonics) return 1 / hz;
  }
  return std::nullopt;
}

void SteadyLines::add(std::span<const double> density, double step, mth5::UtcNanos time) {
  for (const auto& line : narrow_lines(density, step)) {
    const double near = std::max(kSteady, kOfStep * step);
    const auto known =
        std::find_if(seen_.begin(), seen_.end(), [&](const Seen& one) { return std::abs(one.hz - line.hz) <= near; });
    if (known == seen_.end()) {
      seen_.push_back({{line.hz, line.db, time}, time});
      continue;
    }
    known->db = line.db;
    known->last = time;
  }
  std::erase_if(seen_, [&](const Seen& one) { return one.last + kGone < time || one.since > time; });
}

std::vector<Line> SteadyLines::lines() const {
  std::vector<Line> all;
  for (const auto& one : seen_)
    if (one.last - one.since >= kFor) all.push_back(one);
  std::sort(all.begin(), all.end(), [](const Line& a, const Line& b) { return a.hz < b.hz; });
  std::vector<Line> apart;
  for (const auto& line : all) {
    if (apart.empty() || line.hz - apart.back().hz > kApart)
      apart.push_back(line);
    else if (line.db > apart.back().db)
      apart.back() = line;
  }
  return apart;
}

}  // namespace analysis
