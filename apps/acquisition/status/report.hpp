#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "acquisition/ledger/receipts.hpp"
#include "acquisition/recorder/state.hpp"
#include "acquisition/ring/ring.hpp"
#include "acquisition/status/board.hpp"

/// The status file, as mth5d(8) describes it. Thread: main.
namespace daq::status {

struct Daemon {
  std::string version;
  /// starting, no-output, recording (shown as what writer and sources really do), stopping, stopped
  std::string state;
  std::string problem = {};  ///< of no-output: why the output directory cannot be used
  mth5::UtcNanos since;
  Steady::time_point started;
  std::int64_t disk_limit_bytes = 0;  ///< output.reserve
  std::uint64_t log_dropped = 0;      ///< lines of the log that nobody took
};

/// One JSON object, `"schema": 1`.
[[nodiscard]] nlohmann::ordered_json to_json(const Board::Copy& board, const recorder::State& recorded,
                                             const ledger::Receipts& receipts, const ring::Ring& ring, const Daemon& daemon);

/// Whether all sources deliver, and the disk takes what they do.
[[nodiscard]] bool delivers(const nlohmann::ordered_json& status);

/// A few lines for people, from the JSON.
[[nodiscard]] std::string to_text(const nlohmann::ordered_json& status);

/// "recording lemi=receiving run=sr1_0001 samples=1234 at_risk=10 (4.2 s)": for systemd and the log.
[[nodiscard]] std::string to_line(const nlohmann::ordered_json& status);

}  // namespace daq::status
