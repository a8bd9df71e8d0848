#pragma once

#include "acquisition/config/config.hpp"
#include "mth5/file.hpp"

/// What stands in /Acquisition beside the ledger.
namespace daq::recorder {

/// Samples that are missing: where, how many, why.
[[nodiscard]] mth5::TableSpec gap_table();
/// The sources; their row is the index of the other tables.
[[nodiscard]] mth5::TableSpec source_table();
/// What an instrument says of itself: the time and its quantities, one row per record.
[[nodiscard]] mth5::TableSpec soh_table(const config::Source& source);

}  // namespace daq::recorder
