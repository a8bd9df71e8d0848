#include "analysis/older.hpp"

#include <algorithm>

#include "analysis/filled.hpp"

namespace analysis {

std::optional<Samples> read_before(const mth5::Reader& file, const Series& series, const std::string& component,
                                   mth5::UtcNanos before, std::int64_t most) {
  for (auto part = series.parts.rbegin(); part != series.parts.rend(); ++part) {
    if (part->start >= before) continue;
    const auto& run = file.runs()[part->run];
    const auto channel = find_channel(file, run, component);
    if (!channel) continue;
    const auto n = file.channels()[*channel].n_samples;
    const auto end = mth5::indexes_within({{}, before}, part->clock, n).second;
    const auto begin = std::max(part->taken, end - most);
    if (begin >= end) continue;
    Samples samples{part->clock.utc_of(begin), file.read(*channel, begin, end - begin)};
    if (samples.values.empty() || samples.start >= before) continue;
    leave_out(samples.values, begin, filled_ranges(series, *part, run, component));
    leave_out(samples.values, file.fill_value(*channel));
    return samples;
  }
  return std::nullopt;
}

std::vector<Samples> read_within(const mth5::Reader& file, const Series& series, const std::string& component,
                                 const Window& window, std::int64_t most) {
  std::vector<Samples> pieces;
  for (const auto& part : series.parts) {
    if (most <= 0) break;
    if ((window.to && part.start >= *window.to) || (window.from && part.end <= *window.from)) continue;
    const auto& run = file.runs()[part.run];
    const auto channel = find_channel(file, run, component);
    if (!channel) continue;
    const auto [first, end] = mth5::indexes_within(window, part.clock, file.channels()[*channel].n_samples);
    const auto begin = std::max(first, part.taken);
    if (begin >= end) continue;
    Samples samples{part.clock.utc_of(begin), file.read(*channel, begin, std::min(end - begin, most))};
    if (samples.values.empty()) continue;
    leave_out(samples.values, begin, filled_ranges(series, part, run, component));
    leave_out(samples.values, file.fill_value(*channel));
    most -= std::ssize(samples.values);
    pieces.push_back(std::move(samples));
  }
  return pieces;
}

}  // namespace analysis
