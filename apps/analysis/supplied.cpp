#include "analysis/supplied.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/filled.hpp"

namespace analysis {

namespace {

/// Samples [first, end) of a gap.
struct Span {
  std::int64_t first, end;
};

std::vector<Span> without(const std::vector<Span>& spans, const Span& cut) {
  std::vector<Span> left;
  for (const auto& span : spans) {
    if (const Span before{span.first, std::min(span.end, cut.first)}; before.first < before.end) left.push_back(before);
    if (const Span behind{std::max(span.first, cut.end), span.end}; behind.first < behind.end) left.push_back(behind);
  }
  return left;
}

std::vector<Span> common(const std::vector<Span>& spans, const Span& with) {
  std::vector<Span> both;
  for (const auto& span : spans)
    if (const Span one{std::max(span.first, with.first), std::min(span.end, with.end)}; one.first < one.end) both.push_back(one);
  return both;
}

Span within(const Gap& gap, mth5::UtcNanos start, mth5::UtcNanos end) {
  const auto at = [&](mth5::UtcNanos time) {
    const double samples = mth5::samples_between(gap.start, time, gap.sample_rate);
    return std::llround(std::clamp(samples, 0.0, static_cast<double>(gap.samples)));
  };
  return {at(start), at(end)};
}

Gap part_of(const Gap& gap, const Span& span) {
  Gap part = gap;
  part.start = mth5::sample_time(gap.start, gap.sample_rate, span.first);
  part.samples = span.end - span.first;
  return part;
}

bool is_of(const RecordedGap& row, const Series::Part& part, Files files) {
  return row.file == part.file && row.gap.run_before == files[part.file]->runs()[part.run].id;
}

}  // namespace

std::vector<Gap> take_supplied(Series& series, const std::vector<RecordedGap>& filled, Files files) {
  std::vector<Gap> rest;
  for (const auto& row : filled) {
    const auto& gap = row.gap;
    std::vector<Span> left{{0, gap.samples}};
    for (std::size_t i = 0; i < series.parts.size() && gap.samples > 0 && gap.sample_rate > 0; ++i) {
      const auto& part = series.parts[i];
      if (part.end <= gap.start || part.start >= gap.end() || is_of(row, part, files)) continue;
      auto there = common(left, within(gap, part.start, part.end));
      for (const auto& other : filled)  // what it has there may be filled as well
        if (!there.empty() && is_of(other, part, files) && (other.gap.component.empty() || other.gap.component == gap.component))
          there = without(there, within(gap, other.gap.start, other.gap.end()));
      for (const auto& span : there) {
        series.supplied.push_back({part_of(gap, span), row.file, i});
        left = without(left, span);
      }
    }
    for (const auto& span : left) rest.push_back(part_of(gap, span));
  }
  return rest;
}

std::int64_t count_supplied(const Series& series, const Series::Part& part, const std::string& component, std::int64_t first,
                            std::int64_t end, Files files) {
  std::int64_t count = 0;
  for (const auto& [gap, file, by] : series.supplied) {
    const auto& run = files[part.file]->runs()[part.run];
    if (file != part.file || gap.run_before != run.id || (!gap.component.empty() && gap.component != component)) continue;
    const auto at = nearest_sample(gap.start, part.clock, run);
    const auto from = std::clamp(at, first, end);
    const auto n = std::clamp(at + gap.samples, from, end) - from;
    if (n == 0) continue;
    const auto& other = series.parts[by];
    const auto& reader = *files[other.file];
    const auto& channels = reader.runs()[other.run].channels;
    const auto channel = std::find_if(channels.begin(), channels.end(),
                                      [&](std::size_t i) { return reader.channels()[i].component == component; });
    auto values = reader.read(*channel, nearest_sample(part.clock.utc_of(from), other.clock, reader.runs()[other.run]), n);
    leave_out(values, reader.fill_value(*channel));
    count += std::count_if(values.begin(), values.end(), [](double value) { return !std::isnan(value); });
  }
  return count;
}

}  // namespace analysis
