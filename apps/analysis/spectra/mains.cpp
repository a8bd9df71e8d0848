#include "analysis/spectra/mains.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include "analysis/median.hpp"

namespace analysis {

namespace {

constexpr double kBand = 1;  ///< Hz to both sides of a line
constexpr double kFloorFrom = 2, kFloorTo = 5;
constexpr double kNearMains = 0.25;  ///< Hz: no grid is farther off
constexpr double kAllLine = 200;     ///< dB: there is nothing else

std::optional<double> level_at(std::span<const double> density, double step, double frequency) {
  const auto bin = [&](double hz) { return static_cast<std::ptrdiff_t>(std::lround(hz / step)); };
  const auto centre = bin(frequency);
  const auto half = std::max<std::ptrdiff_t>(bin(kBand), 2);
  const auto from = std::max(bin(kFloorFrom), half + 1);  // where the spectrum is coarse
  const auto to = std::max(bin(kFloorTo), from + 2);
  const auto size = static_cast<std::ptrdiff_t>(density.size());
  if (centre - half < 1 || centre + half >= size) return std::nullopt;
  std::vector<double> beside;
  for (auto off = from; off <= to; ++off) {
    if (centre - off >= 1) beside.push_back(density[static_cast<std::size_t>(centre - off)]);
    if (centre + off < size) beside.push_back(density[static_cast<std::size_t>(centre + off)]);
  }
  if (beside.empty()) return std::nullopt;
  const double floor = upper_median(beside);
  double excess = 0;
  double moment = 0;
  for (auto i = centre - half; i <= centre + half; ++i) {
    const double over = density[static_cast<std::size_t>(i)] - floor;
    excess += over;
    moment += over * static_cast<double>(i);
  }
  if (!(excess > 0)) return kNoLine;
  if (std::abs(moment / excess * step - frequency) > std::max(kNearMains, 0.5 * step)) return kNoLine;
  const auto width = static_cast<double>(2 * half);  // of the band; half a line at either end reaches beyond it
  return floor > 0 ? std::max(kNoLine, 10 * std::log10(excess / (floor * width))) : kAllLine;
}

}  // namespace

std::optional<double> mains_db(std::span<const double> density, double step) {
  std::optional<double> highest;
  if (!(step > 0)) return highest;
  for (const double grid : kGrids)
    if (const auto level = level_at(density, step, grid)) highest = std::max(highest, level);
  return highest;
}

bool knows_mains(double rate) { return rate > 2 * (kGrids.front() + kBand); }

std::size_t mains_segment(double rate) {
  const double wanted = std::clamp(4 * rate, 256.0, 65'536.0);
  return std::bit_ceil(static_cast<std::size_t>(std::ceil(wanted)));
}

}  // namespace analysis
