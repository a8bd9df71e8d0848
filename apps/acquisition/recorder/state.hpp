#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "acquisition/ledger/counters.hpp"
#include "acquisition/ledger/durations.hpp"
#include "acquisition/ledger/guarded.hpp"

/// What the recorder publishes of itself.
namespace daq::recorder {

using Steady = std::chrono::steady_clock;

struct ChannelState {
  std::string station, run, component;
  std::size_t stream;
  std::int64_t n_samples = 0, visible = 0, durable = 0;  ///< of the current run, with fill
  double sample_rate = 0;
};

struct StreamState {
  ledger::StreamRow row;  ///< since the file was begun
  // Samples since the start of the daemon.
  std::uint64_t visible = 0;                            ///< readers can see them
  std::uint64_t durable = 0;                            ///< covered by a sync
  std::uint64_t lost = 0;                               ///< taken out of the ring and not stored
  std::array<std::uint64_t, ledger::kDrops> dropped{};  ///< as of the last record of the ring, those lost here included
  bool balanced = true;
};

struct SourceState {
  ledger::SourceRow row;  ///< since the file was begun
  bool balanced = true;
};

struct State {
  std::string file, run;
  std::vector<ChannelState> channels;  ///< of the runs being written
  std::vector<StreamState> streams;    ///< by number
  std::vector<SourceState> sources;
  ledger::Durations flush, sync;
  Steady::time_point call_began{};  ///< of the HDF5 or sync call under way; epoch = none
  std::uint64_t own_gaps = 0;       ///< not of the input but of the recorder: write-failed, write-refused, file-lost, writer-died
  std::int64_t files = 0, runs = 0;
  std::string outage;   ///< disk-full, write-failed, write-refused; "" = none: what samples wait for in the ring
  std::string problem;  ///< the same in a sentence
  std::int64_t free_bytes = 0;
  std::optional<double> disk_full_in_s;
};

/// Changed by the writer thread, copied by any.
using Published = ledger::Guarded<State>;

}  // namespace daq::recorder
