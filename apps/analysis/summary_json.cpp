#include "analysis/comparison.hpp"
#include "analysis/json.hpp"
#include "analysis/summary.hpp"

namespace analysis {

using json::Json;

namespace {

void add_quality(Json& channel, const ChannelQuality& quality) {
  const auto& measures = quality.measures;
  const bool any = measures.statistics().count() > 0;
  channel["clipped"] = any ? Json(measures.clipped()) : Json{};
  channel["headroom_db"] = json::number(measures.headroom_db());
  Json f = Json::array(), asd = Json::array();
  for (const auto& [frequency, density] : quality.sensor.noise) {
    f.push_back(json::number(frequency));
    asd.push_back(json::number(density));
  }
  channel["sensor_noise"] = f.empty() ? Json{} : Json{{"f", f}, {"asd", asd}};
  channel["dc"] = json::number(measures.histogram().median());
  channel["drift_per_h"] = json::number(measures.envelope().drift_per_hour());
  channel["spikes"] = any ? Json(measures.spikes().count()) : Json{};
  channel["jumps"] = any ? Json(measures.jumps().count()) : Json{};
  channel["mains_db"] = quality.mains_db ? json::number(*quality.mains_db) : Json{};
}

}  // namespace

Json to_json(const Summary& summary) {
  Json files = Json::array();
  for (const auto& file : summary.files) {
    Json clocks = Json::array();
    for (const auto& clock : file.clocks) clocks.push_back(to_json(clock));
    files.push_back({{"file", file.path},
                     {"state", mth5::to_string(file.state)},
                     {"file_bytes", file.bytes},
                     {"file_version", file.version},
                     {"recovered", file.ledger.recovered},
                     {"copy_of", file.copy_of ? Json(*file.copy_of) : Json{}},
                     {"damaged", file.damaged},
                     {"unread", file.unread},
                     {"remarks", file.remarks},
                     {"ledger", to_json(file.ledger)},
                     {"ledger_problem", file.ledger_problem ? Json(*file.ledger_problem) : Json{}},
                     {"balanced", file.ledger.layout > 0 ? Json(file.ledger.balanced()) : Json{}},
                     {"clock", clocks}});
    if (file.log.there) files.back()["log"] = to_json(file.log);
  }
  Json stations = Json::array();
  for (const auto& [one, worst] : in_order(summary)) {
    const auto& station = *one;
    const auto& info = station.station;
    stations.push_back({{"survey", info.survey},
                        {"id", info.id},
                        {"latitude", json::number(info.metadata.number("location.latitude"))},
                        {"longitude", json::number(info.metadata.number("location.longitude"))},
                        {"elevation", json::number(info.metadata.number("location.elevation"))},
                        {"start", json::time(station.start)},
                        {"end", json::time(station.end)},
                        {"newest", json::time(station.newest)},
                        {"age_s", json::number(station.age_s(summary.now))},
                        {"future_samples", station.future_samples},
                        {"unset_samples", station.unset_samples},
                        {"soh", soh_json(station.soh)}});
    const auto known = [](const std::optional<double>& value) { return value ? json::number(*value) : Json{}; };
    const auto disk = disk_of(summary, info.id);
    stations.back()["disk_free_bytes"] = disk.free_bytes ? Json(*disk.free_bytes) : Json{};
    stations.back()["disk_full_in_s"] = known(disk.full_in_s);
    if (!summary.verdict) continue;
    stations.back()["state"] = worst == nullptr ? kStates.front() : to_string(worst->severity);
    stations.back()["why"] = worst == nullptr ? Json{} : Json(worst->sentence(summary.now));
    const auto& battery = station.battery;
    stations.back()["battery_V"] = battery ? json::number(battery->volts) : Json{};
    stations.back()["battery_V_per_day"] = battery ? known(battery->volts_per_day) : Json{};
    stations.back()["battery_empty_in_s"] = battery ? known(battery->empty_in_s) : Json{};
  }
  Json runs = Json::array();
  for (const auto& [file, run, start, end] : summary.runs) {
    const bool any = run.n_samples > 0;
    runs.push_back({{"file", file},
                    {"survey", run.survey},
                    {"station", run.station},
                    {"id", run.id},
                    {"sample_rate", json::rate(run.sample_rate)},
                    {"start", any ? json::time(start) : Json{}},
                    {"end", any && run.sample_rate > 0 ? json::time(end) : Json{}},
                    {"n_samples", run.n_samples}});
  }
  Json channels = Json::array();
  for (const auto* one : channels_in_order(summary)) {
    const auto& channel = *one;
    Json gaps = Json::array();
    for (const auto& gap : channel.gaps) gaps.push_back(to_json(gap));
    channels.push_back({{"survey", channel.survey},
                        {"station", channel.station},
                        {"component", channel.component},
                        {"sample_rate", json::rate(channel.sample_rate)},
                        {"state", channel.state ? Json(to_string(channel.state->flow.state)) : Json{}},
                        {"n_samples", channel.n_samples},
                        {"overlapping", channel.overlapping},
                        {"expected", channel.expected},
                        {"missing", channel.missing},
                        {"without_value", channel.without_value()},
                        {"completeness", json::number(channel.percent())},
                        {"min", json::number(channel.values.min())},
                        {"max", json::number(channel.values.max())},
                        {"mean", json::number(channel.values.mean())},
                        {"std", json::number(channel.values.std())},
                        {"units", json::text(channel.units)},
                        {"gaps", gaps}});
    if (channel.quality) add_quality(channels.back(), *channel.quality);
  }
  Json report{{"schema", 1},
              {"time", json::time(summary.now)},
              {"from", json::time(summary.window.from)},
              {"to", json::time(summary.window.to)},
              {"files", files},
              {"files_left_out", summary.left_out},
              {"stations", stations},
              {"runs", runs},
              {"channels", channels}};
  if (summary.verdict) report["verdict"] = to_json(*summary.verdict, summary.now);
  if (summary.compared) report["previous"] = to_json(*summary.compared);
  return report;
}

}  // namespace analysis
