#include "analysis/ledger.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>
#include <tuple>

#include "analysis/clock.hpp"
#include "analysis/gap.hpp"
#include "analysis/json.hpp"

namespace analysis {

namespace {

/// Figures of a damaged file may be anything; they wrap instead of being undefined.
std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::int64_t minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t total(const Reasons& by_reason) {
  return std::accumulate(by_reason.begin(), by_reason.end(), std::int64_t{0},
                         [](auto sum, const auto& item) { return plus(sum, item.second); });
}

/// Adds the cells of rows to figures of the model; what a layout does not have stays as it is.
class Adder {
 public:
  Adder(const mth5::Table& table, std::size_t row) : table_{table}, row_{row} {}
  void add(std::int64_t& to, std::string_view column) const { to = plus(to, table_.integer(row_, column)); }
  void add_if_there(std::int64_t& to, std::string_view column) const {
    if (table_.has(column)) add(to, column);
  }
  void set(std::int64_t& to, std::string_view column) const { to = table_.integer(row_, column); }

 private:
  const mth5::Table& table_;
  std::size_t row_;
};

constexpr std::size_t kMost = 4096;  ///< sources, and streams, of a file: a damaged table must not take for ever

void refuse_more(std::size_t n) {
  if (n >= kMost) throw mth5::FormatError{"/Acquisition: more than " + std::to_string(kMost) + " sources or streams: damaged"};
}

SourceLedger& source_of(Ledger& ledger, std::int64_t index) {
  const auto known = std::find_if(ledger.sources.begin(), ledger.sources.end(), [&](const auto& s) { return s.source == index; });
  if (known != ledger.sources.end()) return *known;
  refuse_more(ledger.sources.size());
  ledger.sources.emplace_back().source = index;
  return ledger.sources.back();
}

StreamLedger& stream_of(Ledger& ledger, std::int64_t index) {
  const auto known = std::find_if(ledger.streams.begin(), ledger.streams.end(), [&](const auto& s) { return s.stream == index; });
  if (known != ledger.streams.end()) return *known;
  refuse_more(ledger.streams.size());
  ledger.streams.emplace_back().stream = index;
  return ledger.streams.back();
}

void add_bytes(SourceLedger& source, const Adder& row) {
  row.add(source.bytes_in, "bytes_in");
  row.add(source.bytes_decoded, "bytes_decoded");
  row.add(source.bytes_pending, "bytes_pending");
  row.add_if_there(source.frames, "frames");
  row.add_if_there(source.reconnects, "reconnects");
}

/// @param ended  whether the session of the row has
void add_samples(StreamLedger& stream, const Adder& row, bool ended) {
  row.add(stream.samples_decoded, "samples_decoded");
  row.add(stream.samples_stored, "samples_stored");
  row.add(stream.samples_buffered, "samples_buffered");
  if (ended) row.add(stream.samples_were_buffered, "samples_buffered");
  row.add_if_there(stream.samples_recovered, "samples_recovered");
  row.add_if_there(stream.values_clipped, "values_clipped");
  row.add_if_there(stream.values_rounded, "values_rounded");
  row.add_if_there(stream.values_as_fill, "values_as_fill");
  row.add_if_there(stream.values_late, "values_late");
}

void set_commit(StreamLedger& stream, const Adder& row) {
  row.set(stream.samples_visible, "samples_visible");
  row.set(stream.samples_durable, "samples_durable");
  row.set(stream.samples_at_risk, "samples_at_risk");
  std::int64_t us = 0;
  row.set(us, "at_risk");
  stream.at_risk_s = static_cast<double>(us) / 1e6;
}

void set_commit(Ledger& ledger, const mth5::Table& commits, std::size_t row) {
  ledger.last_commit = mth5::UtcNanos{mth5::Nanos{commits.integer(row, "time")}};
  if (commits.has("disk_free")) ledger.disk_free_bytes = commits.integer(row, "disk_free");
  ledger.disk_full_in_s = commits.number(row, "disk_full_in");
}

/// Reasons are columns, "bytes_skipped_bad_line".
void add_reasons(Reasons& sums, const mth5::Table& table, std::size_t row, std::string_view prefix) {
  for (const auto& column : table.columns()) {
    if (!column.name.starts_with(prefix)) continue;
    std::string reason = column.name.substr(prefix.size());
    std::replace(reason.begin(), reason.end(), '_', '-');
    auto& sum = sums[reason];
    sum = plus(sum, table.integer(row, column.name));
  }
}

/// One table with a row per source and durable commit.
Ledger read_layout_1(const mth5::Reader& file, const mth5::Table& table) {
  Ledger ledger;
  ledger.layout = 1;
  const bool sessions = table.has("session");  // the oldest files knew only one
  std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> last;
  for (std::size_t i = 0; i < table.size(); ++i)
    last[{table.integer(i, "source"), sessions ? table.integer(i, "session") : 0}] = i;
  std::map<std::int64_t, std::int64_t> sessions_of;
  std::int64_t newest = 0;
  for (const auto& [key, row] : last) newest = std::max(newest, key.second);
  const bool live = file.state() == mth5::FileState::Live;
  for (const auto& [key, row] : last) {
    auto& source = source_of(ledger, key.first);
    auto& stream = stream_of(ledger, key.first);
    stream.source = key.first;
    const Adder cells{table, row};
    add_bytes(source, cells);
    add_samples(stream, cells, !live || key.second < newest);
    add_reasons(source.bytes_skipped, table, row, "bytes_skipped_");
    add_reasons(stream.samples_dropped, table, row, "samples_dropped_");
    ledger.sessions = std::max(ledger.sessions, ++sessions_of[key.first]);
    if (sessions) set_commit(stream, cells);
  }
  if (sessions && table.size() > 0) set_commit(ledger, table, table.size() - 1);
  if (const auto sources = file.table("sources"))
    for (std::size_t i = 0; i < sources->size(); ++i) {
      const auto index = sources->integer(i, "source");
      if (std::none_of(ledger.sources.begin(), ledger.sources.end(), [&](const auto& s) { return s.source == index; })) continue;
      source_of(ledger, index).name = stream_of(ledger, index).name = sources->text(i, "name");
      stream_of(ledger, index).station = sources->text(i, "station");
    }
  return ledger;
}

/// Sessions of the rows: `commits` has one row per durable commit, which the rows of the other tables name by its sequence.
class Sessions {
 public:
  explicit Sessions(const mth5::Table& commits) {
    for (std::size_t i = 0; i < commits.size(); ++i) of_[commits.integer(i, "sequence")] = commits.integer(i, "session");
  }
  [[nodiscard]] std::int64_t of(std::int64_t sequence) const {
    const auto next = of_.upper_bound(sequence);  // a row of reasons stands for all commits until the next
    return next == of_.begin() ? 0 : std::prev(next)->second;
  }
  /// Of the last commit.
  [[nodiscard]] std::int64_t newest() const { return of_.empty() ? 0 : of_.rbegin()->second; }
  [[nodiscard]] std::int64_t count() const {
    std::vector<std::int64_t> all;
    for (const auto& [sequence, session] : of_) all.push_back(session);
    std::sort(all.begin(), all.end());
    return std::unique(all.begin(), all.end()) - all.begin();
  }

 private:
  std::map<std::int64_t, std::int64_t> of_;
};

/// The last row of each (index, session).
std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> last_rows(const mth5::Table& table, std::string_view index,
                                                                       const Sessions& sessions) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> last;
  for (std::size_t i = 0; i < table.size(); ++i) last[{table.integer(i, index), sessions.of(table.integer(i, "sequence"))}] = i;
  return last;
}

Ledger read_layout_2(const mth5::Reader& file) {
  Ledger ledger;
  ledger.layout = 2;
  // The commits last: a live file has one for every row read before.
  const auto bytes = file.table("source_ledger");
  const auto samples = file.table("stream_ledger");
  const auto reasons = file.table("reasons");
  const auto sources = file.table("sources");
  const auto streams = file.table("streams");
  const auto commits = file.table("commits");
  if (!commits) return ledger;
  const Sessions sessions{*commits};
  ledger.sessions = sessions.count();
  if (commits->size() > 0) set_commit(ledger, *commits, commits->size() - 1);
  if (sources)
    for (std::size_t i = 0; i < sources->size(); ++i)
      source_of(ledger, sources->integer(i, "source")).name = sources->text(i, "name");
  if (streams)
    for (std::size_t i = 0; i < streams->size(); ++i) {
      auto& stream = stream_of(ledger, streams->integer(i, "stream"));
      stream.source = streams->integer(i, "source");
      stream.name = streams->text(i, "name");
      stream.station = streams->text(i, "station");
      stream.sample_rate = streams->number(i, "sample_rate");
    }
  if (bytes)
    for (const auto& [key, row] : last_rows(*bytes, "source", sessions)) add_bytes(source_of(ledger, key.first), {*bytes, row});
  if (samples)
    for (const auto& [key, row] : last_rows(*samples, "stream", sessions)) {
      auto& stream = stream_of(ledger, key.first);
      add_samples(stream, {*samples, row}, file.state() != mth5::FileState::Live || key.second != sessions.newest());
      if (key.second == sessions.newest()) stream.samples_went_on = samples->integer(row, "samples_buffered");
      set_commit(stream, {*samples, row});
    }
  if (!reasons) return ledger;
  std::map<std::tuple<std::string, std::int64_t, std::int64_t, std::string>, std::size_t> newest;  // row
  for (std::size_t i = 0; i < reasons->size(); ++i)
    newest[{reasons->text(i, "kind"), reasons->integer(i, "index"), sessions.of(reasons->integer(i, "sequence")),
            reasons->text(i, "reason")}] = i;
  for (const auto& [key, row] : newest) {
    const auto n = reasons->integer(row, "count");
    const auto& [kind, index, session, reason] = key;
    Reasons* reasons_of = nullptr;
    if (kind == "skipped") {
      auto& source = source_of(ledger, index);
      reasons_of = &source.bytes_skipped;
      if (reasons->has("events")) source.skips = plus(source.skips, reasons->integer(row, "events"));
    }
    if (kind == "input") reasons_of = &source_of(ledger, index).input_faults;
    if (kind == "dropped") reasons_of = &stream_of(ledger, index).samples_dropped;
    if (reasons_of == nullptr) continue;  // of a later version: not known to be in the balance
    auto& sum = (*reasons_of)[reason];
    sum = plus(sum, n);
  }
  return ledger;
}

/// Samples of each run without those that fill gaps of all its channels.
std::vector<std::int64_t> own_samples(const mth5::Reader& file) {
  std::multimap<std::pair<std::string, std::string>, Gap> filled;
  for (auto& gap : recorded_gaps(file))
    if (gap.filled && gap.component.empty()) filled.emplace(std::pair{gap.station, gap.run_before}, std::move(gap));
  std::vector<std::int64_t> own;
  const auto clocks = file.clocks();
  for (std::size_t i = 0; i < clocks.size(); ++i) {
    const auto& run = file.runs()[i];
    own.push_back(run.n_samples);
    if (run.sample_rate <= 0) continue;
    const auto n = static_cast<double>(run.n_samples);
    const auto [begin, end] = filled.equal_range({run.station, run.id});
    for (auto gap = begin; gap != end; ++gap) {
      const auto first = static_cast<double>(nearest_sample(gap->second.start, clocks[i], run));
      const double behind = first + static_cast<double>(gap->second.samples);
      own.back() -= std::max<std::int64_t>(0, std::llround(std::clamp(behind, 0.0, n) - std::clamp(first, 0.0, n)));
    }
    own.back() = std::max<std::int64_t>(0, own.back());
  }
  return own;
}

void compare_with_file(Ledger& ledger, const mth5::Reader& file) {
  const auto commit = file.last_commit();
  ledger.recovered = commit && commit->recovered;
  const bool closed_in_order = file.state() == mth5::FileState::Closed && (!commit || commit->closed) && !ledger.recovered;
  const auto shares_runs = [](const StreamLedger& a, const StreamLedger& b) {
    return a.station == b.station && (a.sample_rate == b.sample_rate || a.sample_rate <= 0 || b.sample_rate <= 0);
  };
  const auto own = own_samples(file);
  for (auto& stream : ledger.streams) {
    if (!closed_in_order) stream.samples_went_on = 0;
    std::int64_t in_ledger = 0;
    for (const auto& other : ledger.streams) {
      if (!shares_runs(stream, other)) continue;
      stream.shared |= &other != &stream;
      in_ledger = plus(in_ledger, plus(other.samples_stored, other.samples_recovered));
    }
    for (std::size_t i = 0; i < own.size(); ++i) {
      const auto& run = file.runs()[i];
      const bool same_rate =
          stream.sample_rate <= 0 || std::abs(run.sample_rate - stream.sample_rate) <= 1e-9 * stream.sample_rate;
      if (run.station == stream.station && same_rate) stream.samples_in_file += own[i];
    }
    const auto more = minus(stream.samples_in_file, in_ledger);
    if (!closed_in_order && more > 0) stream.samples_beyond_ledger = more;
    // A row of a live file may be newer than the reader's last look at the samples.
    stream.agrees_with_file = more == stream.samples_beyond_ledger || (more < 0 && file.state() == mth5::FileState::Live);
  }
}

}  // namespace

bool SourceLedger::balanced() const { return bytes_in == plus(plus(bytes_decoded, bytes_pending), total(bytes_skipped)); }

bool StreamLedger::balanced() const {
  return agrees_with_file && samples_decoded == plus(plus(samples_stored, samples_buffered), total(samples_dropped));
}

bool Ledger::balanced() const {
  const auto good = [](const auto& entry) { return entry.balanced(); };
  return std::all_of(sources.begin(), sources.end(), good) && std::all_of(streams.begin(), streams.end(), good);
}

Ledger read_ledger(const mth5::Reader& file) {
  Ledger ledger;
  if (file.table_rows("commits") > 0 || file.table("streams"))
    ledger = read_layout_2(file);
  else if (const auto table = file.table("ledger"))
    ledger = read_layout_1(file, *table);
  const auto by_index = [](const auto& a, const auto& b) { return std::tie(a.source) < std::tie(b.source); };
  std::stable_sort(ledger.sources.begin(), ledger.sources.end(), by_index);
  compare_with_file(ledger, file);
  return ledger;
}

using json::Json;

namespace {

Json stream_json(const StreamLedger& stream, bool commit_known) {
  return {{"stream", stream.stream},
          {"name", json::text(stream.name)},
          {"station", json::text(stream.station)},
          {"sample_rate", json::rate(stream.sample_rate)},
          {"samples_decoded", stream.samples_decoded},
          {"samples_stored", stream.samples_stored},
          {"samples_buffered", stream.samples_buffered},
          {"samples_were_buffered", stream.samples_were_buffered},
          {"samples_dropped", stream.samples_dropped},
          {"samples_recovered", stream.samples_recovered},
          {"values_clipped", stream.values_clipped},
          {"values_rounded", stream.values_rounded},
          {"values_as_fill", stream.values_as_fill},
          {"values_late", stream.values_late},
          {"samples_in_file", stream.shared ? Json{} : Json(stream.samples_in_file)},
          {"samples_beyond_ledger", stream.shared ? Json{} : Json(stream.samples_beyond_ledger)},
          {"samples_visible", commit_known ? Json(stream.samples_visible) : Json{}},
          {"samples_durable", commit_known ? Json(stream.samples_durable) : Json{}},
          {"samples_at_risk", commit_known ? Json(stream.samples_at_risk) : Json{}},
          {"at_risk_s", json::number(stream.at_risk_s)},
          {"balanced", stream.balanced()}};
}

}  // namespace

Json to_json(const Ledger& ledger) {
  Json all = Json::array();
  for (const auto& source : ledger.sources) {
    StreamLedger sum;
    sum.at_risk_s = std::numeric_limits<double>::quiet_NaN();
    bool balanced = source.balanced();
    Json streams = Json::array();
    for (const auto& stream : ledger.streams) {
      if (stream.source != source.source) continue;
      balanced &= stream.balanced();
      streams.push_back(stream_json(stream, ledger.last_commit.has_value()));
      sum.samples_decoded = plus(sum.samples_decoded, stream.samples_decoded);
      sum.samples_stored = plus(sum.samples_stored, stream.samples_stored);
      sum.samples_buffered = plus(sum.samples_buffered, stream.samples_buffered);
      sum.samples_were_buffered = plus(sum.samples_were_buffered, stream.samples_were_buffered);
      sum.samples_recovered = plus(sum.samples_recovered, stream.samples_recovered);
      sum.values_clipped = plus(sum.values_clipped, stream.values_clipped);
      sum.values_rounded = plus(sum.values_rounded, stream.values_rounded);
      sum.values_as_fill = plus(sum.values_as_fill, stream.values_as_fill);
      sum.values_late = plus(sum.values_late, stream.values_late);
      sum.samples_visible = plus(sum.samples_visible, stream.samples_visible);
      sum.samples_durable = plus(sum.samples_durable, stream.samples_durable);
      sum.samples_at_risk = plus(sum.samples_at_risk, stream.samples_at_risk);
      sum.at_risk_s = std::fmax(sum.at_risk_s, stream.at_risk_s);
      for (const auto& [reason, n] : stream.samples_dropped) {
        auto& to = sum.samples_dropped[reason];
        to = plus(to, n);
      }
    }
    const bool known = ledger.last_commit.has_value();
    all.push_back({{"source", source.source},
                   {"name", json::text(source.name)},
                   {"bytes_in", source.bytes_in},
                   {"bytes_decoded", source.bytes_decoded},
                   {"bytes_pending", source.bytes_pending},
                   {"bytes_skipped", source.bytes_skipped},
                   {"input_faults", source.input_faults},
                   {"reconnects", source.reconnects},
                   {"samples_decoded", sum.samples_decoded},
                   {"samples_stored", sum.samples_stored},
                   {"samples_buffered", sum.samples_buffered},
                   {"samples_were_buffered", sum.samples_were_buffered},
                   {"samples_dropped", sum.samples_dropped},
                   {"samples_recovered", sum.samples_recovered},
                   {"values_clipped", sum.values_clipped},
                   {"values_rounded", sum.values_rounded},
                   {"values_as_fill", sum.values_as_fill},
                   {"values_late", sum.values_late},
                   {"samples_visible", known ? Json(sum.samples_visible) : Json{}},
                   {"samples_durable", known ? Json(sum.samples_durable) : Json{}},
                   {"samples_at_risk", known ? Json(sum.samples_at_risk) : Json{}},
                   {"at_risk_s", json::number(sum.at_risk_s)},
                   {"disk_free_bytes", ledger.disk_free_bytes ? Json(*ledger.disk_free_bytes) : Json{}},
                   {"disk_full_in_s", json::number(ledger.disk_full_in_s)},
                   {"sessions", ledger.sessions},
                   {"balanced", balanced},
                   {"streams", streams}});
  }
  return all;
}

}  // namespace analysis
