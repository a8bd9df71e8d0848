#include "acquisition/recorder/ledger.hpp"

#include <numeric>
#include <string>

namespace daq::recorder {

namespace {

template <class Array>
std::uint64_t sum(const Array& values) {
  return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
}

std::string column(const char* prefix, std::string_view reason) {
  std::string name = prefix + std::string{reason};
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
}

}  // namespace

mth5::TableSpec ledger_table() {
  mth5::TableSpec spec{"ledger", {}, "one row per source and durable commit: where every byte and every sample went", 128};
  const auto add = [&](std::string name, const char* units = "") {
    spec.columns.push_back({std::move(name), mth5::Column::Type::Int64, 0, units});
  };
  add("sequence");
  add("time", "nanoseconds since 1970-01-01 UTC");
  add("source");
  add("session");
  add("bytes_in", "bytes");
  add("bytes_decoded", "bytes");
  add("bytes_pending", "bytes");
  for (std::size_t i = 0; i < decode::kSkips; ++i)
    add(column("bytes_skipped_", to_string(static_cast<decode::Skip>(i))), "bytes");
  add("samples_decoded", "samples");
  add("samples_stored", "samples");
  add("samples_buffered", "samples");
  for (std::size_t i = 0; i < timing::kDrops; ++i)
    add(column("samples_dropped_", to_string(static_cast<timing::Drop>(i))), "samples");
  add("samples_visible", "samples");
  add("samples_durable", "samples");
  add("samples_at_risk", "samples");
  add("at_risk", "microseconds");
  add("samples_filled", "samples");
  add("samples_missing", "samples");
  add("gaps");
  add("soh_dropped", "rows");
  add("reconnects");
  add("ring_high_water", "words of 8 bytes");
  add("ring_capacity", "words of 8 bytes");
  add("flush", "microseconds");
  add("sync", "microseconds");
  add("disk_free", "bytes");
  spec.columns.push_back({"disk_full_in", mth5::Column::Type::Float64, 0, "seconds"});
  return spec;
}

LedgerTotals since(const LedgerTotals& now, const LedgerTotals& base) {
  LedgerTotals d = now;
  auto& bytes = d.note.bytes;
  const auto& b = base.note.bytes;
  bytes.bytes_in -= b.bytes_in - b.bytes_pending;
  bytes.bytes_decoded -= b.bytes_decoded;
  bytes.frames -= b.frames;
  for (std::size_t i = 0; i < decode::kSkips; ++i) {
    bytes.bytes_skipped[i] -= b.bytes_skipped[i];
    bytes.events_skipped[i] -= b.events_skipped[i];
  }
  auto& samples = d.note.samples;
  const auto& s = base.note.samples;
  samples.samples_in -= s.samples_in - s.pending;
  samples.stored -= s.stored;
  samples.filled -= s.filled;
  samples.gaps -= s.gaps;
  samples.missing -= s.missing;
  for (std::size_t i = 0; i < timing::kDrops; ++i) samples.dropped[i] -= s.dropped[i];
  d.note.reconnects -= base.note.reconnects;
  d.note.soh_dropped -= base.note.soh_dropped;
  d.stored -= base.stored;
  return d;
}

bool balanced(const LedgerTotals& totals) {
  const auto& bytes = totals.note.bytes;
  const auto& samples = totals.note.samples;
  return bytes.bytes_in == bytes.bytes_decoded + bytes.bytes_pending + sum(bytes.bytes_skipped) &&
         samples.samples_in == totals.stored + samples.pending + sum(samples.dropped);
}

void add_row(mth5::Rows& rows, std::int64_t source, const LedgerTotals& totals, const RowFigures& figures,
             const CommitFigures& commit) {
  const auto& bytes = totals.note.bytes;
  const auto& samples = totals.note.samples;
  const auto put = [&](std::uint64_t value) { rows.add(static_cast<std::int64_t>(value)); };
  rows.add(commit.sequence);
  rows.add(commit.time.time_since_epoch().count());
  rows.add(source);
  rows.add(figures.session);
  put(bytes.bytes_in);
  put(bytes.bytes_decoded);
  put(bytes.bytes_pending);
  for (const auto n : bytes.bytes_skipped) put(n);
  put(samples.samples_in);
  put(totals.stored);
  put(samples.pending);
  for (const auto n : samples.dropped) put(n);
  put(figures.visible);
  put(figures.durable);
  put(figures.at_risk);
  rows.add(figures.at_risk_us);
  put(samples.filled);
  put(samples.missing);
  put(samples.gaps);
  put(totals.note.soh_dropped);
  put(totals.note.reconnects);
  rows.add(commit.ring_high_water_words);
  rows.add(commit.ring_capacity_words);
  rows.add(commit.flush_us);
  rows.add(commit.sync_us);
  rows.add(commit.disk_free_bytes);
  rows.add(commit.disk_full_in_s);
}

}  // namespace daq::recorder
