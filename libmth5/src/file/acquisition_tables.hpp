#pragma once

#include <cstdint>
#include <string>

#include "h5/handle.hpp"
#include "mth5/table.hpp"

/// The groups and tables a new file is made of besides surveys. Page: doc/acquisition.md.
namespace mth5 {

/// /Acquisition/state, its one row as packed on disk.
struct StateRow {
  std::int64_t sequence, generation, time, durable_sequence, durable_time, visible_samples, durable_samples, buffered_samples,
      writer_pid, closed, check;
};
inline constexpr std::size_t kStateColumns = 11;
/// Values of `closed`: what is closed after its writer died may hold more than its writer's tables say.
inline constexpr std::int64_t kClosedInOrder = 1, kClosedByRecovery = 2;
[[nodiscard]] TableSpec state_table();

[[nodiscard]] h5::Datatype table_type(const TableSpec& spec);
/// Creates an empty table with its attributes and the groups above it; one row of zeros for state.
void create_acquisition_table(hid_t file, const TableSpec& spec, hsize_t rows);
/// /Acquisition with its attributes and the state table.
void create_acquisition(hid_t file, const std::string& software);
/// A file of ours that was made before files had one gets its own; what has one keeps it for ever, copies too.
void give_uuid(hid_t acquisition);
/// Stations, Reports, Filters with its five kinds, Standards: what every survey has.
void create_survey_groups(hid_t survey);
/// Transfer_Functions, Fourier_Coefficients and Features, those that are missing: aurora opens the second without making it.
void create_station_groups(hid_t station);
/// "Linux 6.1.0 x86_64": what Python writes from platform.platform().
[[nodiscard]] std::string platform_text();

}  // namespace mth5
