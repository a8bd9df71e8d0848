#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
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

/// When what came: marks every quarter of a second, farther apart while a medium stalls for long.
class Arrivals {
 public:
  /// @param before  samples that had come before those that came now
  /// @param safe    samples that need not be remembered any more
  void add(std::uint64_t before, Steady::time_point now, std::uint64_t safe);
  /// Not later than the arrival of the first sample behind `safe`, by a quarter of a second; nullopt if none was marked.
  [[nodiscard]] std::optional<Steady::time_point> of_first_after(std::uint64_t safe) const;

 private:
  static constexpr auto kEvery = std::chrono::milliseconds{250};
  static constexpr std::size_t kMost = 4096;
  struct Mark {
    std::uint64_t before;
    Steady::time_point time;
  };
  std::vector<Mark> marks_;
  std::chrono::milliseconds every_ = kEvery;
};

struct SourceEntry {
  std::string name, input, instrument, station;
  std::string state = "starting";  ///< starting, waiting, connected, idle, ended
  std::string problem;             ///< why it is not connected
  Steady::time_point last_data{};
  bool has_data = false;
  std::uint64_t reconnects = 0;
  ring::CountersNote counters;
  Arrivals arrivals;

  /// Samples that came in good order: in the ring, in the file, or held until the next one confirms their time.
  [[nodiscard]] std::uint64_t received() const { return counters.samples.pending + counters.samples.stored; }
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
  // Samples since the start of the daemon.
  std::uint64_t visible = 0;  ///< readers can see them
  std::uint64_t durable = 0;  ///< covered by a sync
  std::uint64_t lost = 0;     ///< taken for a file that then failed
  bool balanced = true;
};

/// What a power cut would cost now, of one source.
struct AtRisk {
  std::uint64_t samples = 0;  ///< per channel
  double seconds = 0;         ///< how long the oldest of them has been waiting
};
[[nodiscard]] AtRisk at_risk(const SourceEntry& source, const WrittenEntry& written, Steady::time_point now);

struct WriterEntry {
  std::string file, run;
  std::vector<ChannelEntry> channels;
  Durations flush, sync;
  Steady::time_point call_began{};    ///< of the HDF5 or sync call under way; epoch = none
  std::uint64_t own_gaps = 0;         ///< not of the input but of the recorder: write-failed, writer-died
  std::vector<WrittenEntry> writers;  ///< one per source
  std::int64_t files = 0;
  std::string outage;   ///< disk-full, write-failed; "" = none: what samples wait for in the ring
  std::string problem;  ///< the same in a sentence
  std::optional<double> disk_full_in_s;
};

/// The board itself. Thread: any; everything under one mutex, held for copies only.
class Board {
 public:
  explicit Board(std::size_t n_sources) {
    sources_.resize(n_sources);
    writer_.writers.resize(n_sources);
  }

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
  /// New totals of what came for a source.
  void arrived(std::size_t index, const decode::Counters& bytes, const timing::Counters& samples) {
    const std::lock_guard lock{mutex_};
    auto& source = sources_.at(index);
    const auto before = source.received();
    source.counters.bytes = bytes;
    source.counters.samples = samples;
    const auto& written = writer_.writers.at(index);
    if (source.received() > before) source.arrivals.add(before, Steady::now(), written.durable + written.lost);
  }
  [[nodiscard]] AtRisk at_risk(std::size_t index) const {
    const std::lock_guard lock{mutex_};
    return status::at_risk(sources_.at(index), writer_.writers.at(index), Steady::now());
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
