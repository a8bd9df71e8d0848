#include "analysis/series.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "analysis/coverage.hpp"
#include "analysis/steps.hpp"
#include "analysis/supplied.hpp"

namespace analysis {

namespace {

const mth5::RunInfo& run_of(Files files, const Series::Part& part) { return files[part.file]->runs()[part.run]; }

std::vector<Series> group(Files files, std::span<const std::optional<std::size_t>> copies, const LeaveOut& leave_out) {
  std::map<std::tuple<std::string, std::string, double, std::vector<std::string>, std::string>, Series> found;
  for (std::size_t f = 0; f < files.size(); ++f) {
    if (f < copies.size() && copies[f]) continue;
    const auto& reader = *files[f];
    auto clocks = reader.clocks();
    for (std::size_t r = 0; r < reader.runs().size(); ++r) {
      const auto& run = reader.runs()[r];
      if (run.n_samples == 0 || (leave_out && leave_out(f, r))) continue;
      std::vector<std::string> components;
      for (const auto channel : run.channels) components.push_back(reader.channels()[channel].component);
      auto key = components;
      std::sort(key.begin(), key.end());
      auto stream = stream_of(run.id);
      auto& series = found[{run.survey, run.station, run.sample_rate, std::move(key), stream}];
      series.stream = std::move(stream);
      series.survey = run.survey;
      series.station = run.station;
      series.sample_rate = run.sample_rate;
      if (series.components.empty()) series.components = std::move(components);
      const auto start = clocks[r].utc_of(0);
      const auto end = clocks[r].utc_of(run.n_samples);
      series.parts.push_back({.file = f, .run = r, .clock = std::move(clocks[r]), .start = start, .end = end});
    }
  }
  std::vector<Series> all;
  for (auto& [key, series] : found) all.push_back(std::move(series));
  return all;
}

/// Parts of a series at the edges of a gap between runs.
struct Edges {
  std::size_t before, after;
};

/// What the recorder counted between two runs: by the numbers of frames, by their times, by what it could not store.
class CountedGaps {
 public:
  CountedGaps(const Series& series, const std::vector<RecordedGap>& recorded, Files files) : series_{series}, files_{files} {
    for (const auto& [file, gap] : recorded) {
      if (gap.filled || !gap.component.empty() || gap.run_before.empty() || gap.run_after.empty()) continue;
      auto& all = counted_[{file, gap.run_before, gap.run_after}];
      // Behind a crash the recorder had nothing but the times.
      all.usable &= gap.reason != "writer-died" && gap.samples >= 0;
      all.set |= tells_of_time_only(gap.reason);
      all.samples += static_cast<double>(gap.samples);
    }
  }
  [[nodiscard]] std::optional<std::int64_t> operator()(std::size_t before, std::size_t after, std::int64_t apart) const {
    const auto& a = series_.parts[before];
    const auto& b = series_.parts[after];
    if (a.file != b.file) return std::nullopt;
    const auto found = counted_.find({a.file, run_of(files_, a).id, run_of(files_, b).id});
    if (found == counted_.end() || !found->second.usable) return std::nullopt;
    // Times of whole seconds are off by up to one on either side; what is further from the clock is no count of this gap.
    const double samples = found->second.samples;
    if (found->second.set) {  // the times tell nothing of what is missing there, not even that something is
      if (samples <= 0) return std::nullopt;
      return std::llround(samples);
    }
    if (a.clock.anchors().empty() || b.clock.anchors().empty()) return std::nullopt;
    const double slack = 2 + 2 * series_.sample_rate + 0.01 * std::abs(static_cast<double>(apart));
    if (std::abs(samples - static_cast<double>(apart)) > slack) return std::nullopt;
    return std::llround(samples);
  }

 private:
  struct Sum {
    double samples = 0;
    bool usable = true;
    bool set = false;  ///< the clock was
  };
  const Series& series_;
  Files files_;
  std::map<std::tuple<std::size_t, std::string, std::string>, Sum> counted_;  ///< by file, run before and run after
};

/// What the times of the runs say, and what the recorder counted between them. Puts the parts in order. @returns for each gap,
/// the parts before and after it
std::vector<Edges> derive_gaps(Series& series, const std::vector<RecordedGap>& recorded, Files files) {
  if (series.sample_rate <= 0) return {};
  std::vector<Extent> extents;
  for (const auto& part : series.parts)
    extents.push_back({part.start, part.end, run_of(files, part).n_samples, part.clock.rate_behind()});
  const auto coverage = unite(extents, CountedGaps{series, recorded, files});
  std::vector<Edges> edges;
  std::vector<std::size_t> place(series.parts.size());  // of a part in order
  for (std::size_t i = 0; i < coverage.order.size(); ++i) place[coverage.order[i]] = i;
  for (const auto& hole : coverage.holes) {
    edges.push_back({place[hole.before], place[hole.after]});
    series.gaps.push_back({.survey = series.survey,
                           .station = series.station,
                           .component = {},
                           .run_before = run_of(files, series.parts[hole.before]).id,
                           .run_after = run_of(files, series.parts[hole.after]).id,
                           .start = hole.start,
                           .samples = hole.samples,
                           .sample_rate = series.sample_rate,
                           .reason = {}});
  }
  std::vector<Series::Part> in_order;
  for (const auto i : coverage.order) {
    in_order.push_back(std::move(series.parts[i]));
    in_order.back().taken = coverage.taken[i];
  }
  series.parts = std::move(in_order);
  return edges;
}

/// The recorder's gaps of each series: station and a run of it, in the same file.
std::vector<std::vector<RecordedGap>> recorded_by_series(const std::vector<Series>& all, Files files,
                                                         std::span<const std::optional<std::size_t>> copies) {
  std::map<std::tuple<std::size_t, std::string, std::string>, std::vector<std::size_t>> series_of;  // file, station, run
  for (std::size_t s = 0; s < all.size(); ++s)
    for (const auto& part : all[s].parts) {
      const auto& run = run_of(files, part);
      auto& list = series_of[{part.file, run.station, run.id}];
      if (list.empty() || list.back() != s) list.push_back(s);
    }
  std::vector<std::vector<RecordedGap>> recorded(all.size());
  for (std::size_t f = 0; f < files.size(); ++f) {
    if (f < copies.size() && copies[f]) continue;
    for (auto& gap : recorded_gaps(*files[f])) {
      auto found = series_of.find({f, gap.station, gap.run_before});
      if (found == series_of.end()) found = series_of.find({f, gap.station, gap.run_after});
      if (found == series_of.end()) continue;
      for (const auto s : found->second) {
        auto& own = recorded[s].emplace_back(RecordedGap{f, gap}).gap;
        own.survey = all[s].survey;
        own.sample_rate = all[s].sample_rate;
      }
    }
  }
  return recorded;
}

/// The part whose end is nearest to a time. Without anchors the recorder's clock may have drifted from the plain axis of the run.
std::optional<std::size_t> ended_at(mth5::UtcNanos time, const Series& series, Files files) {
  constexpr double kDrift = 1e-4;  // of the run's length
  std::optional<std::size_t> nearest;
  double least = 0;
  for (std::size_t i = 0; i < series.parts.size(); ++i) {
    const auto& run = run_of(files, series.parts[i]);
    const double apart = std::abs(mth5::samples_between(series.parts[i].end, time, series.sample_rate));
    if (apart > 1.5 + kDrift * static_cast<double>(run.n_samples) || (nearest && apart >= least)) continue;
    nearest = i;
    least = apart;
  }
  return nearest;
}

Steps steps_of(const Series& series, const std::vector<RecordedGap>& recorded, Files files) {
  Steps steps;
  const auto moved = [](const RecordedGap& row) { return tells_of_time_only(row.gap.reason); };
  if (std::none_of(recorded.begin(), recorded.end(), moved)) return steps;
  std::map<std::pair<std::size_t, std::string_view>, std::size_t> known;  // by file and run; the parts first
  for (std::size_t i = 0; i < series.parts.size(); ++i) known[{series.parts[i].file, run_of(files, series.parts[i]).id}] = i;
  // Runs that are left out, or without samples, link others all the same.
  const auto number_of = [&](std::size_t file, std::string_view run) {
    return known.try_emplace({file, run}, known.size()).first->second;
  };
  for (const auto& row : recorded) {
    const auto& [file, gap] = row;
    if (gap.filled || !gap.component.empty() || gap.run_after.empty()) continue;
    const auto after = number_of(file, gap.run_after);
    if (!gap.run_before.empty())
      steps.link(number_of(file, gap.run_before), after, moved(row));
    else if (moved(row))  // a new file began just then
      if (const auto ended = ended_at(gap.start, series, files)) steps.link(*ended, after, true);
  }
  steps.settle();
  return steps;
}

/// Cuts a gap between runs into the parts the recorder knows a reason for, and what is left. @param step  the clock moved there:
/// what is left was no time of the recording
void name_parts(const Gap& gap, std::span<const Gap> recorded, bool step, std::vector<Gap>& out) {
  std::int64_t at = 0;
  const auto add = [&](std::int64_t end, const std::string& reason) {
    if (end <= at) return;
    if (!step || !reason.empty()) {
      out.push_back(gap);
      out.back().start = mth5::sample_time(gap.start, gap.sample_rate, at);
      out.back().samples = end - at;
      out.back().reason = reason;
    }
    at = end;
  };
  const auto samples = static_cast<double>(gap.samples);
  // The clock that told the recorder may differ by a sample from the times of the runs, and from the nominal rate.
  const double slack = 1.5 + (step ? 0 : 5e-4 * samples);
  for (const auto& row : recorded) {
    const double offset = mth5::samples_between(gap.start, row.start, gap.sample_rate);
    const double behind = offset + static_cast<double>(row.samples);
    const std::int64_t first = offset <= slack ? 0 : std::llround(std::min(offset, samples));
    const std::int64_t end = behind >= samples - slack ? gap.samples : std::llround(std::max(behind, 0.0));
    add(std::min(first, gap.samples), "");
    add(end, row.reason);
  }
  add(gap.samples, "");
}

/// What was lost with a file that is no more, before the first run of those that are there: no run ends where it begins.
std::optional<Gap> lost_before(const Series& series, const std::vector<RecordedGap>& recorded, Files files) {
  if (series.parts.empty()) return std::nullopt;
  const auto& first = series.parts.front();
  for (const auto& [file, gap] : recorded) {
    if (gap.reason != "file-lost" || !gap.run_before.empty() || gap.filled || !gap.component.empty()) continue;
    if (file != first.file || gap.run_after != run_of(files, first).id) continue;
    const double room = mth5::samples_between(gap.start, first.start, series.sample_rate);
    Gap lost = gap;
    lost.samples = std::min(gap.samples, static_cast<std::int64_t>(std::llround(std::clamp(room, 0.0, 1e15))));
    if (lost.samples > 0) return lost;
  }
  return std::nullopt;
}

void add_recorded(Series& series, const std::vector<Edges>& edges, std::vector<RecordedGap> recorded, Files files) {
  if (recorded.empty()) return;
  const auto steps = steps_of(series, recorded, files);
  const auto lost = lost_before(series, recorded, files);
  const auto by_start = [](const Gap& a, const Gap& b) { return a.start < b.start; };
  std::vector<Gap> found;
  std::vector<RecordedGap> filled;
  std::vector<Gap> between;  // not filled: they only say why
  for (auto& [file, gap] : recorded) {
    if (gap.filled)
      filled.push_back({file, std::move(gap)});
    else if (gap.samples <= 0)
      found.push_back(std::move(gap));
    else
      between.push_back(std::move(gap));
  }
  for (auto& gap : take_supplied(series, filled, files)) found.push_back(std::move(gap));
  std::stable_sort(between.begin(), between.end(), by_start);
  std::size_t next = 0;
  for (std::size_t i = 0; i < series.gaps.size(); ++i) {
    const auto& gap = series.gaps[i];
    // One row may reach over several gaps, as a run between two of them may have been found later.
    while (next < between.size() && between[next].end() <= gap.start) ++next;
    std::size_t end = next;
    while (end < between.size() && between[end].start < gap.end()) ++end;
    name_parts(gap, std::span{between}.subspan(next, end - next), steps.between(edges[i].before, edges[i].after), found);
  }
  if (lost) found.push_back(*lost);
  std::stable_sort(found.begin(), found.end(), by_start);
  series.gaps = std::move(found);
}

bool numbered_after(const mth5::RunInfo& run, const mth5::RunInfo& other) {
  return std::tuple{run.id.size(), std::string_view{run.id}} > std::tuple{other.id.size(), std::string_view{other.id}};
}

/// Tables of clocks that have rows, with the station of their stream.
std::vector<std::pair<std::string, std::string>> clocks_with_rows(const mth5::Reader& file) {
  std::vector<std::pair<std::string, std::string>> found;
  const auto streams = file.table("streams");
  for (std::size_t i = 0; streams && i < streams->size(); ++i) {
    auto name = "clock/" + streams->text(i, "name");
    if (file.table_rows(name) > 0) found.emplace_back(std::move(name), streams->text(i, "station"));
  }
  return found;
}

/// Station and run in which the stream of each clock was last.
std::set<std::pair<std::string, std::string>> runs_of_last_rows(const mth5::Reader& file) {
  std::set<std::pair<std::string, std::string>> found;
  for (auto& [name, station] : clocks_with_rows(file)) {
    const auto last = file.table(name, file.table_rows(name) - 1);
    if (last && last->size() > 0 && last->has("run")) found.emplace(std::move(station), last->text(last->size() - 1, "run"));
  }
  return found;
}

}  // namespace

std::string stream_of(std::string_view run) {
  const auto behind = run.find_last_not_of("0123456789");
  if (behind + 1 == run.size()) return "";  // no number
  const auto end = run.substr(0, behind + 1).find_last_not_of('_');
  return std::string{run.substr(0, end + 1)};  // npos + 1 = 0
}

std::optional<std::string> stream_of(const mth5::Reader& file, const std::string& recorded) {
  const auto clock = "clock/" + recorded;
  const auto rows = file.table_rows(clock);
  const auto last = rows > 0 ? file.table(clock, rows - 1) : std::nullopt;
  if (!last || last->size() == 0 || !last->has("run")) return std::nullopt;
  return stream_of(last->text(last->size() - 1, "run"));
}

bool begun_after(const mth5::Reader& file, std::size_t run, std::size_t other) {
  for (const auto& [name, station] : clocks_with_rows(file)) {
    if (station != file.runs()[run].station) continue;
    const auto rows = file.table(name);
    if (!rows || !rows->has("run")) continue;
    std::optional<std::size_t> last_of_run, last_of_other;
    for (std::size_t i = 0; i < rows->size(); ++i) {
      const auto id = rows->text(i, "run");
      if (id == file.runs()[run].id) last_of_run = i;
      if (id == file.runs()[other].id) last_of_other = i;
    }
    if (last_of_run && last_of_other) return *last_of_run > *last_of_other;
  }
  return numbered_after(file.runs()[run], file.runs()[other]);
}

std::vector<std::size_t> newest_runs(const mth5::Reader& file) {
  const auto& runs = file.runs();
  const auto named = runs_of_last_rows(file);
  std::map<std::tuple<std::string, std::string, double, std::string>, std::size_t> newest;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].n_samples == 0) continue;
    const auto [known, is_new] =
        newest.try_emplace({runs[i].survey, runs[i].station, runs[i].sample_rate, stream_of(runs[i].id)}, i);
    if (is_new) continue;
    const auto& other = runs[known->second];
    const bool is_named = named.contains({runs[i].station, runs[i].id});
    if (is_named != named.contains({other.station, other.id}) ? is_named : numbered_after(runs[i], other)) known->second = i;
  }
  std::vector<std::size_t> all;
  for (const auto& [key, run] : newest) all.push_back(run);
  return all;
}

std::vector<Series> find_series(Files files, std::span<const std::optional<std::size_t>> copies, const LeaveOut& leave_out) {
  auto all = group(files, copies, leave_out);
  auto recorded = recorded_by_series(all, files, copies);
  for (std::size_t s = 0; s < all.size(); ++s) {
    const auto edges = derive_gaps(all[s], recorded[s], files);
    if (all[s].sample_rate > 0) add_recorded(all[s], edges, std::move(recorded[s]), files);
  }
  return all;
}

std::pair<mth5::UtcNanos, mth5::UtcNanos> span_of(const Series& series) {
  auto begin = mth5::UtcNanos::max();
  auto end = mth5::UtcNanos::min();
  for (const auto& part : series.parts) {
    begin = std::min(begin, part.start);
    end = std::max(end, part.end);
  }
  return {begin, end};
}

std::vector<Gap> gaps_within(const Series& series, const Window& window, Files files) {
  std::vector<Gap> gaps;
  for (Gap gap : series.gaps) {
    if (gap.samples <= 0) {
      if ((!window.from || gap.start >= *window.from) && (!window.to || gap.start < *window.to)) gaps.push_back(std::move(gap));
      continue;
    }
    const auto [first, second] = indexes_within(window, gap.start, gap.sample_rate, gap.samples);
    if (first == second) continue;
    gap.start = gap.sample_rate > 0 ? mth5::sample_time(gap.start, gap.sample_rate, first) : gap.start;
    gap.samples = second - first;
    gaps.push_back(std::move(gap));
  }
  if (series.sample_rate <= 0 || series.parts.empty() || (!window.from && !window.to)) return gaps;

  auto [begin, end] = span_of(series);
  if (!series.gaps.empty() && !series.gaps.front().filled) begin = std::min(begin, series.gaps.front().start);
  const std::string& first_run = run_of(files, series.parts.front()).id;
  std::string last_run;
  for (const auto& part : series.parts)
    if (part.end == end) last_run = run_of(files, part).id;
  const auto edge_gap = [&](mth5::UtcNanos from, mth5::UtcNanos to, const std::string& before, const std::string& after,
                            bool at_start) {
    // Samples of the grid that runs through the data: from before it the last ones count, behind it the first ones.
    const double exact = mth5::samples_between(from, to, series.sample_rate);
    const auto missing = static_cast<std::int64_t>(at_start ? std::floor(exact + 1e-6) : std::ceil(exact - 1e-6));
    return Gap{.survey = series.survey,
               .station = series.station,
               .component = {},
               .run_before = before,
               .run_after = after,
               .start = from,
               .samples = missing,
               .sample_rate = series.sample_rate,
               .reason = at_start ? "before the first sample" : "after the last sample"};
  };
  const auto add_if_any = [&](Gap gap, bool in_front) {
    if (gap.samples > 0) gaps.insert(in_front ? gaps.begin() : gaps.end(), std::move(gap));
  };
  // A window that lies wholly before or behind the data is one such gap, of the window's length.
  if (window.from && *window.from < begin)
    add_if_any(edge_gap(*window.from, window.to ? std::min(*window.to, begin) : begin, "", first_run, true), true);
  if (window.to && *window.to > end)
    add_if_any(edge_gap(window.from ? std::max(*window.from, end) : end, *window.to, last_run, "", false), false);
  return gaps;
}

double completeness(std::int64_t expected, std::int64_t missing) {
  if (expected <= 0) return std::numeric_limits<double>::quiet_NaN();
  return 100.0 * static_cast<double>(expected - missing) / static_cast<double>(expected);
}

}  // namespace analysis
