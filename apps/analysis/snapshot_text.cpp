#include <cmath>
#include <cstdio>

#include "analysis/csv.hpp"
#include "analysis/json.hpp"
#include "analysis/snapshot.hpp"
#include "analysis/table_text.hpp"
#include "mth5/duration.hpp"

namespace analysis {

using json::Json;

namespace {

constexpr std::size_t kFewChannels = 6;

std::string iso_or(const std::optional<mth5::UtcNanos>& time, const char* otherwise) {
  return time ? mth5::to_iso(*time) : otherwise;
}

/// Tenths of a second are enough for the eye, whole ones for long times.
std::string age_text(double seconds) {
  if (std::abs(seconds) >= 86'400) return (seconds < 0 ? "-" : "") + mth5::rough_duration(std::abs(seconds));
  return duration_text(std::abs(seconds) < 60 ? std::round(seconds * 10) / 10 : std::round(seconds));
}

std::string count_text(std::int64_t n, const std::optional<std::int64_t>& fresh) {
  return std::to_string(n) + (fresh ? " (+" + std::to_string(*fresh) + ")" : "");
}

/// "" if nothing is known.
std::string disk_text(const Snapshot& look) {
  if (!look.free_bytes) return "";
  char free[48];
  std::snprintf(free, sizeof free, "Disk     %.1f GiB free", static_cast<double>(*look.free_bytes) / (1 << 30));
  std::string text = free;
  if (look.full_in_s) text += ", full in " + mth5::rough_duration(*look.full_in_s);
  if (look.disk_was_full) text += "; disk-full: the recorder closed this file and waits for space";
  return text + "\n";
}

std::string joined(const std::vector<std::string>& items) {
  std::string all;
  for (const auto& item : items) all += (all.empty() ? "" : ", ") + shown(item);
  return all.empty() ? "-" : all;
}

/// Time of day, with the date where it is long ago.
std::string clock_time(mth5::UtcNanos time, double age_s) {
  const auto text = mth5::to_iso(std::chrono::floor<std::chrono::seconds>(time));
  return age_s < 72'000 ? text.substr(11, 8) : text;
}

std::string flow_text(const Flow& flow) {
  const std::string since =
      flow.since ? " since " + clock_time(*flow.since, flow.silent_s) + " (" + mth5::rough_duration(flow.silent_s) + ")" : "";
  switch (flow.state) {
    case FlowState::Receiving:
      return "receiving";
    case FlowState::Waiting:
      return "waiting for data" + since;
    case FlowState::NoData:
      return "no data" + since;
    case FlowState::Garbage:
      break;
  }
  return "garbage" + since;
}

std::string stream_text(const StreamSnapshot& stream) {
  std::string text = shown(stream.station) + (stream.run.empty() ? " " + shown(stream.name) : "/" + shown(stream.run));
  text += ", " + rate_text(stream.sample_rate);
  if (stream.flow) text += ": " + flow_text(*stream.flow);
  if (stream.end) text += (stream.flow ? "; last sample " : ": last sample ") + mth5::to_iso(*stream.end);
  if (std::isfinite(stream.age_s))
    text += stream.age_s >= -1 ? ", " + age_text(stream.age_s) + " old" : ", " + age_text(-stream.age_s) + " in the future";
  return text;
}

}  // namespace

const ClockSummary* worst_clock(const Snapshot& look) {
  const auto badness = [](const ClockSummary& clock) {
    return std::pair{!clock.locked, std::isfinite(clock.axis_error_s) ? clock.axis_error_s : 0.0};
  };
  const ClockSummary* worst = nullptr;
  for (const auto& clock : look.clocks)
    if (worst == nullptr || badness(clock) > badness(*worst)) worst = &clock;
  return worst;
}

std::string state_text(const Snapshot& look) {
  const auto* stream = look.silent();
  const std::string how = look.replayed ? "replay: " : "";
  if (look.state != mth5::FileState::Live || stream == nullptr) return how + std::string{mth5::to_string(look.state)};
  const bool several = look.streams.size() > 1;
  return how + (several ? shown(stream->station) + " " + rate_text(stream->sample_rate) + ": " : "") + flow_text(*stream->flow);
}

std::string buffered_text(const Snapshot& look, const std::string& n) {
  const bool had = look.state != mth5::FileState::Live && look.commit->buffered_samples > 0;
  return had ? "had buffered " + n + " when it ended" : "buffered " + n;
}

std::string completeness_text(const Snapshot& look) {
  const auto rows =
      std::isnan(look.percent) ? std::string{"completeness not known yet"} : "complete " + percent_text(look.percent);
  if (look.empty == 0) return rows;
  if (look.empty == look.watched) return "NO VALUES in any channel (rows " + rows + ")";
  return rows + ", NO VALUES in " + std::to_string(look.empty) + " of " + std::to_string(look.watched) + " channels";
}

std::string unwatched_text(const Snapshot& look) {
  return look.unwatched > 0 ? " (but for " + std::to_string(look.unwatched) + " channels that are not watched: too many)" : "";
}

bool is_good(const Snapshot& look) { return look.verdict.empty() && look.judged_s >= kLeastSpan; }

std::string verdict_text(const Snapshot& look) {
  if (is_good(look) || !look.verdict.empty()) return headline(look.verdict, look.time) + unwatched_text(look);
  if (look.reading_older) return "NOT KNOWN YET: of the last " + age_text(look.judged_s) + ", older samples are being read";
  return std::string{look.state == mth5::FileState::Live ? "NOT KNOWN YET" : "NOT KNOWN"} + ": samples of " +
         age_text(look.judged_s) + ", a verdict takes " + age_text(kLeastSpan);
}

namespace {

Json lines_json(const ChannelSnapshot& channel) {
  if (!channel.lines) return {};
  Json lines = Json::array();
  for (const auto& line : *channel.lines)
    lines.push_back({{"hz", json::number(line.hz)}, {"db", json::number(line.db)}, {"since", json::time(line.since)}});
  return lines;
}

}  // namespace

Json to_json(const Snapshot& look) {
  Json verdict = to_json(look.verdict, look.time);
  if (look.verdict.empty() && !is_good(look)) verdict["state"] = nullptr;
  verdict["judged_s"] = json::number(look.judged_s);
  verdict["unwatched"] = look.unwatched;
  verdict["past"] = Json::array();
  for (const auto& past : look.past) {
    auto one = to_json({past.finding}, look.time)["findings"][0];
    one["since"] = json::time(past.from);
    one["until"] = json::time(past.to);
    one["sentence"] = past.sentence(look.time);
    verdict["past"].push_back(std::move(one));
  }
  Json runs = Json::array();
  for (const auto& [run, start, end] : look.runs) {
    const bool any = run.n_samples > 0;
    runs.push_back({{"station", run.station},
                    {"id", run.id},
                    {"sample_rate", json::rate(run.sample_rate)},
                    {"start", any ? json::time(start) : Json{}},
                    {"end", any && run.sample_rate > 0 ? json::time(end) : Json{}},
                    {"n_samples", run.n_samples}});
  }
  Json streams = Json::array();
  for (const auto& stream : look.streams) {
    const bool live = stream.flow.has_value();
    streams.push_back({{"station", stream.station},
                       {"name", json::text(stream.name)},
                       {"sample_rate", json::rate(stream.sample_rate)},
                       {"run", json::text(stream.run)},
                       {"state", live ? Json(to_string(stream.flow->state)) : Json{}},
                       {"since", live ? json::time(stream.flow->since) : Json{}},
                       {"silent_s", live ? json::number(stream.flow->silent_s) : Json{}},
                       {"end", json::time(stream.end)},
                       {"age_s", json::number(stream.age_s)}});
  }
  Json clocks = Json::array();
  for (const auto& clock : look.clocks) clocks.push_back(to_json(clock));
  const auto* clock = worst_clock(look);
  Json channels = Json::array();
  for (const auto& channel : look.channels)
    channels.push_back({{"station", channel.station},
                        {"run", channel.run},
                        {"component", channel.component},
                        {"n_samples", channel.n_samples},
                        {"new_samples", channel.new_samples ? Json(*channel.new_samples) : Json{}},
                        {"sample_rate", json::rate(channel.sample_rate)},
                        {"end", json::time(channel.end)},
                        {"age_s", json::number(channel.age_s)},
                        {"last", json::number(channel.last)},
                        {"mean", json::number(channel.window.mean())},
                        {"std", json::number(channel.window.std())},
                        {"min", json::number(channel.window.min())},
                        {"max", json::number(channel.window.max())},
                        {"units", json::text(channel.units)},
                        {"clipped", channel.clipped ? Json(*channel.clipped) : Json{}},
                        {"mains_db", channel.mains_db ? json::number(*channel.mains_db) : Json{}},
                        {"dc", channel.dc ? json::number(*channel.dc) : Json{}},
                        {"lines", lines_json(channel)}});
  Json at_risk;
  if (look.commit)
    at_risk = {{"samples", look.samples_at_risk()},         {"seconds", json::number(look.seconds_at_risk())},
               {"buffered", look.commit->buffered_samples}, {"visible", look.commit->visible_samples},
               {"durable", look.commit->durable_samples},   {"commit_age_s", json::number(look.commit_age_s())}};
  return {
      {"schema", 1},
      {"time", json::time(look.time)},
      {"file", look.file},
      {"state", mth5::to_string(look.state)},
      {"verdict", verdict},
      {"file_bytes", look.file_bytes},
      {"survey", look.surveys.size() == 1 ? Json(look.surveys.front()) : Json{}},
      {"stations", look.stations},
      {"runs", runs},
      {"streams", streams},
      {"channels", channels},
      {"gaps",
       {{"count", look.gap_count}, {"samples", look.gap_samples}, {"last", look.last_gap ? to_json(*look.last_gap) : Json{}}}},
      {"completeness", json::number(look.percent)},
      {"at_risk", at_risk},
      {"future_samples", look.future_samples},
      {"clock", clock != nullptr ? to_json(*clock) : Json{}},
      {"clocks", clocks},
      {"soh", soh_json(look.soh)},
      {"disk",
       {{"free_bytes", look.free_bytes ? Json(*look.free_bytes) : Json{}},
        {"full_in_s", look.full_in_s ? Json(std::round(*look.full_in_s)) : Json{}},
        {"was_full", look.disk_was_full}}}};
}

std::string to_text(const Snapshot& look) {
  std::string out = (look.verdict.empty() ? verdict_text(look) + "\n" : to_text(look.verdict, look.time)) + "\n";
  for (const auto& past : look.past) out += "Was      " + past.sentence(look.time) + "\n";
  out += "State    " + state_text(look) + (look.silent() != nullptr ? "; the recorder lives" : "") + "\n";
  out += "File     " + shown(look.file) + ", " + std::to_string(look.file_bytes) + " bytes\n";
  out += "Time     " + mth5::to_iso(look.time) + "\n";
  out += "Survey   " + joined(look.surveys) + "\nStation  " + joined(look.stations) + "\n";
  for (const auto& stream : look.streams) out += "Data     " + stream_text(stream) + "\n";
  if (look.future_samples > 0)
    out += "Clock    " + std::to_string(look.future_samples) + " samples are at times that have not come yet: not counted\n";
  for (const auto& clock : look.clocks)
    out += "Clock    " + (look.clocks.size() > 1 ? shown(clock.stream) + ": " : "") + to_text(clock) + "\n";
  out += "Gaps     " + std::to_string(look.gap_count);
  if (look.last_gap)
    out += ", " + std::to_string(look.gap_samples) + " samples, the last at " + mth5::to_iso(look.last_gap->start) + " with " +
           std::to_string(look.last_gap->samples) +
           (look.last_gap->reason.empty() ? "" : " (" + shown(look.last_gap->reason) + ")");
  out += "\nComplete " + (look.empty > 0 ? completeness_text(look) : percent_text(look.percent)) + "\n";
  if (look.commit)
    out += "At risk  " + std::to_string(look.samples_at_risk()) + " samples, " + age_text(look.seconds_at_risk()) + " (" +
           buffered_text(look, std::to_string(look.commit->buffered_samples)) + ", visible " +
           std::to_string(look.commit->visible_samples) + ", durable " + std::to_string(look.commit->durable_samples) + ")\n";
  out += disk_text(look);
  for (const auto& [name, value] : look.soh) out += "Health   " + shown(name) + " " + soh_text(name, value) + "\n";

  using Align = TextTable::Align;
  TextTable runs{{{"run", Align::Left}, {"rate"}, {"start", Align::Left}, {"end", Align::Left}, {"samples"}}};
  for (const auto& [run, start, end] : look.runs)
    runs.add({run.station + "/" + run.id, rate_text(run.sample_rate), run.n_samples > 0 ? mth5::to_iso(start) : "-",
              run.n_samples > 0 && run.sample_rate > 0 ? mth5::to_iso(end) : "-", std::to_string(run.n_samples)});
  if (!look.runs.empty()) out += "\n" + runs.text("");
  TextTable channels{
      {{"channel", Align::Left}, {"samples"}, {"age"}, {"last"}, {"mean"}, {"std"}, {"min"}, {"max"}, {"units", Align::Left}}};
  for (const auto& channel : look.channels)
    channels.add({channel.run + "/" + channel.component, std::to_string(channel.n_samples), age_text(channel.age_s),
                  number_text(channel.last), number_text(channel.window.mean()), number_text(channel.window.std()),
                  number_text(channel.window.min()), number_text(channel.window.max()), mth5::unit_symbol(channel.units)});
  if (!look.channels.empty()) out += "\n" + channels.text("");
  return out;
}

std::string to_csv(const Snapshot& look) {
  std::string out =
      "time,file,state,station,run,component,n_samples,new_samples,sample_rate,end,age_s,last,mean,std,min,max,units\n";
  for (const auto& channel : look.channels)
    out += mth5::to_iso(look.time) + "," + csv::text(look.file) + "," + std::string{mth5::to_string(look.state)} + "," +
           csv::text(channel.station) + "," + csv::text(channel.run) + "," + csv::text(channel.component) + "," +
           std::to_string(channel.n_samples) + "," + (channel.new_samples ? std::to_string(*channel.new_samples) : "") + "," +
           (channel.sample_rate > 0 ? csv::number(channel.sample_rate) : "") + "," + iso_or(channel.end, "") + "," +
           csv::number(channel.age_s) + "," + csv::number(channel.last) + "," + csv::number(channel.window.mean()) + "," +
           csv::number(channel.window.std()) + "," + csv::number(channel.window.min()) + "," + csv::number(channel.window.max()) +
           "," + csv::text(channel.units) + "\n";
  return out;
}

namespace {

/// Why a look shows none.
std::string without_channels(const Snapshot& look) {
  if (look.stations.empty()) return "no such station";
  std::int64_t samples = 0;
  for (const auto& run : look.runs) samples += run.run.n_samples;
  return samples == 0 ? "no samples yet" : "no such channel (" + std::to_string(samples) + " samples in each of the others)";
}

}  // namespace

std::string to_line(const Snapshot& look) {
  std::string out = mth5::to_iso(look.time) + " " + verdict_text(look) + "; " + state_text(look);
  if (look.disk_was_full) out += " disk-full";
  if (look.channels.empty()) return out + "  " + without_channels(look);
  const bool few = look.channels.size() <= kFewChannels;
  const ChannelSnapshot* before = nullptr;
  for (const auto& channel : look.channels) {
    const bool new_run = before == nullptr || before->run != channel.run || before->station != channel.station;
    before = &channel;
    if (new_run) out += "  " + shown(channel.station) + "/" + shown(channel.run) + ":";
    if (few)
      out += " " + shown(channel.component) + " " + count_text(channel.n_samples, channel.new_samples);
    else if (new_run)
      out += " " + std::to_string(channel.n_samples) + " total samples" +
             (channel.new_samples ? " (+" + std::to_string(*channel.new_samples) + " new)" : "");
  }
  return out;
}

}  // namespace analysis
