#include "analysis/summary.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

#include "analysis/cache.hpp"
#include "analysis/clock.hpp"
#include "analysis/filled.hpp"
#include "analysis/part_reader.hpp"
#include "analysis/supplied.hpp"

namespace analysis {

namespace {

/// Of a channel that cannot be read to its end: that costs this channel, and not the report.
void note(FileSummary& file, const mth5::Error& e) {
  auto& lines = dynamic_cast<const mth5::FormatError*>(&e) != nullptr ? file.damaged : file.unread;
  if (std::find(lines.begin(), lines.end(), e.what()) == lines.end()) lines.emplace_back(e.what());
}

/// Figures have the units that the file's table of channels names; the dataset should name the same.
void compare_units(FileSummary& summary, const mth5::Reader& file, std::size_t channel) try {
  const auto& info = file.channels()[channel];
  const auto own = file.channel_metadata(channel).text("units");
  const auto told = mth5::unit_symbol(info.units);
  if (mth5::unit_symbol(own) == told && (!own.empty() || told.empty())) return;
  const auto what = info.station + "/" + info.run + "/" + info.component + ": units ";
  if (own.empty())
    summary.remarks.push_back(what + "'" + info.units + "' are not of MTH5, or the dataset has none: shown as they stand");
  else
    summary.remarks.push_back(what + "are " + (told.empty() ? "none" : told) + " in channel_summary and " +
                              mth5::unit_symbol(own) + " in the dataset, and one of the two is wrong: shown as the first");
} catch (const mth5::Error&) {  // an attribute that cannot be read: whoever needs it says so
}

/// What the clock of the series says is missing at its end: in a live file samples are expected until now, unless they are on
/// their way. @param gaps  as gaps_within() has them
void follow_to_now(std::vector<Gap>& gaps, const Series& series, const SeriesState& state, const Window& window) {
  const bool silent = state.flow.state != FlowState::Receiving;
  const auto end = span_of(series).second;
  const bool open = !gaps.empty() && gaps.back().run_after.empty() && !gaps.back().filled && gaps.back().start >= end;
  if (open && !silent) gaps.pop_back();
  if (open && silent) gaps.back().reason = to_string(state.flow.state);
  if (open || !silent || window.to || series.sample_rate <= 0) return;
  const double samples = std::min(1e15, state.flow.silent_s * series.sample_rate);
  if (samples < 1) return;
  gaps.push_back({.survey = series.survey,
                  .station = series.station,
                  .component = {},
                  .run_before = state.run,
                  .run_after = {},
                  .start = end,
                  .samples = static_cast<std::int64_t>(samples),
                  .sample_rate = series.sample_rate,
                  .reason = std::string{to_string(state.flow.state)}});
}

bool is_future(const Series::Part& part, mth5::UtcNanos now) { return part.start > now + kFuture; }

/// Of what is now until a run of the future nothing is expected, whatever reason the recorder has: its times are that clock's,
/// too.
void leave_out_the_way_to_the_future(Series& series, mth5::UtcNanos now) {
  std::erase_if(series.gaps, [&](const Gap& gap) {
    return !gap.filled && !gap.run_after.empty() && gap.start <= now + kFuture && gap.end() > now + kFuture;
  });
}

/// Among runs of the future and from one of a clock that was never set nothing is expected, unless the recorder counted it.
void leave_out_what_wrong_clocks_say(std::vector<Gap>& gaps, mth5::UtcNanos now) {
  std::erase_if(gaps, [&](const Gap& gap) {
    return gap.reason.empty() && !gap.run_after.empty() && (gap.end() > now + kFuture || gap.start < kFirstTime);
  });
}

/// Whether a run was recorded later than another of its series, whatever their clocks say.
bool recorded_after(const Series::Part& part, const Series::Part& other, const Summary& summary, Files files) {
  if (part.file == other.file) return begun_after(*files[part.file], part.run, other.run);
  const auto& of_part = summary.files[part.file].ledger.last_commit;
  const auto& of_other = summary.files[other.file].ledger.last_commit;
  return of_part && of_other && *of_part > *of_other;
}

/// What is missing at the end of a time that has one, where a series goes on in the future: as much as without those samples,
/// but for as many as they are. Where they belong nobody knows; they were recorded in place of others.
/// @param gaps  as gaps_within() has them
void follow_to_limit(std::vector<Gap>& gaps, const Series& series, const Window& window, const Summary& summary, Files files) {
  if (!window.to || series.sample_rate <= 0) return;
  const Series::Part* last = nullptr;  // that is not of the future
  for (const auto& part : series.parts)
    if (!is_future(part, summary.now) && (last == nullptr || part.end > last->end)) last = &part;
  std::int64_t elsewhere = 0;
  bool any = false;
  for (const auto& part : series.parts) {
    if (!is_future(part, summary.now)) continue;
    any = true;
    if (last == nullptr || recorded_after(part, *last, summary, files)) elsewhere += files[part.file]->runs()[part.run].n_samples;
  }
  if (!any || (last == nullptr && !window.from)) return;
  std::erase_if(gaps, [&](const Gap& gap) { return last == nullptr && !gap.filled && gap.start < *window.to; });
  auto begin = last == nullptr ? *window.from : std::max(last->end, window.from.value_or(last->end));
  for (const auto& gap : gaps)  // that the recorder knows of
    if (gap.component.empty() && !gap.filled && gap.samples > 0 && gap.start >= begin) begin = std::max(begin, gap.end());
  if (begin >= *window.to) return;
  const double expected = std::ceil(mth5::samples_between(begin, *window.to, series.sample_rate) - 1e-6);
  const auto missing = static_cast<std::int64_t>(expected) - elsewhere;
  if (missing <= 0) return;
  const Gap gap{.survey = series.survey,
                .station = series.station,
                .component = {},
                .run_before = last != nullptr ? files[last->file]->runs()[last->run].id : "",
                .run_after = {},
                .start = mth5::sample_time(begin, series.sample_rate, elsewhere),
                .samples = missing,
                .sample_rate = series.sample_rate,
                .reason = "after the last sample"};
  gaps.insert(std::find_if(gaps.begin(), gaps.end(), [&](const Gap& one) { return one.start > gap.start; }), gap);
}

/// What has not come yet is not missing.
Window up_to_now(Window window, mth5::UtcNanos now) {
  if (window.to && *window.to > now) window.to = std::max(window.from.value_or(now), now);
  return window;
}

/// Of the samples of a part: those within the window, and of these those that count.
struct PartRanges {
  std::int64_t first, own, end;
};
PartRanges ranges_of(const Window& window, const Series::Part& part, std::int64_t n_samples) {
  const auto [first, end] = mth5::indexes_within(window, part.clock, n_samples);
  return {first, std::clamp(part.taken, first, std::max(first, end)), end};
}

void add_series(Summary& summary, std::size_t number, const Series& series, const std::optional<SeriesState>& state, Files files,
                Depth depth, const PartReader::Tools& tools) {
  const auto window = up_to_now(summary.window, summary.now);
  auto gaps = gaps_within(series, window, files);
  leave_out_what_wrong_clocks_say(gaps, summary.now);
  follow_to_limit(gaps, series, window, summary, files);
  if (state) follow_to_now(gaps, series, *state, summary.window);
  std::int64_t not_there = 0;
  for (const auto& gap : gaps) not_there += gap.filled ? 0 : gap.samples;
  for (const auto& component : series.components) {
    ChannelSummary channel;
    channel.series = number;
    channel.survey = series.survey;
    channel.station = series.station;
    channel.component = component;
    channel.sample_rate = series.sample_rate;
    channel.state = state;
    std::copy_if(gaps.begin(), gaps.end(), std::back_inserter(channel.gaps),
                 [&](const Gap& gap) { return gap.component.empty() || gap.component == component; });
    ChannelFacts facts{series.station, component, {}};
    facts.stream = series.stream;
    std::optional<Piece> whole;  // of the times counted once
    std::optional<Spectrogram> spectrogram;
    Sensor sensor;
    bool quality = false;
    std::optional<std::tuple<std::size_t, std::string>> sensor_of_what;  // file and units
    std::set<std::size_t> compared;                                      // files, whose runs have the units of one configuration
    for (const auto& part : series.parts) {
      const auto& file = *files[part.file];
      const auto& run = file.runs()[part.run];
      const auto index = std::find_if(run.channels.begin(), run.channels.end(),
                                      [&](std::size_t i) { return file.channels()[i].component == component; });
      const auto& info = file.channels()[*index];  // there: a series is of runs with these components
      if (!info.units.empty()) channel.units = info.units;
      if (!whole) {
        quality = depth >= Depth::Quality && info.kind != mth5::Kind::Auxiliary;
        whole.emplace(series.sample_rate, quality);
        if (quality && depth == Depth::Plots && series.sample_rate > 0) spectrogram.emplace(series.sample_rate);
      }
      const auto [first, own, end] = ranges_of(summary.window, part, info.n_samples);
      channel.n_samples += end - first;
      channel.overlapping += own - first;
      channel.expected += end - own;
      const auto filled = filled_ranges(series, part, run, component);
      const auto before = whole->statistics().count();
      std::int64_t supplied = 0;
      try {
        const auto fill = file.fill_value(*index);
        if (compared.insert(part.file).second) compare_units(summary.files[part.file], file, *index);
        if (std::tuple what{part.file, info.units}; quality && sensor_of_what != what) {
          sensor = sensor_of(file, series, *index);
          sensor_of_what = std::move(what);
        }
        PartReader reader{{file, part, *index, filled, fill, sensor.limits, series.sample_rate, quality},
                          tools,
                          *whole,
                          spectrogram ? &*spectrogram : nullptr};
        reader.read_statistics(first, own, channel.values);
        reader.read(own, end);
        facts.kind = info.kind;
        if (quality && info.kind == mth5::Kind::Electric) facts.dipole_m = file.channel_metadata(*index).number("dipole_length");
        supplied = count_supplied(series, part, component, own, end, files);
      } catch (const mth5::Error& e) {
        note(summary.files[part.file], e);
      }
      channel.missing += end - own - (whole->statistics().count() - before) - supplied;
    }
    channel.values.merge(whole->statistics());
    channel.expected += not_there;
    channel.missing += not_there;
    facts.units = channel.units;
    if (quality)
      channel.quality = ChannelQuality{std::move(facts), whole->measures().value_or(Measures{}), whole->mains(),
                                       std::move(sensor), std::move(spectrogram)};
    summary.channels.push_back(std::move(channel));
  }
}

/// That add_series() goes through.
std::int64_t samples_of(const std::vector<Series>& all, Files files, const Window& window) {
  std::int64_t samples = 0;
  for (const auto& series : all)
    for (const auto& part : series.parts) {
      const auto [first, own, end] = ranges_of(window, part, files[part.file]->runs()[part.run].n_samples);
      samples += (end - own) * static_cast<std::int64_t>(series.components.size());
    }
  return samples;
}

/// How the series of these are, and what has not come yet of live files, behind them.
/// @returns of the series that a live file of these goes on with, what it does
std::vector<std::optional<SeriesState>> add_streams(Summary& summary, const std::vector<Series>& all, Files files) {
  std::vector<std::optional<SeriesState>> states(all.size());
  for (const auto& series : all) {
    StreamSummary stream{series.station, series.sample_rate, {}, {}, {}, series.stream};
    for (const auto& part : series.parts) {  // times of wrong clocks say nothing of when it was recorded
      if (part.end < kFirstTime || part.start > summary.now + kFuture) continue;
      stream.start = stream.start ? std::min(*stream.start, part.start) : part.start;
      stream.end = stream.end ? std::max(*stream.end, part.end) : part.end;
    }
    if (!stream.start) std::tie(stream.start, stream.end) = span_of(series);
    summary.streams.push_back(std::move(stream));
  }
  for (std::size_t f = 0; f < files.size(); ++f) {
    if (files[f]->state() != mth5::FileState::Live) continue;
    FlowTracker flows;
    flows.look(*files[f], summary.now, FlowTracker::last_change(*files[f]));
    const auto newest = newest_runs(*files[f]);
    std::vector<Series> of_file;
    for (std::size_t s = 0; s < all.size(); ++s) {
      std::int64_t samples = 0;
      std::string run;
      for (const auto& part : all[s].parts) {
        if (part.file != f) continue;
        samples += files[f]->runs()[part.run].n_samples;
        if (run.empty() || std::find(newest.begin(), newest.end(), part.run) != newest.end()) run = files[f]->runs()[part.run].id;
      }
      if (run.empty()) continue;
      states[s] = SeriesState{flows.of(all[s], samples), run};
      summary.streams[s].flow = states[s]->flow;
      of_file.push_back(all[s]);
    }
    for (const auto& silent : flows.without_samples(of_file))
      summary.streams.push_back({silent.station, silent.sample_rate, silent.flow, {}, {}});
  }
  return states;
}

void add_stations(Summary& summary, Files files, std::span<const std::optional<std::size_t>> copies) {
  std::map<std::tuple<std::string, std::string>, std::size_t> known;
  std::map<std::size_t, const mth5::Reader*> newest;  // by station: with the newest sample
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& file = files[i];
    for (const auto& info : file->stations()) {
      const auto [at, is_new] = known.try_emplace({info.survey, info.id}, summary.stations.size());
      if (is_new)
        summary.stations.push_back({.station = info, .start = {}, .end = {}, .newest = {}});
      else
        summary.stations[at->second].station.metadata.merge(info.metadata);
    }
    const auto clocks = file->clocks();
    for (std::size_t r = 0; r < file->runs().size(); ++r) {
      const auto& run = file->runs()[r];
      const auto [start, end] = ends_of(clocks[r], run);
      summary.runs.push_back({file->path().string(), run, start, end});
      if (run.n_samples == 0 || copies[i]) continue;
      const auto number = known.at({run.survey, run.station});
      auto& of = summary.stations[number];
      of.start = of.start ? std::min(*of.start, start) : start;
      of.end = of.end ? std::max(*of.end, end) : end;
      const auto until_now = samples_until(summary.now, clocks[r], run);
      of.future_samples += run.n_samples - until_now;
      if (until_now == 0) continue;
      const auto last = until_now == run.n_samples ? end : clocks[r].utc_of(until_now - 1);
      if (end < kFirstTime)
        of.unset_samples += run.n_samples;
      else if (!of.newest || last >= *of.newest)
        of.newest = last, newest[number] = file.get();
    }
  }
  for (const auto& [number, file] : newest) try {
      auto& of = summary.stations[number];
      of.soh = newest_soh(*file, of.station.id);
    } catch (const mth5::Error&) {  // a damaged channel: reading it says so
    }
}

/// @param damage  of the file: the ledger is not shown without one of its tables
FileSummary file_summary(const mth5::Reader& file, const Window& window, const sandbox::Damage& damage) {
  FileSummary summary{.path = file.path().string(),
                      .state = file.state(),
                      .bytes = file.file_bytes(),
                      .version = file.file_version(),
                      .ledger = {},
                      .ledger_problem = {},
                      .clocks = {},
                      .log = {},
                      .copy_of = {},
                      .damaged = damage.lines,
                      .unread = {}};
  try {
    if (damage.tables.empty()) summary.ledger = read_ledger(file);
    summary.clocks = read_clocks(file);
    summary.log = read_log(file, window);
  } catch (const mth5::FormatError& e) {  // the samples are there all the same
    summary.ledger_problem = e.what();
  }
  return summary;
}

void add_health(StationSummary& station, const Window& window, mth5::UtcNanos now, Files files) {
  HealthTracker tracker;
  const auto from = window.from ? std::optional{*window.from - kHealthBefore} : std::nullopt;
  try {
    for (const auto& file : files) {
      const auto& there = file->stations();
      if (std::none_of(there.begin(), there.end(), [&](const auto& one) { return one.id == station.station.id; })) continue;
      tracker.look(*file, station.station.id, now);
      station.trends.look(*file, tables_of_others(*file, station.station.id), now, from,
                          std::numeric_limits<std::int64_t>::max());
    }
  } catch (const mth5::FormatError&) {  // a table that lacks a column: the ledger of the file says so
  }
  station.health = tracker.health();
  station.battery = battery_of(station.trends);
}

}  // namespace

Summary summarise(Files files, const Window& window, mth5::UtcNanos now, std::span<const sandbox::Damage> damage, Depth depth,
                  const Work& work) {
  Summary summary;
  summary.now = now;
  summary.window = window;
  const auto copies = find_copies(files);
  for (std::size_t i = 0; i < files.size(); ++i)
    summary.files.push_back(file_summary(*files[i], window, i < damage.size() ? damage[i] : sandbox::Damage{}));
  for (std::size_t i = 0; i < files.size(); ++i)
    if (copies[i]) summary.files[i].copy_of = summary.files[*copies[i]].path;
  add_stations(summary, files, copies);
  auto all = find_series(files, copies);
  for (auto& series : all) leave_out_the_way_to_the_future(series, now);
  const auto states = add_streams(summary, all, files);
  std::int64_t done = 0;
  const Passed passed = [&, of_all = work.progress ? samples_of(all, files, window) : 0](std::int64_t samples) {
    if (work.progress) work.progress(done += samples, of_all);
  };
  Cache none;
  Buffers buffers;
  Workers workers;
  const PartReader::Tools tools{work.cache != nullptr ? *work.cache : none, buffers, workers, passed};
  for (std::size_t i = 0; i < all.size(); ++i) add_series(summary, i, all[i], states[i], files, depth, tools);
  if (depth >= Depth::Quality)
    for (auto& station : summary.stations) add_health(station, window, now, files);
  return summary;
}

std::optional<mth5::UtcNanos> data_end(Files files, mth5::UtcNanos now) {
  std::optional<mth5::UtcNanos> last;
  std::optional<mth5::UtcNanos> last_of_all;
  for (const auto& file : files) {
    const auto clocks = file->clocks();
    for (std::size_t i = 0; i < clocks.size(); ++i) {
      const auto& run = file->runs()[i];
      if (run.n_samples == 0 || run.sample_rate <= 0) continue;
      last_of_all = std::max(last_of_all, std::optional{clocks[i].utc_of(run.n_samples)});
      if (const auto until_now = samples_until(now, clocks[i], run); until_now > 0)
        last = std::max(last, std::optional{clocks[i].utc_of(until_now)});
    }
  }
  return last ? last : last_of_all;
}

}  // namespace analysis
