#include <algorithm>

#include "acquisition/config/overrides.hpp"
#include "acquisition/config/source.hpp"
#include "acquisition/config/tables.hpp"

namespace daq::config {

namespace {

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

class Loader {
 public:
  Loader(const std::vector<std::filesystem::path>& folders, std::filesystem::path base, Report& report)
      : profiles_{folders, std::move(base), report}, report_{report} {}

  Config read(const Node& root) {
    MapReader top{root, "", report_};
    if (const Node* survey = top.take("survey", Node::Kind::Map, MapReader::Need::Required))
      read_object(*survey, "survey", config_.survey, report_);
    const Node* station = top.take("station", Node::Kind::Map);
    if (station != nullptr) common_.station = read_station(*station, "station", report_);
    if (station == nullptr && root.find("station") != nullptr) common_.station.emplace();  // reported; not again for each source
    read_output(top);
    read_section(top, flush_keys(), config_);
    read_section(top, sync_keys(), config_);
    top_keys().read(top, config_);
    read_section(top, gap_keys(), common_.gap);
    read_section(top, clock_keys(), common_.clock);
    if (const Node* list = top.take("sources", Node::Kind::Sequence, MapReader::Need::Required)) read_sources(*list);
    check_fill(root);
    check_delay(root);
    top.finish();
    return std::move(config_);
  }

 private:
  template <class Keys, class T>
  void read_section(MapReader& top, const Keys& keys, T& value) {
    MapReader map{section(top, keys.path), std::string{keys.path}, report_};
    keys.read(map, value);
    map.finish();
  }

  void read_output(MapReader& top) {
    const Node* node = top.take("output", Node::Kind::Map, MapReader::Need::Required);
    if (node == nullptr) return;
    MapReader map{*node, "output", report_};
    output_keys().read(map, config_.output);
    MapReader roll{section(map, "roll"), "output.roll", report_};
    roll_keys().read(roll, config_.output);
    check_use(map, roll);
    roll.finish();
    map.finish();
  }

  /// What does nothing without another key.
  void check_use(MapReader& map, MapReader& roll) {
    const auto& output = config_.output;
    const auto useless = [](MapReader& in, std::string_view key, const std::string& without) {
      const Node* node = in.map().find(key);
      if (node != nullptr) in.problem(*node, key, "does nothing without " + without + "; set that, or leave this out");
    };
    if (output.retention.count() > 0 && output.finalize == Output{}.finalize)
      useless(map, "retention", "output.finalize: gzip-4");
    if (output.retention_below > 0 && output.retention.count() == 0) useless(map, "retention_below", "output.retention: 30d");
    if (output.roll_at != Output{}.roll_at && output.roll_every.count() == 0) useless(roll, "at", "output.roll.every: 1d");
  }

  void read_sources(const Node& list) {
    if (list.items.empty()) report_.problem(list.place, "sources", "is empty");
    if (list.items.size() > kMaxSources) {
      report_.problem(list.place, "sources",
                      std::to_string(list.items.size()) + " sources; at most " + std::to_string(kMaxSources));
      return;
    }
    std::map<std::string, std::string> names, runs, ports;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      const auto path = "sources[" + std::to_string(i) + "]";
      const auto& node = list.items[i];
      if (node.kind != Node::Kind::Map) {
        report_.problem(node.place, path,
                        "must be a map with name, an input and instrument, not " + std::string{to_string(node.kind)});
        continue;
      }
      if (is_clock_source(node)) {
        auto clock = read_clock_source(node, path, report_);
        check_name(clock.name, node, path, names);
        config_.clocks.push_back(std::move(clock));
        continue;
      }
      const auto before = report_.count();
      auto source = read_source(node, path, common_, profiles_, report_);
      source.item = i;
      check_name(source.name, node, path, names);
      if (report_.count() == before) {
        check_port(source, node, path, ports);
        const PatternValues values{.survey = config_.survey.text("id"),
                                   .station = source.station.text("id"),
                                   .sample_rate = source.instrument.sample_rate};
        const auto [first, fresh] = runs.emplace(values.station + "/" + expand(source.run_id, values).text, path);
        const Node* run = node.find("run");
        if (!fresh)
          report_.problem(run == nullptr ? node.place : run->place, path + ".run",
                          "gives the same run names in station '" + values.station + "' as " + first->second +
                              "; give one of them others, such as run: 'b{rate}_{index:04}'");
      }
      config_.sources.push_back(std::move(source));
    }
    if (!config_.clocks.empty() && config_.sources.empty())
      report_.problem(list.place, "sources", "tell of the computer's clock only; add a source of samples");
  }

  void check_name(const std::string& name, const Node& node, const std::string& path, std::map<std::string, std::string>& names) {
    if (const auto [first, fresh] = names.emplace(name, path); !fresh && !name.empty())
      report_.problem(node.find("name")->place, path + ".name",
                      in_quotes(name) + " is the name of " + first->second + " already");
  }

  /// Whatever its name.
  [[nodiscard]] static bool is_stdin(const ReplayFile& file) {
    return file.is_stdin() || file.path == "/dev/stdin" || file.path == "/dev/fd/0" || file.path == "/proc/self/fd/0";
  }

  /// The one of `ports` that takes what comes to `listen`, too: of the same number, at the same address or at all. "": none.
  [[nodiscard]] static std::string overlapping(const std::string& kind, const std::string& listen,
                                               const std::map<std::string, std::string>& ports) {
    const auto own = parse_endpoint(listen);
    const auto is_any = [](const Endpoint& e) { return e.address == "0.0.0.0" || e.address == "::"; };
    for (const auto& [port, path] : ports) {
      if (!own || !port.starts_with(kind)) continue;
      const auto other = parse_endpoint(std::string_view{port}.substr(kind.size()));
      if (other && other->port == own->port && (is_any(*own) || is_any(*other) || other->address == own->address)) return port;
    }
    return "";
  }

  /// A port gives each byte to one reader only.
  void check_port(const Source& source, const Node& node, const std::string& path, std::map<std::string, std::string>& ports) {
    std::string port, given, instead = "give one of them another";
    std::string_view input, key;
    if (const auto* serial = std::get_if<Serial>(&source.input)) {
      std::error_code unknown;  // then the name is all there is
      const auto real = std::filesystem::weakly_canonical(serial->device, unknown);
      port = unknown ? serial->device : real.string();
      given = serial->device;
      input = "serial";
      key = "device";
      instead = "leave one out, or let a server of serial ports (ser2net) hand its bytes to both by tcp";
    } else if (const auto* tcp = std::get_if<TcpListen>(&source.input)) {
      port = "tcp:" + tcp->listen;
      if (auto other = overlapping("tcp:", tcp->listen, ports); !other.empty()) port = std::move(other);
      given = tcp->listen;
      input = "tcp";
      key = "listen";
    } else if (const auto* udp = std::get_if<Udp>(&source.input)) {
      port = "udp:" + udp->group + ":" + udp->listen;
      if (auto other = overlapping("udp:" + udp->group + ":", udp->listen, ports); !other.empty()) port = std::move(other);
      given = udp->listen;
      input = "udp";
      key = "listen";
    } else if (const auto* file = std::get_if<ReplayFile>(&source.input); file != nullptr && is_stdin(*file)) {
      port = "-";
      given = file->path.string();
      input = "file";
      key = "path";
    } else {
      return;
    }
    const auto [first, fresh] = ports.emplace(port, path);
    if (!fresh)
      report_.problem(node.find(input)->find(key)->place, path + "." + std::string{input} + "." + std::string{key},
                      in_quotes(given) + " is the port of " + first->second + " already; two cannot read one port: " + instead);
  }

  /// A key of a section that may stand in a source and at the top of the file.
  struct Given {
    const Node* node = nullptr;  ///< nullptr: in neither
    std::string path;
  };
  [[nodiscard]] static Given given(const Node& root, std::size_t source, std::string_view section, std::string_view key) {
    const auto in = [&](const Node& map) -> const Node* {
      const Node* found = map.find(section);
      return found == nullptr ? nullptr : found->find(key);
    };
    const auto path = std::string{section} + "." + std::string{key};
    if (const Node* own = in(root.find("sources")->items[source]))
      return {own, "sources[" + std::to_string(source) + "]." + path};
    return {in(root), path};
  }

  /// Integers have no NaN: what fills their gaps is to be said by the profile.
  void check_fill(const Node& root) {
    for (std::size_t i = 0; i < config_.sources.size(); ++i) {
      const auto& source = config_.sources[i];
      const auto fill = given(root, source.item, "gap", "fill_up_to");
      if (fill.node == nullptr || source.gap.fill_up_to.count() == 0) continue;
      for (const auto& channel : source.instrument.channels)
        if ((channel.type == mth5::SampleType::Int16 || channel.type == mth5::SampleType::Int32) && !channel.fill)
          report_.problem(fill.node->place, fill.path,
                          "channel '" + channel.name + "' of instrument '" + source.instrument.name + "' is " +
                              std::string{mth5::to_string(channel.type)} + " and has no 'fill' value; add one or set 0s");
      if (source.gap.fill_up_to > source.gap.longest)
        report_.problem(fill.node->place, fill.path,
                        format_duration(source.gap.fill_up_to) + " is more than gap.longest (" +
                            format_duration(source.gap.longest) + "): a gap is never so long; set a shorter one");
    }
  }

  /// Times of the instrument's own have no delay. One at the top is for those of the sources that it may be of.
  void check_delay(const Node& root) {
    for (std::size_t i = 0; i < config_.sources.size(); ++i) {
      const auto& source = config_.sources[i];
      const auto delay = given(root, source.item, "clock", "delay");
      if (delay.node == nullptr || delay.path == "clock.delay" || source.clock.delay.count() == 0) continue;
      const auto kind = decode::numbering(source.instrument.decoder).kind;
      if (!source.instrument.channels.empty() && (kind == decode::TimeKind::Gps || kind == decode::TimeKind::Device))
        report_.problem(delay.node->place, delay.path,
                        format_duration(source.clock.delay) + " is for times of arrival, and those of instrument '" +
                            source.instrument.name + "' are its own; leave it out");
    }
  }

  Config config_;
  Common common_;
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
    auto config = Loader{instrument_folders, file.parent_path(), report}.read(root);
    if (report.good()) loaded.config = std::move(config);
  }
  loaded.findings = report.findings();
  loaded.effective = std::move(report.effective());
  return loaded;
}

}  // namespace daq::config
