#include <cmath>
#include <cstdio>

#include "analysis/summary.hpp"
#include "analysis/table_text.hpp"
#include "mth5/duration.hpp"

namespace analysis {

namespace {

using Align = TextTable::Align;

std::string iso(const std::optional<mth5::UtcNanos>& time) { return time ? mth5::to_iso(*time) : "-"; }

std::string length(const Gap& gap) {
  return gap.sample_rate > 0 ? duration_text(static_cast<double>(gap.samples) / gap.sample_rate) : "-";
}

std::string add_reasons(std::string text, const std::map<std::string, std::int64_t>& reasons) {
  for (const auto& [reason, n] : reasons)
    if (n != 0) text += " + " + reason + " " + std::to_string(n);
  return text;
}

/// Of the last durable commit.
std::string commit_text(const Ledger& ledger, mth5::FileState state) {
  if (!ledger.last_commit) return "";
  std::string text = "    last durable commit " + mth5::to_iso(*ledger.last_commit) + ": visible " +
                     std::to_string(ledger.samples_visible) + ", before it durable " + std::to_string(ledger.samples_durable) +
                     ", at risk " + std::to_string(ledger.samples_at_risk) + " samples, " + duration_text(ledger.at_risk_s) +
                     "\n";
  if (state == mth5::FileState::Closed && ledger.disk_full_in_s == 0)
    text += "    disk-full: the recorder closed this file and waits for space\n";
  else if (state == mth5::FileState::Live && std::isfinite(ledger.disk_full_in_s))
    text += "    disk full in " + mth5::rough_duration(ledger.disk_full_in_s) + "\n";
  return text;
}

std::string ledger_text(const Ledger& ledger, mth5::FileState state) {
  const std::string name = ledger.name.empty() ? std::to_string(ledger.source) : ledger.name;
  return "  ledger of source " + name + (ledger.balanced() ? ": balanced\n" : ": DOES NOT BALANCE\n") +
         add_reasons("    bytes " + std::to_string(ledger.bytes_in) + " = decoded " + std::to_string(ledger.bytes_decoded) +
                         " + pending " + std::to_string(ledger.bytes_pending),
                     ledger.bytes_skipped) +
         "\n" +
         add_reasons("    samples " + std::to_string(ledger.samples_decoded) + " = stored " +
                         std::to_string(ledger.samples_stored) + " + buffered " + std::to_string(ledger.samples_buffered),
                     ledger.samples_dropped) +
         "\n" + commit_text(ledger, state);
}

std::string position(const mth5::Metadata& station) {
  const double latitude = station.number("location.latitude");
  const double longitude = station.number("location.longitude");
  if (std::isnan(latitude) || std::isnan(longitude)) return "";
  char text[96];
  std::snprintf(text, sizeof text, "  latitude %.6f  longitude %.6f", latitude, longitude);
  const double elevation = station.number("location.elevation");
  return text + (std::isnan(elevation) ? "" : "  elevation " + number_text(elevation) + " m") + "\n";
}

void add_station(std::string& out, const Summary& summary, const StationSummary& station) {
  const auto belongs = [&](const auto& item) {
    return item.survey == station.station.survey && item.station == station.station.id;
  };
  out += "\nStation " + station.station.id + ", survey " + station.station.survey + ", " + iso(station.start) + " to " +
         iso(station.end) + "\n" + position(station.station.metadata);

  TextTable runs{{{"run", Align::Left}, {"rate"}, {"start", Align::Left}, {"end", Align::Left}, {"samples"}}};
  bool any = false;
  for (const auto& [file, run] : summary.runs) {
    if (!belongs(run)) continue;
    const bool has = run.n_samples > 0;
    runs.add({run.id, rate_text(run.sample_rate), has ? mth5::to_iso(run.start) : "-",
              has && run.sample_rate > 0 ? mth5::to_iso(run.end()) : "-", std::to_string(run.n_samples)});
    any = true;
  }
  if (!any) {
    out += "  no runs\n";
    return;
  }
  out += "\n" + runs.text();

  TextTable channels{{{"channel", Align::Left},
                      {"rate"},
                      {"samples"},
                      {"expected"},
                      {"missing"},
                      {"complete"},
                      {"min"},
                      {"max"},
                      {"mean"},
                      {"std"},
                      {"units", Align::Left}}};
  TextTable gaps{{{"gap at", Align::Left}, {"rate"}, {"samples"}, {"length"}, {"runs", Align::Left}, {"reason", Align::Left}}};
  bool any_gap = false;
  std::optional<std::size_t> listed;  // the series whose gaps are in the table already
  for (const auto& channel : summary.channels) {
    if (!belongs(channel)) continue;
    channels.add({channel.component, rate_text(channel.sample_rate), std::to_string(channel.n_samples),
                  std::to_string(channel.expected), std::to_string(channel.missing), percent_text(channel.percent()),
                  number_text(channel.values.min()), number_text(channel.values.max()), number_text(channel.values.mean()),
                  number_text(channel.values.std()), channel.units});
    if (listed == channel.series) continue;
    listed = channel.series;
    for (const auto& gap : channel.gaps) {
      gaps.add({mth5::to_iso(gap.start), rate_text(gap.sample_rate), std::to_string(gap.samples), length(gap),
                (gap.run_before.empty() ? "-" : gap.run_before) +
                    (gap.filled ? " (filled)" : " to " + (gap.run_after.empty() ? "-" : gap.run_after)),
                gap.reason});
      any_gap = true;
    }
  }
  out += "\n" + channels.text() + "\n" + (any_gap ? gaps.text() : "  no gaps\n");
}

}  // namespace

std::string to_text(const Summary& summary) {
  std::string out;
  for (const auto& file : summary.files) {
    out += "File " + file.path + "\n  " + std::string{mth5::to_string(file.state)} + ", MTH5 " + file.version + ", " +
           std::to_string(file.bytes) + " bytes\n";
    for (const auto& ledger : file.ledger) out += ledger_text(ledger, file.state);
  }
  if (summary.window.from || summary.window.to)
    out += "From " + (summary.window.from ? mth5::to_iso(*summary.window.from) : "the first sample") + " to " +
           (summary.window.to ? mth5::to_iso(*summary.window.to) : "the last sample") + "\n";
  for (const auto& station : summary.stations) add_station(out, summary, station);
  return out;
}

}  // namespace analysis
