#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <spdlog/logger.h>

#include "acquisition/config/config.hpp"
#include "acquisition/recorder/ledger.hpp"
#include "acquisition/recorder/station_state.hpp"
#include "acquisition/ring/ring.hpp"
#include "acquisition/status/board.hpp"
#include "mth5/file.hpp"

namespace daq::recorder {

/// Takes records from the ring and writes them: the only place that touches the data file. Thread: writer, but for
/// begin_new_file().
///
/// A file is created at the first sample, named by its time. Samples wait in a batch per source until `flush` (samples or
/// interval, whichever comes first), then all batches are appended and made visible together; `sync` makes them durable and adds
/// to the ledger.
class Recorder {
 public:
  /// @param on_file  called with each file's path once readers can open it
  Recorder(const config::Config& config, ring::Ring& ring, status::Board& board, std::shared_ptr<spdlog::logger> log,
           std::function<void(const std::filesystem::path&)> on_file);
  ~Recorder();

  /// Writes until the ring is closed and empty, then closes the file. @throws mth5::FileError: that file is final
  void run();

  /// Ends file and runs; the next sample begins new ones. Thread: any.
  void begin_new_file();

 private:
  using Steady = std::chrono::steady_clock;

  struct Source {
    std::optional<mth5::RunId> run;
    std::string run_name;
    int runs = 0;                     ///< in this file
    std::vector<double> batch;        ///< [n_channels][capacity]
    std::size_t batched = 0;          ///< samples per channel in it
    std::uint64_t stored = 0;         ///< samples taken, without fill, since the start of the daemon
    std::uint64_t fill_expected = 0;  ///< of the filled gaps, samples still to come
    LedgerTotals totals, base;        ///< at the last Counters record, at the beginning of the file
    std::uint64_t durable = 0;        ///< of `stored`, what the last sync covered
    ring::CountersNote synced;        ///< what the ledger says
    std::vector<ring::GapNote> gaps;  ///< wait for the run behind them
    StationState state;               ///< what the instrument said of itself
    mth5::TableId soh_table;
    std::optional<mth5::Rows> soh_rows;
  };

  void take(ring::Header header, const std::vector<std::uint64_t>& payload);
  void take_samples(std::size_t index, const std::vector<std::uint64_t>& payload, bool new_run);
  void open_file(std::size_t index, mth5::UtcNanos start);
  void open_run(std::size_t index, mth5::UtcNanos start);
  void write_gaps(std::size_t index, const std::string& run_before, const std::string& run_after);
  void append_batches();
  void flush();
  void sync();
  void close_file();
  void write_ledger();
  void publish();
  [[nodiscard]] Steady::time_point next_deadline() const;
  [[nodiscard]] std::size_t batch_capacity() const;
  template <class Call>
  std::chrono::nanoseconds timed(Call&& call);

  // Constant after construction.
  const config::Config& config_;
  ring::Ring& ring_;
  status::Board& board_;
  std::shared_ptr<spdlog::logger> log_;
  std::function<void(const std::filesystem::path&)> on_file_;
  // Atomic.
  std::atomic<bool> new_file_wanted_{false};
  // Writer thread only.
  std::vector<Source> sources_;
  std::unique_ptr<mth5::File> file_;
  mth5::TableId ledger_table_, gap_table_;
  std::optional<mth5::Rows> ledger_rows_, gap_rows_;
  std::int64_t files_ = 0, commits_ = 0;
  bool announced_ = false;     ///< on_file_ was called for this file
  std::size_t unflushed_ = 0;  ///< samples per channel of the fullest source since the last flush
  bool unsynced_ = false;
  std::optional<Steady::time_point> first_unflushed_;
  Steady::time_point last_sync_;
  std::int64_t last_flush_us_ = 0, last_sync_us_ = 0;
};

}  // namespace daq::recorder
