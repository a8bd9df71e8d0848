#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/ledger/counters.hpp"
#include "acquisition/recorder/station_state.hpp"
#include "mth5/file.hpp"

namespace daq::recorder {

/// One source's part of the file: the count of its bytes, and what the instrument says of itself. Thread: writer.
class SourceWriter {
 public:
  explicit SourceWriter(const config::Source& source);

  [[nodiscard]] const config::Source& source() const { return source_; }
  [[nodiscard]] const StationState& state() const { return state_; }
  /// The newest row of state of health; empty before the first.
  [[nodiscard]] const std::vector<double>& newest() const { return newest_; }

  void take_states(const std::vector<std::uint64_t>& payload);
  void take_counters(const ledger::SourceCounters& counters) { row_.counters = counters; }

  /// As of now, since the start of the daemon.
  [[nodiscard]] ledger::SourceRow row() const {
    auto row = row_;
    row.counters.soh_dropped += lost_states_;
    return row;
  }
  /// The same since the file was begun.
  [[nodiscard]] ledger::SourceRow row_of_file() const { return since(row(), begun_); }
  void begin_file() { begun_ = synced_; }
  /// The first row of state of health of a new file: what the instrument said last, if that is not older than the rows are apart,
  /// so that each file stands by itself. @param start  of its first sample
  void state_for_file(mth5::UtcNanos start);
  void note_synced() {
    synced_ = row();
    unsafe_states = 0;
  }
  /// Rows of a file that failed, and those that did not come to be in one, stay counted.
  void lose_unsafe() { lost_states_ += std::exchange(unsafe_states, 0); }
  /// The file is gone, and what its ledger knew.
  void lose_file() { synced_ = begun_; }
  [[nodiscard]] const ledger::SourceRow& synced() const { return synced_; }

  // The file's, for the FileWriter.
  std::optional<mth5::Rows> states;  ///< not in the file yet; none: it has no state of health
  std::optional<mth5::TableId> state_table;
  std::uint64_t unsafe_states = 0;                                ///< rows in the file that are not durable
  std::array<std::uint64_t, ledger::kSkips> told_skipped{};       ///< as in the file's table of reasons
  std::array<std::uint64_t, ledger::kInputFaults> told_faults{};  ///< likewise

 private:
  [[nodiscard]] bool is_news(std::int64_t time_ns, const std::vector<double>& values) const;
  void keep(std::int64_t time_ns, const std::vector<double>& values);

  const config::Source& source_;
  StationState state_;
  std::optional<std::int64_t> kept_ns_;  ///< time of the newest row that was kept
  std::vector<double> kept_;
  std::optional<std::int64_t> newest_ns_;  ///< time of the newest row of all
  std::vector<double> newest_;
  std::uint64_t lost_states_ = 0;
  ledger::SourceRow row_, synced_, begun_;
};

}  // namespace daq::recorder
