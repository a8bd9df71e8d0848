#include "acquisition/recorder/resume_file.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "acquisition/recorder/candidates.hpp"
#include "acquisition/recorder/tables.hpp"
#include "acquisition/stream/streams.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "mth5/recover.hpp"
#include "sandbox/check.hpp"

namespace daq::recorder {

namespace {

namespace fs = std::filesystem;

/// A millisecond each; of a file with more of them only what can still grow is looked at before it is resumed.
constexpr std::size_t kMostRunsLookedAt = 500;

/// Of one station at least that is recorded: an instrument may have been added, or its station corrected.
bool is_ours(const mth5::Reader& file, const config::Config& config) {
  return std::any_of(file.stations().begin(), file.stations().end(),
                     [&](const auto& station) { return is_own(config, station.survey, station.id); });
}

/// Why a recording cannot be resumed in a file; "" if it can.
std::string why_not(const mth5::Reader& file, const config::Config& config) {
  if (file.file_version() != config.output.file_version) return "it is of file version " + file.file_version();
  const auto sources = file.table("sources");
  const auto streams = file.table("streams");
  if (!sources || !streams || !file.table("commits")) return "its ledger is of an older mth5d";
  if (sources->size() != config.sources.size()) return "it has other sources";
  std::size_t n_streams = 0;
  for (std::size_t i = 0; i < config.sources.size(); ++i) {
    if (sources->text(i, "name") != config.sources[i].name || sources->text(i, "instrument") != config.sources[i].instrument.name)
      return "it has other sources";
    for (const auto& stream : stream::declared(config, static_cast<std::uint16_t>(i))) {
      if (n_streams >= streams->size() || streams->text(n_streams, "name") != stream.name ||
          streams->number(n_streams, "sample_rate") != stream.sample_rate ||
          streams->text(n_streams, "station") != stream.station_id())
        return "it has other streams";
      ++n_streams;
    }
  }
  if (n_streams != streams->size()) return "it has other streams";
  return "";
}

/// The last rows of a run, channel after channel. @returns how many; 0 if they cannot be had
std::int64_t read_tail(const mth5::Reader& file, Resume& resume, std::size_t index, std::int64_t most) {
  auto& run = resume.runs[index];
  if (run.components.empty()) return 0;
  const auto n = std::min(run.n_samples, most);
  for (const auto& component : run.components) {
    const auto found = file.find(run.station, run.id, component);
    const auto samples = found.size() == 1 ? file.read(found.front(), run.n_samples - n, n) : std::vector<double>{};
    if (samples.size() != static_cast<std::size_t>(n)) {
      run.tail.clear();
      return 0;
    }
    run.tail.insert(run.tail.end(), samples.begin(), samples.end());
  }
  run.tail_start = file.utc_of(index, run.n_samples - n);
  run.tail_end = file.utc_of(index, run.n_samples);
  return n;
}

/// Of each station, rate and set of channels what an instrument may send once more: the last rows, of as many runs as they are
/// in.
void read_tails(const mth5::Reader& file, Resume& resume) {
  std::map<std::tuple<std::string, double, std::vector<std::string>>, std::vector<std::size_t>> alike;
  for (std::size_t i = 0; i < resume.runs.size(); ++i) {
    const auto& run = resume.runs[i];
    alike[{run.station, run.sample_rate, run.components}].push_back(i);
  }
  for (auto& [key, runs] : alike) {
    std::stable_sort(runs.begin(), runs.end(),
                     [&](std::size_t a, std::size_t b) { return resume.runs[a].next < resume.runs[b].next; });
    const auto channels = std::max<std::size_t>(1, std::get<2>(key).size());
    auto left = std::min(Resume::kMostTailRows, static_cast<std::int64_t>(Resume::kMostTailBytes / sizeof(double) / channels));
    std::size_t looked_at = 0;
    for (auto i = runs.rbegin(); i != runs.rend() && left > 0 && looked_at < Resume::kMostTailRuns; ++i, ++looked_at)
      left -= read_tail(file, resume, *i, left);
  }
}

/// Streams of one station and rate, whose runs lie side by side.
struct Alike {
  std::string station;
  double sample_rate;
  std::vector<std::size_t> streams;  ///< rows of the table

  /// By name of a run, where there are several: each has a clock of its own, whose anchors name its runs.
  [[nodiscard]] std::map<std::string, std::size_t> owners(const mth5::Reader& file, const mth5::Table& table) const {
    std::map<std::string, std::size_t> by_run;
    if (streams.size() == 1) return by_run;
    for (const auto stream : streams)
      if (const auto clock = file.table("clock/" + table.text(stream, "name")))
        for (std::size_t i = 0; i < clock->size(); ++i) by_run.emplace(clock->text(i, "run"), stream);
    return by_run;
  }

  /// What no ledger knows of is no more than all have together, whosever a run without an anchor is: each sample is recovered
  /// once.
  void settle(std::vector<Resume::Stream>& all) const {
    std::int64_t left = 0;
    for (const auto i : streams) left += all[i].in_file - all[i].counted;
    left = std::max<std::int64_t>(0, left);
    for (const auto i : streams) {
      const auto mine = i == streams.back() ? left : std::clamp<std::int64_t>(all[i].in_file - all[i].counted, 0, left);
      all[i].in_file = all[i].counted + mine;
      left -= mine;
    }
  }
};

std::vector<Alike> streams_alike(const mth5::Table& table) {
  std::vector<Alike> all;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto station = table.text(i, "station");
    const auto rate = table.number(i, "sample_rate");
    const auto known = std::find_if(all.begin(), all.end(),
                                    [&](const auto& group) { return group.station == station && group.sample_rate == rate; });
    if (known != all.end())
      known->streams.push_back(i);
    else
      all.push_back({station, rate, {i}});
  }
  return all;
}

/// As Resume::Run::unsure_s.
double unsure_behind(const mth5::RunClock& clock, std::int64_t n_samples) {
  constexpr double kCrystal = 200e-6;               // s/s, at most
  constexpr double kNextAnchor = 60, kNone = 3600;  // s: by then there is one if the line needs it
  if (clock.sample_rate() <= 0) return 0;
  const auto* last = clock.newest();
  const auto behind = static_cast<double>(n_samples - (last == nullptr ? 0 : last->sample + 1)) / clock.sample_rate();
  return kCrystal * std::clamp(behind, 0.0, last == nullptr ? kNone : kNextAnchor);
}

Resume describe(const mth5::Reader& file) {
  Resume resume;
  const auto clocks = file.clocks();
  for (const auto& run : file.runs()) {
    Resume::Run entry{run.station, run.id, run.sample_rate, {}, run.start, run.n_samples, {}};
    // By the clock: a drift of 100 ppm is a sample in three hours at 1 Hz.
    const auto& clock = clocks[resume.runs.size()];
    entry.rate_behind = clock.rate_behind();
    entry.unsure_s = unsure_behind(clock, run.n_samples);
    if (run.n_samples > 0 && run.sample_rate > 0) entry.next = clock.utc_of(run.n_samples);
    for (const auto channel : run.channels) entry.components.push_back(file.channels()[channel].component);
    std::sort(entry.components.begin(), entry.components.end());
    resume.runs.push_back(std::move(entry));
  }
  read_tails(file, resume);
  const auto commit = file.last_commit();
  resume.broke_off = !commit || !commit->closed || commit->recovered;
  const auto commits = file.table("commits");
  std::map<std::int64_t, std::int64_t> session_of;
  for (std::size_t i = 0; i < commits->size(); ++i) {
    resume.sequence = std::max(resume.sequence, commits->integer(i, "sequence"));
    session_of[commits->integer(i, "sequence")] = commits->integer(i, "session");
    resume.session = std::max(resume.session, commits->integer(i, "session") + 1);
  }
  const auto streams = file.table("streams");
  resume.n_streams = streams->size();
  for (std::size_t i = 0; i < streams->size(); ++i) resume.streams.push_back({streams->text(i, "name"), 0, 0});
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> counted;  // by stream and session: the newest row holds
  if (const auto rows = file.table("stream_ledger"))
    for (std::size_t i = 0; i < rows->size(); ++i)
      counted[{rows->integer(i, "stream"), session_of[rows->integer(i, "sequence")]}] =
          rows->integer(i, "samples_stored") + rows->integer(i, "samples_recovered");
  for (const auto& [key, n] : counted)
    if (key.first >= 0 && static_cast<std::size_t>(key.first) < resume.streams.size())
      resume.streams[static_cast<std::size_t>(key.first)].counted += n;
  const auto alike = streams_alike(*streams);
  for (const auto& group : alike) {
    const auto owners = group.owners(file, *streams);
    for (const auto& run : resume.runs) {
      if (run.station != group.station || run.sample_rate != group.sample_rate) continue;
      const auto owner = owners.find(run.id);
      resume.streams[owner == owners.end() ? group.streams.front() : owner->second].in_file += run.n_samples;
    }
  }
  if (const auto rows = file.table("resume"))
    for (std::size_t i = 0; i < rows->size(); ++i) {
      const auto stream = rows->integer(i, "stream");
      if (stream < 0 || static_cast<std::size_t>(stream) >= resume.streams.size()) continue;
      resume.streams[static_cast<std::size_t>(stream)].token = rows->text(i, "token");
      resume.streams[static_cast<std::size_t>(stream)].token_time = mth5::UtcNanos{mth5::Nanos{rows->integer(i, "time")}};
    }
  if (const auto gaps = file.table("gaps"))
    for (std::size_t i = 0; i < gaps->size(); ++i) {
      const auto stream = gaps->integer(i, "stream");
      if (gaps->integer(i, "filled") != 0 && gaps->text(i, "component").empty() && stream >= 0 &&
          static_cast<std::size_t>(stream) < resume.streams.size())
        resume.streams[static_cast<std::size_t>(stream)].in_file -= gaps->integer(i, "samples");
    }
  for (const auto& group : alike) group.settle(resume.streams);
  return resume;
}

/// Of a file that nothing goes on in; without runs if its tables are others.
Resume described_if_it_can_be(const mth5::Reader& file) {
  if (!file.table("commits") || !file.table("streams")) return {};
  try {
    return describe(file);
  } catch (const mth5::FormatError&) {
    return {};
  }
}

/// Everything that the writer will do with it, in memory.
void rehearse(const fs::path& path, const config::Config& config, sandbox::Reports& reports) {
  reports.visit("what is opened to resume it");
  auto file = mth5::File::open(path, "r+", {.create = {.allow_network = config.output.allow_network}, .rehearse = true});
  struct Trial {
    mth5::RunId run;
    std::size_t channels;
  };
  std::vector<Trial> trials;
  reports.visit("a run more in it");
  file.edit([&](mth5::Edit& edit) {
    for (const auto& table : {commit_table(), source_ledger_table(), stream_ledger_table(), reason_table(), gap_table(),
                              stream_table(), resume_table()})
      (void)edit.add_table(table);
    for (std::size_t i = 0; i < config.sources.size(); ++i) {
      if (!config.sources[i].instrument.soh.empty()) (void)edit.add_table(soh_table(config.sources[i]));
      for (const auto& stream : stream::declared(config, static_cast<std::uint16_t>(i))) {
        (void)edit.add_table(clock_table(stream.name));
        mth5::Metadata run = stream.run;
        run.set("id", "rehearsal_" + std::to_string(trials.size()));
        run.set("sample_rate", stream.sample_rate);
        std::vector<mth5::ChannelSpec> channels;
        for (const auto& channel : stream.channels) channels.push_back({channel.metadata, channel.type, config.chunk});
        trials.push_back(
            {edit.add_run(config.survey.text("id"), stream.station_id(), run, mth5::host_now(), channels), channels.size()});
      }
    }
  });
  file.start_swmr();
  reports.visit("samples more in it");
  for (const auto& trial : trials) {
    const std::vector<double> zeros(trial.channels);
    file.append(trial.run, mth5::Matrix<const double>{zeros.data(), trial.channels, 1, 1});
  }
  file.flush();
  file.sync();
  file.close();
}

}  // namespace

std::optional<bool> is_ours(const fs::path& path, const config::Config& config) {
  try {
    return is_ours(mth5::Reader{path}, config);
  } catch (const mth5::Error&) {
    return std::nullopt;
  }
}

ResumeAnswer read_closed(const fs::path& path, const config::Config& config, sandbox::Reports& reports) {
  ResumeAnswer answer;
  reports.visit("its stations");
  const mth5::Reader file{path};
  answer.other_station = !is_ours(file, config);
  if (answer.other_station) return answer;
  reports.visit("its tables");
  answer.why_not = why_not(file, config);
  answer.resume = answer.why_not.empty() ? describe(file) : described_if_it_can_be(file);
  return answer;
}

ResumeAnswer recover_and_try(const fs::path& path, const fs::path& before, const config::Config& config,
                             sandbox::Reports& reports) {
  ResumeAnswer answer;
  reports.visit("its stations");
  const auto ours = is_ours(path, config);
  answer.other_station = !ours.value_or(true);
  if (answer.other_station) return answer;
  // One that a power cut left unreadable has a name of ours; with a journal it comes from this library, and recovery is right.
  if (!ours && !mth5::has_journal(path)) {
    answer.why_not = "it cannot be read and keeps no journal; left as it is";
    return answer;
  }
  reports.visit("its journal");
  const auto done = mth5::recover(path, before, config.output.allow_network);
  answer.recovery = done.lines;
  // A damaged object that nothing more is written to would make everything recorded after it unreadable for a report. One handle
  // at a time: HDF5 lets an object whose checksum is wrong pass where the file is open a second time.
  const auto n_runs = mth5::Reader{path}.runs().size();
  sandbox::walk(path, reports, n_runs <= kMostRunsLookedAt ? sandbox::Extent::All : sandbox::Extent::Shown);
  const mth5::Reader file{path};
  answer.other_station = !is_ours(file, config);
  if (answer.other_station) return answer;
  answer.why_not = done.damaged ? "the disk lost samples of it that were synced" : why_not(file, config);
  if (!answer.why_not.empty()) {
    if (!done.damaged) answer.resume = described_if_it_can_be(file);
    return answer;
  }
  answer.resume = describe(file);
  rehearse(path, config, reports);
  return answer;
}

}  // namespace daq::recorder
