#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "acquisition/recorder/ledger.hpp"
#include "acquisition/ring/records.hpp"
#include "mth5/time.hpp"

/// What the threads tell about themselves: for the status file, the log, systemd.
namespace daq::status {

using Steady = std::chrono::steady_clock;

/// Durations of one kind of call: count, last, longest, and the 99th percentile of the last 512.
class Durations {
 public:
  void add(std::chrono::nanoseconds duration);
  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] std::int64_t last_us() const { return last_us_; }
  [[nodiscard]] std::int64_t max_us() const { return max_us_; }
  [[nodiscard]] std::int64_t p99_us() const;

 private:
  std::array<std::int32_t, 512> recent_us_{};
  std::int64_t count_ = 0, last_us_ = 0, max_us_ = 0;
};

struct SourceEntry {
  std::string name, input, instrument, station;
  std::string state = "starting";  ///< starting, waiting, connected, idle, ended
  std::string problem;             ///< why it is not connected
  Steady::time_point last_data{};
  bool has_data = false;
  std::uint64_t reconnects = 0;
  ring::CountersNote counters;
  std::int64_t clock_offset_ns = 0;  ///< host arrival - instrument time of the newest sample
  bool clock_known = false;
};

struct ChannelEntry {
  std::string station, run, component;
  std::size_t source;
  std::int64_t n_samples = 0, visible = 0, durable = 0;  ///< of the current run
  double sample_rate = 0;
};

/// One source as the writer sees it.
struct WrittenEntry {
  recorder::LedgerTotals ledger;  ///< since the file was begun
  std::uint64_t stored = 0;       ///< samples taken since the start of the daemon
  std::uint64_t durable = 0;      ///< of them, covered by a sync
  bool balanced = true;
};

struct WriterEntry {
  std::string file, run;
  std::vector<ChannelEntry> channels;
  Durations flush, sync;
  Steady::time_point call_began{};    ///< of the HDF5 or sync call under way; epoch = none
  Steady::time_point last_durable{};  ///< when all that is durable became so
  std::uint64_t gaps = 0;
  std::vector<WrittenEntry> writers;  ///< one per source
  std::int64_t files = 0;
};

/// The board itself. Thread: any; everything under one mutex, held for copies only.
class Board {
 public:
  explicit Board(std::size_t n_sources) { sources_.resize(n_sources); }

  template <class F>
  void source(std::size_t index, F&& change) {
    const std::lock_guard lock{mutex_};
    change(sources_.at(index));
  }
  template <class F>
  void writer(F&& change) {
    const std::lock_guard lock{mutex_};
    change(writer_);
  }
  struct Copy {
    std::vector<SourceEntry> sources;
    WriterEntry writer;
  };
  [[nodiscard]] Copy copy() const {
    const std::lock_guard lock{mutex_};
    return {sources_, writer_};
  }

 private:
  mutable std::mutex mutex_;
  std::vector<SourceEntry> sources_;
  WriterEntry writer_;
};

}  // namespace daq::status
