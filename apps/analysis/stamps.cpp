#include "analysis/stamps.hpp"

#include <algorithm>
#include <optional>

#include "mth5/error.hpp"

namespace analysis {

namespace {

using Integers = std::map<std::int64_t, std::int64_t>;

/// Figures of a damaged file may be anything; they wrap instead of being undefined.
std::int64_t wrapped(std::uint64_t value) { return static_cast<std::int64_t>(value); }

}  // namespace

Stamps::Stamps(const mth5::Reader& file) try {
  std::map<Kind, std::int64_t> before;
  for (const auto& run : file.runs()) {
    const Kind kind{run.station, run.sample_rate};
    runs_.emplace_back(kind, before[kind]);
    before[kind] += run.n_samples;
  }
  if (file.layout() != 2) return;
  const auto ledger = file.table("stream_ledger"), streams = file.table("streams"), commits = file.table("commits");
  if (!ledger || !streams || !commits) return;
  std::map<std::int64_t, Kind> kinds;
  for (std::size_t i = 0; i < streams->size(); ++i)
    kinds.emplace(streams->integer(i, "stream"), Kind{streams->text(i, "station"), streams->number(i, "sample_rate")});
  Integers sessions, times;
  for (std::size_t i = 0; i < commits->size(); ++i) {
    sessions[commits->integer(i, "sequence")] = commits->integer(i, "session");
    times[commits->integer(i, "sequence")] = commits->integer(i, "time");
  }
  std::map<std::pair<std::int64_t, std::int64_t>, std::uint64_t> newest;  // of each stream and session
  std::map<Kind, std::uint64_t> sums;
  for (std::size_t i = 0; i < ledger->size(); ++i) {
    const auto sequence = ledger->integer(i, "sequence"), stream = ledger->integer(i, "stream");
    const auto kind = kinds.find(stream);
    if (kind == kinds.end() || !sessions.contains(sequence)) continue;
    std::uint64_t samples = 0;
    for (const auto* column : {"samples_stored", "samples_recovered", "samples_filled"})
      if (ledger->has(column)) samples += static_cast<std::uint64_t>(ledger->integer(i, column));
    auto& last = newest[{stream, sessions[sequence]}];
    auto& sum = sums[kind->second];
    sum += samples - last;
    last = samples;
    auto& rows = rows_[kind->second];
    if (rows.empty() || rows.back().samples < wrapped(sum)) rows.push_back({wrapped(sum), sequence, times[sequence]});
  }
} catch (const mth5::Error&) {  // a table that cannot be read or lacks a column: the ledger of the file says so
  rows_.clear();
}

std::string Stamps::of(std::size_t run, std::int64_t end) const {
  const auto& [kind, before] = runs_.at(run);
  const auto rows = rows_.find(kind);
  if (rows == rows_.end()) return {};
  const auto row = std::lower_bound(rows->second.begin(), rows->second.end(), before + end,
                                    [](const Row& one, std::int64_t samples) { return one.samples < samples; });
  if (row == rows->second.end()) return {};
  return std::to_string(row->sequence) + " " + std::to_string(row->time) + " " + std::to_string(row->samples);
}

}  // namespace analysis
