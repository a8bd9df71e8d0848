#include <algorithm>
#include <chrono>
#include <cmath>

#include "read/reader_impl.hpp"

/// A closed file as it was while it was recorded: runs of the lengths, and tables of the rows, that there were at a time.
namespace mth5 {

namespace {

/// A recorder's clock and that of the samples: further apart, and it did not record when the samples were made.
constexpr std::chrono::minutes kSameTime{5};
constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();

UtcNanos time_at(const Table& table, std::size_t row, std::string_view column) {
  return UtcNanos{Nanos{table.integer(row, column)}};
}

}  // namespace

/// When each row of a table came; empty: they are there from the beginning on.
std::vector<UtcNanos> Reader::Impl::times_of_rows(const std::string& name) const {
  std::vector<UtcNanos> times;
  const auto stored = table(name, 0);
  const auto add = [&](UtcNanos time) { times.push_back(times.empty() ? time : std::max(times.back(), time)); };
  if (name == "gaps" && stored.has("start")) {
    for (std::size_t i = 0; i < stored.size(); ++i) {
      double rate = 0;
      for (const auto& run : found.runs)
        if (run.id == stored.text(i, "run_before") || run.id == stored.text(i, "run_after")) rate = run.sample_rate;
      add(rate > 0 ? sample_time(time_at(stored, i, "start"), rate, stored.integer(i, "samples")) : time_at(stored, i, "start"));
    }
  } else if (name.starts_with("clock/")) {
    for (std::size_t i = 0; i < stored.size(); ++i) add(time_at(stored, i, "utc"));
  } else if (stored.has("time")) {
    for (std::size_t i = 0; i < stored.size(); ++i) add(time_at(stored, i, "time"));
  } else if (stored.has("sequence")) {
    const auto commits = table("commits", 0);
    std::map<std::int64_t, UtcNanos> at;
    for (std::size_t i = 0; i < commits.size(); ++i) at[commits.integer(i, "sequence")] = time_at(commits, i, "time");
    for (std::size_t i = 0; i < stored.size(); ++i) {
      const auto found_at = at.find(stored.integer(i, "sequence"));
      add(found_at != at.end() ? found_at->second : UtcNanos::min());
    }
  }
  return times;
}

void Reader::Impl::begin_replay() {
  if (probe(path).state != FileState::Closed)
    throw StateError{path.string() + ": is being written, or its writer died: only a closed file can be shown as it was"};
  Replay all;
  const auto streams = read_clocks();
  std::optional<UtcNanos> begin;
  for (const auto& run : found.runs) {
    all.lengths.push_back(run.n_samples);
    all.clocks.push_back(clock(run, streams));
    if (run.n_samples == 0) continue;
    const auto start = all.clocks.back().utc_of(0);
    begin = begin ? std::min(*begin, start) : start;
    all.end = std::max(all.end, all.clocks.back().utc_of(run.n_samples - 1));
  }
  for (const auto& name : found.tables) try {
      all.rows[name] = times_of_rows(name);
    } catch (const FormatError&) {  // damaged: whoever reads it is told so
    }
  if (const auto commits = all.rows.find("commits"); commits != all.rows.end() && !commits->second.empty() && begin)
    all.of_its_time = std::chrono::abs(commits->second.front() - *begin) <= kSameTime &&
                      std::chrono::abs(commits->second.back() - all.end) <= kSameTime;
  replayed = std::move(all);
}

void Reader::Impl::replay(UtcNanos time) {
  if (!replayed) begin_replay();
  replayed->time = time;
  for (std::size_t run = 0; run < found.runs.size(); ++run) {
    // The last sample whose time has come.
    const auto& whole = replayed->clocks[run];
    std::int64_t there = 0, end = whole.sample_rate() > 0 ? replayed->lengths[run] : 0;
    while (there < end) {
      const auto middle = there + (end - there) / 2;
      if (whole.utc_of(middle) <= time)
        there = middle + 1;
      else
        end = middle;
    }
    set_length(run, there);
  }
}

std::int64_t Reader::Impl::rows_until_now(const std::string& name) const {
  if (!replayed || replayed->time >= replayed->end) return kAll;
  const bool recorders = name == "commits" || name == "source_ledger" || name == "stream_ledger" || name == "reasons" ||
                         name == "ledger" || name == "resume";
  if (recorders && !replayed->of_its_time) return 0;
  const auto known = replayed->rows.find(name);
  if (known == replayed->rows.end() || known->second.empty()) return kAll;
  return std::upper_bound(known->second.begin(), known->second.end(), replayed->time) - known->second.begin();
}

std::optional<Commit> Reader::Impl::replayed_commit() const {
  if (!replayed->of_its_time || !has_table("stream_ledger")) return std::nullopt;
  Commit then{.generation = generation,
              .sequence = 0,
              .time = replayed->time,
              .durable_sequence = 0,
              .durable_time = {},
              .visible_samples = 0,
              .durable_samples = 0,
              .buffered_samples = 0,
              .writer_pid = 0,
              .closed = false,
              .recovered = false};
  for (const auto& run : found.runs) then.visible_samples += run.n_samples;
  const auto commits = table("commits", 0);
  if (commits.size() == 0) return then;
  const auto last = commits.size() - 1;
  then.sequence = then.durable_sequence = commits.integer(last, "sequence");
  then.durable_time = time_at(commits, last, "time");
  // Of each stream and session the last row.
  std::map<std::int64_t, std::int64_t> session_of;
  for (std::size_t i = 0; i < commits.size(); ++i) session_of[commits.integer(i, "sequence")] = commits.integer(i, "session");
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> stored;
  const auto stream_rows = table("stream_ledger", 0);
  for (std::size_t i = 0; i < stream_rows.size(); ++i)
    stored[{stream_rows.integer(i, "stream"), session_of[stream_rows.integer(i, "sequence")]}] =
        stream_rows.integer(i, "samples_stored");
  for (const auto& [key, n] : stored) then.durable_samples += n;
  then.durable_samples = std::min(then.durable_samples, then.visible_samples);
  return then;
}

}  // namespace mth5
