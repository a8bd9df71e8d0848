#include "recovery.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <vector>

#include <nlohmann/json.hpp>

#include "analysis/ledger.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "mth5/recover.hpp"

namespace recovery {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kWindow = 1 << 18;  ///< samples read at once

fs::path unused_name(const fs::path& file) {
  fs::path name = file.string() + ".before-recovery";
  for (int n = 2; fs::exists(fs::symlink_status(name)); ++n) name = file.string() + ".before-recovery_" + std::to_string(n);
  return name;
}

std::string name_of(const mth5::ChannelInfo& channel) { return channel.station + "/" + channel.run + "/" + channel.component; }

/// What cannot be read or does not fit together, a line each.
std::vector<std::string> problems_of(const mth5::Reader& reader, const Options& options, nlohmann::json& report) {
  std::vector<std::string> problems;
  const auto& channels = reader.channels();
  const std::int64_t total = std::accumulate(channels.begin(), channels.end(), std::int64_t{0},
                                             [](std::int64_t n, const auto& channel) { return n + channel.n_samples; });
  std::int64_t done = 0;
  Progress progress{reader.path(), options.json || !options.check};
  for (std::size_t c = 0; c < channels.size(); ++c) {
    std::int64_t at = 0;
    try {
      reader.check_channel(c);
      for (; options.check && at < channels[c].n_samples; at += kWindow) {
        done += static_cast<std::int64_t>(reader.read(c, at, kWindow).size());
        progress(done, total);
      }
    } catch (const mth5::Error& e) {
      problems.push_back(name_of(channels[c]) + ": from sample " + std::to_string(at) + " on: " + e.what());
    }
  }
  report["verified"] = {{"channels", channels.size()}, {"samples_read", done}};
  std::vector<analysis::Ledger> ledger;
  try {
    ledger = analysis::read_ledger(reader);
  } catch (const mth5::Error& e) {
    problems.push_back(std::string{"/Acquisition/ledger: "} + e.what());
  }
  for (const auto& source : ledger)
    if (!source.balanced()) problems.push_back("ledger of source " + std::to_string(source.source) + ": does not balance");
  const std::int64_t in_ledger = std::accumulate(ledger.begin(), ledger.end(), std::int64_t{0},
                                                 [](std::int64_t n, const auto& source) { return n + source.samples_stored; });
  const std::int64_t in_file = std::accumulate(reader.runs().begin(), reader.runs().end(), std::int64_t{0},
                                               [](std::int64_t n, const auto& run) { return n + run.n_samples; });
  if (in_ledger > in_file)
    problems.push_back("the ledger tells of " + std::to_string(in_ledger) + " samples a channel, the file holds " +
                       std::to_string(in_file));
  report["ledger"] = {{"sources", ledger.size()}, {"samples_stored", in_ledger}, {"samples_in_file", in_file}};
  return problems;
}

/// Adds runs and findings to a report. @returns whether there was no problem
bool examine(const mth5::Reader& reader, const Options& options, nlohmann::json& report, std::string& text) {
  report["runs"] = nlohmann::json::array();
  for (const auto& run : reader.runs()) {
    text += "\n  " + run.station + "/" + run.id + ": " + std::to_string(run.n_samples) + " samples in each of " +
            std::to_string(run.channels.size()) + " channels, " + mth5::to_iso(run.start) + " to " + mth5::to_iso(run.end());
    report["runs"].push_back({{"station", run.station}, {"run", run.id}, {"n_samples", run.n_samples}});
  }
  const auto problems = problems_of(reader, options, report);
  report["problems"] = problems;
  if (problems.empty())
    text += std::string{"\n  chunk indexes of all channels are whole"} + (options.check ? ", every sample can be read" : "") +
            (report["ledger"]["sources"].get<int>() > 0 ? ", the ledger balances" : "");
  for (const auto& line : problems) text += "\n  damaged: " + line;
  return problems.empty();
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

}  // namespace

Progress::Progress(const fs::path& what, bool quiet) : what_{what}, show_{!quiet && isatty(STDERR_FILENO) != 0} {}

Progress::~Progress() {
  if (show_ && shown_ >= 0) std::fputc('\n', stderr);
}

void Progress::operator()(std::int64_t done, std::int64_t total) {
  const int percent = total > 0 ? static_cast<int>(100 * done / total) : 100;
  if (show_ && percent != shown_) std::fprintf(stderr, "\r%s: %d %%", what_.c_str(), shown_ = percent);
}

void say(bool json, const nlohmann::json& report, const std::string& text) {
  std::printf("%s\n", json ? report.dump().c_str() : text.c_str());
}

bool recover(const fs::path& path, const Options& options) {
  nlohmann::json report{{"file", path.string()}};
  std::string text;
  if (mth5::probe(path).state == mth5::FileState::Closed) {
    report["action"] = "none";
    text = path.string() + ": closed in order, nothing to do";
    const mth5::Reader reader{path};
    const bool sound = examine(reader, options, report, text);
    say(options.json, report, text);
    return sound;
  }
  if (options.dry_run) {
    report["action"] = "would-recover";
    say(options.json, report, path.string() + ": was not closed; would be recovered unless its writer lives");
    return true;
  }
  mth5::require_no_writer(path);
  const fs::path before = unused_name(path);
  const bool journal = mth5::has_journal(path);
  if (!journal) fs::copy_file(path, before);
  mth5::Recovery done;
  {
    auto file = mth5::File::open(path, "r+", {.keep_before = journal ? before : fs::path{}});
    done = file.recovery_report();
    file.close();
  }
  const mth5::Reader reader{path};
  text = path.string() + ": recovered; " + (journal ? "what was changed of it: " : "as it was before: ") + before.string();
  report["action"] = "recovered";
  report[journal ? "before" : "copy"] = before.string();
  report["done"] = done.lines;
  report["journal"] = done.journal;
  report["damaged"] = done.damaged;
  report["replayed"] = {{"places", done.places}, {"bytes", done.bytes}, {"removed_bytes", done.removed_bytes}};
  report["commit"] = done.time ? nlohmann::json(mth5::to_iso(*done.time)) : nlohmann::json{};
  for (const auto& line : done.lines) text += "\n  " + line;
  tell_what_was_at_risk(reader, done, report, text);
  const bool sound = examine(reader, options, report, text);
  say(options.json, report, text);
  return sound && !done.damaged;
}

void undo(const fs::path& path, const fs::path& before, bool json) {
  mth5::undo_changes(path, before);
  say(json, {{"file", path.string()}, {"action", "undone"}, {"before", before.string()}},
      path.string() + ": as it was before its recovery");
}

}  // namespace recovery
