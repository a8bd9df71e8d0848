#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "analysis/formats/formats.hpp"
#include "analysis/json.hpp"
#include "analysis/table_text.hpp"

namespace analysis {

namespace {

std::string label_value(std::string_view text) {
  std::string out;
  for (const char c : shown(text)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

/// Labels in order of writing, "" = none.
using LabelText = std::string;
LabelText label(std::string_view name, std::string_view value) { return std::string{name} + "=\"" + label_value(value) + "\""; }

/// The samples of each metric, and how two of the same labels become one: two surveys may have a station of the same name, and a
/// station a channel at two rates.
enum class Join { Sum, Least, Most };
struct Metric {
  std::string_view name, help;
  Join join;
};
/// One table: name with its base unit, meaning.
constexpr std::array kMetrics{
    Metric{"mth5_build_info", "Version of mth5-summary; always 1.", Join::Most},
    Metric{"mth5_report_last_run_timestamp_seconds", "When the report was made, since 1970.", Join::Most},
    Metric{"mth5_report_success", "1 if there were files and all of them could be read, else 0.", Join::Least},
    Metric{"mth5_verdict", "1 for how bad the worst finding of the station is, or good; of files where it is empty.", Join::Most},
    Metric{"mth5_findings", "How many findings of the station are of this severity.", Join::Sum},
    Metric{"mth5_data_age_seconds", "Age of the newest sample.", Join::Least},
    Metric{"mth5_battery_volts", "Battery, the last that is known.", Join::Least},
    Metric{"mth5_temperature_celsius", "Highest temperature of the instrument in the time of the report.", Join::Most},
    Metric{"mth5_state", "1 for the state of the newest file of the station.", Join::Most},
    Metric{"mth5_free_bytes", "Free space on the disk of the newest file, at its last durable commit, of the last two days.",
           Join::Least},
    Metric{"mth5_disk_full_seconds",
           "Time until the disk of the newest file is full, at the rate it filled with its last durable commit.", Join::Least},
    Metric{"mth5_clock_locked", "1 if the clock of the newest file follows its source, else 0.", Join::Least},
    Metric{"mth5_clock_axis_error_seconds", "The most by which start + index / rate is off from the clock in a run.", Join::Most},
    Metric{"mth5_ledger_balanced", "1 if every byte and sample of the station's files is accounted for, else 0.", Join::Least},
    Metric{"mth5_expected_samples", "Samples that should be there in the time of the report.", Join::Sum},
    Metric{"mth5_stored_samples", "Of these, those that are there with a value.", Join::Sum},
    Metric{"mth5_completeness_ratio", "Of the expected samples those that are there, 0 to 1.", Join::Least},
    Metric{"mth5_gaps", "Gaps in the time of the report.", Join::Sum},
    Metric{"mth5_clipped_samples", "Samples at the limits of the converter.", Join::Sum},
    Metric{"mth5_spikes", "Spikes in the time of the report.", Join::Sum},
    Metric{"mth5_jumps", "Jumps of the level in the time of the report.", Join::Sum},
    Metric{"mth5_mains_decibels", "Power line above the noise.", Join::Most}};

class Exposition {
 public:
  /// NaN is not known: there is no such sample.
  void add(std::string_view metric, const LabelText& labels, double value) {
    if (std::isnan(value)) return;
    const auto row = std::find_if(kMetrics.begin(), kMetrics.end(), [&](const Metric& m) { return m.name == metric; });
    auto& samples = samples_.at(static_cast<std::size_t>(row - kMetrics.begin()));
    const auto [known, is_new] = samples.try_emplace(labels, value);
    if (is_new) return;
    auto& joined = known->second;
    joined = row->join == Join::Sum     ? joined + value
             : row->join == Join::Least ? std::min(joined, value)
                                        : std::max(joined, value);
  }
  [[nodiscard]] std::string text() const {
    std::string out;
    for (std::size_t i = 0; i < kMetrics.size(); ++i) {
      if (samples_[i].empty()) continue;
      const std::string name{kMetrics[i].name};
      out += "# HELP " + name + " " + std::string{kMetrics[i].help} + "\n# TYPE " + name + " gauge\n";
      for (const auto& [labels, value] : samples_[i])
        out += name + (labels.empty() ? "" : "{" + labels + "}") + " " +
               (std::isinf(value) ? (value > 0 ? "+Inf" : "-Inf") : json::number(value).dump()) + "\n";
    }
    return out;
  }

 private:
  std::array<std::map<LabelText, double>, kMetrics.size()> samples_;
};

void add_stations(Exposition& to, const Summary& summary) {
  for (const auto& station : summary.stations) {
    const auto of = label("station", station.station.id);
    to.add("mth5_data_age_seconds", of, station.age_s(summary.now));
    if (station.health.battery_V) to.add("mth5_battery_volts", of, *station.health.battery_V);
  }
  for (const auto& subject : summary.subjects)
    if (const auto figure = subject.figures.find("temperature_C"); figure != subject.figures.end())
      to.add("mth5_temperature_celsius", label("station", subject.station), figure->second.value);
}

void add_verdict(Exposition& to, const Summary& summary) {
  const auto verdict = summary.verdict.value_or(Verdict{});
  std::set<std::string> stations{""};
  for (const auto& station : summary.stations) stations.insert(station.station.id);
  for (const auto& station : stations) {
    const auto of = label("station", station);
    std::array<int, 2> findings{};
    for (const auto& finding : verdict)
      if (finding.station == station) ++findings.at(finding.severity == Severity::Critical ? 1 : 0);
    const int worst = findings[1] > 0 ? 2 : findings[0] > 0 ? 1 : 0;
    for (int i = 0; i < 3; ++i)
      to.add("mth5_verdict", of + "," + label("state", kStates.at(static_cast<std::size_t>(i))), i == worst ? 1 : 0);
    for (std::size_t i = 0; i < 2; ++i) to.add("mth5_findings", of + "," + label("severity", kStates.at(i + 1)), findings.at(i));
  }
}

/// Of the newest file of each station, as things are now.
void add_files(Exposition& to, const Summary& summary) {
  std::set<std::string> stations;
  for (const auto& file : summary.files) {
    if (file.copy_of) continue;
    for (const auto& stream : file.ledger.streams) {
      stations.insert(stream.station);
      to.add("mth5_ledger_balanced", label("station", stream.station), !file.ledger_problem && file.ledger.balanced() ? 1 : 0);
      for (const auto& clock : file.clocks)
        if (clock.stream == stream.name)
          to.add("mth5_clock_axis_error_seconds", label("station", stream.station), clock.axis_error_s);
    }
  }
  for (const auto& station : stations) {
    const auto* file = newest_file_of(summary, station);
    for (const auto state : {mth5::FileState::Live, mth5::FileState::Closed, mth5::FileState::WriterDied})
      to.add("mth5_state", label("station", station) + "," + label("state", mth5::to_string(state)),
             state == file->state ? 1 : 0);
    const auto disk = disk_of(summary, station);
    if (disk.free_bytes) to.add("mth5_free_bytes", label("station", station), static_cast<double>(*disk.free_bytes));
    if (disk.full_in_s) to.add("mth5_disk_full_seconds", label("station", station), *disk.full_in_s);
    for (const auto& stream : file->ledger.streams)
      for (const auto& clock : file->clocks)
        if (stream.station == station && clock.stream == stream.name)
          to.add("mth5_clock_locked", label("station", station), clock.locked ? 1 : 0);
  }
}

void add_channels(Exposition& to, const Summary& summary) {
  for (const auto& channel : summary.channels) {
    const auto of = label("station", channel.station) + "," + label("channel", channel.component);
    to.add("mth5_expected_samples", of, static_cast<double>(channel.expected));
    to.add("mth5_stored_samples", of, static_cast<double>(channel.expected - channel.missing));
    to.add("mth5_completeness_ratio", of, channel.percent() / 100);
    to.add("mth5_gaps", of, static_cast<double>(channel.gaps.size()));
    if (!channel.quality || channel.quality->measures.statistics().count() == 0) continue;
    const auto& measures = channel.quality->measures;
    to.add("mth5_clipped_samples", of, static_cast<double>(measures.clipped()));
    to.add("mth5_spikes", of, static_cast<double>(measures.spikes().count()));
    to.add("mth5_jumps", of, static_cast<double>(measures.jumps().count()));
    if (channel.quality->mains_db) to.add("mth5_mains_decibels", of, *channel.quality->mains_db);
  }
}

}  // namespace

std::string to_prometheus(const Summary& summary, std::string_view version) {
  Exposition all;
  all.add("mth5_build_info", label("version", version), 1);
  all.add("mth5_report_last_run_timestamp_seconds", "", std::chrono::duration<double>(summary.now.time_since_epoch()).count());
  const auto whole = [](const FileSummary& file) { return file.damaged.empty() && file.unread.empty() && !file.ledger_problem; };
  const bool success =
      summary.unreadable.empty() && !summary.stations.empty() && std::all_of(summary.files.begin(), summary.files.end(), whole);
  all.add("mth5_report_success", "", success ? 1 : 0);
  add_verdict(all, summary);
  add_stations(all, summary);
  add_files(all, summary);
  add_channels(all, summary);
  return all.text();
}

}  // namespace analysis
