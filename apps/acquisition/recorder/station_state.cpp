#include "acquisition/recorder/station_state.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace daq::recorder {

void RunningMedian::add(double value) {
  if (++skipped_ < step_) return;
  skipped_ = 0;
  values_.push_back(value);
  if (values_.size() < kLimit) return;
  for (std::size_t i = 0; i < values_.size() / 2; ++i) values_[i] = values_[2 * i];
  values_.resize(values_.size() / 2);
  step_ *= 2;
}

std::optional<double> RunningMedian::value() const {
  if (values_.empty()) return std::nullopt;
  auto sorted = values_;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  if (sorted.size() % 2 == 1) return *middle;
  return (*std::max_element(sorted.begin(), middle) + *middle) / 2;
}

StationState::StationState(const config::Instrument& instrument) {
  for (std::size_t i = 0; i < instrument.soh.size(); ++i) {
    const auto& name = instrument.soh[i].name;
    if (name == "latitude") latitude_ = i;
    if (name == "longitude") longitude_ = i;
    if (name == "elevation") elevation_ = i;
    if (name == "battery") battery_ = i;
    if (name == "satellites") satellites_ = i;
  }
}

void StationState::add(mth5::UtcNanos time, std::span<const double> values) {
  const auto value = [&](std::size_t i) { return i < values.size() ? values[i] : std::numeric_limits<double>::quiet_NaN(); };
  const double latitude = value(latitude_);
  const double longitude = value(longitude_);
  // 0 N 0 E is what a receiver without a fix says.
  if (std::abs(latitude) <= 90 && std::abs(longitude) <= 180 && (latitude != 0 || longitude != 0)) {
    latitudes_.add(latitude);
    longitudes_.add(longitude);
    if (std::isfinite(value(elevation_))) elevations_.add(value(elevation_));
  }
  if (battery_ == kNone && satellites_ == kNone) return;
  rows_.push_back({time, value(battery_), value(satellites_)});
  if (rows_.size() <= kRemembered) return;
  rows_.pop_front();
  ++first_row_;
}

RunFigures StationState::figures_until(mth5::UtcNanos end, std::uint64_t& reader) const {
  RunFigures figures;
  reader = std::max(reader, first_row_);
  for (; reader < first_row_ + rows_.size(); ++reader) {
    const Row& row = rows_[static_cast<std::size_t>(reader - first_row_)];
    if (row.time > end) break;
    if (std::isfinite(row.battery)) {
      if (!figures.battery_first) figures.battery_first = row.battery;
      figures.battery_last = row.battery;
    }
    if (std::isfinite(row.satellites)) figures.satellites_last = row.satellites;
  }
  return figures;
}

mth5::Metadata StationState::location() const {
  mth5::Metadata station{mth5::Kind::Station};
  if (const auto value = latitudes_.value()) station.set("location.latitude", *value);
  if (const auto value = longitudes_.value()) station.set("location.longitude", *value);
  if (const auto value = elevations_.value()) station.set("location.elevation", *value);
  return station;
}

void RunFigures::add(const RunFigures& later) {
  if (!battery_first) battery_first = later.battery_first;
  if (later.battery_last) battery_last = later.battery_last;
  if (later.satellites_last) satellites_last = later.satellites_last;
  if (!clock_first || (later.clock_first && later.clock_first->axis_s == clock_first->axis_s)) clock_first = later.clock_first;
  if (later.clock_last) clock_last = later.clock_last;
}

mth5::Metadata RunFigures::metadata(decode::TimeKind at_best) const {
  mth5::Metadata run{mth5::Kind::Run};
  if (battery_first) run.set("data_logger.power_source.voltage.start", *battery_first);
  if (battery_last) run.set("data_logger.power_source.voltage.end", *battery_last);
  if (satellites_last) run.set("data_logger.timing_system.n_satellites", static_cast<std::int64_t>(*satellites_last));
  if (clock_last) {
    constexpr double kPerSecond = 1e9;
    const double passed = static_cast<double>(clock_last->utc_ns - clock_first->utc_ns) / kPerSecond;
    // To the nanosecond: rounding of doubles is no drift.
    run.set("data_logger.timing_system.drift",
            std::round((passed - (clock_last->axis_s - clock_first->axis_s)) * kPerSecond) / kPerSecond);
    if (std::isfinite(clock_last->uncertainty_s))
      run.set("data_logger.timing_system.uncertainty", std::max(0.0, clock_last->uncertainty_s));
  }
  switch (clock_last ? static_cast<decode::TimeKind>(clock_last->kind) : at_best) {
    case decode::TimeKind::Gps:
      break;
    case decode::TimeKind::Device:
      run.set("data_logger.timing_system.type", std::string{"internal clock of the instrument"});
      break;
    case decode::TimeKind::Host:
    case decode::TimeKind::None:
      run.set("data_logger.timing_system.type", std::string{"clock of the recording computer"});
      break;
  }
  return run;
}

}  // namespace daq::recorder
