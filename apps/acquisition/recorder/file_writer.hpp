#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <spdlog/logger.h>

#include "acquisition/config/config.hpp"
#include "acquisition/recorder/disk.hpp"
#include "acquisition/recorder/ledger.hpp"
#include "acquisition/recorder/resume.hpp"
#include "acquisition/recorder/station_state.hpp"
#include "acquisition/ring/ring.hpp"
#include "acquisition/status/board.hpp"
#include "mth5/file.hpp"

namespace daq::recorder {

/// Puts records of the ring into a data file: the only place that touches it. Thread: writer.
///
/// A file is created at the first sample, named by its time. Samples wait in a batch per source until `flush` (samples or
/// interval, whichever comes first), then all batches are appended and made visible together; `sync` makes them durable and adds
/// to the ledger. After a mth5::FileError of any call there is abandon(), and nothing else.
class FileWriter {
 public:
  /// @param on_file  called with each file's path once readers can open it
  FileWriter(const config::Config& config, const ring::Ring& ring, status::Board& board, const Disk& disk,
             std::shared_ptr<spdlog::logger> log, std::function<void(const std::filesystem::path&)> on_file);
  ~FileWriter();

  /// Before the first record: the first file is this one, with new runs.
  void go_on_in(Resume resume) { resume_ = std::move(resume); }

  /// Opens what a record needs: the file, the run. Changes nothing about the record: after a failure it is to be given again.
  void prepare(const ring::Header& header, const std::vector<std::uint64_t>& payload);
  /// Takes a record that was prepared for.
  void take(const ring::Header& header, const std::vector<std::uint64_t>& payload);
  /// flush() and sync() where their time has come.
  void keep_pace(Steady::time_point now);
  /// When keep_pace() will have something to do.
  [[nodiscard]] Steady::time_point next_deadline() const;
  void close();

  /// Tells the board how things stand; every other call does so by itself, but for take() and discard().
  void publish();

  [[nodiscard]] bool is_open() const { return file_ != nullptr; }
  [[nodiscard]] std::int64_t files() const { return files_; }   ///< opened since the start
  [[nodiscard]] std::uint64_t syncs() const { return syncs_; }  ///< that returned, since the start

  /// What a failed file leaves: samples taken and not durable are lost, counted as write-failed in the next file's ledger and
  /// listed in its gaps.
  struct Loss {
    std::string file;           ///< "" if none was open
    std::string safe;           ///< "MT001/sr1_0001 1234 samples to 2026-…Z", all runs being written
    std::uint64_t samples = 0;  ///< per channel, all sources
  };
  Loss abandon();
  /// Takes a record that no file will hold. @returns samples per channel lost with it
  std::uint64_t discard(const ring::Header& header, const std::vector<std::uint64_t>& payload);

 private:
  struct Source {
    std::optional<mth5::RunId> run;
    std::string run_name;
    mth5::UtcNanos run_start{};
    std::int64_t run_samples = 0, run_visible = 0, run_durable = 0;  ///< of the run, with fill
    std::optional<mth5::UtcNanos> expected = {};                     ///< where the run of a writer that died broke off
    int runs = 0;                                                    ///< in this file
    std::vector<double> batch;                                       ///< [n_channels][capacity]
    std::size_t batched = 0;                                         ///< samples per channel in it
    std::size_t in_hand = 0, in_hand_fill = 0;                       ///< of the record being taken: all, fill
    std::uint64_t fill_expected = 0;                                 ///< of the filled gaps, samples still to come
    // Samples without fill, since the start of the daemon.
    std::uint64_t stored = 0;                                    ///< taken, and not lost again
    std::uint64_t visible = 0;                                   ///< of `stored`, what readers can see
    std::uint64_t durable = 0;                                   ///< of `stored`, what is safe
    std::uint64_t lost = 0;                                      ///< taken, and then refused by the medium
    std::uint64_t soh_taken = 0, soh_durable = 0, soh_lost = 0;  ///< rows of state of health
    ring::CountersNote note;                                     ///< the last Counters record
    std::uint64_t counted = 0;                                   ///< taken when it came
    LedgerTotals synced;                                         ///< at the last durable row
    LedgerTotals begun;                                          ///< of `synced`, when the file was begun
    std::vector<ring::GapNote> gaps;                             ///< wait for the run behind them
    StationState state;                                          ///< what the instrument said of itself
    mth5::TableId soh_table;
    std::optional<mth5::Rows> soh_rows;
  };

  void take_samples(std::size_t index, const std::vector<std::uint64_t>& payload);
  void take_state_of_health(std::size_t index, const std::vector<std::uint64_t>& payload);
  void open_file(std::size_t index, mth5::UtcNanos start);
  [[nodiscard]] bool open_again();
  void open_run(std::size_t index, mth5::UtcNanos start);
  [[nodiscard]] std::string next_run_name(std::size_t index, mth5::UtcNanos start) const;
  void add_gap_rows(std::size_t index, const std::string& run_before, const std::string& run_after);
  void gaps_written(std::size_t index, const std::string& run_after);
  void append_batches();
  void append_tables();
  void flush();
  void sync();
  void write_ledger();
  void all_durable();
  [[nodiscard]] LedgerTotals totals(const Source& source) const;
  [[nodiscard]] std::size_t batch_capacity() const;
  std::chrono::nanoseconds timed(const std::function<void()>& call);

  // Constant after construction.
  const config::Config& config_;
  const ring::Ring& ring_;
  status::Board& board_;
  const Disk& disk_;
  std::shared_ptr<spdlog::logger> log_;
  std::function<void(const std::filesystem::path&)> on_file_;

  std::vector<Source> sources_;
  std::optional<Resume> resume_;
  std::set<std::string> runs_there_;  ///< "station/run" of a file that was opened again
  std::int64_t session_ = 0;
  std::unique_ptr<mth5::File> file_;
  mth5::TableId ledger_table_, gap_table_;
  mth5::Rows ledger_rows_, gap_rows_;
  std::int64_t files_ = 0, commits_ = 0;
  std::uint64_t syncs_ = 0;
  bool announced_ = false;     ///< on_file_ was called for this file
  std::size_t unflushed_ = 0;  ///< samples per channel of the fullest source since the last flush
  bool unsynced_ = false;
  std::optional<Steady::time_point> first_unflushed_;
  Steady::time_point last_sync_;
  std::int64_t last_flush_us_ = 0, last_sync_us_ = 0;
};

}  // namespace daq::recorder
