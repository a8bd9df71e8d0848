#include "analysis/spectra/spectrogram.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/lanes.hpp"
#include "analysis/spectra/spectrum.hpp"
#include "analysis/spectra/tenth.hpp"

namespace analysis {

namespace {

constexpr double kLowestRate = 0.01;  ///< Hz, of a stage: a segment takes seven hours
constexpr int kPerDecade = 10;
constexpr std::size_t kFirstLine = 2;  ///< below, the mean that is taken out shows

double edge(int band) { return std::pow(10.0, static_cast<double>(band) / kPerDecade); }

void put_together(Spectrogram::Level& level, const Spectrogram::Level& other) {
  if (other.n == 0) return;
  level.n += other.n;
  level.mean += (other.mean - level.mean) * (static_cast<double>(other.n) / static_cast<double>(level.n));
}

double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

double Spectrogram::Band::middle() const { return std::sqrt(low * high); }

Spectrogram::Spectrogram(double rate) {
  do {
    stages_.push_back({rate, {}, {}});
    rate /= static_cast<double>(kTenth);
  } while (rate >= kLowestRate);
  const auto step = [&](std::size_t stage) { return stages_[stage].rate / static_cast<double>(kSegment); };
  const double lowest = static_cast<double>(kFirstLine) * step(stages_.size() - 1);
  const double highest = stages_.front().rate / 2;
  for (int number = static_cast<int>(std::floor(kPerDecade * std::log10(lowest))); edge(number) < highest; ++number) {
    Band band{.low = edge(number), .high = edge(number + 1)};
    // Of the slowest stage that has all of it: there the lines are closest.
    while (band.stage + 1 < stages_.size() && band.high <= kPassed * stages_[band.stage + 1].rate) ++band.stage;
    band.step = std::chrono::duration<double>{static_cast<double>(kSegment / 2) / stages_[band.stage].rate};
    const auto line_from = [&](double hz) { return static_cast<std::size_t>(std::ceil(hz / step(band.stage) - 1e-9)); };
    band.first = std::max(kFirstLine, line_from(band.low));
    band.n = std::min(kSegment / 2, line_from(band.high));  // without the last line, which is half a one
    band.n -= std::min(band.n, band.first);
    if (band.n > 0) bands_.push_back(band);
  }
}

void Spectrogram::add(const Block& block) {
  if (block.values.empty()) return;
  if (!goes_on(end_, block.start, block.rate))
    for (auto& stage : stages_) stage.pending.clear(), stage.filtered.clear();
  end_ = block.end();
  feed(0, block.values, end_);
}

void Spectrogram::feed(std::size_t number, std::span<const double> samples, mth5::UtcNanos end) {
  auto& stage = stages_[number];
  auto& pending = stage.pending;
  pending.insert(pending.end(), samples.begin(), samples.end());
  std::size_t first = 0;
  for (; first + kSegment <= pending.size(); first += kSegment / 2) {
    const auto to_middle = static_cast<std::int64_t>(pending.size() - first - kSegment / 2);
    count(number, std::span{pending}.subspan(first, kSegment), mth5::sample_time(end, stage.rate, -to_middle));
  }
  pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(first));
  if (number + 1 == stages_.size()) return;

  const auto taps = low_pass();
  auto& filtered = stage.filtered;
  filtered.insert(filtered.end(), samples.begin(), samples.end());
  std::vector<double> tenth;
  std::size_t at = 0;
  for (; at + taps.size() <= filtered.size(); at += kTenth)
    tenth.push_back(sum_of_products(taps, std::span{filtered}.subspan(at, taps.size())));
  filtered.erase(filtered.begin(), filtered.begin() + static_cast<std::ptrdiff_t>(std::min(at, filtered.size())));
  if (tenth.empty()) return;
  // The next one would be of the sample kReach behind what is left.
  const auto to_next = static_cast<std::int64_t>(filtered.size()) - kReach;
  feed(number + 1, tenth, mth5::sample_time(end, stage.rate, -to_next));
}

void Spectrogram::count(std::size_t number, std::span<const double> segment, mth5::UtcNanos middle) {
  thread_local std::vector<double> density;
  density_of(segment, stages_[number].rate, density);
  if (density.empty()) return;
  const auto cell = std::chrono::floor<std::chrono::seconds>(middle).time_since_epoch().count() >> shift_;
  auto& levels = cells_.try_emplace(cell, bands_.size()).first->second;
  for (std::size_t b = 0; b < bands_.size(); ++b) {
    if (bands_[b].stage != number) continue;
    double sum = 0;
    for (std::size_t i = 0; i < bands_[b].n; ++i) sum += density[bands_[b].first + i];
    put_together(levels[b], {1, sum / static_cast<double>(bands_[b].n)});
  }
  fit();
}

void Spectrogram::fit() {
  while (cells_.size() > 1 && cells_.rbegin()->first - cells_.begin()->first >= kMostCells) {
    std::map<std::int64_t, std::vector<Level>> coarse;
    for (const auto& [number, levels] : cells_) {
      auto& into = coarse.try_emplace(number >> 1, bands_.size()).first->second;
      for (std::size_t b = 0; b < levels.size(); ++b) put_together(into[b], levels[b]);
    }
    cells_ = std::move(coarse);
    ++shift_;
  }
}

std::vector<std::optional<Spectrogram::Usual>> Spectrogram::usual() const {
  std::vector<std::optional<Usual>> all(bands_.size());
  for (std::size_t b = 0; b < bands_.size(); ++b) {
    std::vector<double> values;
    for (const auto& [number, levels] : cells_)
      if (levels[b].n > 0) values.push_back(levels[b].mean);
    if (values.empty()) continue;
    std::sort(values.begin(), values.end());
    all[b] = Usual{quantile(values, 0.1), quantile(values, 0.5), quantile(values, 0.9), values.size()};
  }
  return all;
}

}  // namespace analysis
