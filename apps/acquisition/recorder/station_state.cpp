#include "acquisition/recorder/station_state.hpp"

#include <algorithm>
#include <cmath>

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

void StationState::add(std::span<const double> values) {
  const auto seen = [&](std::size_t i) { return i < values.size() && std::isfinite(values[i]); };
  // 0 N 0 E is what a receiver without a fix says.
  if (seen(latitude_) && seen(longitude_) && std::abs(values[latitude_]) <= 90 && std::abs(values[longitude_]) <= 180 &&
      (values[latitude_] != 0 || values[longitude_] != 0)) {
    latitudes_.add(values[latitude_]);
    longitudes_.add(values[longitude_]);
    if (seen(elevation_)) elevations_.add(values[elevation_]);
  }
  if (seen(battery_)) {
    if (!next_.battery_first) next_.battery_first = values[battery_];
    next_.battery_last = values[battery_];
  }
  if (seen(satellites_)) next_.satellites_last = values[satellites_];
}

void StationState::samples_taken() {
  if (!run_.battery_first) run_.battery_first = next_.battery_first;
  if (next_.battery_last) run_.battery_last = next_.battery_last;
  if (next_.satellites_last) run_.satellites_last = next_.satellites_last;
  next_ = {};
}

mth5::Metadata StationState::location() const {
  mth5::Metadata station{mth5::Kind::Station};
  if (const auto value = latitudes_.value()) station.set("location.latitude", *value);
  if (const auto value = longitudes_.value()) station.set("location.longitude", *value);
  if (const auto value = elevations_.value()) station.set("location.elevation", *value);
  return station;
}

mth5::Metadata StationState::run_figures() const {
  mth5::Metadata run{mth5::Kind::Run};
  if (run_.battery_first) run.set("data_logger.power_source.voltage.start", *run_.battery_first);
  if (run_.battery_last) run.set("data_logger.power_source.voltage.end", *run_.battery_last);
  if (run_.satellites_last) run.set("data_logger.timing_system.n_satellites", static_cast<std::int64_t>(*run_.satellites_last));
  return run;
}

void StationState::begin_run() { run_ = {}; }

}  // namespace daq::recorder
