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

/// A file's ledger begins where the last durable row of the file before ended: nothing falls between two files.
///
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
  double disk_full_in_s = 0;  ///< NaN = not known; 0 = full: the file is closed because of it
};

/// Of a source's samples (as ever per channel) in this file, when the row was written.
struct RowFigures {
  std::int64_t session = 0;  ///< which daemon, of those that wrote this file one after the other
  std::uint64_t visible = 0, durable = 0;
  std::uint64_t at_risk = 0;  ///< received and not durable, in the ring or in the file
  std::int64_t at_risk_us = 0;
};

[[nodiscard]] mth5::TableSpec ledger_table();
/// Totals since `base`; what was pending at the base counts as come in since.
[[nodiscard]] LedgerTotals since(const LedgerTotals& now, const LedgerTotals& base);
[[nodiscard]] bool balanced(const LedgerTotals& totals);
/// Adds one row.
void add_row(mth5::Rows& rows, std::int64_t source, const LedgerTotals& totals, const RowFigures& figures,
             const CommitFigures& commit);

}  // namespace daq::recorder
