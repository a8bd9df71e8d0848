#include "acquisition/status/report.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <numeric>
#include <system_error>

#include <fmt/format.h>

#include "acquisition/recorder/output.hpp"
#include "mth5/duration.hpp"
#include "mth5/error.hpp"

namespace daq::status {

namespace {

using nlohmann::ordered_json;

double rounded(double seconds) { return std::round(seconds * 1000) / 1000; }

double seconds_since(Steady::time_point then) { return rounded(std::chrono::duration<double>(Steady::now() - then).count()); }

template <class Array, class Name>
ordered_json by_reason(const Array& values, Name name) {
  auto object = ordered_json::object();
  for (std::size_t i = 0; i < values.size(); ++i) object[std::string{to_string(static_cast<Name>(i))}] = values[i];
  (void)name;
  return object;
}

ordered_json source_json(const SourceEntry& source, const WrittenEntry& written) {
  ordered_json j;
  j["name"] = source.name;
  j["instrument"] = source.instrument;
  j["station"] = source.station;
  j["input"] = source.input;
  j["state"] = source.state;
  j["problem"] = source.problem.empty() ? ordered_json{} : ordered_json(source.problem);
  j["bytes"] = source.counters.bytes.bytes_in;
  j["frames"] = source.counters.bytes.frames;
  j["skipped"] = by_reason(source.counters.bytes.bytes_skipped, decode::Skip{});
  auto dropped = source.counters.samples.dropped;
  dropped[static_cast<std::size_t>(timing::Drop::WriteFailed)] += written.lost;
  j["dropped"] = by_reason(dropped, timing::Drop{});
  const auto risk = at_risk(source, written, Steady::now());
  const std::uint64_t seen = written.visible + written.lost;
  j["samples"] = {{"received", source.received()}, {"buffered", source.received() > seen ? source.received() - seen : 0},
                  {"visible", written.visible},    {"durable", written.durable},
                  {"at_risk", risk.samples},       {"at_risk_s", rounded(risk.seconds)}};
  j["last_data_age_s"] = source.has_data ? ordered_json(seconds_since(source.last_data)) : ordered_json{};
  j["reconnects"] = source.reconnects;
  return j;
}

ordered_json durations_json(const Durations& d, bool with_max) {
  ordered_json j{{"count", d.count()}, {"last_us", d.last_us()}, {"p99_us", d.p99_us()}};
  if (with_max) j["max_us"] = d.max_us();
  return j;
}

ordered_json ledger_json(const std::vector<WrittenEntry>& writers, const config::Config& config) {
  ordered_json j;
  j["balanced"] = std::all_of(writers.begin(), writers.end(), [](const auto& w) { return w.balanced; });
  j["sources"] = ordered_json::array();
  for (std::size_t i = 0; i < writers.size(); ++i) {
    const auto& bytes = writers[i].ledger.note.bytes;
    const auto& samples = writers[i].ledger.note.samples;
    j["sources"].push_back({{"name", config.sources[i].name},
                            {"balanced", writers[i].balanced},
                            {"bytes_in", bytes.bytes_in},
                            {"bytes_decoded", bytes.bytes_decoded},
                            {"bytes_pending", bytes.bytes_pending},
                            {"bytes_skipped", by_reason(bytes.bytes_skipped, decode::Skip{})},
                            {"samples_decoded", samples.samples_in},
                            {"samples_stored", writers[i].ledger.stored},
                            {"samples_buffered", samples.pending},
                            {"samples_dropped", by_reason(samples.dropped, timing::Drop{})},
                            {"samples_filled", samples.filled},
                            {"samples_missing", samples.missing}});
  }
  return j;
}

}  // namespace

ordered_json to_json(const Board::Copy& board, const ring::Ring& ring, const config::Config& config, const Daemon& daemon) {
  const auto& w = board.writer;
  AtRisk all;
  std::uint64_t dropped_by_ring = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t gaps = w.own_gaps;
  for (std::size_t i = 0; i < board.sources.size(); ++i) {
    const auto& samples = board.sources[i].counters.samples;
    const auto risk = at_risk(board.sources[i], w.writers[i], Steady::now());
    all.samples += risk.samples;
    all.seconds = std::max(all.seconds, risk.seconds);
    dropped_by_ring += samples.dropped[static_cast<std::size_t>(timing::Drop::RingFull)];
    duplicates += samples.dropped[static_cast<std::size_t>(timing::Drop::Duplicate)];
    gaps += samples.gaps;
  }
  ordered_json j;
  j["schema"] = 1;
  j["version"] = daemon.version;
  j["pid"] = getpid();
  j["state"] = daemon.state == "recording" && !w.outage.empty() ? w.outage : daemon.state;
  j["problem"] = w.problem.empty() ? ordered_json{} : ordered_json(w.problem);
  j["since"] = mth5::to_iso(daemon.since);
  j["file"] = w.file.empty() ? ordered_json{} : ordered_json(w.file);
  j["run"] = w.run.empty() ? ordered_json{} : ordered_json(w.run);
  j["uptime_s"] = seconds_since(daemon.started);
  j["sources"] = ordered_json::array();
  for (std::size_t i = 0; i < board.sources.size(); ++i) j["sources"].push_back(source_json(board.sources[i], w.writers[i]));
  j["channels"] = ordered_json::array();
  for (const auto& c : w.channels)
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
  j["flush"] = durations_json(w.flush, false);
  j["sync"] = durations_json(w.sync, true);
  j["gaps"] = gaps;
  j["duplicates"] = duplicates;
  // By host clock alone for now: how far the newest sample's own time lies behind its arrival.
  const auto clocked = std::find_if(board.sources.begin(), board.sources.end(), [](const auto& s) { return s.clock_known; });
  j["clock"] = {
      {"source", clocked == board.sources.end() ? ordered_json{} : ordered_json("instrument")},
      {"offset_s", clocked == board.sources.end() ? ordered_json{}
                                                  : ordered_json(static_cast<double>(clocked->clock_offset_ns / 1000) / 1e6)},
      {"ppm", nullptr},
      {"residual_us", nullptr},
      {"locked", nullptr}};
  j["disk"] = {{"free_bytes", recorder::free_bytes(config.output.directory)},
               {"limit_bytes", config.output.reserve},
               {"full_in_s", w.disk_full_in_s ? ordered_json(std::round(*w.disk_full_in_s)) : ordered_json{}}};
  j["log"] = {{"dropped_lines", daemon.log_dropped}};
  j["ledger"] = ledger_json(w.writers, config);
  return j;
}

void write_atomically(const std::filesystem::path& path, const std::string& text) {
  const std::filesystem::path part = path.string() + ".part";
  std::FILE* file = std::fopen(part.c_str(), "we");
  if (file == nullptr) throw mth5::FileError{part.string() + ": " + std::generic_category().message(errno)};
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = std::fclose(file) == 0;
  if (!written || !closed || std::rename(part.c_str(), path.c_str()) != 0)
    throw mth5::FileError{path.string() + ": " + std::generic_category().message(errno)};
}

std::string to_line(const ordered_json& status) {
  std::int64_t samples = 0;
  for (const auto& channel : status.at("channels")) samples = std::max(samples, channel.at("n_samples").get<std::int64_t>());
  std::string line = status.at("state").get<std::string>();
  if (!status.at("problem").is_null()) line += " (" + status.at("problem").get<std::string>() + ")";
  if (!status.at("run").is_null()) line += fmt::format(" run={} samples={}", status.at("run").get<std::string>(), samples);
  line += fmt::format(" at_risk={} ({:.1f} s)", status.at("at_risk").at("samples").get<std::int64_t>(),
                      status.at("at_risk").at("seconds").get<double>());
  for (const auto& source : status.at("sources")) {
    line += fmt::format(" {}={}", source.at("name").get<std::string>(), source.at("state").get<std::string>());
    if (!source.at("problem").is_null()) line += " (" + source.at("problem").get<std::string>() + ")";
  }
  return line;
}

std::string to_text(const ordered_json& s) {
  std::string text = fmt::format("mth5d {} pid {} since {}\n{}\n", s.at("version").get<std::string>(), s.at("pid").get<int>(),
                                 s.at("since").get<std::string>(), to_line(s));
  if (!s.at("file").is_null()) text += fmt::format("file {}\n", s.at("file").get<std::string>());
  for (const auto& source : s.at("sources")) {
    text += fmt::format("source {} {} bytes {} records {} reconnects {}", source.at("name").get<std::string>(),
                        source.at("input").get<std::string>(), source.at("bytes").get<std::uint64_t>(),
                        source.at("frames").get<std::uint64_t>(), source.at("reconnects").get<std::uint64_t>());
    if (!source.at("last_data_age_s").is_null())
      text += fmt::format(" last data {:.1f} s ago", source.at("last_data_age_s").get<double>());
    const auto& samples = source.at("samples");
    text += fmt::format(" samples buffered {} visible {} durable {} at risk {} ({:.1f} s)",
                        samples.at("buffered").get<std::uint64_t>(), samples.at("visible").get<std::uint64_t>(),
                        samples.at("durable").get<std::uint64_t>(), samples.at("at_risk").get<std::uint64_t>(),
                        samples.at("at_risk_s").get<double>());
    for (const char* kind : {"skipped", "dropped"})
      for (const auto& [reason, n] : source.at(kind).items())
        if (n.get<std::uint64_t>() > 0) text += fmt::format(" {} {} {}", kind, reason, n.get<std::uint64_t>());
    text += "\n";
  }
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
