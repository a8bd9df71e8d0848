#include <algorithm>

#include "acquisition/config/overrides.hpp"
#include "acquisition/config/source.hpp"

namespace daq::config {

namespace {

using namespace std::chrono_literals;
constexpr std::chrono::hours kDay{24};
constexpr std::size_t kMaxSources = 64;

const Node& empty_map() {
  static const Node node = [] {
    Node map;
    map.kind = Node::Kind::Map;
    return map;
  }();
  return node;
}

/// The map under `key`, or an empty one, so that defaults are listed.
const Node& section(MapReader& top, std::string_view key) {
  const Node* node = top.take(key, Node::Kind::Map);
  return node == nullptr ? empty_map() : *node;
}

/// A pattern of file names has to give good and different names.
std::string check_file_name(std::string_view pattern) {
  const auto name = expand(pattern, {"survey", "station", {}, 1, 1});
  if (!name.problem.empty()) return in_quotes(pattern) + ": " + name.problem;
  if (pattern.find("{start:") == std::string_view::npos)
    return in_quotes(pattern) + " gives every file the same name; add {start:%Y%m%dT%H%M%SZ}";
  if (!name.text.ends_with(".h5") && !name.text.ends_with(".mth5")) return in_quotes(pattern) + " must end in .h5 (or .mth5)";
  if (name.text.find('/') != std::string::npos) return in_quotes(pattern) + " holds a '/'; the folder is output.directory";
  if (name.text.front() == '.') return in_quotes(pattern) + " gives a hidden file: it begins with a dot";
  if (name.text.size() > 150)
    return in_quotes(pattern) + " gives a name of " + std::to_string(name.text.size()) + " bytes (at most 150)";
  return "";
}

/// "0.5 samples"
std::optional<double> samples(std::string_view text) {
  constexpr std::string_view kWord = " samples";
  if (!text.ends_with(kWord)) return std::nullopt;
  return parse_number(text.substr(0, text.size() - kWord.size()));
}

class Loader {
 public:
  Loader(const std::vector<std::filesystem::path>& folders, Report& report) : profiles_{folders, report}, report_{report} {}

  Config read(const Node& root) {
    MapReader top{root, "", report_};
    std::optional<Station> common;
    if (const Node* survey = top.take("survey", Node::Kind::Map, MapReader::Need::Required))
      read_object(*survey, "survey", config_.survey, report_);
    const Node* station = top.take("station", Node::Kind::Map);
    if (station != nullptr) common = read_station(*station, "station", report_);
    if (station == nullptr && root.find("station") != nullptr) common.emplace();  // reported; not again for each source
    read_output(top);
    read_recorder(top);
    if (const Node* list = top.take("sources", Node::Kind::Sequence, MapReader::Need::Required))
      read_sources(*list, common ? &*common : nullptr);
    check_fill(root);
    top.finish();
    return std::move(config_);
  }

 private:
  void read_output(MapReader& top) {
    auto& output = config_.output;
    const Node* node = top.take("output", Node::Kind::Map, MapReader::Need::Required);
    if (node == nullptr) return;
    MapReader map{*node, "output", report_};
    output.directory = map.text("directory", MapReader::Need::Required).value_or("");
    output.file_name = map.text("file_name", output.file_name, check_file_name);
    output.file_version = map.choice("file_version", output.file_version, {"0.2.0", "0.1.0"});
    output.allow_network = map.flag("allow_network", output.allow_network);
    output.reserve = map.bytes("reserve", output.reserve, std::int64_t{1} << 20, std::int64_t{1} << 40);
    output.give_up_after = map.duration("give_up_after", output.give_up_after, 0s, kDay);
    map.finish();
  }

  void read_recorder(MapReader& top) {
    MapReader flush{section(top, "flush"), "flush", report_};
    config_.flush_samples = flush.whole("samples", config_.flush_samples, 1, 1'000'000'000, "samples");
    config_.flush_interval = flush.duration("interval", config_.flush_interval, 10ms, 1h);
    flush.finish();
    MapReader sync{section(top, "sync"), "sync", report_};
    config_.sync_interval = sync.duration("interval", config_.sync_interval, 100ms, kDay);
    sync.finish();
    config_.ring = top.duration("ring", config_.ring, 1s, kDay);
    const Node* chunk = top.map().find("chunk");
    if (chunk == nullptr || chunk->text == "auto")
      static_cast<void>(top.choice("chunk", "auto", {"auto"}));
    else
      config_.chunk = std::size_t(top.whole("chunk", 0, 1, 1 << 24, "samples, or auto"));
    read_gap(section(top, "gap"));
  }

  void read_gap(const Node& node) {
    MapReader map{node, "gap", report_};
    const auto tolerance = map.text("tolerance", "0.5 samples", [](std::string_view text) -> std::string {
      const auto value = samples(text);
      if (!value) return in_quotes(text) + " is not a number of samples, e.g. 0.5 samples";
      if (*value > 0 && *value <= 0.5) return "";
      return out_of_range(in_quotes(text), "above 0", "0.5", "samples") +
             ": above half a sample, neighbours cannot be told apart";
    });
    config_.gap_tolerance_samples = samples(tolerance).value_or(0.5);
    config_.gap_fill_up_to = map.duration("fill_up_to", config_.gap_fill_up_to, 0s, kDay);
    const Node* new_run = node.find("new_run_after");
    const auto new_run_after = map.duration("new_run_after", config_.gap_fill_up_to, 0s, kDay);
    if (new_run != nullptr && new_run_after != config_.gap_fill_up_to)
      map.problem(*new_run, "new_run_after",
                  format_duration(new_run_after) + " is not fill_up_to (" + format_duration(config_.gap_fill_up_to) +
                      "): a gap is either filled or starts a new run; leave this key out");
    config_.gap_accept_step_after = map.duration("accept_backward_after", config_.gap_accept_step_after, 1s, 7 * kDay);
    map.finish();
  }

  void read_sources(const Node& list, const Station* common) {
    if (list.items.empty()) report_.problem(list.place, "sources", "is empty");
    if (list.items.size() > kMaxSources) {
      report_.problem(list.place, "sources",
                      std::to_string(list.items.size()) + " sources; at most " + std::to_string(kMaxSources));
      return;
    }
    std::map<std::string, std::string> names, runs;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      const auto path = "sources[" + std::to_string(i) + "]";
      const auto& node = list.items[i];
      if (node.kind != Node::Kind::Map) {
        report_.problem(node.place, path,
                        "must be a map with name, an input and instrument, not " + std::string{to_string(node.kind)});
        continue;
      }
      const auto before = report_.count();
      auto source = read_source(node, path, common, profiles_, report_);
      if (const auto [first, fresh] = names.emplace(source.name, path); !fresh && !source.name.empty())
        report_.problem(node.find("name")->place, path + ".name",
                        in_quotes(source.name) + " is the name of " + first->second + " already");
      if (report_.count() == before) {
        const PatternValues values{config_.survey.text("id"), source.station.text("id"), {}, source.instrument.sample_rate, 1};
        const auto [first, fresh] = runs.emplace(values.station + "/" + expand(source.run_id, values).text, path);
        const Node* run = node.find("run");
        if (!fresh)
          report_.problem(run == nullptr ? node.place : run->place, path + ".run",
                          "gives the same run names in station '" + values.station + "' as " + first->second +
                              "; add a letter to one of them");
      }
      config_.sources.push_back(std::move(source));
    }
  }

  /// Integers have no NaN: what fills their gaps is to be said by the profile.
  void check_fill(const Node& root) {
    if (config_.gap_fill_up_to == 0s) return;
    const Node* gap = root.find("gap");
    const Node* node = gap == nullptr ? nullptr : gap->find("fill_up_to");
    if (node == nullptr) return;
    for (const auto& source : config_.sources)
      for (const auto& channel : source.instrument.channels)
        if ((channel.type == mth5::SampleType::Int16 || channel.type == mth5::SampleType::Int32) && !channel.fill)
          report_.problem(node->place, "gap.fill_up_to",
                          "channel '" + channel.name + "' of instrument '" + source.instrument.name + "' is " +
                              std::string{mth5::to_string(channel.type)} + " and has no 'fill' value; add one or set 0s");
  }

  Config config_;
  Profiles profiles_;
  Report& report_;
};

}  // namespace

Loaded load(const std::filesystem::path& file, const Overrides& overrides,
            const std::vector<std::filesystem::path>& instrument_folders) {
  Loaded loaded;
  Report report;
  const auto origin = std::make_shared<const Origin>(Origin{file.string(), 0, true, ""});
  auto parsed = parse_yaml_file(file.string(), origin);
  auto& root = parsed.root;
  if (!parsed.problem.empty()) {
    report.problem(parsed.place, "", parsed.problem);
  } else if (root.kind != Node::Kind::Map && root.kind != Node::Kind::Null) {
    report.problem(root.place, "",
                   "must be a map with survey, station, output and sources, not " + std::string{to_string(root.kind)});
  } else {
    root.kind = Node::Kind::Map;  // an empty file: everything is missing
    apply_overrides(root, overrides, report);
    auto config = Loader{instrument_folders, report}.read(root);
    if (report.good()) loaded.config = std::move(config);
  }
  loaded.findings = report.findings();
  loaded.effective = std::move(report.effective());
  return loaded;
}

}  // namespace daq::config
