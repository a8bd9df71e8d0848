#include "acquisition/config/source.hpp"

#include <algorithm>
#include <set>

#include "acquisition/config/filters.hpp"
#include "acquisition/config/sensor.hpp"
#include "acquisition/config/tables.hpp"
#include "acquisition/decode/atss.hpp"

namespace daq::config {

namespace {

std::string check_run(std::string_view pattern, const std::string& station, double sample_rate) {
  if (pattern.find("{index") == std::string_view::npos && pattern.find("{start") == std::string_view::npos)
    return in_quotes(pattern) + " gives every run the same name; add {index:04}";
  const auto run = expand(pattern, {"survey", station, {}, sample_rate, 9999});
  if (!run.problem.empty()) return in_quotes(pattern) + ": " + run.problem;
  const auto wrong = mth5::check_id(mth5::Kind::Run, run.text);
  return wrong ? in_quotes(pattern) + " gives run " + in_quotes(run.text) + ", which " + *wrong : "";
}

/// The site's `channels:` over those of the profile.
void merge_channels(const Node& map, const std::string& path, Profile& profile, Report& report) {
  check_repeated(map, path, report);
  auto& channels = profile.instrument.channels;
  std::vector<std::string> names;
  for (const auto& channel : channels) names.push_back(channel.name);
  std::set<std::size_t> skipped;
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    const auto& key = map.keys[i];
    const auto& node = map.items[i];
    const auto channel_path = path + "." + key_text(key.text);
    const auto found = std::find(names.begin(), names.end(), key.text);
    if (found == names.end()) {
      report.problem(key.place, channel_path, "the instrument has no such channel" + did_you_mean(key.text, names));
      continue;
    }
    const auto c = std::size_t(found - names.begin());
    if (node.kind == Node::Kind::Scalar && node.text == "skip") {
      report.value(channel_path, "skip", node.place.label());
      skipped.insert(c);
      continue;
    }
    if (node.kind != Node::Kind::Map) {
      report.problem(node.place, channel_path,
                     "must be a map of attributes, or skip, not " +
                         (node.kind == Node::Kind::Scalar ? in_quotes(node.text) : std::string{to_string(node.kind)}));
      continue;
    }
    auto& metadata = channels[c].metadata;
    const mth5::Metadata before = metadata;
    const AttributeReader reader{report, reserved_attributes(metadata.kind()), {"filters", "clip_limits", "noise"}};
    const bool own_filters = node.find("filters") != nullptr;
    MapReader own{node, channel_path, report, false};
    if (own_filters) channels[c].filters = read_filters(own, report);
    ChannelProfile sensor{"", mth5::Metadata{metadata.kind()}, mth5::SampleType::Float64, {}};
    read_sensor(own, sensor, report);
    for (const auto& [name, place] : reader.read(node, channel_path, metadata)) {
      profile.places[c].insert_or_assign(name, place);
      if (name == "units") {  // the site knows; the profile's filters end in other units
        channels[c].divided_by.reset();
        if (metadata.text("units") != before.text("units")) {
          if (!own_filters) channels[c].filters.clear();
          const auto none = [&](const char* what, bool was, bool is) {
            if (was && !is)
              report.value(channel_path + "." + what, "none", "those of the instrument are in " + before.text("units"));
          };
          none("clip_limits", channels[c].clip_limits.has_value(), sensor.clip_limits.has_value());
          none("noise", !channels[c].noise.empty(), !sensor.noise.empty());
          channels[c].clip_limits.reset();
          channels[c].noise.clear();
        }
      }
      if (name != "component") continue;
      const auto& component = node.find("component")->text;  // as written: metadata may have put it into lower case
      if (auto wrong = check_component(metadata.kind(), component); !wrong.empty()) {
        report.problem(place, channel_path + ".component", std::move(wrong));
        metadata.set("component", before.text("component"));
      }
    }
    if (sensor.clip_limits) channels[c].clip_limits = sensor.clip_limits;
    if (!sensor.noise.empty()) channels[c].noise = std::move(sensor.noise);
  }
  if (skipped.size() == channels.size()) report.problem(map.place, path, "leaves out every channel of the instrument");
  if (skipped.empty() || skipped.size() == channels.size()) return;
  Profile kept{profile.instrument, {}};
  kept.instrument.channels.clear();
  for (std::size_t c = 0; c < channels.size(); ++c) {
    if (skipped.contains(c)) continue;
    kept.instrument.kept.push_back(c);
    kept.instrument.channels.push_back(std::move(channels[c]));
    kept.places.push_back(std::move(profile.places[c]));
  }
  profile = std::move(kept);
}

/// All is known of the channels now.
void apply_filters(Profile& profile, const Place& place, const std::string& path, Report& report) {
  for (auto& channel : profile.instrument.channels)
    if (auto wrong = apply_filters(channel); !wrong.empty())
      report.problem(place, path + ".channels." + channel.name + ".filters", std::move(wrong));
  if (const auto name = clashing_filter(profile.instrument.channels); !name.empty())
    report.problem(place, path + ".channels", "two different filters have the name " + in_quotes(name));
}

void check_components(const Profile& profile, const std::string& path, Report& report) {
  std::map<std::string, std::string> first;
  for (std::size_t c = 0; c < profile.instrument.channels.size(); ++c) {
    const auto& channel = profile.instrument.channels[c];
    const auto component = channel.metadata.text("component");
    const auto [seen, fresh] = first.emplace(component, channel.name);
    if (fresh) continue;
    // The one that the site renamed is where the mistake is.
    const auto& mine = profile.places[c].at("component");
    const auto other = std::find_if(profile.instrument.channels.begin(), profile.instrument.channels.end(),
                                    [&, &n = seen->second](const ChannelProfile& p) { return p.name == n; });
    const auto& theirs = profile.places[std::size_t(other - profile.instrument.channels.begin())].at("component");
    const bool blame_mine = mine.origin->label.empty() || !theirs.origin->label.empty();
    report.problem(
        blame_mine ? mine : theirs, path + ".channels." + (blame_mine ? channel.name : seen->second) + ".component",
        "'" + component + "' is the component of channel '" + (blame_mine ? seen->second : channel.name) + "' already");
  }
}

void list_channels(const Profile& profile, const std::string& path, Report& report) {
  for (std::size_t c = 0; c < profile.instrument.channels.size(); ++c) {
    const auto& channel = profile.instrument.channels[c];
    for (const auto& [name, value] : channel.metadata.values())
      if (const auto place = profile.places[c].find(name); place != profile.places[c].end())
        report.value(path + "." + channel.name + "." + name, to_string(value), place->second.label());
  }
}

/// A section that may stand in a source, over the common one.
template <class Keys, class T>
void read_own(MapReader& source, std::string_view key, const Keys& keys, T& value, Report& report) {
  const Node* node = source.take(key, Node::Kind::Map);
  if (node == nullptr) return;
  MapReader map{*node, source.path(key), report, false};
  keys.read(map, value);
  map.finish();
}

/// nullopt: not there or not good, reported.
/// @param rate  in place of the profile's; nullptr: its own
std::optional<Profile> read_instrument(MapReader& map, const std::string& source_name, const Node* rate, Profiles& profiles,
                                       Report& report) {
  const Node* node = map.take_any("instrument", MapReader::Need::Required);
  if (node == nullptr) return std::nullopt;
  if (node->kind == Node::Kind::Map) {
    map.list("instrument", "(inline)", node);
    return read_profile(with_sample_rate(*node, rate), map.path("instrument"), source_name, report);
  }
  if (node->kind == Node::Kind::Sequence) {
    map.problem(*node, "instrument", "must be the name of a profile, the path of one, or a map");
    return std::nullopt;
  }
  map.list("instrument", node->text, node);
  const auto* found = profiles.find(*node, map.path("instrument"), rate);
  return found == nullptr ? std::nullopt : std::optional{*found};
}

}  // namespace

namespace {

/// A list of maps, each of which fills one entry. @param example  of an item
template <class Keys, class T>
void read_list(MapReader& map, std::string_view key, const Keys& keys, std::vector<T>& list, const char* example,
               Report& report) {
  const Node* items = map.take(key, Node::Kind::Sequence);
  if (items == nullptr) return;
  list.clear();
  for (std::size_t i = 0; i < items->items.size(); ++i) {
    const auto path = map.path(key) + "[" + std::to_string(i) + "]";
    if (items->items[i].kind != Node::Kind::Map) {
      report.problem(items->items[i].place, path, std::string{"must be a map such as "} + example);
      continue;
    }
    MapReader item{items->items[i], path, report, false};
    keys.read(item, list.emplace_back());
    item.finish();
  }
}

}  // namespace

void read_commands(MapReader& owner, Commands& commands, Report& report) {
  const Node* node = owner.take("commands", Node::Kind::Map);
  if (node == nullptr) return;
  MapReader map{*node, owner.path("commands"), report, false};
  commands_keys().read(map, commands);
  read_list(map, "start", start_command_keys(), commands.start, "{send: 'START\\r\\n'}", report);
  read_list(map, "every", periodic_command_keys(), commands.every, "{send: 'START\\r\\n'}", report);
  map.finish();
}

void read_simulated(MapReader& owner, Simulated& simulated, Report& report) {
  const Node* node = owner.take("simulate", Node::Kind::Map);
  if (node == nullptr) return;
  MapReader map{*node, owner.path("simulate"), report, false};
  simulate_keys().read(map, simulated);
  read_list(map, "answers", simulated_answer_keys(), simulated.answers, "{to: 'STOP\\r\\n', answer: '%STOP\\r\\n'}", report);
  map.finish();
}

void read_object(const Node& map, const std::string& path, mth5::Metadata& metadata, Report& report) {
  const auto set = AttributeReader{report, reserved_attributes(metadata.kind()), {}}.read(map, path, metadata);
  for (const auto& [name, place] : set) report.value(path + "." + name, to_string(*metadata.find(name)), place.label());
  const Node* id = map.find("id");
  if (id == nullptr) {
    report.problem(map.place, path + ".id", "is missing");
  } else if (metadata.find("id") != nullptr) {
    if (const auto wrong = mth5::check_id(metadata.kind(), metadata.text("id")))
      report.problem(id->place, path + ".id", in_quotes(metadata.text("id")) + " " + *wrong);
  }
}

Station read_station(const Node& map, const std::string& path, Report& report) {
  Station station;
  const auto before = report.count();
  read_object(map, path, station.metadata, report);
  const bool latitude = station.metadata.find("location.latitude") != nullptr;
  const bool longitude = station.metadata.find("location.longitude") != nullptr;
  if (latitude != longitude && report.count() == before)  // else it may be there and wrong
    report.problem(map.place, path + (latitude ? ".location.longitude" : ".location.latitude"),
                   "is missing: give both, or neither to take the instrument's GPS");
  station.location_known = latitude && longitude;
  return station;
}

namespace {

/// How long is waited for before an input is tried anew.
void read_reconnect(MapReader& owner, Source& source, Report& report) {
  const Node nothing;
  const Node* reconnect = owner.take("reconnect", Node::Kind::Map);
  if (reconnect == nullptr && owner.map().find("reconnect") != nullptr) return;  // it is no map, reported
  MapReader map{reconnect == nullptr ? nothing : *reconnect, owner.path("reconnect"), report};
  reconnect_keys().read(map, source);
  if (source.reconnect_first > source.reconnect_limit)
    map.problem(
        *reconnect, "limit",
        format_duration(source.reconnect_limit) + " is less than first (" + format_duration(source.reconnect_first) + ")");
  map.finish();
}

}  // namespace

std::string doubt_of_date(const Source& source) {
  const auto* file = std::get_if<ReplayFile>(&source.input);
  const auto* text = std::get_if<decode::TextFormat>(&source.instrument.decoder);
  if (file == nullptr || file->follow || text == nullptr || text->time != "host-date" || text->first_date) return "";
  return "its lines have no date, the first one gets that of this computer's clock; if it is of another day give that: "
         "file: {..., date: 2026-03-01}";
}

Source read_source(const Node& node, const std::string& path, const Common& common, Profiles& profiles, Report& report) {
  MapReader map{node, path, report};
  Source source;
  source.gap = common.gap;
  source.clock = common.clock;
  source_keys().read(map, source);
  source.input = read_input(map, report);
  read_reconnect(map, source, report);
  read_own(map, "gap", gap_keys(), source.gap, report);
  read_own(map, "clock", clock_keys(), source.clock, report);
  const Node* own = map.take("station", Node::Kind::Map);
  if (node.find("station") == nullptr && !common.station)
    report.problem(node.place, map.path("station"), "is missing: a source needs a station, here or at the top of the file");
  const Station station = own != nullptr   ? read_station(*own, map.path("station"), report)
                          : common.station ? *common.station
                                           : Station{};
  source.station = station.metadata;
  source.location_known = station.location_known;
  const Node* const own_rate = source.instrument.sample_rate > 0 ? node.find("sample_rate") : nullptr;
  auto profile = read_instrument(map, source.name, own_rate, profiles, report);
  const double rate = profile ? profile->instrument.sample_rate : 1;
  source.run_id =
      map.text("run", source.run_id, [&](std::string_view text) { return check_run(text, source.station.text("id"), rate); });
  const Node* channels = map.take("channels", Node::Kind::Map);
  if (profile) {  // else what is wrong with it is reported, and `channels` cannot be checked against it
    if (channels != nullptr) merge_channels(*channels, map.path("channels"), *profile, report);
    apply_filters(*profile, node.place, path, report);
    check_components(*profile, path, report);
    list_channels(*profile, map.path("channels"), report);
    source.instrument = std::move(profile->instrument);
  }
  source.commands = source.instrument.commands;
  read_commands(map, source.commands, report);
  const auto* played = std::get_if<ReplayFile>(&source.input);
  const bool file = played != nullptr;
  const bool seedlink = std::holds_alternative<SeedLink>(source.input);
  if (seedlink && profile && !std::holds_alternative<decode::MiniSeedFormat>(source.instrument.decoder))
    map.problem(*node.find("seedlink"), "seedlink",
                "brings records of miniSEED; give an instrument with miniseed, such as miniseed-mt");
  if (file && !played->date.empty() && profile) {
    auto* text = std::get_if<decode::TextFormat>(&source.instrument.decoder);
    if (text == nullptr || text->time != "host-date")
      map.problem(*node.find("file"), "file",
                  "has a date, which is for lines without one; those of the instrument have their own");
    else if (const auto day = mth5::parse_time(played->date))
      text->first_date = std::chrono::floor<std::chrono::days>(*day);
  }
  const auto* http = std::get_if<Http>(&source.input);
  if (http != nullptr && profile && !decode::reads_atss_blocks(source.instrument.decoder))
    map.problem(*node.find("http"), "http",
                "brings blocks of .atss files; give an instrument that reads them, such as metronix-adu");
  if (http != nullptr && http->poll >= source.idle_timeout)
    map.problem(
        *node.find("http"), "http",
        "poll of " + format_duration(http->poll) + " is not shorter than idle_timeout, " + format_duration(source.idle_timeout));
  if (file || seedlink || http != nullptr || std::holds_alternative<Udp>(source.input)) {
    source.commands = {};
    if (const Node* commands = node.find("commands"))
      map.problem(*commands, "commands",
                  std::string{file              ? "a recording"
                              : seedlink        ? "a SeedLink server"
                              : http != nullptr ? "a box that serves files"
                                                : "who sends datagrams"} +
                      " takes no commands; leave them out, or give a serial or tcp input");
  }
  await_answers(source.instrument.decoder, source.commands);
  map.finish();
  return source;
}

bool is_clock_source(const Node& map) { return map.find("gpsd") != nullptr || map.find("chrony") != nullptr; }

ClockSource read_clock_source(const Node& node, const std::string& path, Report& report) {
  MapReader map{node, path, report};
  // Its own part of the keys that all sources have.
  Source common;
  ClockSource clock;
  source_keys().read(map, common);
  if (const Node* rate = node.find("sample_rate"); rate != nullptr)
    map.problem(*rate, "sample_rate", "is for a source of samples; leave it out");
  clock.name = common.name;
  clock.idle_timeout = common.idle_timeout;
  read_reconnect(map, common, report);
  clock.reconnect_first = common.reconnect_first;
  clock.reconnect_limit = common.reconnect_limit;
  const auto read = [&](std::string_view key, const auto& keys, auto from) {
    const Node* own = map.take(key, Node::Kind::Map);
    if (own == nullptr) return;
    MapReader inner{*own, map.path(key), report};
    keys.read(inner, from);
    inner.finish();
    clock.from = from;
  };
  if (const Node* second = node.find("chrony"); second != nullptr && node.find("gpsd") != nullptr)
    map.problem(*second, "chrony", "a second input; the source has 'gpsd' already");
  read("gpsd", gpsd_keys(), Gpsd{});
  read("chrony", chrony_keys(), Chrony{});
  if (const auto* chrony = std::get_if<Chrony>(&clock.from); chrony != nullptr && chrony->every >= clock.idle_timeout)
    map.problem(
        *node.find("chrony"), "chrony",
        "every " + format_duration(chrony->every) + " is not shorter than idle_timeout, " + format_duration(clock.idle_timeout));
  map.finish();
  return clock;
}

}  // namespace daq::config
