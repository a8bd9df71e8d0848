#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "analysis/comparison.hpp"
#include "analysis/quality_figures.hpp"
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

std::string add_reasons(std::string text, const Reasons& reasons) {
  for (const auto& [reason, n] : reasons)
    if (n != 0) text += " + " + shown(reason) + " " + std::to_string(n);
  return text;
}

std::string ledger_name(const std::string& name, std::int64_t index) {
  return name.empty() ? std::to_string(index) : shown(name);
}

/// "" of none.
std::string in_words(const std::string& what, std::int64_t n) { return n == 0 ? "" : what + std::to_string(n); }

std::string stream_text(const StreamLedger& stream, const std::string& label, bool recovered) {
  std::string text =
      add_reasons("    " + label + "samples " + std::to_string(stream.samples_decoded) + " = stored " +
                      std::to_string(stream.samples_stored) + " + buffered " +
                      std::to_string(stream.samples_buffered - stream.samples_were_buffered) +
                      in_words(" + in memory when the recorder died ", stream.samples_were_buffered - stream.samples_went_on) +
                      in_words(" + in the next file ", stream.samples_went_on),
                  stream.samples_dropped) +
      "\n";
  if (stream.values_clipped != 0)
    text += "    " + label + "values beyond what their channel can hold " + std::to_string(stream.values_clipped) + "\n";
  if (stream.values_rounded != 0)
    text += "    " + label + "values that are no whole numbers, as their channel holds " + std::to_string(stream.values_rounded) +
            "\n";
  if (stream.values_as_fill != 0)
    text += "    " + label + "values the same as the fill value of their channel, and so unknown here " +
            std::to_string(stream.values_as_fill) + "\n";
  if (stream.values_late != 0)
    text +=
        "    " + label + "values of single channels that came too late, or twice " + std::to_string(stream.values_late) + "\n";
  std::string in_file = "    " + label + "in the file " + std::to_string(stream.samples_in_file) + " = stored " +
                        std::to_string(stream.samples_stored);
  if (stream.samples_recovered != 0) in_file += " + recovered after a crash " + std::to_string(stream.samples_recovered);
  if (stream.samples_beyond_ledger > 0)
    in_file +=
        (recovered ? " + recovered beyond the ledger " : " + after the last row ") + std::to_string(stream.samples_beyond_ledger);
  if (stream.shared)
    text += "    " + label +
            "streams of the same station and rate are counted together: " + std::to_string(stream.samples_in_file) +
            " in the file" + (stream.agrees_with_file ? "\n" : ": NOT what was stored\n");
  else
    text += in_file + (stream.agrees_with_file ? "\n" : ": DOES NOT AGREE\n");
  return text;
}

/// Of the last durable commit. With a file that was closed all of it is durable: there is no more to say.
std::string commit_text(const Ledger& ledger, mth5::FileState state) {
  if (!ledger.last_commit) return "";
  if (state == mth5::FileState::Closed)
    return ledger.disk_full_in_s == 0 ? "  disk-full: the recorder closed this file and waits for space\n" : "";
  StreamLedger sum;
  sum.at_risk_s = 0;
  for (const auto& stream : ledger.streams) {
    sum.samples_visible += stream.samples_visible;
    sum.samples_at_risk += stream.samples_at_risk;
    sum.at_risk_s = std::fmax(sum.at_risk_s, stream.at_risk_s);
  }
  return "  last durable commit " + mth5::to_iso(*ledger.last_commit) + ": " + std::to_string(sum.samples_visible) +
         " samples are safe with it; a power cut just before it would have cost " + std::to_string(sum.samples_at_risk) +
         " samples (" + duration_text(sum.at_risk_s) + ")\n";
}

std::string faults_text(const Reasons& faults) {
  std::string text;
  for (const auto& [fault, n] : faults)
    if (n != 0) text += (text.empty() ? "    input faults: " : ", ") + shown(fault) + " " + std::to_string(n);
  return text.empty() ? text : text + "\n";
}

std::string ledger_text(const Ledger& ledger, mth5::FileState state) {
  std::string text;
  for (const auto& source : ledger.sources) {
    std::vector<const StreamLedger*> streams;
    for (const auto& stream : ledger.streams)
      if (stream.source == source.source) streams.push_back(&stream);
    const bool balanced =
        source.balanced() && std::all_of(streams.begin(), streams.end(), [](const auto* stream) { return stream->balanced(); });
    text += "  ledger of source " + ledger_name(source.name, source.source) +
            (balanced ? ": balanced\n" : ": DOES NOT BALANCE\n") +
            add_reasons("    bytes " + std::to_string(source.bytes_in) + " = decoded " + std::to_string(source.bytes_decoded) +
                            " + pending " + std::to_string(source.bytes_pending),
                        source.bytes_skipped) +
            "\n" + faults_text(source.input_faults);
    for (const auto* stream : streams)
      text += stream_text(*stream, streams.size() > 1 ? ledger_name(stream->name, stream->stream) + ": " : "", ledger.recovered);
  }
  return text + commit_text(ledger, state);
}

std::string position(const mth5::Metadata& station) {
  const double latitude = station.number("location.latitude");
  const double longitude = station.number("location.longitude");
  if (std::isnan(latitude) || std::isnan(longitude)) return "  position unknown\n";
  const double elevation = station.number("location.elevation");
  return "  latitude " + degrees_text(latitude) + "  longitude " + degrees_text(longitude) +
         (std::isnan(elevation) ? "" : "  elevation " + number_text(elevation) + " m") + "\n";
}

/// What the instruments say of themselves, and how the battery goes.
std::string health_text(const StationSummary& station) {
  std::string text;
  for (const auto& [name, value] : station.soh)
    if (!std::isnan(value)) text += (text.empty() ? "" : ", ") + shown(name) + " " + soh_text(name, value);
  if (const auto& battery = station.battery; battery && battery->empty_in_s)
    text += (text.empty() ? "" : ", ") + std::string{"battery at 11.5 V in "} + mth5::rough_duration(*battery->empty_in_s);
  return text.empty() ? "" : "  health " + text + "\n";
}

/// Of the electric and magnetic channels; nothing where they were not judged.
std::string quality_text(const Summary& summary, const StationSummary& station) {
  std::vector<TextTable::Heading> headings{{"channel", Align::Left}, {"rate"}};
  for (const auto& figure : kQualityFigures) headings.push_back({std::string{figure.heading}});
  headings.push_back({"units", Align::Left});
  TextTable table{headings};
  bool any = false;
  for (const auto& channel : summary.channels) {
    if (channel.survey != station.station.survey || channel.station != station.station.id) continue;
    std::vector<std::string> row{channel.component, rate_text(channel.sample_rate)};
    for (const auto& figure : kQualityFigures)
      if (const auto value = figure.of(channel))
        row.push_back(figure.count ? std::to_string(std::llround(*value)) : number_text(*value));
    if (row.size() == 2) continue;
    row.push_back(mth5::unit_symbol(channel.units));
    table.add(std::move(row));
    any = true;
  }
  return any ? table.text() + "\n" : "";
}

/// Whether a run has no sample within the time of the report.
bool is_outside(const Window& window, const mth5::RunInfo& run, mth5::UtcNanos start, mth5::UtcNanos end) {
  if (run.n_samples == 0 || run.sample_rate <= 0) return false;
  return (window.from && end < *window.from) || (window.to && start >= *window.to);
}

void add_station(std::string& out, const Summary& summary, const StationSummary& station) {
  const auto belongs = [&](const auto& item) {
    return item.survey == station.station.survey && item.station == station.station.id;
  };
  out += "\nStation " + shown(station.station.id) + ", survey " + shown(station.station.survey) + ", " + iso(station.start) +
         " to " + iso(station.end) + "\n" + position(station.station.metadata);
  if (station.newest) out += "  newest sample " + iso(station.newest) + ", " + old_text(station.age_s(summary.now)) + "\n";
  if (station.future_samples > 0)
    out += "  " + std::to_string(station.future_samples) + " samples are at times that have not come yet\n";
  if (station.unset_samples > 0)
    out += "  " + std::to_string(station.unset_samples) + " samples are at times before 1980: the clock was not set\n";

  out += health_text(station);
  if (const auto disk = to_text(disk_of(summary, station.station.id)); !disk.empty()) out += "  " + disk + "\n";

  TextTable runs{{{"run", Align::Left}, {"rate"}, {"start", Align::Left}, {"end", Align::Left}, {"samples"}}};
  bool any = false;
  std::size_t others = 0;
  std::string empty;
  for (const auto& [file, run, start, end] : summary.runs) {
    if (!belongs(run)) continue;
    if (is_outside(summary.window, run, start, end)) {
      ++others;
      continue;
    }
    const bool has = run.n_samples > 0;
    if (!has) empty += (empty.empty() ? "" : ", ") + shown(run.id);
    runs.add({run.id, rate_text(run.sample_rate), has ? mth5::to_iso(start) : "-",
              has && run.sample_rate > 0 ? mth5::to_iso(end) : "-", std::to_string(run.n_samples)});
    any = true;
  }
  if (!any && others == 0) {
    out += "  no runs\n";
    return;
  }
  if (any) out += "\n" + runs.text();
  if (others > 0)
    out += "  " + std::to_string(others) + (any ? " more" : "") + (others == 1 ? " run is" : " runs are") + " not of that time\n";
  if (!empty.empty()) out += "  without samples, not counted: " + empty + "\n";

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
  std::string silent;
  std::string overlapping, without_value;
  std::optional<std::size_t> listed;  // the series whose gaps are in the table already
  for (const auto& channel : summary.channels) {
    if (!belongs(channel)) continue;
    channels.add({channel.component, rate_text(channel.sample_rate), std::to_string(channel.n_samples),
                  std::to_string(channel.expected), std::to_string(channel.missing), percent_text(channel.percent()),
                  number_text(channel.values.min()), number_text(channel.values.max()), number_text(channel.values.mean()),
                  number_text(channel.values.std()), mth5::unit_symbol(channel.units)});
    if (const auto n = channel.without_value(); n > 0)
      without_value += "  " + rate_text(channel.sample_rate) + " " + shown(channel.component) +
                       ": there without a value, and in no gap: " + std::to_string(n) + "\n";
    const bool again = listed == channel.series;
    if (!again && channel.state && channel.state->flow.state != FlowState::Receiving)
      silent += "  " + rate_text(channel.sample_rate) + ": " + std::string{to_string(channel.state->flow.state)} + " for " +
                mth5::rough_duration(channel.state->flow.silent_s) + "\n";
    if (!again && channel.overlapping > 0)
      overlapping += "  " + rate_text(channel.sample_rate) + ": " + std::to_string(channel.overlapping) +
                     " samples are at times that another run has too: expected once\n";
    listed = channel.series;
    for (const auto& gap : channel.gaps) {
      if (again && gap.component.empty()) continue;
      gaps.add({mth5::to_iso(gap.start), rate_text(gap.sample_rate), std::to_string(gap.samples), length(gap),
                (gap.run_before.empty() ? "-" : gap.run_before) +
                    (gap.filled ? " (filled)" : " to " + (gap.run_after.empty() ? "-" : gap.run_after)),
                gap.component.empty() ? gap.reason : gap.component + ": " + gap.reason});
      any_gap = true;
    }
  }
  out += silent + "\n" + channels.text() + overlapping + without_value + "\n" + quality_text(summary, station) +
         (any_gap ? gaps.text() : "  no gaps\n");
}

}  // namespace

std::string to_text(const Summary& summary) {
  std::string out = summary.verdict ? to_text(*summary.verdict, summary.now) + "\n" : "";
  if (summary.compared) out += to_text(*summary.compared) + "\n";
  for (const auto& file : summary.files) {
    out += "File " + shown(file.path) + "\n  " + std::string{mth5::to_string(file.state)} + ", MTH5 " + shown(file.version) +
           ", " + std::to_string(file.bytes) + " bytes\n";
    if (file.copy_of) out += "  all its samples are in " + shown(*file.copy_of) + ": counted once\n";
    for (const auto& line : file.damaged) out += "  damaged: " + shown(line) + "\n";
    for (const auto& line : file.unread) out += "  not read: " + shown(line) + "\n";
    for (const auto& line : file.remarks) out += "  remark: " + shown(line) + "\n";
    if (file.ledger.recovered) out += "  its writer died, and it was recovered: what came last may not be in its ledger\n";
    if (file.ledger_problem) out += "  ledger cannot be read: " + shown(*file.ledger_problem) + "\n";
    out += ledger_text(file.ledger, file.state);
    for (const auto& clock : file.clocks) out += "  clock of " + shown(clock.stream) + ": " + to_text(clock) + "\n";
    out += to_text(file.log);
  }
  if (summary.left_out > 0) out += std::to_string(summary.left_out) + " more files, closed and well, have nothing of that time\n";
  if (summary.window.from || summary.window.to)
    out += "From " + (summary.window.from ? mth5::to_iso(*summary.window.from) : "the first sample") + " to " +
           (summary.window.to ? mth5::to_iso(*summary.window.to) : "the last sample") + "\n";
  for (const auto& need : in_order(summary)) add_station(out, summary, *need.station);
  return out;
}

}  // namespace analysis
