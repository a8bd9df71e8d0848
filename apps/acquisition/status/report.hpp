#pragma once

#include <filesystem>
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
  std::string state;  ///< starting, recording (status: or the writer's outage), stopping, stopped
  mth5::UtcNanos since;
  Steady::time_point started;
  std::int64_t disk_limit_bytes = 0;  ///< output.reserve
  std::uint64_t log_dropped = 0;  ///< lines of the log that nobody took
};

/// One JSON object, `"schema": 1`.
[[nodiscard]] nlohmann::ordered_json to_json(const Board::Copy& board, const recorder::State& recorded,
                                             const ledger::Receipts& receipts, const ring::Ring& ring, const Daemon& daemon);

/// Replaces `path` in one step. @throws mth5::FileError
void write_atomically(const std::filesystem::path& path, const std::string& text);

/// A few lines for people, from the JSON.
[[nodiscard]] std::string to_text(const nlohmann::ordered_json& status);

/// "recording sr1_0001: 1234 samples, at risk 10 samples 4.2 s": for systemd and the log.
[[nodiscard]] std::string to_line(const nlohmann::ordered_json& status);

}  // namespace daq::status
