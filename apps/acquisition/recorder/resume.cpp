#include "acquisition/recorder/resume.hpp"

#include <algorithm>
#include <map>

#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "mth5/recover.hpp"

namespace daq::recorder {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMost = 20;

struct Found {
  fs::path path;
  fs::file_time_type time;
  bool dead;  ///< else closed
};

/// Data files that nobody writes, the newest first. What is no HDF5 file is none of ours.
std::vector<Found> files_of(const fs::path& directory) {
  std::vector<Found> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{directory, error}) {
    const auto& path = entry.path();
    if ((path.extension() != ".h5" && path.extension() != ".mth5") || path.filename().string().front() == '.') continue;
    try {
      const auto state = mth5::probe(path);
      if (!state.locked) found.push_back({path, entry.last_write_time(), state.state != mth5::FileState::Closed});
    } catch (const mth5::Error&) {  // not HDF5, not readable, gone
    } catch (const fs::filesystem_error&) {
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.time > b.time; });
  return found;
}

bool is_ours(const mth5::Reader& file, const config::Config& config) {
  return std::all_of(config.sources.begin(), config.sources.end(), [&](const auto& source) {
    return std::any_of(file.stations().begin(), file.stations().end(), [&](const auto& station) {
      return station.id == source.station.text("id") && (station.survey.empty() || station.survey == config.survey.text("id"));
    });
  });
}

/// nullopt: it cannot be read as it is.
std::optional<bool> is_ours(const fs::path& path, const config::Config& config) {
  try {
    return is_ours(mth5::Reader{path}, config);
  } catch (const mth5::Error&) {
    return std::nullopt;
  }
}

/// @returns whether it is as its writer left it at a commit
bool recover(const fs::path& path, spdlog::logger& log) {
  try {
    auto file = mth5::File::open(path, "r+");
    for (const auto& line : file.recovery()) log.warn("recovered file={} {}", path.string(), line);
    const bool whole = !file.recovery_report().damaged;
    file.close();
    return whole;
  } catch (const mth5::Error& e) {
    log.error("not recovered, left as it is: {}; mth5-recover may tell more", e.what());
    return false;
  }
}

/// Why a recording cannot go on in a file; "" if it can.
std::string why_not(const mth5::Reader& file, const config::Config& config) {
  if (!is_ours(file, config)) return "it is of other stations";
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
          streams->number(n_streams, "sample_rate") != stream.sample_rate)
        return "it has other streams";
      ++n_streams;
    }
  }
  if (n_streams != streams->size()) return "it has other streams";
  return "";
}

Resume describe(const mth5::Reader& file) {
  Resume resume;
  resume.path = file.path();
  for (const auto& run : file.runs()) {
    Resume::Run entry{run.station, run.id, run.sample_rate, {}, run.start, run.n_samples};
    if (run.n_samples > 0 && run.sample_rate > 0) entry.next = mth5::sample_time(run.start, run.sample_rate, run.n_samples);
    for (const auto channel : run.channels) entry.components.push_back(file.channels()[channel].component);
    std::sort(entry.components.begin(), entry.components.end());
    resume.runs.push_back(std::move(entry));
  }
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
  for (std::size_t i = 0; i < streams->size(); ++i)
    for (const auto& run : resume.runs)
      if (run.station == streams->text(i, "station") && run.sample_rate == streams->number(i, "sample_rate"))
        resume.streams[i].in_file += run.n_samples;
  if (const auto gaps = file.table("gaps"))
    for (std::size_t i = 0; i < gaps->size(); ++i) {
      const auto stream = gaps->integer(i, "stream");
      if (gaps->integer(i, "filled") != 0 && gaps->text(i, "component").empty() && stream >= 0 &&
          static_cast<std::size_t>(stream) < resume.streams.size())
        resume.streams[static_cast<std::size_t>(stream)].in_file -= gaps->integer(i, "samples");
    }
  return resume;
}

}  // namespace

const Resume::Run* Resume::last_run(const stream::Stream& stream) const {
  auto components = stream.components();
  std::sort(components.begin(), components.end());
  const Run* last = nullptr;
  for (const auto& run : runs)
    if (run.station == stream.station_id() && run.sample_rate == stream.sample_rate && run.components == components &&
        (last == nullptr || run.next >= last->next))
      last = &run;
  return last;
}

std::uint64_t Resume::recovered(const std::string& stream) const {
  for (const auto& of : streams)
    if (of.name == stream) return static_cast<std::uint64_t>(std::max<std::int64_t>(0, of.in_file - of.counted));
  return 0;
}

std::optional<Resume> recover_files(const config::Config& config, spdlog::logger& log) {
  std::optional<Resume> resume;
  bool newest = true;  // of these stations' files
  std::size_t dead = 0;
  for (const auto& found : files_of(config.output.directory)) {
    if (!found.dead && !newest) continue;
    const auto ours = is_ours(found.path, config);
    if (!found.dead) {
      newest = newest && !ours.value_or(false);
      continue;
    }
    // One that a cut of power left unreadable may be anybody's; with a journal it comes from this library, and recovery is right.
    if (!ours.value_or(true)) continue;
    if (++dead > kMost) {
      log.warn("more than {} files whose writers died; the older ones are left: mth5-recover does them all", kMost);
      break;
    }
    try {
      if (!ours && !mth5::has_journal(found.path)) continue;
      const bool whole = recover(found.path, log);
      if (!whole || !newest) continue;
      const mth5::Reader file{found.path};
      if (!is_ours(file, config)) continue;
      newest = false;
      if (const auto why = why_not(file, config); why.empty())
        resume = describe(file);
      else
        log.info("a new file will begin, not going on in file={}: {}", found.path.string(), why);
    } catch (const mth5::Error& e) {
      log.error("left as it is: {}", e.what());
    }
  }
  return resume;
}

}  // namespace daq::recorder
