#include "analysis/trends.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "analysis/clock.hpp"
#include "analysis/soh.hpp"

namespace analysis {

namespace {

constexpr std::chrono::hours kFit{48};   ///< that the fall of a battery is taken from: charged by day, used by night
constexpr double kLeastFit = 6 * 3600;   ///< s
constexpr double kEmpty = 11.5;          ///< V
constexpr double kSteady = 0.005;        ///< V a day: less is no fall
constexpr std::int64_t kCommits = 4096;  ///< rows at the first look
constexpr std::chrono::hours kHour{1};

}  // namespace

void Trends::add(const std::string& name, const mth5::Table& rows, const std::string& column, const char* time,
                 const mth5::TimeRange& within) {
  const auto kind = std::find_if(rows.columns().begin(), rows.columns().end(), [&](const auto& c) { return c.name == column; });
  if (kind == rows.columns().end() || kind->type == mth5::Column::Type::Text) return;
  const bool whole = kind->type == mth5::Column::Type::Int64;
  const double scale = column == "residual" ? 1e6 : 1;
  auto& trend = trends_[name];
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const mth5::UtcNanos at{mth5::Nanos{rows.integer(i, time)}};
    const std::array value{scale * (whole ? static_cast<double>(rows.integer(i, column)) : rows.number(i, column))};
    if (at < *within.to && (!within.from || at >= *within.from)) trend.add({at, 1, value});
  }
}

void Trends::add_lock(const std::string& stream, const mth5::Table& rows, const mth5::TimeRange& within) {
  if (!rows.has("locked")) return;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const mth5::UtcNanos at{mth5::Nanos{rows.integer(i, "utc")}};
    if (at >= *within.to || (within.from && at < *within.from)) continue;
    auto& lock = locks_.try_emplace(stream, Lock{at, at, false}).first->second;
    if (at > lock.last && lock.is_now) lock.locked += at - lock.last;
    lock.last = std::max(lock.last, at);
    lock.is_now = rows.integer(i, "locked") != 0;
  }
}

std::optional<Trends::Share> Trends::locked(const std::string& stream, mth5::UtcNanos until) const {
  const auto found = locks_.find(stream);
  if (found == locks_.end()) return std::nullopt;
  const auto& lock = found->second;
  const auto end = std::max(until, lock.last);
  const double seconds = std::chrono::duration<double>(end - lock.first).count();
  if (!(seconds > 0)) return std::nullopt;
  const auto locked = lock.locked + (lock.is_now ? end - lock.last : mth5::Nanos{});
  return Share{std::chrono::duration<double>(locked).count() / seconds, seconds};
}

void Trends::look(const mth5::Reader& file, const std::set<std::string>& leave_out, mth5::UtcNanos now,
                  std::optional<mth5::UtcNanos> from, std::int64_t most) {
  constexpr std::string_view kClock = "clock/";
  const mth5::TimeRange within{from, now + kFuture};
  for (const auto& name : file.tables()) {
    const bool clock = name.starts_with(kClock);
    if ((!clock && !name.starts_with(kSohFolder)) || leave_out.contains(name)) continue;
    const auto [at, is_new] = rows_.try_emplace({file.path().string(), name}, 0);
    const auto rows = file.table_rows(name);
    if (is_new || rows < at->second) at->second = std::max<std::int64_t>(0, rows - most);
    if (rows == at->second) continue;
    const auto table = file.table(name, at->second);
    if (!table || !table->has(clock ? "utc" : "time")) continue;
    at->second += static_cast<std::int64_t>(table->size());
    if (clock) {
      add_lock(name.substr(kClock.size()), *table, within);
      for (const char* column : {"locked", "ppm"}) add(name + "/" + column, *table, column, "utc", within);
      add(name + "/residual_us", *table, "residual", "utc", within);
      continue;
    }
    for (const auto& column : table->columns()) {
      if (column.type != mth5::Column::Type::Float64) continue;
      auto key = soh_key(column);
      if (tables_.try_emplace(key, name).first->second != name) key = name.substr(kSohFolder.size()) + "/" + key;
      add(key, *table, column.name, "time", within);
    }
  }
}

std::optional<Battery> battery_of(const Trends& trends) {
  std::optional<Battery> lowest;
  for (const auto& [name, trend] : trends.all()) {
    if ((name != "battery_V" && !name.ends_with("/battery_V")) || trend.cells().empty()) continue;
    const auto& cells = trend.cells();
    Battery battery{cells.back().second.mean};
    if (lowest && lowest->volts <= battery.volts) continue;
    const auto newest = mth5::UtcNanos{cells.back().first * trend.cell_length()};
    const auto oldest = std::max(mth5::UtcNanos{cells.front().first * trend.cell_length()}, newest - kFit);
    battery.fitted_s = std::chrono::duration<double>(newest - oldest).count();
    if (const double slope = trend.drift_per_hour(oldest); battery.fitted_s >= kLeastFit && std::isfinite(slope)) {
      battery.volts_per_day = 24 * slope;
      if (battery.volts >= kOtherBattery && *battery.volts_per_day < -kSteady)
        battery.empty_in_s = std::max(0.0, (battery.volts - kEmpty) / -*battery.volts_per_day * 86'400);
    }
    lowest = battery;
  }
  return lowest;
}

bool is_temperature(std::string_view name) {
  if (const auto slash = name.rfind('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  return name.starts_with("temperature") && name.ends_with("_C");
}

std::optional<Figure> hottest(const Trends& trends, const mth5::TimeRange& window) {
  std::optional<Figure> highest;
  for (const auto& [name, trend] : trends.all()) {
    if (!is_temperature(name)) continue;
    for (const auto& [number, cell] : trend.cells()) {
      const auto at = mth5::UtcNanos{number * trend.cell_length()};
      if ((window.from && at + trend.cell_length() <= *window.from) || (window.to && at >= *window.to)) continue;
      if (!highest || cell.max > highest->value) highest = Figure{cell.max, at};
    }
  }
  return highest;
}

Outlook outlook_of(const Snapshot& look, const std::optional<Battery>& battery) {
  Outlook outlook;
  if (look.full_in_s) outlook = {look.full_in_s, "disk"};
  if (look.disk_was_full) outlook = {0.0, "disk"};
  if (battery && battery->empty_in_s && (!outlook.seconds || *battery->empty_in_s < *outlook.seconds))
    outlook = {battery->empty_in_s, "battery"};
  return outlook;
}

void DiskTimes::look(const mth5::Reader& file) {
  if (const auto path = file.path().string(); path != path_) {
    path_ = path;
    rows_ = 0;
    times_.clear();
  }
  const auto rows = file.table_rows("commits");
  if (rows < rows_) rows_ = 0;
  const auto first = std::max(rows_, rows - kCommits);
  if (first >= rows) return;
  const auto table = file.table("commits", first);
  if (!table || !table->has("flush") || !table->has("sync") || !table->has("time")) return;
  rows_ = first + static_cast<std::int64_t>(table->size());
  for (std::size_t i = 0; i < table->size(); ++i)
    times_.push_back({mth5::UtcNanos{mth5::Nanos{table->integer(i, "time")}}, 1e-6 * double(table->integer(i, "flush")),
                      1e-6 * double(table->integer(i, "sync"))});
  while (!times_.empty() && times_.front().time + kHour < times_.back().time) times_.pop_front();
}

}  // namespace analysis
