#include "acquisition/config/instrument.hpp"

#include <algorithm>
#include <iterator>
#include <variant>

#include "acquisition/config/filters.hpp"
#include "acquisition/config/sensor.hpp"
#include "acquisition/config/source.hpp"
#include "acquisition/config/tables.hpp"

namespace daq::config {

namespace {

constexpr std::string_view kSetByRecorder = "is set by mth5d from the data";

std::string lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return result;
}

/// How a profile describes its decoder: a key of its own for each kind of decode::Description.
struct DecoderKind {
  std::string_view key;
  decode::Description (*read)(const Node& map, const std::string& path, const std::vector<std::string>& channels,
                              const Instrument& instrument, Report& report);
};
constexpr DecoderKind kDecoders[] = {
    {"text", read_text_format},
    {"frame", read_frame_format},
    {"datacast", read_datacast_format},
    {"miniseed", read_miniseed_format},
};
static_assert(std::size(kDecoders) == std::variant_size_v<decode::Description>, "each kind of decoder has a key");

class ProfileReader {
 public:
  ProfileReader(std::string path, Report& report) : path_{std::move(path)}, report_{report} {}

  Profile read(const Node& root, const std::string& name) {
    MapReader map{root, path_, report_};
    auto& instrument = profile_.instrument;
    instrument.name = name;
    profile_keys().read(map, instrument);
    const auto [decoder, description] = take_decoder(map);
    if (const Node* channels = map.take("channels", Node::Kind::Map, MapReader::Need::Required)) read_channels(*channels, map);
    if (const Node* soh = map.take("state_of_health", Node::Kind::Map)) read_soh(*soh, map.path("state_of_health"));
    find_divisors(map.path("channels"));
    if (const Node* run = map.take("run", Node::Kind::Map))
      AttributeReader{report_, reserved_attributes(mth5::Kind::Run), {}}.read(*run, map.path("run"), instrument.run);
    read_commands(map, instrument.commands, report_);
    read_simulated(map, instrument.simulate, report_);
    // A column of a channel that is wrong would be reported as unknown too, so all that is written in `channels` counts as known.
    if (description != nullptr)
      instrument.decoder = decoder->read(*description, map.path(decoder->key), channel_names_, instrument, report_);
    await_answers(instrument.decoder, instrument.commands);
    map.finish();
    return std::move(profile_);
  }

 private:
  /// The one decoder of the profile and its map, which is nullptr if it is not there or no map.
  std::pair<const DecoderKind*, const Node*> take_decoder(MapReader& map) {
    std::pair<const DecoderKind*, const Node*> found{nullptr, nullptr};
    std::vector<std::string> keys;
    for (const auto& kind : kDecoders) {
      keys.emplace_back(kind.key);
      const Node* node = map.take(kind.key, Node::Kind::Map);
      if (map.map().find(kind.key) == nullptr) continue;
      if (found.first == nullptr)
        found = {&kind, node};
      else
        map.problem(*map.map().find(kind.key), kind.key,
                    "a second decoder; the profile has '" + std::string{found.first->key} + "' already; take one of them out");
    }
    if (found.first == nullptr) report_.problem(map.map().place, map.path(alternatives(keys)), "is missing");
    return found;
  }

  void read_channels(const Node& channels, MapReader& map) {
    const auto path = map.path("channels");
    check_repeated(channels, path, report_);
    if (channels.keys.empty()) map.problem(channels, "channels", "is empty");
    std::map<std::string, std::string> components;
    for (std::size_t i = 0; i < channels.keys.size(); ++i) {
      const auto& name = channels.keys[i].text;
      channel_names_.push_back(name);
      if (channels.items[i].kind != Node::Kind::Map) {
        report_.problem(channels.items[i].place, path + "." + key_text(name), "must be a map with at least type and units");
        continue;
      }
      read_channel(channels.items[i], channels.keys[i], path + "." + key_text(name));
      const auto component = profile_.instrument.channels.back().metadata.text("component");
      if (component.empty()) continue;
      const auto [first, fresh] = components.emplace(component, name);
      if (!fresh && first->second != name)  // one name twice is reported as a repeated key
        report_.problem(channels.keys[i].place, path + "." + key_text(name),
                        "component '" + component + "' is that of channel '" + first->second + "' already");
    }
  }

  void read_channel(const Node& node, const Node::Key& key, const std::string& path) {
    MapReader map{node, path, report_};
    ChannelKeys keys;
    channel_keys().read(map, keys);
    const bool typed = !keys.type.empty();
    const auto kind = typed ? mth5::kind_from(keys.type).value_or(mth5::Kind::Auxiliary) : mth5::Kind::Auxiliary;
    ChannelProfile channel{key.text, mth5::Metadata{kind}, mth5::sample_type_from(keys.dtype).value_or(mth5::SampleType::Float64),
                           keys.fill};
    read_sensor(map, channel, report_);
    channel.filters = read_filters(map, report_);
    if (keys.divided_by != "none") divided_.emplace_back(profile_.instrument.channels.size(), *node.find("divided_by"));
    if (node.find("units") == nullptr) static_cast<void>(map.take_any("units", MapReader::Need::Required));

    const AttributeReader attributes{
        report_, reserved_attributes(kind), {"type", "dtype", "fill", "filters", "divided_by", "clip_limits", "noise"}};
    std::map<std::string, Place> places;
    if (typed)  // without a type nothing is known about its attributes
      for (const auto& [name, place] : attributes.read(node, path, channel.metadata)) places.insert_or_assign(name, place);
    const Node* given = node.find("component");
    const std::string component = given == nullptr ? key.text : given->text;
    const auto& place = given == nullptr ? key.place : given->place;
    if (typed && (given == nullptr || places.contains("component"))) {
      if (auto wrong = check_component(kind, component); !wrong.empty()) {
        report_.problem(place, given == nullptr ? path : path + ".component", std::move(wrong));
        channel.metadata.erase("component");
      } else {
        channel.metadata.set("component", component);
        places.insert_or_assign("component", place);
      }
    }
    profile_.instrument.channels.push_back(std::move(channel));
    profile_.places.push_back(std::move(places));
  }

  void read_soh(const Node& soh, const std::string& path) {
    check_repeated(soh, path, report_);
    for (std::size_t i = 0; i < soh.keys.size(); ++i) {
      const auto& key = soh.keys[i];
      const auto item_path = path + "." + key_text(key.text);
      if (auto wrong = mth5::check_id(mth5::Kind::Auxiliary, key.text)) report_.problem(key.place, item_path, *wrong);
      if (soh.items[i].kind != Node::Kind::Map) {
        report_.problem(soh.items[i].place, item_path, "must be a map such as {units: V}");
        continue;
      }
      MapReader map{soh.items[i], item_path, report_};
      SohProfile one{key.text, "", 0};
      soh_keys().read(map, one);
      map.finish();
      profile_.instrument.soh.push_back(std::move(one));
    }
  }

  /// The quantities that divided_by of channels names.
  void find_divisors(const std::string& path) {
    auto& instrument = profile_.instrument;
    std::vector<std::string> names;
    for (const auto& soh : instrument.soh) names.push_back(soh.name);
    for (const auto& [channel, node] : divided_) {
      const auto found = std::find(names.begin(), names.end(), node.text);
      const auto where = path + "." + instrument.channels[channel].name + ".divided_by";
      if (found == names.end())
        report_.problem(node.place, where, in_quotes(node.text) + " is not in state_of_health" + near_or_all(node.text, names));
      else if (instrument.channels[channel].metadata.text("units") != "microVolt")
        report_.problem(node.place, where, "is for samples in microVolt");
      else
        instrument.channels[channel].divided_by = static_cast<std::size_t>(found - names.begin());
    }
  }

  std::string path_;
  Report& report_;
  Profile profile_;
  std::vector<std::pair<std::size_t, const Node&>> divided_;  ///< channels and their divided_by
  std::vector<std::string> channel_names_;
};

}  // namespace

std::optional<Profile> read_profile(const Node& map, const std::string& path, const std::string& name, Report& report) {
  const auto before = report.count();
  const auto listed = report.effective().size();
  auto profile = ProfileReader{path, report}.read(map, name);
  report.effective().resize(listed);  // what a profile says is listed where a source uses it
  if (report.count() != before) return std::nullopt;
  return profile;
}

void await_answers(decode::Description& decoder, const Commands& commands) {
  auto* text = std::get_if<decode::TextFormat>(&decoder);
  if (text == nullptr) return;
  for (const auto& command : commands.start)
    if (auto answer = command.answer.fill({}); answer && !answer->empty()) text->awaited.push_back(std::move(*answer));
}

std::size_t bits_of_whole(mth5::SampleType type) {
  return type == mth5::SampleType::Int16 ? 16 : type == mth5::SampleType::Int32 ? 32 : 0;
}

std::string too_wide(std::size_t bits, std::string_view channel, mth5::SampleType dtype) {
  const auto holds = bits_of_whole(dtype);
  if (holds == 0 || bits <= holds) return "";
  return "takes " + std::to_string(bits) + " bits with its sign; channel " + in_quotes(channel) + " has dtype " +
         std::string{mth5::to_string(dtype)} + ", which holds " + std::to_string(holds) + "; choose a wider one";
}

std::string check_component(mth5::Kind kind, std::string_view component) {
  if (const auto right = lower(component); right != component)
    return in_quotes(component) + " must be lower case in MTH5: '" + right + "'";
  if (const auto wrong = mth5::check_id(kind, component)) return in_quotes(component) + " " + *wrong;
  if (kind == mth5::Kind::Electric && component[0] != 'e')
    return in_quotes(component) + ": a component of an electric channel begins with e";
  if (kind == mth5::Kind::Magnetic && std::string_view{"hbr"}.find(component[0]) == std::string_view::npos)
    return in_quotes(component) + ": a component of a magnetic channel begins with h, b or r";
  return "";
}

std::vector<std::pair<std::string_view, std::string_view>> reserved_attributes(mth5::Kind kind) {
  using mth5::Kind;
  constexpr std::string_view kOfProfile = "is fixed by the instrument's profile";
  switch (kind) {
    case Kind::Survey:
      return {};
    case Kind::Station:
      return {{"run_list", kSetByRecorder},
              {"channels_recorded", kSetByRecorder},
              {"time_period.start", kSetByRecorder},
              {"time_period.end", kSetByRecorder}};
    case Kind::Run:
      return {{"id", kSetByRecorder},
              {"sample_rate", kSetByRecorder},
              {"channels_recorded_electric", kSetByRecorder},
              {"channels_recorded_magnetic", kSetByRecorder},
              {"channels_recorded_auxiliary", kSetByRecorder},
              {"time_period.start", kSetByRecorder},
              {"time_period.end", kSetByRecorder}};
    default:  // channels
      break;
  }
  return {{"type", kOfProfile},
          {"dtype", kOfProfile},
          {"fill", kOfProfile},
          {"sample_rate", kOfProfile},
          {"time_period.start", kSetByRecorder},
          {"time_period.end", kSetByRecorder}};
}

}  // namespace daq::config
