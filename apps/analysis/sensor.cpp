#include "analysis/sensor.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace analysis {

Sensor sensor_of(const mth5::Reader& file, const Series& series, std::size_t channel) {
  const auto& component = file.channels()[channel].component;
  const auto& units = file.channels()[channel].units;
  Sensor sensor;
  const auto streams = file.table("streams");
  if (!streams) return sensor;
  std::set<std::int64_t> ours;
  for (std::size_t i = 0; i < streams->size(); ++i)
    if (streams->text(i, "station") == series.station && streams->number(i, "sample_rate") == series.sample_rate &&
        stream_of(file, streams->text(i, "name")).value_or(series.stream) == series.stream)
      ours.insert(streams->integer(i, "stream"));
  const auto is_of_it = [&](const mth5::Table& table, std::size_t row) {
    return ours.contains(table.integer(row, "stream")) && table.text(row, "component") == component &&
           table.text(row, "units") == units;
  };
  const auto type = file.sample_type(channel);
  const bool is_whole = type == mth5::SampleType::Int16 || type == mth5::SampleType::Int32;  // of which one is a step
  if (const auto limits = file.table("clip_limits"))
    for (std::size_t i = 0; i < limits->size(); ++i)
      if (is_of_it(*limits, i)) sensor.limits = {limits->number(i, "low"), limits->number(i, "high"), is_whole ? 1.0 : 0.0};
  if (const auto noise = file.table("sensor_noise"))
    for (std::size_t i = 0; i < noise->size(); ++i)
      if (is_of_it(*noise, i)) sensor.noise.emplace_back(noise->number(i, "frequency"), noise->number(i, "asd"));
  std::sort(sensor.noise.begin(), sensor.noise.end());
  return sensor;
}

std::optional<double> noise_at(const std::vector<std::pair<double, double>>& noise, double hz) {
  const auto above = std::find_if(noise.begin(), noise.end(), [&](const auto& point) { return point.first >= hz; });
  if (above == noise.end() || !(above->second > 0)) return std::nullopt;
  if (above->first == hz) return above->second;
  if (above == noise.begin()) return std::nullopt;
  const auto& [low_hz, low] = *std::prev(above);
  if (!(low_hz > 0) || !(low > 0)) return std::nullopt;
  const double share = std::log(hz / low_hz) / std::log(above->first / low_hz);
  return low * std::pow(above->second / low, share);
}

}  // namespace analysis
