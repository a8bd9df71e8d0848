#include "analysis/summary.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace analysis {

namespace {

using Files = std::span<const std::unique_ptr<mth5::Reader>>;
constexpr std::size_t kBlock = (1 << 20) / sizeof(double);

/// Where a run holds fill values: of the recorder's gaps, as indexes of its samples.
std::vector<std::pair<std::int64_t, std::int64_t>> filled_ranges(const Series& series, const mth5::RunInfo& run) {
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
  if (run.sample_rate <= 0) return ranges;
  for (const auto& gap : series.gaps) {
    if (!gap.filled || gap.run_before != run.id) continue;
    const auto first = std::llround(mth5::samples_between(run.start, gap.start, run.sample_rate));
    if (first < run.n_samples && first + gap.samples > 0) ranges.emplace_back(first, first + gap.samples);
  }
  return ranges;
}

/// Samples [first, end) of a channel into `values`; fill values do not count as samples.
void add_samples(Statistics& values, const mth5::Reader& file, std::size_t channel, std::int64_t first, std::int64_t end,
                 const std::vector<std::pair<std::int64_t, std::int64_t>>& filled, std::vector<double>& block) {
  while (first < end) {
    block.resize(static_cast<std::size_t>(std::min<std::int64_t>(kBlock, end - first)));
    const std::size_t n = file.read(channel, first, block);
    if (n == 0) throw mth5::FileError{file.path().string() + ": " + file.channels()[channel].component + ": samples are gone"};
    for (const auto& [from, to] : filled) {
      const auto begin = std::clamp<std::int64_t>(from - first, 0, static_cast<std::int64_t>(n));
      const auto stop = std::clamp<std::int64_t>(to - first, 0, static_cast<std::int64_t>(n));
      std::fill(block.begin() + begin, block.begin() + std::max(begin, stop), std::numeric_limits<double>::quiet_NaN());
    }
    values.add(std::span{block}.first(n));
    first += static_cast<std::int64_t>(n);
  }
}

void add_series(Summary& summary, std::size_t number, const Series& series, Files files, std::vector<double>& block) {
  const auto gaps = gaps_within(series, summary.window, files);
  std::int64_t not_there = 0;
  for (const auto& gap : gaps) not_there += gap.filled ? 0 : gap.samples;
  for (const auto& component : series.components) {
    ChannelSummary channel;
    channel.series = number;
    channel.survey = series.survey;
    channel.station = series.station;
    channel.component = component;
    channel.sample_rate = series.sample_rate;
    channel.gaps = gaps;
    for (const auto& part : series.parts) {
      const auto& file = *files[part.file];
      const auto& run = file.runs()[part.run];
      const auto index = std::find_if(run.channels.begin(), run.channels.end(),
                                      [&](std::size_t i) { return file.channels()[i].component == component; });
      const auto& info = file.channels()[*index];  // there: a series is of runs with these components
      if (!info.units.empty()) channel.units = info.units;
      const auto [first, end] = indexes_within(summary.window, info.start, info.sample_rate, info.n_samples);
      channel.n_samples += end - first;
      add_samples(channel.values, file, *index, first, end, filled_ranges(series, run), block);
    }
    channel.expected = channel.n_samples + not_there;
    channel.missing = channel.values.missing() + not_there;
    summary.channels.push_back(std::move(channel));
  }
}

void add_stations(Summary& summary, Files files) {
  std::map<std::tuple<std::string, std::string>, std::size_t> known;
  const auto station = [&](const std::string& survey, const std::string& id) -> StationSummary& {
    return summary.stations[known.at({survey, id})];
  };
  for (const auto& file : files) {
    for (const auto& info : file->stations()) {
      const auto [at, is_new] = known.try_emplace({info.survey, info.id}, summary.stations.size());
      if (is_new)
        summary.stations.push_back({info, {}, {}});
      else
        summary.stations[at->second].station.metadata.merge(info.metadata);
    }
    for (const auto& run : file->runs()) {
      summary.runs.push_back({file->path().string(), run});
      if (run.n_samples == 0) continue;
      auto& of = station(run.survey, run.station);
      of.start = of.start ? std::min(*of.start, run.start) : run.start;
      of.end = of.end ? std::max(*of.end, run.end()) : run.end();
    }
  }
}

}  // namespace

Summary summarise(Files files, const Window& window) {
  Summary summary;
  summary.window = window;
  for (const auto& file : files)
    summary.files.push_back({file->path().string(), file->state(), file->file_bytes(), file->file_version(), read_ledger(*file)});
  add_stations(summary, files);
  std::vector<double> block;
  const auto all = find_series(files);
  for (std::size_t i = 0; i < all.size(); ++i) add_series(summary, i, all[i], files, block);
  return summary;
}

std::optional<mth5::UtcNanos> data_end(Files files) {
  std::optional<mth5::UtcNanos> last;
  for (const auto& file : files)
    for (const auto& run : file->runs())
      if (run.n_samples > 0 && run.sample_rate > 0)
        last = std::max(last, std::optional{mth5::sample_time(run.start, run.sample_rate, run.n_samples)});
  return last;
}

}  // namespace analysis
