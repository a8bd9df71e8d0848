#include "analysis/snapshot.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "analysis/filled.hpp"
#include "analysis/nan.hpp"
#include "analysis/soh.hpp"
#include "analysis/table_text.hpp"
#include "sandbox/check.hpp"

namespace analysis {

namespace {

constexpr std::int64_t kMaxWindow = 10'000'000;  ///< samples: 80 MB; a longer window is cut

bool same_text(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

bool is_asked_for(const std::vector<std::string>& components, std::string_view component) {
  return components.empty() ||
         std::any_of(components.begin(), components.end(), [&](const auto& name) { return same_text(name, component); });
}

std::int64_t Snapshot::samples_at_risk() const {
  return commit ? commit->visible_samples - commit->durable_samples + commit->buffered_samples : -1;
}

double Snapshot::seconds_at_risk() const {
  if (!commit) return kNaN;
  if (samples_at_risk() <= 0) return 0;
  if (commit->durable_sequence == 0) return kNaN;
  const auto until = state == mth5::FileState::Live ? std::max(time, commit->time) : commit->time;
  return std::chrono::duration<double>(until - commit->durable_time).count();
}

double Snapshot::commit_age_s() const {
  return commit && state == mth5::FileState::Live ? std::max(0.0, std::chrono::duration<double>(time - commit->time).count())
                                                  : kNaN;
}

const StreamSnapshot* Snapshot::silent() const {
  const StreamSnapshot* worst = nullptr;
  for (const auto& stream : streams)
    if (stream.flow && stream.flow->state != FlowState::Receiving)
      if (worst == nullptr || stream.flow->silent_s > worst->flow->silent_s) worst = &stream;
  return worst;
}

LiveFile::LiveFile(const std::filesystem::path& path, SnapshotOptions options) : options_{std::move(options)} {
  std::error_code gone;  // the reader says so
  opened_ = {path, std::filesystem::last_write_time(path, gone)};
  try {
    auto damage = sandbox::check(path, {}, {}, sandbox::Extent::Shown);
    mth5::ReaderOptions leave_out;
    leave_out.leave_out = std::move(damage.tables);
    files_.push_back(std::make_unique<mth5::Reader>(path, leave_out));
    damaged_ = std::move(damage.lines);
    // What can be seen of one that is being written is worth more than of another.
    if (!damaged_.empty() && file().state() != mth5::FileState::Live) throw mth5::FormatError{damaged_.front()};
  } catch (const mth5::FormatError&) {
    if (std::filesystem::last_write_time(path, gone) == opened_.changed) throw;
    throw mth5::FileError{path.string() + ": another program changes it just now"};
  }
  changed_ = opened_.changed;
  was_live_ = file().state() == mth5::FileState::Live;
}

bool LiveFile::wanted(const mth5::RunInfo& run) const { return options_.station.empty() || run.station == options_.station; }

bool LiveFile::wanted(const mth5::ChannelInfo& channel) const { return is_asked_for(options_.components, channel.component); }

bool LiveFile::has_station(const std::string& id) const {
  const auto& stations = file().stations();
  return std::any_of(stations.begin(), stations.end(), [&](const auto& station) { return station.id == id; });
}

std::vector<std::string> LiveFile::not_found() const {
  std::vector<std::string> missing;
  const auto list = [](const std::set<std::string>& names) {
    std::string all;
    for (const auto& name : names) all += (all.empty() ? "" : ", ") + shown(name);
    return all.empty() ? " (there is none yet)" : (names.size() == 1 ? " (there is " : " (there are ") + all + ")";
  };
  if (!options_.station.empty() && !has_station(options_.station)) {
    std::set<std::string> there;
    for (const auto& station : file().stations()) there.insert(station.id);
    missing.push_back("station " + options_.station + list(there));
  }
  std::set<std::string> there;
  const bool of_station = !options_.station.empty() && has_station(options_.station);
  for (const auto& channel : file().channels())
    if (!of_station || channel.station == options_.station) there.insert(channel.component);
  for (const auto& name : options_.components)
    if (std::none_of(there.begin(), there.end(), [&](const auto& component) { return same_text(name, component); }))
      missing.push_back("channel " + name + (of_station ? " at station " + options_.station : "") + list(there));
  return missing;
}

ChannelSnapshot LiveFile::look_at(std::size_t index, const mth5::RunClock& clock, mth5::UtcNanos now) {
  const auto& info = file().channels()[index];
  ChannelSnapshot look{.index = index,
                       .station = info.station,
                       .run = info.run,
                       .component = info.component,
                       .units = info.units,
                       .sample_rate = info.sample_rate,
                       .n_samples = info.n_samples,
                       .new_samples = {},
                       .end = {},
                       .age_s = kNaN,
                       .last = kNaN,
                       .window = {}};
  if (before_.size() <= index) before_.resize(index + 1);
  if (before_[index]) look.new_samples = info.n_samples - *before_[index];
  before_[index] = info.n_samples;
  if (info.n_samples == 0) return look;
  double wanted = 1;
  if (info.sample_rate > 0) {
    look.end = clock.utc_of(info.n_samples - 1);
    look.age_s = std::chrono::duration<double>(now - *look.end).count();
    wanted = std::max(1.0, std::chrono::duration<double>(options_.window).count() * info.sample_rate);
  }
  if (options_.window == options_.window.zero()) return look;
  const auto n = static_cast<std::int64_t>(std::min(wanted, static_cast<double>(std::min(kMaxWindow, info.n_samples))));
  auto samples = file().read(index, info.n_samples - n, n);
  leave_out(samples, file().fill_value(index));
  look.window.add(samples);
  if (!samples.empty()) look.last = samples.back();
  return look;
}

void LiveFile::note_growth() {
  const auto& runs = file().runs();
  ++looks_;
  run_samples_.resize(runs.size());
  grew_.resize(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (looks_ > 1 && runs[i].n_samples > run_samples_[i]) grew_[i] = looks_;
    run_samples_[i] = runs[i].n_samples;
  }
}

/// @param current  of the run that grows, or may
void LiveFile::add_series(Snapshot& look, const Series& series, const Series::Part& current) {
  const auto& runs = file().runs();
  std::int64_t samples = 0;
  for (const auto& part : series.parts) samples += runs[part.run].n_samples;
  const auto& run = runs[current.run];
  StreamSnapshot stream{.station = series.station,
                        .name = {},
                        .sample_rate = series.sample_rate,
                        .run = run.id,
                        .flow = {},
                        .end = {},
                        .age_s = kNaN};
  if (series.sample_rate > 0) {
    stream.end = current.clock.utc_of(run.n_samples - 1);
    stream.age_s = std::chrono::duration<double>(look.time - *stream.end).count();
  }
  if (look.state == mth5::FileState::Live) stream.flow = flows_.of(series, samples);
  for (const auto channel : run.channels)
    if (wanted(file().channels()[channel])) look.channels.push_back(look_at(channel, current.clock, look.time));
  look.streams.push_back(std::move(stream));
}

Snapshot LiveFile::look(mth5::UtcNanos now, Watch& watch) {
  auto& file = *files_.front();
  if (options_.replay) file.replay(now);
  // The state first: if the writer closes meanwhile, the next look tells, with its last samples in.
  const auto state = file.state();
  std::error_code gone;  // the next look at the directory tells
  if (was_live_) changed_ = std::filesystem::last_write_time(file.path(), gone);
  was_live_ = state == mth5::FileState::Live;
  const std::size_t known = file.channels().size();
  file.refresh();
  before_.resize(file.channels().size());
  if (looks_ > 0)  // what is in a new run is new
    std::fill(before_.begin() + static_cast<std::ptrdiff_t>(known), before_.end(), 0);
  note_growth();
  watch.begin(state, opened_);
  if (state == mth5::FileState::Live)
    flows_.look(file, now, options_.replay ? std::optional{now} : FlowTracker::last_change(file));

  const auto of_others = tables_of_others(file, options_.station);
  Snapshot look{.time = now,
                .file = file.path().string(),
                .state = state,
                .file_bytes = file.file_bytes(),
                .commit = file.last_commit(),
                .soh = newest_soh(file, options_.station),
                .clocks = read_clocks(file),
                .replayed = options_.replay};
  std::erase_if(look.clocks, [&](const auto& clock) { return of_others.contains("clock/" + clock.stream); });
  const auto& runs = file.runs();
  std::set<std::string> stations;
  for (const auto& survey : file.surveys()) look.surveys.push_back(survey.id);
  for (const auto& station : file.stations())
    if (options_.station.empty() || station.id == options_.station)
      if (stations.insert(station.id).second) look.stations.push_back(station.id);
  const auto clocks = file.clocks();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (wanted(runs[i]) && (runs[i].n_samples > 0 || !options_.replay)) {
      const auto [start, end] = ends_of(clocks[i], runs[i]);
      look.runs.push_back({runs[i], start, end});
    }
  }

  // Where samples may still come: what was seen to grow, else the one that was begun last. The clock may have been years ahead
  // for a while; a run of such a time is no measure for what is now.
  std::vector<std::size_t> newest = newest_runs(file);
  for (auto& run : newest)
    for (std::size_t i = 0; i < runs.size(); ++i)
      if (grew_[i] > grew_[run] && runs[i].station == runs[run].station && runs[i].survey == runs[run].survey &&
          runs[i].sample_rate == runs[run].sample_rate && stream_of(runs[i].id) == stream_of(runs[run].id))
        run = i;
  const auto is_current = [&](std::size_t run) { return std::find(newest.begin(), newest.end(), run) != newest.end(); };
  const auto left_out = [&](std::size_t, std::size_t run) {
    return state == mth5::FileState::Live && runs[run].start > now && !is_current(run);
  };
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (wanted(runs[i]) && left_out(0, i)) look.future_samples += runs[i].n_samples;

  std::int64_t expected = 0;
  std::int64_t missing = 0;
  const auto count_gap = [&](const Gap& gap) {
    if (gap.samples <= 0) return;
    ++look.gap_count;
    look.gap_samples += gap.samples;
    missing += gap.samples;
    if (!look.last_gap || gap.start >= look.last_gap->start) look.last_gap = gap;
  };
  const auto all = find_series(files_, {}, left_out);
  for (const auto& series : all) {
    if (!wanted(runs[series.parts.front().run])) continue;
    const auto* current = &series.parts.back();
    for (const auto& part : series.parts)
      if (is_current(part.run)) current = &part;
    add_series(look, series, *current);
    if (is_current(current->run)) watch.follow(file, series, *current);
    for (const auto& part : series.parts) expected += runs[part.run].n_samples - part.taken;
    for (const auto& gap : series.gaps) {
      if (gap.component.empty()) count_gap(gap);
      expected += gap.filled ? 0 : gap.samples;
    }
    const auto& flow = look.streams.back().flow;
    if (!flow || flow->state == FlowState::Receiving || series.sample_rate <= 0) continue;
    // Until now, by the host's clock: the instrument's own says nothing any more.
    Gap open{.survey = series.survey,
             .station = series.station,
             .component = {},
             .run_before = runs[current->run].id,
             .run_after = {},
             .start = current->end,
             .samples = static_cast<std::int64_t>(std::min(1e15, flow->silent_s * series.sample_rate)),
             .sample_rate = series.sample_rate,
             .reason = std::string{to_string(flow->state)}};
    expected += open.samples;
    count_gap(open);
  }
  if (state == mth5::FileState::Live)
    for (auto& silent : flows_.without_samples(all))
      if (options_.station.empty() || silent.station == options_.station)
        look.streams.push_back({silent.station, silent.name, silent.sample_rate, "", silent.flow, {}, kNaN});
  look.percent = completeness(expected, missing);

  std::error_code error;
  const auto directory = std::filesystem::absolute(file.path(), error).parent_path();
  const auto space = std::filesystem::space(directory, error);
  if (!error && !options_.replay) look.free_bytes = space.available;
  for (const char* name : {"commits", "ledger"}) {  // layout 2, layout 1
    const auto rows = file.table_rows(name);
    const auto last = rows > 0 ? file.table(name, rows - 1) : std::nullopt;
    if (!last || last->size() == 0 || !last->has("disk_full_in")) continue;
    const double full_in = last->number(last->size() - 1, "disk_full_in");
    look.disk_was_full = full_in == 0 && state == mth5::FileState::Closed;
    if (state == mth5::FileState::Live && std::isfinite(full_in)) look.full_in_s = full_in;
    break;
  }
  watch.judge(file, damaged_.empty(), look);
  return look;
}

}  // namespace analysis
