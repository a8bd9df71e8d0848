#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <utility>
#include <variant>

#include "h5/types.hpp"
#include "read/reader_impl.hpp"

/// Python's summary tables, computed. Source: mth5-format 3.1 and 3.2.
namespace mth5 {

namespace {

using Cell = std::variant<std::int64_t, double, std::string>;
using Row = std::vector<Cell>;

constexpr std::array<std::string_view, 3> kShown{"type", "measurement_azimuth", "measurement_tilt"};
constexpr std::array<std::string_view, 6> kInputs{"hx", "hy", "bx", "by", "h1", "h2"};
constexpr std::array<std::string_view, 9> kOutputs{"ex", "ey", "hz", "bz", "e1", "e2", "e3", "e4", "h3"};

/// Texts are as long as the longest needs, not as long as Python's: nothing is cut.
Table make_table(const std::vector<std::string>& names, const Row& kinds, const std::vector<Row>& rows) {
  TableSpec spec;
  for (std::size_t i = 0; i < names.size(); ++i) {
    Column column{.name = names[i], .units = {}};
    column.type = std::array{Column::Type::Int64, Column::Type::Float64, Column::Type::Text}[kinds[i].index()];
    if (column.type == Column::Type::Text) {
      column.text_bytes = 1;
      for (const auto& row : rows) column.text_bytes = std::max(column.text_bytes, std::get<std::string>(row[i]).size());
    }
    spec.columns.push_back(std::move(column));
  }
  Rows packed{spec};
  for (const auto& row : rows)
    for (const auto& cell : row) std::visit([&](const auto& value) { packed.add(value); }, cell);
  return {spec.columns, {packed.bytes().begin(), packed.bytes().end()}};
}

/// 0 for what is not there, as in Python's table; a position that is not known is NaN.
double number(const Metadata& metadata, std::string_view name) { return metadata.number(name, 0.0); }

}  // namespace

Table Reader::channel_summary() const {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < channels().size(); ++i) {
    const auto& channel = channels()[i];
    const auto station = std::find_if(stations().begin(), stations().end(), [&](const StationInfo& info) {
      return info.survey == channel.survey && info.id == channel.station;
    });  // always there: the walk comes through it
    const Metadata& place = station->metadata;
    const Metadata own = impl().channel_metadata(i, kShown);
    rows.push_back({channel.survey, channel.station, channel.run, place.number("location.latitude"),
                    place.number("location.longitude"), place.number("location.elevation"), channel.component,
                    to_mth5_time(channel.start), to_mth5_time(channel.end()), channel.n_samples, channel.sample_rate,
                    own.text("type", to_string(channel.kind)), number(own, "measurement_azimuth"),
                    number(own, "measurement_tilt"), channel.units, std::int64_t{has_data(i)}});
  }
  const std::string text;
  const std::int64_t integer = 0;
  return make_table({"survey", "station", "run", "latitude", "longitude", "elevation", "component", "start", "end", "n_samples",
                     "sample_rate", "measurement_type", "azimuth", "tilt", "units", "has_data"},
                    {text, text, text, 0.0, 0.0, 0.0, text, text, text, integer, 0.0, text, 0.0, 0.0, text, integer}, rows);
}

Table Reader::run_summary() const {
  std::vector<const RunInfo*> order;
  for (const auto& run : runs())
    if (!run.channels.empty()) order.push_back(&run);  // Python's table comes from the channels
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return std::tie(a->station, a->start) < std::tie(b->station, b->start); });
  std::vector<Row> rows;
  for (const auto* run : order) {
    std::vector<std::string> inputs, outputs;
    std::string factors;
    bool all_have_data = true;
    for (const auto index : run->channels) {
      const auto& component = channels()[index].component;
      if (std::find(kInputs.begin(), kInputs.end(), component) != kInputs.end()) inputs.push_back(component);
      if (std::find(kOutputs.begin(), kOutputs.end(), component) != kOutputs.end()) outputs.push_back(component);
      const std::string name = h5::json_list({component});  // ["ex"]
      factors += (factors.empty() ? "" : ", ") + name.substr(1, name.size() - 2) + ": 1.0";
      all_have_data = all_have_data && has_data(index);
    }
    const double duration = std::chrono::duration<double>(run->end() - run->start).count();
    rows.push_back({"{" + factors + "}", duration, to_mth5_time(run->end()), std::int64_t{all_have_data}, h5::json_list(inputs),
                    path().generic_string(), run->n_samples, h5::json_list(outputs), run->id, run->sample_rate,
                    to_mth5_time(run->start), run->station, run->survey});
  }
  const std::string text;
  const std::int64_t integer = 0;
  return make_table({"channel_scale_factors", "duration", "end", "has_data", "input_channels", "mth5_path", "n_samples",
                     "output_channels", "run", "sample_rate", "start", "station", "survey"},
                    {text, 0.0, text, integer, text, text, integer, text, text, 0.0, text, text, text}, rows);
}

}  // namespace mth5
