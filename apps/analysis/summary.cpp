#include "analysis/summary.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <tuple>

#include "analysis/clock.hpp"
#include "analysis/filled.hpp"
#include "analysis/spectra/mains.hpp"
#include "analysis/spectra/spectrum.hpp"
#include "analysis/supplied.hpp"

namespace analysis {

namespace {

constexpr std::chrono::hours kBefore{48};  ///< of health, before the time of the report: what a forecast is taken from
constexpr std::size_t kBlock = (1 << 20) / sizeof(double);

/// Gives samples [first, end) of a channel to `take`, in blocks, with the index of the first; what is filled is NaN.
template <class Take>
void read_samples(const mth5::Reader& file, std::size_t channel, std::int64_t first, std::int64_t end, const Ranges& filled,
                  std::vector<double>& block, const Take& take) {
  while (first < end) {
    block.resize(static_cast<std::size_t>(std::min<std::int64_t>(kBlock, end - first)));
    const std::size_t n = file.read(channel, first, block);
    if (n == 0) throw mth5::FileError{file.path().string() + ": " + file.channels()[channel].component + ": samples are gone"};
    leave_out(std::span{block}.first(n), first, filled);
    take(first, std::span{block}.first(n));
    first += static_cast<std::int64_t>(n);
  }
}

/// Measures a channel while its samples pass.
class Gauge {
 public:
  /// @param plots  measures what is drawn, too
  Gauge(double sample_rate, bool plots) : rate_{sample_rate} {
    if (knows_mains(rate_)) spectrum_.emplace(mains_segment(rate_));
    if (plots && rate_ > 0) spectrogram_.emplace(rate_);
  }
  /// @param samples  after all so far; `fill` in them becomes NaN
  void add(mth5::UtcNanos start, std::span<double> samples, const std::optional<double>& fill) {
    if (rate_ <= 0) return;
    leave_out(samples, fill);
    const Block block{start, rate_, samples, sensor_.limits};
    measures_.add(block);
    if (spectrum_) spectrum_->add(block);
    if (spectrogram_) spectrogram_->add(block);
  }
  /// Of the samples that come next.
  void set(Sensor sensor) { sensor_ = std::move(sensor); }
  [[nodiscard]] ChannelQuality quality(ChannelFacts facts) && {
    return {std::move(facts), std::move(measures_), spectrum_ ? mains_db(spectrum_->density(), spectrum_->step()) : std::nullopt,
            std::move(sensor_), std::move(spectrogram_)};
  }

 private:
  double rate_;  ///< Hz; 0 = not known
  Sensor sensor_;
  Measures measures_;
  std::optional<Spectrum> spectrum_;
  std::optional<Spectrogram> spectrogram_;
};

/// Of a channel that cannot be read to its end: that costs this channel, and not the report.
void note(FileSummary& file, const mth5::Error& e) {
  auto& lines = dynamic_cast<const mth5::FormatError*>(&e) != nullptr ? file.damaged : file.unread;
  if (std::find(lines.begin(), lines.end(), e.what()) == lines.end()) lines.emplace_back(e.what());
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

/// Up to a run of the future and from one of a clock that was never set nothing is expected, unless the recorder counted it.
void leave_out_what_wrong_clocks_say(std::vector<Gap>& gaps, mth5::UtcNanos now) {
  std::erase_if(gaps, [&](const Gap& gap) {
    return gap.reason.empty() && !gap.run_after.empty() && (gap.end() > now + kFuture || gap.start < kFirstTime);
  });
}

void add_series(Summary& summary, std::size_t number, const Series& series, const std::optional<SeriesState>& state, Files files,
                Depth depth, std::vector<double>& block) {
  auto gaps = gaps_within(series, summary.window, files);
  leave_out_what_wrong_clocks_say(gaps, summary.now);
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
    std::optional<Gauge> gauge;
    std::optional<std::tuple<std::size_t, std::string>> sensor_of_what;  // file and units
    for (const auto& part : series.parts) {
      const auto& file = *files[part.file];
      const auto& run = file.runs()[part.run];
      const auto index = std::find_if(run.channels.begin(), run.channels.end(),
                                      [&](std::size_t i) { return file.channels()[i].component == component; });
      const auto& info = file.channels()[*index];  // there: a series is of runs with these components
      if (!info.units.empty()) channel.units = info.units;
      if (depth >= Depth::Quality && info.kind != mth5::Kind::Auxiliary && !gauge)
        gauge.emplace(series.sample_rate, depth == Depth::Plots);
      const auto [first, end] = mth5::indexes_within(summary.window, part.clock, info.n_samples);
      const auto own = std::clamp(part.taken, first, std::max(first, end));
      channel.n_samples += end - first;
      channel.overlapping += own - first;
      channel.expected += end - own;
      const auto filled = filled_ranges(series, part, run, component);
      Statistics of_own;
      std::int64_t supplied = 0;
      try {
        const auto fill = file.fill_value(*index);
        if (std::tuple what{part.file, info.units}; gauge && sensor_of_what != what) {
          gauge->set(sensor_of(file, series.station, series.sample_rate, component, info.units));
          sensor_of_what = std::move(what);
        }
        read_samples(file, *index, first, own, filled, block,
                     [&](std::int64_t, std::span<double> samples) { channel.values.add(samples, fill); });
        read_samples(file, *index, own, end, filled, block, [&](std::int64_t at, std::span<double> samples) {
          of_own.add(samples, fill);
          if (gauge) gauge->add(part.clock.utc_of(at), samples, fill);
        });
        facts.kind = info.kind;
        if (gauge && info.kind == mth5::Kind::Electric) facts.dipole_m = file.channel_metadata(*index).number("dipole_length");
        supplied = count_supplied(series, part, component, own, end, files);
      } catch (const mth5::Error& e) {
        note(summary.files[part.file], e);
      }
      channel.missing += end - own - of_own.count() - supplied;
      channel.values.merge(of_own);
    }
    channel.expected += not_there;
    channel.missing += not_there;
    facts.units = channel.units;
    if (gauge) channel.quality = std::move(*gauge).quality(std::move(facts));
    summary.channels.push_back(std::move(channel));
  }
}

/// How the series of these are, and what has not come yet of live files, behind them.
/// @returns of the series that a live file of these goes on with, what it does
std::vector<std::optional<SeriesState>> add_streams(Summary& summary, const std::vector<Series>& all, Files files) {
  std::vector<std::optional<SeriesState>> states(all.size());
  for (const auto& series : all) {
    StreamSummary stream{series.station, series.sample_rate, {}, {}, {}};
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
  const auto station = [&](const std::string& survey, const std::string& id) -> StationSummary& {
    return summary.stations[known.at({survey, id})];
  };
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
      auto& of = station(run.survey, run.station);
      of.start = of.start ? std::min(*of.start, start) : start;
      of.end = of.end ? std::max(*of.end, end) : end;
      if (run.start > summary.now + kFuture)
        of.future_samples += run.n_samples;
      else if (end < kFirstTime)
        of.unset_samples += run.n_samples;
      else
        of.newest = of.newest ? std::max(*of.newest, end) : end;
    }
  }
}

/// @param damage  of the file: the ledger is not shown without one of its tables
FileSummary file_summary(const mth5::Reader& file, const sandbox::Damage& damage) {
  FileSummary summary{.path = file.path().string(),
                      .state = file.state(),
                      .bytes = file.file_bytes(),
                      .version = file.file_version(),
                      .ledger = {},
                      .ledger_problem = {},
                      .clocks = {},
                      .copy_of = {},
                      .damaged = damage.lines,
                      .unread = {}};
  try {
    if (damage.tables.empty()) summary.ledger = read_ledger(file);
    summary.clocks = read_clocks(file);
  } catch (const mth5::FormatError& e) {  // the samples are there all the same
    summary.ledger_problem = e.what();
  }
  return summary;
}

void add_health(StationSummary& station, const Window& window, mth5::UtcNanos now, Files files) {
  HealthTracker tracker;
  const auto from = window.from ? std::optional{*window.from - kBefore} : std::nullopt;
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

Summary summarise(Files files, const Window& window, mth5::UtcNanos now, std::span<const sandbox::Damage> damage, Depth depth) {
  Summary summary;
  summary.now = now;
  summary.window = window;
  const auto copies = find_copies(files);
  for (std::size_t i = 0; i < files.size(); ++i)
    summary.files.push_back(file_summary(*files[i], i < damage.size() ? damage[i] : sandbox::Damage{}));
  for (std::size_t i = 0; i < files.size(); ++i)
    if (copies[i]) summary.files[i].copy_of = summary.files[*copies[i]].path;
  add_stations(summary, files, copies);
  std::vector<double> block;
  const auto all = find_series(files, copies);
  const auto states = add_streams(summary, all, files);
  for (std::size_t i = 0; i < all.size(); ++i) add_series(summary, i, all[i], states[i], files, depth, block);
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
      const std::optional end{clocks[i].utc_of(run.n_samples)};
      last_of_all = std::max(last_of_all, end);
      if (run.start <= now + kFuture) last = std::max(last, end);
    }
  }
  return last ? last : last_of_all;
}

}  // namespace analysis
