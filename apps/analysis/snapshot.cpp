#include "analysis/snapshot.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <set>

#include "sandbox/check.hpp"

namespace analysis {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kMaxWindow = 10'000'000;  ///< samples: 80 MB; a longer window is cut

bool same_text(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

/// "battery" in "volts" is battery_V; units without a short form, and no units, leave the name alone.
std::string soh_key(const mth5::Column& column) {
  static const std::map<std::string, std::string, std::less<>> kShort{
      {"volts", "V"}, {"volt", "V"}, {"V", "V"}, {"celsius", "C"}, {"degC", "C"}, {"C", "C"}, {"seconds", "s"}, {"s", "s"}};
  const auto unit = kShort.find(column.units);
  return unit == kShort.end() ? column.name : column.name + "_" + unit->second;
}

std::map<std::string, double> newest_soh(const mth5::Reader& file) {
  std::map<std::string, double> values;
  for (const auto& name : file.tables()) {
    constexpr std::string_view kFolder = "state_of_health/";
    if (!name.starts_with(kFolder)) continue;
    const std::int64_t rows = file.table_rows(name);
    if (rows == 0) continue;
    const auto table = file.table(name, rows - 1);
    if (!table || table->size() == 0) continue;
    for (const auto& column : table->columns()) {
      if (column.type != mth5::Column::Type::Float64) continue;
      std::string key = soh_key(column);
      if (values.count(key) > 0) key = name.substr(kFolder.size()) + "/" + key;  // two sources know a battery
      values[key] = table->number(table->size() - 1, column.name);
    }
  }
  return values;
}

}  // namespace

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

LiveFile::LiveFile(const std::filesystem::path& path, SnapshotOptions options) : options_{std::move(options)} {
  sandbox::check(path, {}, {}, sandbox::Extent::Shown);
  files_.push_back(std::make_unique<mth5::Reader>(path));
}

bool LiveFile::wanted(const mth5::RunInfo& run) const { return options_.station.empty() || run.station == options_.station; }

bool LiveFile::wanted(const mth5::ChannelInfo& channel) const {
  return options_.components.empty() || std::any_of(options_.components.begin(), options_.components.end(),
                                                    [&](const auto& name) { return same_text(name, channel.component); });
}

std::vector<std::string> LiveFile::not_found() const {
  std::vector<std::string> missing;
  const auto& stations = file().stations();
  if (!options_.station.empty() &&
      std::none_of(stations.begin(), stations.end(), [&](const auto& station) { return station.id == options_.station; }))
    missing.push_back("station " + options_.station);
  const auto& channels = file().channels();
  for (const auto& name : options_.components)
    if (std::none_of(channels.begin(), channels.end(), [&](const auto& channel) { return same_text(name, channel.component); }))
      missing.push_back("channel " + name);
  return missing;
}

ChannelSnapshot LiveFile::look_at(std::size_t index, mth5::UtcNanos now) {
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
    look.end = info.end();
    look.age_s = std::chrono::duration<double>(now - *look.end).count();
    wanted = std::max(1.0, std::chrono::duration<double>(options_.window).count() * info.sample_rate);
  }
  const auto n = static_cast<std::int64_t>(std::min(wanted, static_cast<double>(std::min(kMaxWindow, info.n_samples))));
  const auto samples = file().read(index, info.n_samples - n, n);
  look.window.add(samples);
  if (!samples.empty()) look.last = samples.back();
  return look;
}

Snapshot LiveFile::look(mth5::UtcNanos now) {
  auto& file = *files_.front();
  // The state first: if the writer closes meanwhile, the next look tells, with its last samples in.
  const auto state = file.state();
  const std::size_t known = file.channels().size();
  file.refresh();
  before_.resize(file.channels().size());
  if (!first_)  // what is in a new run is new
    std::fill(before_.begin() + static_cast<std::ptrdiff_t>(known), before_.end(), 0);
  first_ = false;

  Snapshot look{.time = now,
                .file = file.path().string(),
                .state = state,
                .file_bytes = file.file_bytes(),
                .surveys = {},
                .stations = {},
                .runs = {},
                .channels = {},
                .last_gap = {},
                .commit = file.last_commit(),
                .soh = newest_soh(file),
                .free_bytes = {},
                .full_in_s = {}};
  std::set<std::string> stations;
  for (const auto& survey : file.surveys()) look.surveys.push_back(survey.id);
  for (const auto& station : file.stations())
    if (options_.station.empty() || station.id == options_.station)
      if (stations.insert(station.id).second) look.stations.push_back(station.id);
  for (const auto& run : file.runs())
    if (wanted(run)) look.runs.push_back(run);

  std::int64_t expected = 0;
  std::int64_t missing = 0;
  for (const auto& series : find_series(files_)) {
    const auto& newest = file.runs()[series.parts.back().run];
    if (!wanted(newest)) continue;
    for (const auto& part : series.parts) expected += file.runs()[part.run].n_samples;
    for (const auto& gap : series.gaps) {
      ++look.gap_count;
      look.gap_samples += gap.samples;
      missing += gap.samples;
      expected += gap.filled ? 0 : gap.samples;
      if (!look.last_gap || gap.start > look.last_gap->start) look.last_gap = gap;
    }
    for (const auto channel : newest.channels)
      if (wanted(file.channels()[channel])) look.channels.push_back(look_at(channel, now));
  }
  look.percent = completeness(expected, missing);

  std::error_code error;
  const auto directory = std::filesystem::absolute(file.path(), error).parent_path();
  const auto space = std::filesystem::space(directory, error);
  if (!error) look.free_bytes = space.available;
  if (const auto rows = file.table_rows("ledger"); rows > 0) {
    const auto last = file.table("ledger", rows - 1);
    if (last && last->has("disk_full_in")) {
      const double full_in = last->number(0, "disk_full_in");
      look.disk_was_full = full_in == 0 && state == mth5::FileState::Closed;
      if (state == mth5::FileState::Live && std::isfinite(full_in)) look.full_in_s = full_in;
    }
  }
  return look;
}

}  // namespace analysis
