#include "analysis/series.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

#include "analysis/json.hpp"

namespace analysis {

namespace {

using Files = std::span<const std::unique_ptr<mth5::Reader>>;

const mth5::RunInfo& run_of(Files files, const Series::Part& part) { return files[part.file]->runs()[part.run]; }

std::vector<Series> group(Files files) {
  std::map<std::tuple<std::string, std::string, double, std::vector<std::string>>, Series> found;
  for (std::size_t f = 0; f < files.size(); ++f) {
    const auto& reader = *files[f];
    for (std::size_t r = 0; r < reader.runs().size(); ++r) {
      const auto& run = reader.runs()[r];
      std::vector<std::string> components;
      for (const auto channel : run.channels) components.push_back(reader.channels()[channel].component);
      std::sort(components.begin(), components.end());
      auto& series = found[{run.survey, run.station, run.sample_rate, components}];
      series.survey = run.survey;
      series.station = run.station;
      series.sample_rate = run.sample_rate;
      series.components = std::move(components);
      series.parts.push_back({f, r});
    }
  }
  std::vector<Series> all;
  for (auto& [key, series] : found) {
    std::stable_sort(series.parts.begin(), series.parts.end(),
                     [&](const auto& a, const auto& b) { return run_of(files, a).start < run_of(files, b).start; });
    all.push_back(std::move(series));
  }
  return all;
}

/// What the times of the runs say. Overlapping runs (two files of the same time) hide nothing and count nothing twice.
void derive_gaps(Series& series, Files files) {
  if (series.sample_rate <= 0) return;
  const mth5::RunInfo* before = nullptr;
  for (const auto& part : series.parts) {
    const auto& run = run_of(files, part);
    if (run.n_samples == 0) continue;
    if (before != nullptr) {
      const auto missing = std::llround(mth5::samples_between(before->end(), run.start, series.sample_rate)) - 1;
      if (missing > 0)
        series.gaps.push_back({series.survey, series.station, before->id, run.id,
                               mth5::sample_time(before->end(), series.sample_rate, 1), missing, series.sample_rate, "", false});
    }
    if (before == nullptr || run.end() > before->end()) before = &run;
  }
}

bool has_run(const Series& series, Files files, std::size_t file, const Gap& gap) {
  return std::any_of(series.parts.begin(), series.parts.end(), [&](const auto& part) {
    const auto& run = run_of(files, part);
    return part.file == file && run.station == gap.station && (run.id == gap.run_before || run.id == gap.run_after);
  });
}

/// Rows of /Acquisition/gaps of one file.
std::vector<Gap> recorded_gaps(const mth5::Reader& reader) {
  std::vector<Gap> gaps;
  const auto table = reader.table("gaps");
  if (!table) return gaps;
  for (std::size_t i = 0; i < table->size(); ++i)
    gaps.push_back({"", table->text(i, "station"), table->text(i, "run_before"), table->text(i, "run_after"),
                    mth5::UtcNanos{mth5::Nanos{table->integer(i, "start")}}, table->integer(i, "samples"), 0,
                    table->text(i, "reason"), table->integer(i, "filled") != 0});
  return gaps;
}

void add_recorded(std::vector<Series>& all, Files files) {
  for (std::size_t f = 0; f < files.size(); ++f) {
    const auto recorded = recorded_gaps(*files[f]);
    for (auto& series : all) {
      std::vector<Gap> own;
      for (Gap gap : recorded) {
        if (!has_run(series, files, f, gap)) continue;
        gap.survey = series.survey;
        gap.sample_rate = series.sample_rate;
        own.push_back(std::move(gap));
      }
      std::erase_if(series.gaps, [&](const Gap& derived) {
        return std::any_of(own.begin(), own.end(), [&](const Gap& gap) {
          // Run ids may repeat from file to file; the times tell which gap it is.
          const double offset = mth5::samples_between(derived.start, gap.start, series.sample_rate);
          return !gap.filled && gap.run_before == derived.run_before && gap.run_after == derived.run_after && offset > -2 &&
                 offset < static_cast<double>(derived.samples) + 2;
        });
      });
      series.gaps.insert(series.gaps.end(), own.begin(), own.end());
    }
  }
}

}  // namespace

std::vector<Series> find_series(Files files) {
  auto all = group(files);
  for (auto& series : all) derive_gaps(series, files);
  add_recorded(all, files);
  for (auto& series : all)
    std::stable_sort(series.gaps.begin(), series.gaps.end(), [](const Gap& a, const Gap& b) { return a.start < b.start; });
  return all;
}

std::vector<Gap> gaps_within(const Series& series, const Window& window, Files files) {
  std::vector<Gap> gaps;
  for (Gap gap : series.gaps) {
    const auto [first, second] = indexes_within(window, gap.start, gap.sample_rate, gap.samples);
    if (first == second) continue;
    gap.start = gap.sample_rate > 0 ? mth5::sample_time(gap.start, gap.sample_rate, first) : gap.start;
    gap.samples = second - first;
    gaps.push_back(std::move(gap));
  }
  if (series.sample_rate <= 0 || (!window.from && !window.to)) return gaps;

  std::optional<mth5::UtcNanos> begin;
  std::optional<mth5::UtcNanos> end;  // of the first sample that is not there any more
  std::string first_run;
  std::string last_run;
  for (const auto& part : series.parts) {
    const auto& run = run_of(files, part);
    if (run.n_samples == 0) continue;
    const auto run_end = mth5::sample_time(run.end(), series.sample_rate, 1);
    if (!begin) {
      begin = run.start;
      first_run = run.id;
    }
    if (!end || run_end > *end) {
      end = run_end;
      last_run = run.id;
    }
  }
  if (!begin) return gaps;
  const auto edge_gap = [&](mth5::UtcNanos from, mth5::UtcNanos to, const std::string& before, const std::string& after,
                            bool at_start) {
    // Samples of the grid that runs through the data: from before it the last ones count, behind it the first ones.
    const double exact = mth5::samples_between(from, to, series.sample_rate);
    const auto missing = static_cast<std::int64_t>(at_start ? std::floor(exact + 1e-6) : std::ceil(exact - 1e-6));
    return Gap{series.survey,
               series.station,
               before,
               after,
               from,
               missing,
               series.sample_rate,
               at_start ? "before the first sample" : "after the last sample",
               false};
  };
  // A window that lies wholly before or behind the data is one such gap, of the window's length.
  if (window.from && *window.from < *begin)
    gaps.insert(gaps.begin(), edge_gap(*window.from, window.to ? std::min(*window.to, *begin) : *begin, "", first_run, true));
  if (window.to && *window.to > *end)
    gaps.push_back(edge_gap(window.from ? std::max(*window.from, *end) : *end, *window.to, last_run, "", false));
  std::erase_if(gaps, [](const Gap& gap) { return gap.samples <= 0; });
  return gaps;
}

double completeness(std::int64_t expected, std::int64_t missing) {
  if (expected <= 0) return std::numeric_limits<double>::quiet_NaN();
  return 100.0 * static_cast<double>(expected - missing) / static_cast<double>(expected);
}

json::Json to_json(const Gap& gap) {
  return {{"station", gap.station},
          {"start", json::time(gap.start)},
          {"end", gap.sample_rate > 0 ? json::time(gap.end()) : json::Json{}},
          {"samples", gap.samples},
          {"run_before", json::text(gap.run_before)},
          {"run_after", json::text(gap.run_after)},
          {"filled", gap.filled},
          {"reason", json::text(gap.reason)}};
}

}  // namespace analysis
