#pragma once

#include <cstdint>

#include "acquisition/ring/records.hpp"
#include "mth5/table.hpp"

/// The ledger: where every byte and every sample of a source went, since its file was begun.
///
///     bytes_in        = bytes_decoded + bytes_pending + sum(bytes_skipped_*)
///     samples_decoded = samples_stored + samples_buffered + sum(samples_dropped_*)
///
/// samples_stored is counted where samples enter the file, all else where they came from: the identity compares two ends.
namespace daq::recorder {

/// Totals of one source, as of its last Counters record.
struct LedgerTotals {
  ring::CountersNote note;
  std::uint64_t stored = 0;  ///< samples the recorder had taken for the file at that record
};

/// What a durable commit adds to the totals of every source.
struct CommitFigures {
  std::int64_t sequence = 0;
  mth5::UtcNanos time;
  std::int64_t ring_high_water_words = 0, ring_capacity_words = 0;
  std::int64_t flush_us = 0, sync_us = 0;
  std::int64_t disk_free_bytes = 0;
};

[[nodiscard]] mth5::TableSpec ledger_table();
/// Totals since `base`; what was pending at the base counts as come in since.
[[nodiscard]] LedgerTotals since(const LedgerTotals& now, const LedgerTotals& base);
[[nodiscard]] bool balanced(const LedgerTotals& totals);
/// Adds one row.
void add_row(mth5::Rows& rows, std::int64_t source, const LedgerTotals& totals, const CommitFigures& commit);

}  // namespace daq::recorder
