#include "analysis/soh.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <iterator>
#include <limits>

#include "analysis/clock.hpp"
#include "analysis/json.hpp"
#include "analysis/nan.hpp"
#include "mth5/metadata.hpp"

namespace analysis {

namespace {

constexpr std::chrono::minutes kVoteOf{10};
constexpr std::chrono::hours kShareOf{1};
/// What tells of a fix, the plainest first: above 0 it has one.
constexpr std::array<const char*, 3> kOfFix{"gps_fix", "gps_state", "satellites"};

}  // namespace

std::string soh_key(const mth5::Column& column) {
  static const std::map<std::string, std::string, std::less<>> kShort{
      {"volts", "V"}, {"volt", "V"}, {"V", "V"}, {"celsius", "C"}, {"degC", "C"}, {"C", "C"}, {"seconds", "s"}, {"s", "s"}};
  const auto unit = kShort.find(mth5::unit_symbol(column.units));
  return unit == kShort.end() ? column.name : column.name + "_" + unit->second;
}

std::set<std::string> tables_of_others(const mth5::Reader& file, const std::string& station) {
  std::set<std::string> others;
  if (station.empty()) return others;
  const auto streams = file.table("streams");
  const auto sources = file.table("sources");
  if (!streams || !sources) return others;
  std::set<std::int64_t> ours;
  for (std::size_t i = 0; i < streams->size(); ++i) {
    if (streams->text(i, "station") == station)
      ours.insert(streams->integer(i, "source"));
    else
      others.insert("clock/" + streams->text(i, "name"));
  }
  for (std::size_t i = 0; i < sources->size(); ++i)
    if (!ours.contains(sources->integer(i, "source"))) others.insert(std::string{kSohFolder} + sources->text(i, "name"));
  return others;
}

namespace {

void add_temperatures(std::map<std::string, double>& soh, const mth5::Reader& file, const std::string& station) {
  std::map<std::string, double> values;
  double first = kNaN;
  for (const auto run : newest_runs(file))
    for (const auto index : file.runs()[run].channels) {
      const auto& info = file.channels()[index];
      if (info.kind != mth5::Kind::Auxiliary || mth5::unit_symbol(info.units) != "C") continue;
      if (!station.empty() && info.station != station) continue;
      const auto last = file.read(index, info.n_samples - 1, 1);
      if (last.empty() || last.front() == file.fill_value(index)) continue;
      values[info.component + "_C"] = last.front();
      if (std::isnan(first)) first = last.front();
    }
  if (values.empty()) return;
  soh.try_emplace("temperature_C", first);
  if (values.size() > 1) soh.insert(values.begin(), values.end());
}

}  // namespace

std::map<std::string, double> newest_soh(const mth5::Reader& file, const std::string& station) {
  const auto leave_out = tables_of_others(file, station);
  std::map<std::string, double> values;
  for (const auto& name : file.tables()) {
    if (!name.starts_with(kSohFolder) || leave_out.contains(name)) continue;
    const std::int64_t rows = file.table_rows(name);
    if (rows == 0) continue;
    const auto table = file.table(name, rows - 1);
    if (!table || table->size() == 0) continue;
    for (const auto& column : table->columns()) {
      if (column.type != mth5::Column::Type::Float64) continue;
      std::string key = soh_key(column);
      if (values.count(key) > 0) key = name.substr(kSohFolder.size()) + "/" + key;  // two sources know a battery
      values[key] = table->number(table->size() - 1, column.name);
    }
  }
  add_temperatures(values, file, station);
  return values;
}

json::Json soh_json(const std::map<std::string, double>& soh) {
  json::Json all = soh.empty() ? json::Json{} : json::Json::object();
  for (const auto& [name, value] : soh) all[name] = json::number(value);
  return all;
}

void FixVote::add(mth5::UtcNanos time, bool fixed) {
  if (!rows_.empty() && time < rows_.back().time) return;
  if (!rows_.empty() && time - rows_.back().time > kVoteOf) rows_.clear();  // a pause: rows come each minute
  rows_.push_back({time, fixed});
  while (rows_.size() > 1 && rows_[1].time <= time - kShareOf) rows_.pop_front();
  const auto [with, without] = of_last(kVoteOf);
  if (with >= without) {
    if (with > without) lost_.reset();
    return;
  }
  if (lost_) return;
  auto first = rows_.begin();
  while (std::next(first) != rows_.end() && std::next(first)->time <= time - kVoteOf) ++first;
  const auto none = std::find_if(first, rows_.end(), [](const Row& row) { return !row.fixed; });
  lost_ = none == first ? none->time : std::prev(none)->time;
}

FixVote::Times FixVote::of_last(mth5::Nanos span) const {
  Times times;
  if (rows_.empty()) return times;
  const auto from = rows_.back().time - span;
  for (std::size_t i = 0; i + 1 < rows_.size(); ++i)
    if (rows_[i + 1].time > from)
      (rows_[i].fixed ? times.with : times.without) += rows_[i + 1].time - std::max(rows_[i].time, from);
  return times;
}

std::optional<double> FixVote::share() const {
  if (const auto recent = of_last(kVoteOf); recent.with + recent.without < kVoteOf || recent.without.count() == 0) return {};
  const auto [with, without] = of_last(kShareOf);
  return 100 * std::chrono::duration<double>(with) / std::chrono::duration<double>(with + without);
}

std::vector<FixVote::Loss> FixVote::losses() const {
  std::vector<Loss> all;
  std::optional<mth5::UtcNanos> from;
  for (const auto& row : rows_) {
    if (!row.fixed && !from) from = row.time;
    if (!row.fixed || !from) continue;
    all.push_back({*from, row.time});
    from.reset();
  }
  return all;
}

void HealthTracker::add_rows(Source& health, const mth5::Table& rows, mth5::UtcNanos now) {
  std::string battery;
  for (const auto& column : rows.columns())
    if (soh_key(column) == "battery_V") battery = column.name;
  const auto of_fix = std::find_if(kOfFix.begin(), kOfFix.end(), [&](const char* name) { return rows.has(name); });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const mth5::UtcNanos time{mth5::Nanos{rows.integer(i, "time")}};
    if (time > now + kFuture) continue;
    if (of_fix != kOfFix.end()) {
      const double value = rows.number(i, *of_fix);
      health.has_gps |= std::isfinite(value);
      if (health.has_gps) health.fix.add(time, value > 0);  // false for NaN
    }
    const double volts = battery.empty() ? std::numeric_limits<double>::quiet_NaN() : rows.number(i, battery);
    if (!std::isfinite(volts) || (health.of_battery && time < *health.of_battery)) continue;
    health.of_battery = time;
    health.battery_V = volts;
  }
}

void HealthTracker::look(const mth5::Reader& file, const std::string& station, mth5::UtcNanos now, std::int64_t most) {
  const auto& there = file.stations();
  if (std::none_of(there.begin(), there.end(), [&](const auto& one) { return one.id == station; })) return;
  const auto others = tables_of_others(file, station);
  for (const auto& name : file.tables()) {
    if (!name.starts_with(kSohFolder) || others.contains(name)) continue;
    const auto [at, is_new] = rows_.try_emplace({file.path().string(), name}, 0);
    const auto rows = file.table_rows(name);
    if (is_new || rows < at->second) at->second = std::max<std::int64_t>(0, rows - most);  // fewer: another file of that name
    if (rows == at->second) continue;
    const auto table = file.table(name, at->second);
    if (!table || !table->has("time")) continue;
    at->second += static_cast<std::int64_t>(table->size());
    add_rows(sources_[name], *table, now);
  }
}

Health HealthTracker::health() const {
  Health health;
  for (const auto& [name, source] : sources_) {
    if (source.of_battery) health.battery_V = std::min(health.battery_V.value_or(source.battery_V), source.battery_V);
    const auto lost = source.fix.lost();
    if (source.has_gps)
      health.locks.push_back(
          {name.substr(kSohFolder.size()), source.fix.lost_now(), source.fix.share(), lost, source.fix.losses()});
    if (!lost) continue;
    const double seconds = std::chrono::duration<double>(*source.fix.newest() - *lost).count();
    if (!health.no_fix || seconds > health.no_fix->seconds) health.no_fix = Health::NoFix{*lost, seconds};
  }
  return health;
}

}  // namespace analysis
