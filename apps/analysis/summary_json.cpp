#include "analysis/json.hpp"
#include "analysis/summary.hpp"

namespace analysis {

using json::Json;

Json to_json(const Summary& summary) {
  Json files = Json::array();
  for (const auto& file : summary.files) {
    Json ledger = Json::array();
    for (const auto& entry : file.ledger) ledger.push_back(to_json(entry));
    files.push_back({{"file", file.path},
                     {"state", mth5::to_string(file.state)},
                     {"file_bytes", file.bytes},
                     {"file_version", file.version},
                     {"ledger", ledger}});
  }
  Json stations = Json::array();
  for (const auto& [info, start, end] : summary.stations)
    stations.push_back({{"survey", info.survey},
                        {"id", info.id},
                        {"latitude", json::number(info.metadata.number("location.latitude"))},
                        {"longitude", json::number(info.metadata.number("location.longitude"))},
                        {"elevation", json::number(info.metadata.number("location.elevation"))},
                        {"start", json::time(start)},
                        {"end", json::time(end)}});
  Json runs = Json::array();
  for (const auto& [file, run] : summary.runs) {
    const bool any = run.n_samples > 0;
    runs.push_back({{"file", file},
                    {"survey", run.survey},
                    {"station", run.station},
                    {"id", run.id},
                    {"sample_rate", json::rate(run.sample_rate)},
                    {"start", any ? json::time(run.start) : Json{}},
                    {"end", any && run.sample_rate > 0 ? json::time(run.end()) : Json{}},
                    {"n_samples", run.n_samples}});
  }
  Json channels = Json::array();
  for (const auto& channel : summary.channels) {
    Json gaps = Json::array();
    for (const auto& gap : channel.gaps) gaps.push_back(to_json(gap));
    channels.push_back({{"survey", channel.survey},
                        {"station", channel.station},
                        {"component", channel.component},
                        {"sample_rate", json::rate(channel.sample_rate)},
                        {"n_samples", channel.n_samples},
                        {"expected", channel.expected},
                        {"missing", channel.missing},
                        {"completeness", json::number(channel.percent())},
                        {"min", json::number(channel.values.min())},
                        {"max", json::number(channel.values.max())},
                        {"mean", json::number(channel.values.mean())},
                        {"std", json::number(channel.values.std())},
                        {"units", json::text(channel.units)},
                        {"gaps", gaps}});
  }
  return {{"schema", 1},
          {"from", json::time(summary.window.from)},
          {"to", json::time(summary.window.to)},
          {"files", files},
          {"stations", stations},
          {"runs", runs},
          {"channels", channels}};
}

}  // namespace analysis
