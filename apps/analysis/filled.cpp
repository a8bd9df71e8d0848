#include "analysis/filled.hpp"

#include <algorithm>

#include "analysis/nan.hpp"

namespace analysis {

Ranges filled_ranges(const Series& series, const Series::Part& part, const mth5::RunInfo& run, const std::string& component) {
  Ranges ranges;
  if (run.sample_rate <= 0) return ranges;
  const auto add = [&](const Gap& gap) {
    if (!gap.filled || gap.run_before != run.id || (!gap.component.empty() && gap.component != component)) return;
    const auto first = nearest_sample(gap.start, part.clock, run);
    if (first < run.n_samples && first + gap.samples > 0) ranges.emplace_back(first, first + gap.samples);
  };
  for (const auto& gap : series.gaps) add(gap);
  for (const auto& one : series.supplied) add(one.gap);
  return ranges;
}

std::optional<std::size_t> find_channel(const mth5::Reader& file, const mth5::RunInfo& run, const std::string& component) {
  const auto found = std::find_if(run.channels.begin(), run.channels.end(),
                                  [&](std::size_t i) { return file.channels()[i].component == component; });
  return found != run.channels.end() ? std::optional{*found} : std::nullopt;
}

void leave_out(std::span<double> values, std::int64_t first, const Ranges& filled) {
  const auto n = static_cast<std::int64_t>(values.size());
  for (const auto& [from, to] : filled) {
    const auto begin = std::clamp<std::int64_t>(from - first, 0, n);
    const auto end = std::clamp<std::int64_t>(to - first, begin, n);
    std::fill(values.begin() + begin, values.begin() + end, kNaN);
  }
}

void leave_out(std::span<double> values, const std::optional<double>& fill) {
  if (fill) std::replace(values.begin(), values.end(), *fill, kNaN);
}

}  // namespace analysis
