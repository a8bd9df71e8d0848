#include "recovery.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <numeric>
#include <vector>

#include "analysis/folder.hpp"
#include "analysis/json.hpp"
#include "analysis/ledger.hpp"
#include "archive/manifest.hpp"
#include "archive/medium.hpp"
#include "mth5/duration.hpp"
#include "mth5/file.hpp"
#include "mth5/io.hpp"
#include "mth5/printable.hpp"
#include "mth5/reader.hpp"
#include "mth5/recover.hpp"
#include "sandbox/sandbox.hpp"

namespace recovery {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kWindow = 1 << 18;  ///< samples read at once

/// In one line, whatever is in it.
std::string shown(const fs::path& path) { return mth5::printable(path.string()); }

fs::path unused_name(const fs::path& file) {
  fs::path name = file.string() + ".before-recovery";
  for (int n = 2; fs::exists(fs::symlink_status(name)); ++n) name = file.string() + ".before-recovery_" + std::to_string(n);
  return name;
}

std::string name_of(const mth5::ChannelInfo& channel) { return channel.station + "/" + channel.run + "/" + channel.component; }

/// A line each.
struct Findings {
  std::vector<std::string> damaged;  ///< what cannot be read or does not fit together
  std::vector<std::string> unread;   ///< what is whole for all that is known: a filter or a newer HDF5 is needed, the disk failed
};
Findings findings_of(const mth5::Reader& reader, const Options& options, sandbox::Reports& reports, nlohmann::json& report) {
  Findings found;
  auto& problems = found.damaged;
  const auto& channels = reader.channels();
  const std::int64_t total = std::accumulate(channels.begin(), channels.end(), std::int64_t{0},
                                             [](std::int64_t n, const auto& channel) { return n + channel.n_samples; });
  std::int64_t done = 0;
  for (std::size_t c = 0; c < channels.size(); ++c) {
    std::int64_t at = 0;
    try {
      reader.check_channel(c);
      for (; options.check && at < channels[c].n_samples; at += kWindow) {
        done += static_cast<std::int64_t>(reader.read(c, at, kWindow).size());
        reports.progress(done, total);
      }
    } catch (const mth5::FormatError& e) {
      problems.push_back(name_of(channels[c]) + ": from sample " + std::to_string(at) + " on: " + e.what());
    } catch (const mth5::Error& e) {
      found.unread.push_back(name_of(channels[c]) + ": from sample " + std::to_string(at) + " on: " + e.what());
    }
  }
  for (std::size_t r = 0; r < reader.runs().size(); ++r) {
    const std::string name = reader.runs()[r].station + "/" + reader.runs()[r].id + ": ";
    try {
      (void)reader.run_metadata(r);
    } catch (const mth5::FormatError& e) {
      problems.push_back(name + e.what());
    } catch (const mth5::Error& e) {
      found.unread.push_back(name + e.what());
    }
  }
  report["verified"] = {{"channels", channels.size()}, {"samples_read", done}};
  bool tables_whole = true;
  for (const auto& table : reader.tables()) {
    reports.visit("/Acquisition/" + table);
    try {
      (void)reader.table(table);
    } catch (const mth5::UnsupportedError& e) {
      found.unread.emplace_back(e.what());
      tables_whole = false;
    } catch (const mth5::Error& e) {
      problems.emplace_back(e.what());
      tables_whole = false;
    }
  }
  analysis::Ledger ledger;
  try {
    if (tables_whole) ledger = analysis::read_ledger(reader);
  } catch (const mth5::Error& e) {
    problems.push_back(std::string{"/Acquisition/ledger: "} + e.what());
  }
  for (const auto& source : ledger.sources)
    if (!source.balanced()) problems.push_back("ledger of source " + std::to_string(source.source) + ": does not balance");
  for (const auto& stream : ledger.streams)
    // Samples beyond the ledger are what a crash leaves: in the file, and not counted yet.
    if (!stream.balanced() && stream.samples_in_file <= stream.samples_stored + stream.samples_recovered)
      problems.push_back("ledger of stream " + std::to_string(stream.stream) + ": does not balance");
  const std::int64_t in_ledger =
      std::accumulate(ledger.streams.begin(), ledger.streams.end(), std::int64_t{0},
                      [](std::int64_t n, const auto& stream) { return n + stream.samples_stored + stream.samples_recovered; });
  const std::int64_t in_file = std::accumulate(reader.runs().begin(), reader.runs().end(), std::int64_t{0},
                                               [](std::int64_t n, const auto& run) { return n + run.n_samples; });
  if (in_ledger > in_file)
    problems.push_back("the ledger tells of " + std::to_string(in_ledger) + " samples in all its streams, the file holds " +
                       std::to_string(in_file));
  report["ledger"] = {{"sources", ledger.sources.size()}, {"samples_stored", in_ledger}, {"samples_in_file", in_file}};
  return found;
}

/// "100 samples in each of 9 channels".
std::string samples_of(const mth5::Reader& reader, const mth5::RunInfo& run) {
  const std::string all = std::to_string(run.channels.size()) + " channels";
  std::int64_t longest = run.n_samples;
  std::size_t longer = 0;
  for (const auto channel : run.channels) {
    try {
      const auto n = reader.stored_samples(channel);
      longer += n > run.n_samples ? 1 : 0;
      longest = std::max(longest, n);
    } catch (const mth5::Error&) {  // what is wrong with it, check_channel() reports
    }
  }
  if (longer == 0) return std::to_string(run.n_samples) + " samples in each of " + all;
  return std::to_string(run.n_samples) + " samples that all " + all + " have (" + std::to_string(longer) + " have more, up to " +
         std::to_string(longest) + ")";
}

/// Adds runs and findings to a report. @returns kDone, kFailure (not all can be read here), kDamaged
cli::Exit examine(const mth5::Reader& reader, const Options& options, sandbox::Reports& reports, nlohmann::json& report,
                  std::string& text) {
  report["runs"] = nlohmann::json::array();
  for (const auto& run : reader.runs()) {
    text += "\n  " + mth5::printable(run.station + "/" + run.id) + ": " + samples_of(reader, run) + ", " +
            mth5::to_iso(run.start) + " to " + mth5::to_iso(run.end());
    report["runs"].push_back({{"station", run.station}, {"run", run.id}, {"n_samples", run.n_samples}});
  }
  const auto found = findings_of(reader, options, reports, report);
  const auto& problems = found.damaged;
  report["problems"] = problems;
  report["unread"] = found.unread;
  if (problems.empty() && found.unread.empty())
    text += std::string{"\n  chunk indexes of all channels are whole"} + (options.check ? ", every sample can be read" : "") +
            (report["ledger"]["sources"].get<int>() > 0 ? ", the ledger balances" : "");
  for (const auto& line : problems) text += "\n  damaged: " + line;
  for (const auto& line : found.unread) text += "\n  not read: " + line;
  return !problems.empty() ? cli::kDamaged : !found.unread.empty() ? cli::kFailure : cli::kDone;
}

/// Of what the last commit says was still in memory.
void tell_what_was_at_risk(const mth5::Reader& reader, const mth5::Recovery& done, nlohmann::json& report, std::string& text) {
  const auto commit = reader.last_commit();
  if (!commit || !done.time) return;
  const std::int64_t lost = commit->buffered_samples + done.lost_samples.value_or(0);
  const double rate = reader.runs().empty() ? 0 : reader.runs().back().sample_rate;
  const double seconds = rate > 0 ? static_cast<double>(lost) / rate : 0;
  report["lost"] = {{"samples", lost}, {"seconds", seconds}, {"buffered", commit->buffered_samples}};
  if (lost == 0) {
    text += "\n  nothing that readers could see is lost";
    return;
  }
  char line[160];
  std::snprintf(line, sizeof line, "\n  lost: %lld samples of each channel (%.1f s), which were not synced yet",
                static_cast<long long>(lost), seconds);
  text += line;
}

std::uint64_t bytes_of(const fs::path& path) {
  std::error_code gone;  // whoever opens it says so better
  const auto bytes = fs::file_size(path, gone);
  return gone ? 0 : bytes;
}

mth5::ReaderOptions visiting(sandbox::Reports& reports) {
  mth5::ReaderOptions options;
  options.visiting = [&](const std::string& object) { reports.visit(object); };
  options.walk = true;
  return options;
}

/// What a child found out, for say().
struct Answer {
  nlohmann::json report;
  std::string text;
  int code = cli::kDamaged;
};

std::string encode(const Answer& answer) {
  const nlohmann::json all{{"report", answer.report}, {"text", answer.text}, {"code", answer.code}};
  return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Answer decode(const fs::path& path, const std::string& bytes) {
  const auto all = nlohmann::json::parse(bytes, nullptr, false);
  if (!all.is_object() || !all.contains("report") || !all.contains("text") || !all["text"].is_string() || !all.contains("code") ||
      !all["code"].is_number_integer())
    throw mth5::FormatError{path.string() + ": damaged: HDF5 was led astray by it"};
  return {all["report"], all["text"], all["code"]};
}

Answer look_at(const fs::path& path, const Options& options) {
  Progress progress{path, options.json || !options.check};
  const auto outcome = sandbox::run(
      [&](sandbox::Reports& reports) {
        Answer answer{{{"file", path.string()}, {"action", "none"}}, shown(path) + ": closed in order, nothing to do"};
        const mth5::Reader reader{path, visiting(reports)};
        answer.code = examine(reader, options, reports, answer.report, answer.text);
        return encode(answer);
      },
      sandbox::limits_for(path, 0), {.progress = std::ref(progress)});
  if (outcome.end != sandbox::End::Done) sandbox::fail(path, outcome);
  return decode(path, outcome.answer);
}

Answer recovered(const fs::path& path, const fs::path& before, const Options& options, sandbox::Reports& reports) {
  Answer answer;
  reports.visit("its journal");
  const mth5::Recovery done = mth5::recover(path, before);
  const mth5::Reader reader{path, visiting(reports)};
  answer.text = shown(path) + ": recovered; what was changed of it: " + shown(before);
  answer.report = {{"file", path.string()},
                   {"action", "recovered"},
                   {"before", before.string()},
                   {"done", done.lines},
                   {"journal", done.journal},
                   {"damaged", done.damaged},
                   {"replayed", {{"places", done.places}, {"bytes", done.bytes}, {"removed_bytes", done.removed_bytes}}},
                   {"commit", done.time ? nlohmann::json(mth5::to_iso(*done.time)) : nlohmann::json{}}};
  for (const auto& line : done.lines) answer.text += "\n  " + line;
  tell_what_was_at_risk(reader, done, answer.report, answer.text);
  answer.code = examine(reader, options, reports, answer.report, answer.text);
  if (done.damaged) answer.code = cli::kDamaged;
  return answer;
}

/// After a child that died in a recovery. @returns what became of the file
std::string take_back(const fs::path& path, const fs::path& before) {
  if (!fs::exists(fs::symlink_status(before))) return "; the file was left as it is";
  const auto outcome =
      sandbox::run([&](sandbox::Reports&) { return std::string{mth5::take_back(path, before) ? "back" : "whole"}; },
                   sandbox::limits_for(path, bytes_of(path) + mth5::kMostGrowth));
  if (outcome.end != sandbox::End::Done)
    return "; it was changed, and could not be put back (" + outcome.message + outcome.reason + "): what was there is in " +
           before.string();
  return outcome.answer == "back" ? "; it was put back as it was"
                                  : "; it is at its last commit, what was changed for that is in " + before.string();
}

}  // namespace

Progress::Progress(const fs::path& what, bool quiet)
    : what_{mth5::printable(what.string())}, show_{!quiet && isatty(STDERR_FILENO) != 0} {}

Progress::~Progress() {
  if (show_ && shown_ >= 0) std::fputc('\n', stderr);
}

void Progress::operator()(std::int64_t done, std::int64_t total) {
  const int percent = total > 0 ? static_cast<int>(100 * done / total) : 100;
  if (show_ && percent != shown_) std::fprintf(stderr, "\r%s: %d %%", what_.c_str(), shown_ = percent);
}

void say(bool json, const nlohmann::json& report, const std::string& text) {
  std::printf("%s\n", json ? analysis::json::dump(report).c_str() : mth5::printable_lines(text).c_str());
}

int recover(const fs::path& path, const Options& options) {
  if (mth5::probe(path).state == mth5::FileState::Closed) {
    const auto answer = look_at(path, options);
    say(options.json, answer.report, answer.text);
    return answer.code;
  }
  if (options.dry_run) {
    const bool live = mth5::probe(path).locked;
    say(options.json, {{"file", path.string()}, {"action", live ? "none" : "would-recover"}},
        shown(path) + (live ? ": is being written" : ": was not closed; would be recovered unless its writer lives"));
    return live ? cli::kDone : cli::kWriterDied;
  }
  mth5::require_no_writer(path);
  const fs::path before = unused_name(path);
  Progress progress{path, options.json || !options.check};
  const auto outcome =
      sandbox::run([&](sandbox::Reports& reports) { return encode(recovered(path, before, options, reports)); },
                   sandbox::limits_for(path, bytes_of(path) + mth5::kMostGrowth), {.progress = std::ref(progress)});
  if (outcome.end == sandbox::End::Done) {
    const auto answer = decode(path, outcome.answer);
    say(options.json, answer.report, answer.text);
    return answer.code;
  }
  using sandbox::End;
  const bool died = outcome.end != End::Damaged && outcome.end != End::Busy && outcome.end != End::Failed;
  sandbox::fail(path, outcome, died ? take_back(path, before) : "");
}

void undo(const fs::path& path, const fs::path& before, bool json) {
  const auto not_kept = mth5::undo_changes(path, before);
  std::string text = shown(path) + ": as it was before its recovery";
  if (not_kept > 0)
    text += ", but for " + std::to_string(not_kept) + " bytes of no commit behind its end, which were too many to be kept";
  say(json, {{"file", path.string()}, {"action", "undone"}, {"before", before.string()}, {"not_kept_bytes", not_kept}}, text);
}

namespace {

nlohmann::json to_json(const mth5::Bridge& bridge) {
  return {{"station", bridge.station},  {"run", bridge.run},         {"joined", bridge.joined},
          {"sample", bridge.first},     {"samples", bridge.samples}, {"interpolated", bridge.interpolated},
          {"offset_s", bridge.offset_s}};
}

std::string in_words(const mth5::Bridge& bridge) {
  std::string text = mth5::printable(bridge.station + "/" + bridge.joined) + " is joined to " + mth5::printable(bridge.run);
  if (bridge.samples == 0) return text + ": nothing lacks between them";
  text += ": samples " + std::to_string(bridge.first) + " to " + std::to_string(bridge.first + bridge.samples - 1);
  return text + (bridge.interpolated ? " are interpolated" : " are not known: the one beside them is not, in some channel");
}

/// @param gzip  0: to be appended to
Answer copied(const fs::path& path, const fs::path& target, const Archive& how, sandbox::Reports& reports) {
  const int gzip = how.gzip;
  const auto progress = [&](std::int64_t done, std::int64_t total) { reports.progress(done, total); };
  const auto visit = [&](const std::string& object) { reports.visit(object); };
  const auto made = gzip > 0 ? mth5::copy_for_archive(path, target, gzip, progress, visit, how.bridge)
                             : mth5::copy_for_swmr(path, target, progress, visit);
  Answer answer{{{"file", path.string()},
                 {"new", target.string()},
                 {"action", gzip > 0 ? "archived" : "copied"},
                 {"groups", made.groups},
                 {"datasets", made.datasets},
                 {"attributes", made.attributes},
                 {"references", made.references},
                 {"samples", made.samples},
                 {"notes", made.notes}},
                shown(path),
                cli::kDone};
  const std::string counts = std::to_string(made.samples) + " samples compared, " + std::to_string(made.datasets) +
                             " datasets, " + std::to_string(made.attributes) + " attributes, " + std::to_string(made.references) +
                             " references rewritten";
  if (gzip > 0) {
    const auto before = fs::file_size(path), after = fs::file_size(target);
    answer.report.update({{"bytes", before}, {"new_bytes", after}});
    answer.text += ": archived as " + shown(target) + ", " + std::to_string(after) + " instead of " + std::to_string(before) +
                   " bytes: " + counts;
  } else {
    answer.text += ": copied to " + shown(target) + ", which can be appended to under SWMR: " + counts;
  }
  if (how.bridge) {
    answer.report["bridges"] = nlohmann::json::array();
    for (const auto& bridge : made.bridges) {
      answer.report["bridges"].push_back(to_json(bridge));
      answer.text += "\n  " + in_words(bridge);
    }
    if (made.bridges.empty())
      answer.text += "\n  no run follows another within " + mth5::format_duration(*how.bridge) + ": all are as they were";
  }
  for (const auto& line : made.notes) answer.text += "\n  " + mth5::printable(line);
  if (const auto first = how.bridge ? archive::bridged_path(path) : archive::archive_path(path); gzip > 0 && target != first)
    answer.text += "\n  " + shown(first.filename()) + " there is of another file";
  return answer;
}

void copy(const fs::path& path, const fs::path& target, const Archive& how, bool dry_run, bool json) {
  if (dry_run) {
    return say(json, {{"file", path.string()}, {"new", target.string()}, {"action", "would-copy"}},
               shown(path) + ": would be copied to " + shown(target));
  }
  Progress progress{target, json};
  // What was compressed may not be any more; 100 times as long nothing of ours becomes.
  const auto outcome =
      sandbox::run([&](sandbox::Reports& reports) { return encode(copied(path, target, how, reports)); },
                   sandbox::limits_for(path, 100 * bytes_of(path) + mth5::kMostGrowth), {.progress = std::ref(progress)});
  if (outcome.end != sandbox::End::Done) {
    std::error_code none;  // it has never had its name
    fs::remove(mth5::unfinished_copy(target, outcome.pid), none);
    sandbox::fail(path, outcome);
  }
  const auto answer = decode(path, outcome.answer);
  say(json, answer.report, answer.text);
}

}  // namespace

void set_swmr(const fs::path& path, const fs::path& target, bool dry_run, bool json) {
  copy(path, target, {0, {}, 0}, dry_run, json);
}

namespace {

bool is_there(const fs::path& path) { return fs::exists(fs::symlink_status(path)); }

/// What is in a file; nothing of one that cannot be read.
const archive::Recorded& known_of(const fs::path& path, Retention& retention) {
  const auto [found, fresh] = retention.known.try_emplace(path);
  if (!fresh) return found->second;
  try {
    found->second = archive::recorded_in(path);
  } catch (const mth5::Error&) {  // what is wrong with it is no news here
  }
  return found->second;
}

/// Whether a file is old enough to go, and room is wanted. Its age is that of its newest sample: when it was written is told by
/// the clock of a computer, which may have begun in 1970.
bool is_due(const fs::path& path, Retention& retention, bool json) {
  const auto newest = known_of(path, retention).newest;
  if (!newest) return false;
  const auto now = std::chrono::floor<std::chrono::seconds>(mth5::host_now());
  if (*newest > now) {
    const auto why = "its newest sample is of " + mth5::to_iso(*newest) + ", and the clock of this computer says " +
                     mth5::to_iso(now) + ": that is not set, and nothing goes by its age";
    if (retention.ahead++ == 0 || json)
      say(json, {{"file", path.string()}, {"action", "kept"}, {"why", why}}, shown(path) + ": stays: " + why);
    return false;
  }
  if (*newest > now - retention.age) return false;
  if (retention.below == 0) return true;
  const auto free = mth5::io().free_bytes(archive::folder_of(path));
  return free && *free < retention.below;
}

dev_t device_of(const fs::path& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_dev : dev_t{0};
}
bool is_older(const fs::path& path, const fs::path& than) {
  std::error_code unknown;
  const auto one = fs::last_write_time(path, unknown);
  return !unknown && one < fs::last_write_time(than, unknown) && !unknown;
}

/// From the newest file a recorder knows, when it starts again, what it recorded last: what comes once more, and why a gap is
/// one. Those of other stations tell it nothing.
bool is_newest(const fs::path& path, Retention& retention) {
  std::vector<std::pair<fs::file_time_type, fs::path>> others;
  std::error_code error;
  for (fs::directory_iterator entry{archive::folder_of(path), error}; !error && entry != fs::directory_iterator{};
       entry.increment(error)) {
    std::error_code gone;
    if (const auto& one = entry->path(); analysis::is_data_name(one) && one.filename() != path.filename())
      others.emplace_back(entry->last_write_time(gone), one);
  }
  // The first that is newer is enough, and is most often the one that was written last.
  std::sort(others.rbegin(), others.rend());
  const auto own = known_of(path, retention);
  return std::any_of(own.stations.begin(), own.stations.end(), [&](const auto& station) {
    if (!station.second) return false;  // nothing of it is here
    return std::none_of(others.begin(), others.end(), [&](const auto& other) {
      const auto& all = known_of(other.second, retention).stations;
      const auto its = all.find(station.first);
      return its != all.end() && std::pair{its->second, other.second.filename()} > std::pair{station.second, path.filename()};
    });
  });
}

/// archive/ may be a link to elsewhere. An archive on the medium of its recording is as safe as that.
std::string why_no_safe_medium(const fs::path& path, const fs::path& target) {
  if (fs::is_symlink(target)) return target.string() + ": is a symbolic link, and no archive; put the file itself there";
  if (device_of(target) == device_of(path)) return "";
  const auto type = archive::file_system_of(target);
  const auto* const doubt = type ? archive::find_doubt(*type) : nullptr;
  return doubt != nullptr && doubt->no_disk ? archive::folder_of(target).string() + ": " + std::string{doubt->text} : "";
}

/// "" if there is room for an archive as long as its recording, and for what `keep_free` says.
std::string why_no_room(const fs::path& path, const fs::path& target, std::int64_t keep_free) {
  if (keep_free == 0) return "";
  const auto folder = fs::is_directory(archive::folder_of(target)) ? archive::folder_of(target) : archive::folder_of(path);
  const auto free = mth5::io().free_bytes(folder);
  const auto wanted = static_cast<std::int64_t>(bytes_of(path)) + keep_free;
  if (!free || *free >= wanted) return "";
  return "waits for space: " + std::to_string(*free) + " bytes are free, " + std::to_string(wanted) +
         " are wanted, its own length and " + std::to_string(keep_free) + " that stay free for the recorder";
}

/// The manifest of an archive that has none: where it was cut off behind the copy, which is whole without it.
/// @param bridge   runs of it were just joined over gaps up to that
/// @param left_of  its recording, with which one that was left is compared, "": none is there; nullopt: it was just made
void complete(const fs::path& target, nlohmann::ordered_json recording, const std::optional<fs::path>& left_of,
              const std::optional<std::chrono::nanoseconds>& bridge, bool json) {
  Progress progress{target, json};
  auto manifest = archive::manifest_of(target, cli::build_id(), std::ref(progress));
  if (bridge) manifest["bridge"] = mth5::format_duration(*bridge);
  if (left_of) archive::require_unchanged(target, manifest, *left_of, std::ref(progress));
  if (!recording.is_null()) manifest["recording"] = std::move(recording);
  archive::write_manifest(target, manifest);
}

void tell_completed(const fs::path& path, const fs::path& target, bool json) {
  say(json, {{"file", path.string()}, {"new", target.string()}, {"action", "manifest"}},
      shown(target) + ": has its manifest now");
}

/// The archive and its manifest, as far as they are not there yet. @returns false: it waits for space
bool archive_file(const fs::path& path, const fs::path& target, Archive& how, bool dry_run, bool json) {
  const fs::path folder = target.parent_path();
  const bool copied = is_there(target), told = is_there(archive::manifest_path(target));
  if (copied && told) {
    const auto bridge = how.bridge ? archive::bridge_of(target) : "";
    if (const auto wanted = how.bridge ? mth5::format_duration(*how.bridge) : ""; !bridge.empty() && bridge != wanted)
      throw mth5::FileError{target.string() + ": is there already, with runs joined over gaps up to " + bridge + ", and not " +
                            wanted + "; move it and its manifest away, and it is made anew"};
    say(json, {{"file", path.string()}, {"new", target.string()}, {"action", "none"}},
        shown(path) + ": archived already as " + shown(target));
    return true;
  }
  if (told)
    throw mth5::FileError{archive::manifest_path(target).string() +
                          ": tells of an archive that is gone; move it away, and a new one is made"};
  nlohmann::ordered_json recording;
  // Cut off behind its archive: that holds what was written before it was made.
  if (!dry_run && (!copied || is_older(path, target))) recording = archive::recording_of(path);
  if (!copied) {
    if (const auto why = why_no_room(path, target, how.keep_free); !why.empty()) {
      if (how.waiting++ == 0 || json)
        say(json, {{"file", path.string()}, {"action", "waits"}, {"why", why}}, shown(path) + ": " + why);
      return false;
    }
    if (const auto why = archive::why_no_folder(folder); !why.empty()) throw mth5::FileError{folder.string() + ": " + why};
    if (!dry_run && !fs::is_directory(folder)) {
      std::error_code error;
      if (!fs::create_directory(folder, error) && error)
        throw mth5::FileError{folder.string() + ": cannot be created: " + error.message()};
    }
    copy(path, target, how, dry_run, json);
  }
  if (dry_run) return true;
  complete(target, std::move(recording), copied ? std::optional{path} : std::nullopt, copied ? std::nullopt : how.bridge, json);
  if (copied) tell_completed(path, target, json);
  return true;
}

/// A copy with joined runs that somebody asked for, and whose manifest was cut off.
/// @returns whether there was one
bool complete_bridged(const fs::path& path, bool json) {
  if (!is_there(archive::bridged_path(path))) return false;
  const auto target = archive::archive_of(path, archive::Kind::Bridged);
  if (!is_there(target) || is_there(archive::manifest_path(target))) return false;
  // Its runs are others than those of the recording.
  complete(target, is_older(path, target) ? archive::recording_of(path) : nlohmann::ordered_json{}, fs::path{}, {}, json);
  tell_completed(path, target, json);
  return true;
}

bool is_in_archive(const fs::path& path) {
  std::error_code unknown;
  const auto folder = archive::folder_of(path);
  return folder.filename() == archive::kFolder || fs::canonical(folder, unknown).filename() == archive::kFolder;
}

/// The recording that an archive is of, where it lies in the folder above and is closed; "" if not.
fs::path recording_beside(const fs::path& archive) {
  const auto above = fs::absolute(archive::folder_of(archive)).lexically_normal().parent_path();
  for (auto name = archive.stem(); !name.empty(); name = name.stem()) {
    const auto recording = above / (name.string() + archive.extension().string());
    if (is_there(recording)) return mth5::probe(recording).state == mth5::FileState::Closed ? recording : fs::path{};
    if (name.extension().empty()) break;
  }
  return {};
}

/// What is an archive is not archived once more: at most it gets the manifest that it has not.
void finalize_archive(const fs::path& path, bool dry_run, bool json) {
  if (is_there(archive::manifest_path(path)))
    return say(json, {{"file", path.string()}, {"action", "none"}}, shown(path) + ": is an archive itself: nothing to do");
  if (mth5::has_journal(path))
    throw mth5::FileError{path.string() + ": is a recording, and lies in a folder named " + std::string{archive::kFolder} +
                          ", where archives are; move it to another folder, and it is archived from there"};
  if (dry_run)
    return say(json, {{"file", path.string()}, {"action", "would-make-manifest"}}, shown(path) + ": would get its manifest");
  complete(path, {}, recording_beside(path), {}, json);
  tell_completed(path, path, json);
}

/// Why a file must stay; "" if all of it is safe elsewhere.
std::string why_it_stays(const fs::path& path, const fs::path& target) {
  if (!is_there(target)) return target.string() + ": is not made yet";
  if (const auto why = why_no_safe_medium(path, target); !why.empty()) return why;
  for (const auto& one : {archive::verify(target), archive::verify(path)})
    if (one.found != archive::Found::Unchanged) return one.file.string() + ": " + one.text;
  // What was corrected since, its metadata too, is in no archive.
  if (!archive::is_as_archived(path, target))
    return path.string() + ": was changed after it had been archived: its metadata differ from its archive's, its samples do not";
  return "";
}

/// Removes a file that is due, and of which all is safe elsewhere.
int retire(const fs::path& path, const fs::path& target, Retention& retention, bool dry_run, bool json) {
  std::error_code unknown;
  if (fs::equivalent(path, retention.keep, unknown)) return cli::kDone;  // who gave it knows
  if (fs::is_symlink(path)) {
    constexpr const char* kWhy = "it is a symbolic link: without it no room is won, and the recording would be found no more";
    say(json, {{"file", path.string()}, {"action", "kept"}, {"why", kWhy}},
        shown(path) + ": is older than " + mth5::format_duration(retention.age) + " and stays: " + kWhy);
    return cli::kDone;
  }
  if (is_newest(path, retention)) {
    constexpr const char* kWhy = "it is the newest file of its station here, from which mth5d knows what it recorded last";
    say(json, {{"file", path.string()}, {"action", "kept"}, {"why", kWhy}},
        shown(path) + ": is older than " + mth5::format_duration(retention.age) + " and stays: " + kWhy);
    return cli::kDone;
  }
  mth5::require_no_writer(path);
  if (const auto why = why_it_stays(path, target); !why.empty()) {
    say(json, {{"file", path.string()}, {"action", "kept"}, {"why", why}},
        shown(path) + ": is older than " + mth5::format_duration(retention.age) + " and stays: " + mth5::printable(why));
    return cli::kDamaged;
  }
  if (dry_run) {
    say(json, {{"file", path.string()}, {"action", "would-remove"}},
        shown(path) + ": would be removed: " + shown(target) + " holds every sample of it");
    return cli::kDone;
  }
  if (unlink(path.c_str()) != 0)
    throw mth5::FileError{path.string() + ": cannot be removed: " + std::generic_category().message(errno)};
  say(json, {{"file", path.string()}, {"action", "removed"}, {"new", target.string()}},
      shown(path) + ": removed, as its newest sample is older than " + mth5::format_duration(retention.age) + ", and " +
          shown(target) + " holds every sample of it");
  return cli::kDone;
}

}  // namespace

int finalize(const fs::path& path, Archive& how, std::optional<Retention>& retention, bool dry_run, bool json) {
  if (!how.bridge && is_in_archive(path)) {
    finalize_archive(path, dry_run, json);
    return cli::kDone;
  }
  const auto target = archive::archive_of(path, how.bridge ? archive::Kind::Bridged : archive::Kind::Plain);
  const bool completed = !how.bridge && !dry_run && complete_bridged(path, json);
  // Who asks for retention asks again and again: of what is archived only what goes is told.
  const bool whole = is_there(target) && is_there(archive::manifest_path(target));
  if (!whole || (!retention && !completed))
    if (!archive_file(path, target, how, dry_run, json)) return cli::kDone;
  return retention && is_due(path, *retention, json) ? retire(path, target, *retention, dry_run, json) : int{cli::kDone};
}

}  // namespace recovery
