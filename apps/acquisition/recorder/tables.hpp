#pragma once

#include "acquisition/config/config.hpp"
#include "acquisition/ledger/counters.hpp"
#include "acquisition/stream/streams.hpp"
#include "mth5/file.hpp"

/// What stands in /Acquisition, layout 2. Page: libmth5/doc/acquisition.md.
namespace daq::recorder {

/// Samples that are missing: where, how many, why.
[[nodiscard]] mth5::TableSpec gap_table();
/// Where bytes come from, and where samples go through.
[[nodiscard]] mth5::TableSpec source_table();
[[nodiscard]] mth5::TableSpec stream_table();
/// What is known of the sensors of a stream's channels.
[[nodiscard]] mth5::TableSpec clip_limit_table();
[[nodiscard]] mth5::TableSpec sensor_noise_table();
/// What an instrument says of itself: the time and its quantities.
[[nodiscard]] mth5::TableSpec soh_table(const config::Source& source);
/// The anchors of a stream's runs.
[[nodiscard]] mth5::TableSpec clock_table(const std::string& stream);

/// The ledger: one row per durable commit, one per source and stream of it, and a row for each reason whose count has changed.
[[nodiscard]] mth5::TableSpec commit_table();
[[nodiscard]] mth5::TableSpec source_ledger_table();
[[nodiscard]] mth5::TableSpec stream_ledger_table();
[[nodiscard]] mth5::TableSpec reason_table();
[[nodiscard]] mth5::TableSpec resume_table();
/// The recorder's own log.
[[nodiscard]] mth5::TableSpec log_table();

}  // namespace daq::recorder
