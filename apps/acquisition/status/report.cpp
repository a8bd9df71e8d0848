#include "acquisition/status/report.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "mth5/duration.hpp"
#include "mth5/time.hpp"

namespace daq::status {

namespace {

using nlohmann::ordered_json;

double rounded(double seconds) { return std::round(seconds * 1000) / 1000; }

double seconds_since(Steady::time_point then) {
  return rounded(std::chrono::duration<double>(mth5::steady_now() - then).count());
}

std::string utc_of(Steady::time_point then, Steady::time_point now) {
  return mth5::to_iso(std::chrono::floor<std::chrono::seconds>(mth5::host_now() - (now - then)));
}

/// Recording is what stores samples; else the state is that of the source which is nearest to it.
std::string overall(const Board::Copy& board, const recorder::State& recorded, const Daemon& daemon) {
  if (daemon.state != "recording") return daemon.state;
  if (!recorded.outage.empty()) return recorded.outage;
  const auto now = mth5::steady_now();
  const auto stores = [&](const auto& source) { return source.flow.stores(now) && !source.flow.is_ended(); };
  if (std::any_of(board.sources.begin(), board.sources.end(), stores)) return "recording";
  for (const auto state : {Delivery::Receiving, Delivery::Garbage, Delivery::NoData, Delivery::Waiting})
    for (const auto& source : board.sources)
      if (source.flow.at(now).delivery == state) return std::string{to_string(state)};
  return "ended";
}

template <class Array, class Reasons>
ordered_json by_reason(const Array& values, const Reasons& reasons) {
  auto object = ordered_json::object();
  for (std::size_t i = 0; i < values.size(); ++i) object[std::string{reasons[i].name}] = values[i];
  return object;
}

template <class Row>
ordered_json figures_json(const Row& row, std::span<const ledger::Figure<Row>> figures) {
  auto object = ordered_json::object();
  for (const auto& figure : figures) object[std::string{figure.name}] = figure.get(row);
  return object;
}

/// @param streams  those of all sources, as they are shown
ordered_json source_json(const Board::Copy& board, std::size_t index, const ordered_json& streams) {
  const auto& source = board.sources[index];
  const auto now = mth5::steady_now();
  ordered_json j;
  j["name"] = source.name;
  j["instrument"] = source.instrument;
  j["station"] = source.station;
  j["input"] = source.input;
  const auto verdict = source.flow.at(now);
  j["state"] = to_string(verdict.delivery);
  j["since"] = utc_of(verdict.since, now);
  j["connected"] = source.flow.is_connected();
  j["problem"] = source.problem.empty() ? ordered_json{} : ordered_json(source.problem);
  j["bytes"] = source.counters.bytes_in;
  j["frames"] = source.counters.frames;
  j["frames_unchecked"] = source.counters.frames_unchecked;
  j["short_lines"] = source.counters.short_lines;
  j["skipped"] = by_reason(source.counters.bytes_skipped, ledger::skip_reasons());
  j["input_faults"] = by_reason(source.counters.input_faults, ledger::input_faults());
  const auto last = source.flow.last_data();
  j["last_data_age_s"] = last ? ordered_json(seconds_since(*last)) : ordered_json{};
  j["soh"] = ordered_json::object();
  for (const auto& [name, units, value] : source.health)
    j["soh"][name] = {{"value", std::isfinite(value) ? ordered_json(value) : ordered_json{}}, {"units", units}};
  j["reconnects"] = source.counters.reconnects;
  j["bytes_sent"] = source.counters.bytes_sent;
  j["bytes_unsent"] = source.counters.bytes_unsent;
  // Of its streams together; the oldest sample at risk is the oldest of all.
  ordered_json samples{{"received", 0}, {"buffered", 0}, {"visible", 0}, {"durable", 0}, {"at_risk", 0}, {"at_risk_s", 0.0}};
  std::array<std::uint64_t, ledger::kDrops> dropped{};
  for (std::size_t i = 0; i < streams.size(); ++i) {
    if (board.streams[i].source != index) continue;
    for (auto& [key, value] : samples.items()) {
      const auto& more = streams[i].at("samples").at(key);
      if (key == "at_risk_s")
        value = std::max(value.get<double>(), more.get<double>());
      else
        value = value.get<std::uint64_t>() + more.get<std::uint64_t>();
    }
    for (std::size_t r = 0; r < dropped.size(); ++r)
      dropped[r] += streams[i].at("dropped").at(std::string{ledger::drop_reasons()[r].name}).get<std::uint64_t>();
  }
  j["samples"] = std::move(samples);
  j["dropped"] = by_reason(dropped, ledger::drop_reasons());
  return j;
}

/// @param stream  nullptr: none has had a sample
ordered_json clock_json(const StreamEntry* stream) {
  const bool known = stream != nullptr && stream->clock;
  const auto figure = [&](double value) { return known && std::isfinite(value) ? ordered_json(value) : ordered_json{}; };
  const auto micro = [](double s) { return std::round(s * 1e9) / 1e3; };
  const auto clock = known ? *stream->clock : ledger::ClockNow{};
  return {{"source", known ? ordered_json(clock.source) : ordered_json{}},
          {"offset_s", figure(known ? static_cast<double>(stream->clock_offset_ns / 1000) / 1e6 : 0)},
          {"ppm", figure(std::round(clock.ppm * 1e3) / 1e3)},
          {"residual_us", figure(micro(clock.residual_s))},
          {"uncertainty_us", figure(micro(clock.uncertainty_s))},
          {"locked", known ? ordered_json(clock.locked) : ordered_json{}},
          {"why_not_locked", known && !clock.locked ? ordered_json(clock.why_not) : ordered_json{}}};
}

ordered_json stream_json(const StreamEntry& stream, const Board::Copy& board, const recorder::StreamState& written,
                         const ledger::AtRisk& risk) {
  ordered_json j;
  j["name"] = stream.name;
  j["station"] = stream.station;
  j["source"] = board.sources.at(stream.source).name;
  auto dropped = stream.counters.dropped;
  for (std::size_t i = 0; i < dropped.size(); ++i) dropped[i] = std::max(dropped[i], written.dropped[i]);
  j["dropped"] = by_reason(dropped, ledger::drop_reasons());
  const std::uint64_t seen = written.visible + written.lost;
  const auto received = stream.received();
  j["samples"] = {{"received", received},       {"buffered", received > seen ? received - seen : 0},
                  {"visible", written.visible}, {"durable", written.durable},
                  {"at_risk", risk.samples},    {"at_risk_s", rounded(risk.seconds)}};
  j["clock"] = clock_json(&stream);
  return j;
}

ordered_json durations_json(const ledger::Durations& d, bool with_max) {
  ordered_json j{{"count", d.count()}, {"last_us", d.last_us()}, {"p99_us", d.p99_us()}};
  if (with_max) j["max_us"] = d.max_us();
  return j;
}

/// As it was put into the file last, but for what is at risk, which is told as
/// of now everywhere.
ordered_json ledger_json(const Board::Copy& board, const recorder::State& recorded, const std::vector<ledger::AtRisk>& risks) {
  ordered_json j;
  const auto balanced = [](const auto& all) {
    return std::all_of(all.begin(), all.end(), [](const auto& e) { return e.balanced; });
  };
  j["balanced"] = balanced(recorded.sources) && balanced(recorded.streams);
  j["sources"] = ordered_json::array();
  for (std::size_t i = 0; i < recorded.sources.size(); ++i) {
    ordered_json row{{"name", board.sources.at(i).name}, {"balanced", recorded.sources[i].balanced}};
    row.update(figures_json(recorded.sources[i].row, ledger::source_figures()));
    row["skipped"] = by_reason(recorded.sources[i].row.counters.bytes_skipped, ledger::skip_reasons());
    row["input_faults"] = by_reason(recorded.sources[i].row.counters.input_faults, ledger::input_faults());
    j["sources"].push_back(std::move(row));
  }
  j["streams"] = ordered_json::array();
  for (std::size_t i = 0; i < recorded.streams.size() && i < board.streams.size(); ++i) {
    ordered_json row{{"name", board.streams[i].name}, {"balanced", recorded.streams[i].balanced}};
    auto figures = recorded.streams[i].row;
    figures.at_risk = risks[i].samples;
    figures.at_risk_us = risks[i].microseconds();
    row.update(figures_json(figures, ledger::stream_figures()));
    row["dropped"] = by_reason(recorded.streams[i].row.counters.dropped, ledger::drop_reasons());
    j["streams"].push_back(std::move(row));
  }
  return j;
}

}  // namespace

ordered_json to_json(const Board::Copy& board, const recorder::State& recorded, const ledger::Receipts& receipts,
                     const ring::Ring& ring, const Daemon& daemon) {
  ledger::AtRisk all;
  std::vector<ledger::AtRisk> risks;
  std::uint64_t gaps = recorded.own_gaps;
  std::uint64_t dropped_by_ring = 0;
  std::uint64_t duplicates = 0;
  auto streams = ordered_json::array();
  for (std::size_t i = 0; i < board.streams.size(); ++i) {
    const auto& risk = risks.emplace_back(receipts.at_risk(i));
    all.samples += risk.samples;
    all.seconds = std::max(all.seconds, risk.seconds);
    const auto& counters = board.streams[i].counters;
    gaps += counters.gaps;
    dropped_by_ring += counters.dropped[static_cast<std::size_t>(ledger::Drop::RingFull)];
    duplicates += counters.dropped[static_cast<std::size_t>(ledger::Drop::Duplicate)];
    const auto written = i < recorded.streams.size() ? recorded.streams[i] : recorder::StreamState{};
    streams.push_back(stream_json(board.streams[i], board, written, risk));
  }
  ordered_json j;
  j["schema"] = 1;
  j["version"] = daemon.version;
  j["pid"] = getpid();
  j["state"] = overall(board, recorded, daemon);
  const auto& problem = daemon.problem.empty() ? recorded.problem : daemon.problem;
  j["problem"] = problem.empty() ? ordered_json{} : ordered_json(problem);
  j["since"] = mth5::to_iso(daemon.since);
  j["file"] = recorded.file.empty() ? ordered_json{} : ordered_json(recorded.file);
  j["run"] = recorded.run.empty() ? ordered_json{} : ordered_json(recorded.run);
  j["uptime_s"] = seconds_since(daemon.started);
  j["sources"] = ordered_json::array();
  for (std::size_t i = 0; i < board.sources.size(); ++i) j["sources"].push_back(source_json(board, i, streams));
  j["streams"] = std::move(streams);
  j["channels"] = ordered_json::array();
  for (const auto& c : recorded.channels)
    j["channels"].push_back({{"station", c.station},
                             {"run", c.run},
                             {"component", c.component},
                             {"sample_rate", c.sample_rate},
                             {"n_samples", c.n_samples},
                             {"visible", c.visible},
                             {"durable", c.durable}});
  j["at_risk"] = {{"samples", all.samples}, {"seconds", rounded(all.seconds)}};
  j["ring"] = {{"fill", ring.used_words()},
               {"capacity", ring.capacity_words()},
               {"high_water", ring.high_water_words()},
               {"unit", "words of 8 bytes"},
               {"dropped", dropped_by_ring}};
  j["flush"] = durations_json(recorded.flush, false);
  j["sync"] = durations_json(recorded.sync, true);
  j["gaps"] = gaps;
  j["duplicates"] = duplicates;
  // Of several streams that which knows its time worst.
  const StreamEntry* worst = nullptr;
  const auto by_worth = [](const ledger::ClockNow& clock) { return std::pair{clock.locked, -clock.uncertainty_s}; };
  for (const auto& stream : board.streams)
    if (stream.clock && (worst == nullptr || by_worth(*stream.clock) < by_worth(*worst->clock))) worst = &stream;
  j["clock"] = clock_json(worst);
  const auto& host = board.host_clock;
  j["host_clock"] =
      host.says.empty()
          ? ordered_json{}
          : ordered_json{{"known_to_us", std::isfinite(host.known_to_s) ? ordered_json(std::round(host.known_to_s * 1e9) / 1e3)
                                                                        : ordered_json{}},
                         {"says", host.says}};
  j["disk"] = {{"free_bytes", recorded.free_bytes},
               {"limit_bytes", daemon.disk_limit_bytes},
               {"full_in_s", recorded.disk_full_in_s ? ordered_json(std::round(*recorded.disk_full_in_s)) : ordered_json{}}};
  j["log"] = {{"dropped_lines", daemon.log_dropped}};
  j["ledger"] = ledger_json(board, recorded, risks);
  return j;
}

bool delivers(const ordered_json& status) {
  const auto in = [](const ordered_json& of, std::initializer_list<const char*> states) {
    const auto state = of.value("state", "");
    return std::any_of(states.begin(), states.end(), [&](const char* one) { return state == one; });
  };
  if (in(status, {"no-output", "disk-full", "write-failed", "write-refused"})) return false;
  const auto sources = status.value("sources", ordered_json::array());
  return std::none_of(sources.begin(), sources.end(), [&](const auto& s) { return in(s, {"waiting", "no-data", "garbage"}); });
}

std::string to_line(const ordered_json& status) {
  std::map<std::pair<std::string, std::string>, std::int64_t> runs;  // of station and run, samples a channel
  for (const auto& channel : status.at("channels")) {
    auto& samples = runs[{channel.at("station").get<std::string>(), channel.at("run").get<std::string>()}];
    samples = std::max(samples, channel.at("n_samples").get<std::int64_t>());
  }
  std::string line = status.at("state").get<std::string>();
  if (!status.at("problem").is_null()) line += " (" + status.at("problem").get<std::string>() + ")";
  for (const auto& source : status.at("sources")) {
    const auto state = source.at("state").get<std::string>();
    line += fmt::format(" {}={}", source.at("name").get<std::string>(), state);
    if (state == "no-data" || state == "garbage") line += " since " + source.at("since").get<std::string>();
    if (!source.at("problem").is_null()) line += " (" + source.at("problem").get<std::string>() + ")";
  }
  if (!runs.empty()) {
    line += runs.size() == 1 ? " run=" + runs.begin()->first.second : " runs=" + std::to_string(runs.size());
    line += " samples=" + std::to_string(std::accumulate(runs.begin(), runs.end(), std::int64_t{0},
                                                         [](auto sum, const auto& run) { return sum + run.second; }));
  }
  line += fmt::format(" at_risk={} ({:.1f} s)", status.at("at_risk").at("samples").get<std::int64_t>(),
                      status.at("at_risk").at("seconds").get<double>());
  return line;
}

namespace {

std::string known_text(double us) { return us < 1000 ? fmt::format("{:.3g} us", us) : fmt::format("{:.3g} ms", us / 1000); }

/// " clock gps locked +12.3 ppm 4 us"; nothing where there is none.
std::string clock_text(const ordered_json& clock) {
  if (!clock.is_object() || clock.at("source").is_null()) return "";
  auto text = fmt::format(" clock {} {}", clock.at("source").get<std::string>(),
                          clock.at("locked").get<bool>() ? "locked" : "NOT LOCKED");
  if (clock.contains("why_not_locked") && clock["why_not_locked"].is_string() && clock["why_not_locked"] != "")
    text += " (" + clock["why_not_locked"].get<std::string>() + ")";
  if (!clock.at("ppm").is_null()) text += fmt::format(" {:+.4g} ppm", clock.at("ppm").get<double>());
  if (!clock.at("uncertainty_us").is_null()) text += " +-" + known_text(clock.at("uncertainty_us").get<double>());
  return text;
}

/// "  battery 12.64 volt, satellites 8\n"; what is not known is left out.
std::string health_text(const ordered_json& soh) {
  std::string text;
  for (const auto& [name, entry] : soh.items()) {
    if (entry.at("value").is_null()) continue;
    text += fmt::format("{}{} {:.8g}", text.empty() ? "  " : ", ", name, entry.at("value").get<double>());
    if (const auto units = entry.at("units").get<std::string>(); !units.empty()) text += " " + units;
  }
  return text.empty() ? text : text + "\n";
}

}  // namespace

std::string to_text(const ordered_json& s) {
  std::string text = fmt::format("mth5d {} pid {} since {}\n{}\n", s.at("version").get<std::string>(), s.at("pid").get<int>(),
                                 s.at("since").get<std::string>(), to_line(s));
  if (!s.at("file").is_null()) text += fmt::format("file {}\n", s.at("file").get<std::string>());
  for (const auto& source : s.at("sources")) {
    text += fmt::format("source {} {} bytes {} frames {} reconnects {}", source.at("name").get<std::string>(),
                        source.at("input").get<std::string>(), source.at("bytes").get<std::uint64_t>(),
                        source.at("frames").get<std::uint64_t>(), source.at("reconnects").get<std::uint64_t>());
    if (!source.at("last_data_age_s").is_null())
      text += fmt::format(" last data {:.1f} s ago", source.at("last_data_age_s").get<double>());
    for (const auto& [reason, n] : source.at("skipped").items())
      if (n.get<std::uint64_t>() > 0) text += fmt::format(" skipped {} {}", reason, n.get<std::uint64_t>());
    for (const auto& [reason, n] : source.at("input_faults").items())
      if (n.get<std::uint64_t>() > 0) text += fmt::format(" input fault {} {}", reason, n.get<std::uint64_t>());
    text += "\n";
    text += health_text(source.at("soh"));
  }
  for (const auto& stream : s.at("streams")) {
    const auto& samples = stream.at("samples");
    text += fmt::format("stream {} samples buffered {} visible {} durable {} at risk {} ({:.1f} s)",
                        stream.at("name").get<std::string>(), samples.at("buffered").get<std::uint64_t>(),
                        samples.at("visible").get<std::uint64_t>(), samples.at("durable").get<std::uint64_t>(),
                        samples.at("at_risk").get<std::uint64_t>(), samples.at("at_risk_s").get<double>());
    text += clock_text(stream.value("clock", ordered_json{}));
    for (const auto& [reason, n] : stream.at("dropped").items())
      if (n.get<std::uint64_t>() > 0) text += fmt::format(" dropped {} {}", reason, n.get<std::uint64_t>());
    text += "\n";
  }
  if (const auto host = s.value("host_clock", ordered_json{}); host.is_object())
    text += fmt::format(
        "clock of this computer {} ({})\n",
        host.at("known_to_us").is_null() ? "not known" : "known to " + known_text(host.at("known_to_us").get<double>()),
        host.at("says").get<std::string>());
  const auto& disk = s.at("disk");
  text += fmt::format(
      "gaps {} duplicates {} disk free {:.1f} GiB, {} ledger {}\n", s.at("gaps").get<std::uint64_t>(),
      s.at("duplicates").get<std::uint64_t>(), disk.at("free_bytes").get<double>() / (1 << 30),
      disk.at("full_in_s").is_null() ? "not filling" : "full in " + mth5::rough_duration(disk.at("full_in_s").get<double>()),
      s.at("ledger").at("balanced").get<bool>() ? "balanced" : "NOT BALANCED");
  if (!s.at("problem").is_null()) text += "problem " + s.at("problem").get<std::string>() + "\n";
  return text;
}

}  // namespace daq::status
