#include "acquisition/config/reload.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "acquisition/config/tables.hpp"

namespace daq::config {

namespace {

/// What decides how samples are stored, or which these are.
bool is_identity(std::string_view attribute) {
  static const auto own = [] {
    std::set<std::string, std::less<>> names{"id", "component", "units", "sample_rate"};
    for (const auto& key : channel_keys().keys) names.emplace(key.name);
    return names;
  }();
  return own.contains(attribute.substr(0, attribute.find('.')));
}

struct AttributeHome {
  std::string map;        ///< "survey", "station", "sources[0].station", "sources[0].channels.e1"; "" = a key of a table
  std::string attribute;  ///< "location.latitude"
};

/// Where the attributes of a key stand.
AttributeHome place_of(const std::string& key) {
  const auto split = [&](std::size_t at) { return AttributeHome{key.substr(0, at), key.substr(at + 1)}; };
  for (const std::string_view map : {"survey", "station"})
    if (key.starts_with(std::string{map} + ".")) return split(map.size());
  if (!key.starts_with("sources[")) return {};
  const auto dot = key.find("].");
  if (dot == std::string::npos) return {};
  const auto rest = std::string_view{key}.substr(dot + 2);
  if (rest.starts_with("station.")) return split(dot + 2 + std::string_view{"station"}.size());
  if (!rest.starts_with("channels.")) return {};
  const auto end = key.find('.', dot + 2 + std::string_view{"channels."}.size());
  return end == std::string::npos ? AttributeHome{} : split(end);
}

/// Of all tables of which rows can be taken.
template <class Each>
void for_each_live_section(Each each) {
  each(
      flush_keys(), [](auto& config) -> auto& { return config; });
  each(
      sync_keys(), [](auto& config) -> auto& { return config; });
  each(
      output_keys(), [](auto& config) -> auto& { return config.output; });
  each(
      roll_keys(), [](auto& config) -> auto& { return config.output; });
}

bool is_live(const std::string& key) {
  bool live = false;
  for_each_live_section([&](const auto& section, auto) {
    for (const auto& row : section.keys)
      live |= row.take != nullptr && std::string{section.path} + "." + std::string{row.name} == key;
  });
  return live;
}

/// All but what decides how it is stored.
void take_channel(ChannelProfile& running, const ChannelProfile& next) {
  running.metadata = next.metadata;
  running.filters = next.filters;
  running.clip_limits = next.clip_limits;
  running.noise = next.noise;
}

void take(Config& running, const Config& next, const std::set<std::string>& kept) {
  for_each_live_section([&](const auto& section, auto of) {
    for (const auto& row : section.keys)
      if (row.take != nullptr) row.take(of(running), of(next));
  });
  if (!kept.contains("survey")) running.survey = next.survey;
  for (std::size_t i = 0; i < std::min(running.sources.size(), next.sources.size()); ++i) {
    auto& source = running.sources[i];
    const auto& from = next.sources[i];
    const std::string path = "sources[" + std::to_string(source.item) + "]";
    if (kept.contains(path)) continue;
    if (!kept.contains("station") && !kept.contains(path + ".station")) {
      source.station = from.station;
      source.location_known = from.location_known;
    }
    for (auto& channel : source.instrument.channels) {
      const auto found = std::find_if(from.instrument.channels.begin(), from.instrument.channels.end(),
                                      [&](const auto& other) { return other.name == channel.name; });
      if (found != from.instrument.channels.end() && !kept.contains(path + ".channels." + channel.name))
        take_channel(channel, *found);
    }
  }
}

}  // namespace

Changes take_changes(Config& running, const std::vector<Effective>& effective, const Loaded& next) {
  std::map<std::string, std::pair<const Effective*, const Effective*>> values;  // in which each has it
  for (const auto& one : effective) values[one.key].first = &one;
  for (const auto& one : next.effective) values[one.key].second = &one;
  const auto changed = [](const auto& both) {
    return both.first == nullptr || both.second == nullptr || both.first->value != both.second->value;
  };
  // Another source in that place: nothing of it is the same.
  std::set<std::string> kept;
  const auto of_source = [](const std::string& key) {
    return key.starts_with("sources[") ? key.substr(0, key.find(']') + 1) : "";
  };
  for (const auto& [key, both] : values)
    if (key.ends_with("].name") && of_source(key) + ".name" == key && changed(both)) kept.insert(of_source(key));
  for (const auto& [key, both] : values)
    if (const auto place = place_of(key); changed(both) && !place.map.empty() && is_identity(place.attribute))
      kept.insert(place.map);
  Changes changes;
  for (const auto& [key, both] : values) {
    const auto [before, after] = both;
    const auto place = place_of(key);
    const bool takes = place.map.empty() ? is_live(key) : !kept.contains(place.map) && !kept.contains(of_source(key));
    if (const auto* holds = takes || !changed(both) ? after : before; holds != nullptr) changes.running.push_back(*holds);
    if (!changed(both)) continue;
    // A source that came or went is one change, however many keys it has.
    const auto source = of_source(key);
    if (const auto name = source.empty() ? values.end() : values.find(source + ".name");
        name != values.end() && (name->second.first == nullptr || name->second.second == nullptr)) {
      const bool is_new = name->second.first == nullptr;
      if (name->first == key)
        changes.left.push_back(source + ": " + (is_new ? after : before)->value + (is_new ? " is new" : " is gone"));
      continue;
    }
    (takes ? changes.taken : changes.left)
        .push_back(key + ": " + (after == nullptr ? "not set" : after->value) + ", was " +
                   (before == nullptr ? "not set" : before->value));
  }
  take(running, *next.config, kept);
  return changes;
}

}  // namespace daq::config
