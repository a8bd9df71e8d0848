#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "analysis/summary.hpp"
#include "analysis/table_text.hpp"
#include "analysis/verdict/subjects.hpp"
#include "mth5/duration.hpp"

namespace analysis {

namespace {

/// A stream that another of its station took the place of: rate or channels were changed, and what lies beyond is not missing.
double not_expected(const std::vector<StreamSummary>& streams, const StreamSummary& stream, const Gap& gap) {
  if (!gap.component.empty() || gap.filled || !stream.end) return 0;
  double most = 0;
  for (const auto& other : streams) {
    if (&other == &stream || other.station != stream.station || !other.start) continue;
    const bool after = *other.start >= *stream.end && gap.run_after.empty() && gap.start >= *stream.end;
    const bool before = *other.end <= *stream.start && gap.run_before.empty() && gap.end() <= *stream.start;
    const auto from = after ? std::max(gap.start, *other.start) : gap.start;
    if (after || before) most = std::max(most, std::max(0.0, mth5::samples_between(from, gap.end(), gap.sample_rate)));
  }
  return most;
}

std::int64_t stored(const ChannelSummary& channel) { return channel.expected - channel.missing; }

Subject of_stream(const Summary& summary, std::size_t number, bool station_has_samples) {
  const auto& stream = summary.streams[number];
  auto subject = stream_subject(stream.station, stream.stream, stream.sample_rate, stream.flow, station_has_samples);
  if (!station_has_samples) return subject;
  std::int64_t times_set = 0;
  std::optional<mth5::UtcNanos> last_set;
  if (const auto any = std::find_if(summary.channels.begin(), summary.channels.end(),
                                    [&](const ChannelSummary& channel) { return channel.series == number; });
      any != summary.channels.end())
    for (const auto& gap : any->gaps)
      if (gap.component.empty() && gap.reason == "clock-step") ++times_set, last_set = gap.start;
  add_clock_set(subject, times_set, last_set);
  for (const auto& file : summary.files)
    if (!file.copy_of) add_clock(subject, stream.sample_rate, file.clocks);
  Figure gaps;                 // of the channel that has most
  std::optional<Figure> best;  // what only one channel lacks is told of that
  for (const auto& channel : summary.channels) {
    if (channel.series != number) continue;
    double beyond = 0;
    double longest = 0;
    Figure of_channel;
    std::optional<mth5::UtcNanos> start;  // of the longest gap
    for (const auto& gap : channel.gaps) {
      const double not_here = not_expected(summary.streams, stream, gap);
      beyond += not_here;
      const double left = static_cast<double>(gap.samples) - not_here;
      if (left >= 0.5) of_channel = {of_channel.value + 1, gap.start};
      if (!gap.component.empty() || left < 0.5 || left <= longest) continue;
      longest = left;
      start = gap.start;
    }
    if (of_channel.value > gaps.value) gaps = of_channel;
    const double percent = completeness(channel.expected - std::llround(beyond), channel.missing - std::llround(beyond));
    if (std::isnan(percent) || (best && best->value >= percent)) continue;
    best = Figure{percent, start};
  }
  if (best) subject.figures["completeness"] = *best;
  if (best) subject.figures["gaps"] = gaps;
  return subject;
}

/// Of its electric and magnetic channels.
std::vector<Subject> of_channels(const Summary& summary) {
  std::vector<Subject> subjects;
  for (const auto& channel : summary.channels) {
    if (!channel.quality) continue;
    auto subject = subject_of(channel.quality->facts, channel.quality->measures, channel.quality->mains_db);
    subject.rate = channel.sample_rate;
    std::int64_t most = 0;
    for (const auto& other : summary.channels)
      if (other.series == channel.series) most = std::max(most, stored(other));
    add_present(subject, stored(channel), most);
    subjects.push_back(std::move(subject));
  }
  compare(subjects);
  return subjects;
}

/// Whether a file may be of the time of the report, by the clock of its recorder: whatever its samples say, an old one is no
/// news.
bool was_written_in(const Summary& summary, const std::string& path) {
  const auto file =
      std::find_if(summary.files.begin(), summary.files.end(), [&](const FileSummary& one) { return one.path == path; });
  if (file == summary.files.end() || file->copy_of) return false;
  return !summary.window.from || !file->ledger.last_commit || *file->ledger.last_commit >= *summary.window.from;
}

/// The stations that a file is the newest of.
std::set<std::string> stations_with_newest(const Summary& summary, const FileSummary& file) {
  std::set<std::string> stations;
  for (const auto& stream : file.ledger.streams)
    if (newest_file_of(summary, stream.station) == &file) stations.insert(stream.station);
  return stations;
}

Subject of_file(const Summary& summary, const FileSummary& file) {
  FileFacts facts{.path = file.path, .unreadable = !file.damaged.empty() || !file.unread.empty(), .state = {}};
  if (!file.copy_of) facts.state = file.state;
  facts.unbalanced = file.ledger_problem.has_value() || (file.ledger.layout > 0 && !file.ledger.balanced());
  if (const auto stations = stations_with_newest(summary, file); !stations.empty()) {
    facts.closed = file.ledger.last_commit;
    facts.disk_was_full = file.state == mth5::FileState::Closed && file.ledger.disk_full_in_s == 0;
    facts.disk_full_in_s = disk_of(summary, *stations.begin()).full_in_s.value_or(facts.disk_full_in_s);
  }
  return file_subject(facts);
}

}  // namespace

std::int64_t ChannelSummary::without_value() const {
  auto left = missing;
  for (const auto& gap : gaps) left -= gap.samples;
  return std::max<std::int64_t>(0, left);
}

const FileSummary* newest_file_of(const Summary& summary, const std::string& station) {
  const FileSummary* newest = nullptr;
  for (const auto& file : summary.files) {
    if (file.copy_of || (newest != nullptr && !(newest->ledger.last_commit < file.ledger.last_commit))) continue;
    const auto& streams = file.ledger.streams;
    if (std::any_of(streams.begin(), streams.end(), [&](const StreamLedger& one) { return one.station == station; }))
      newest = &file;
  }
  return newest;
}

DiskState disk_of(const Summary& summary, const std::string& station) {
  const auto* file = newest_file_of(summary, station);
  if (file == nullptr || !file->ledger.last_commit) return {};
  const auto age = summary.now - *file->ledger.last_commit;
  if (age > kDiskIsKnown || age < -kFuture) return {};
  DiskState disk{file->ledger.disk_free_bytes, {}};
  if (const double full = file->ledger.disk_full_in_s; std::isfinite(full))
    disk.full_in_s = std::max(0.0, full - std::max(0.0, std::chrono::duration<double>(age).count()));
  return disk;
}

std::string to_text(const DiskState& disk) {
  std::string text = disk.full_in_s ? "disk full in " + mth5::rough_duration(*disk.full_in_s) : "";
  if (!disk.free_bytes) return text;
  return (text.empty() ? "disk " : text + ", ") + bytes_text(static_cast<double>(*disk.free_bytes)) + " free";
}

std::vector<const Finding*> findings_of(const Summary& summary, const StationSummary& station) {
  std::vector<const Finding*> found;
  if (!summary.verdict) return found;
  const auto& id = station.station.id;
  const auto in_file = [&](const std::string& path) {
    return std::any_of(summary.runs.begin(), summary.runs.end(), [&](const RunSummary& one) {
      return one.file == path && one.run.survey == station.station.survey && one.run.station == id;
    });
  };
  for (const auto& finding : *summary.verdict) {
    const bool of_file = finding.rule->scope == Scope::File;
    if (of_file ? in_file(finding.name) : finding.station == id) found.push_back(&finding);
  }
  return found;
}

std::vector<Need> by_need(const Summary& summary) {
  std::vector<Need> needs;
  for (const auto& station : summary.stations) {
    const auto found = findings_of(summary, station);
    needs.push_back({&station, found.empty() ? nullptr : found.front()});
  }
  std::stable_sort(needs.begin(), needs.end(), [](const Need& a, const Need& b) {
    // A verdict is in order, the worst first: so are the addresses of its findings.
    const auto key = [](const Need& need) {
      return std::tuple{need.worst == nullptr, need.worst, need.station->station.id, need.station->station.survey};
    };
    return key(a) < key(b);
  });
  return needs;
}

std::vector<Need> in_order(const Summary& summary) {
  if (summary.verdict) return by_need(summary);
  std::vector<Need> stations;
  for (const auto& station : summary.stations) stations.push_back({&station, nullptr});
  return stations;
}

std::vector<const ChannelSummary*> channels_in_order(const Summary& summary) {
  std::map<std::pair<std::string, std::string>, std::size_t> rank;
  for (const auto& [station, worst] : in_order(summary))
    rank.emplace(std::pair{station->station.survey, station->station.id}, rank.size());
  std::vector<const ChannelSummary*> channels;
  for (const auto& channel : summary.channels) channels.push_back(&channel);
  if (summary.verdict)
    std::stable_sort(channels.begin(), channels.end(), [&](const auto* a, const auto* b) {
      return rank[{a->survey, a->station}] < rank[{b->survey, b->station}];
    });
  return channels;
}

std::vector<Subject> subjects_of(const Summary& summary) {
  auto subjects = of_channels(summary);
  for (const auto& path : summary.unreadable) subjects.push_back(file_subject({.path = path, .unreadable = true, .state = {}}));
  for (const auto& file : summary.files) {
    subjects.push_back(of_file(summary, file));
    if (file.copy_of) continue;
    for (auto& source : source_subjects(file.ledger)) subjects.push_back(std::move(source));
  }
  std::set<std::string> known;  // two surveys may have a station of the same name
  for (const auto& station : summary.stations) {
    const auto& id = station.station.id;
    if (!known.insert(id).second) continue;
    std::int64_t samples = 0;
    for (const auto& channel : summary.channels)
      if (channel.station == id) samples = std::max(samples, stored(channel));
    bool silent = false;
    for (std::size_t i = 0; i < summary.streams.size(); ++i) {
      if (summary.streams[i].station != id) continue;
      subjects.push_back(of_stream(summary, i, samples > 0));
      const auto& flow = summary.streams[i].flow;
      silent = silent || (flow && flow->silent_s > 0);
    }
    auto whole = station_subject(id, station.health);
    if (!silent) whole.figures["samples"] = {static_cast<double>(samples), station.newest};
    if (station.newest) whole.figures["age_s"] = {station.age_s(summary.now), station.newest};
    for (const auto& run : summary.runs)
      if (run.run.station == id && run.run.n_samples > 0 && was_written_in(summary, run.file))
        add_ahead(whole, run.end, summary.now);
    if (const auto highest = hottest(station.trends, summary.window)) add_temperature(whole, highest->value, highest->since);
    for (const auto& channel : summary.channels)
      if (channel.station == id && !channel.quality && mth5::unit_symbol(channel.units) == "C" &&
          is_temperature(channel.component + "_C"))
        add_temperature(whole, channel.values.max());
    subjects.push_back(std::move(whole));
  }
  // Where no rule says that nothing could be read, this one does.
  distinguish(subjects);
  const auto& rule = *std::find_if(rules().begin(), rules().end(), [](const Rule& one) { return one.name == "unreadable"; });
  const auto said = [&](const Subject& subject) {
    const auto figure = subject.figures.find(rule.figure);
    return concerns(rule, subject.scope) && figure != subject.figures.end() &&
           rule.is_beyond(figure->second.value, summary.limits(rule, subject).critical.value);
  };
  if (summary.stations.empty() && std::none_of(subjects.begin(), subjects.end(), said))
    subjects.push_back({Scope::Station, "", "", {{"samples", {0}}}});
  return subjects;
}

}  // namespace analysis
