#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <spdlog/logger.h>

#include "acquisition/config/config.hpp"
#include "acquisition/ledger/guarded.hpp"
#include "acquisition/ledger/receipts.hpp"
#include "acquisition/log/quiet.hpp"
#include "acquisition/recorder/disk.hpp"
#include "acquisition/recorder/file_writer.hpp"
#include "acquisition/recorder/state.hpp"
#include "acquisition/recorder/station_lock.hpp"
#include "acquisition/ring/ring.hpp"
#include "acquisition/stream/streams.hpp"
#include "mth5/error.hpp"

namespace daq::recorder {

/// Takes records from the ring and has them written; decides what happens when that fails. Nothing but the disk ends a recording.
/// Thread: writer, but for claim(), begin_new_file(), end() and state().
///
/// - Before the disk is full the file is closed in order. Samples wait in the ring; with space a new file begins.
/// - A write that fails ends its file. Full (no space, quota) is the same as above; anything else is tried again, with a new file
///   and growing pauses, until output.give_up_after. While nothing comes to put into a file, the reserve is written instead.
/// - What is no failure of the disk (the library refused a call, or a bug) ends the file too, in order where it can; a new one
///   begins at once, or after a pause when that does not help either.
/// - A file that was renamed or deleted while it is written, or whose folder was: noticed within a second or so, a new one
/// begins.
/// - What had been put into a failed file and was not durable is counted (see FileWriter::abandon); what waits goes into the
/// next.
class Recorder {
 public:
  /// @param on_file  called with each file's path once readers can open it
  /// @param events  what the files' own log is made of
  Recorder(const config::Config& config, const stream::Streams& streams, ring::Ring& ring, ledger::Receipts& receipts,
           std::shared_ptr<spdlog::logger> log, std::function<void(const std::filesystem::path&)> on_file,
           std::shared_ptr<log::Events> events = nullptr);

  /// Before run(), and before anything is received: the directory is good, nobody else records these stations there, files of a
  /// recorder that crashed are recovered. Where there is no room for a file, run() waits for it. @throws mth5::FileError,
  /// mth5::BusyError; nothing is claimed then, and it may be called again
  /// @param cancelled  asked again and again while files are looked at; true ends that, and nothing is claimed any more
  /// @param step  as of find_resume()
  void claim(const std::function<bool()>& cancelled = {}, const std::function<void(const std::string& what)>& step = {});

  /// What was found of the daemon before: between claim() and run(). nullptr: nothing
  [[nodiscard]] const Resume* found() const { return found_ ? &*found_ : nullptr; }
  /// @param on_durable  called after each durable commit, for the streams of which more is durable, on the writer thread. Before
  /// run()
  void set_on_durable(std::function<void(const std::vector<ledger::Durable>&)> on_durable) {
    writer_.set_on_durable(std::move(on_durable));
  }

  /// Writes until the ring is closed and empty, then closes the file. @throws mth5::FileError when it has to give up: what was
  /// received and not stored is counted and logged
  void run();

  /// Ends file and runs; the next sample begins new ones. Thread: any.
  /// @param next  what they begin with: the configuration with other values of what may change (config/reload.hpp); nullopt: as
  /// it is
  void begin_new_file(std::optional<config::Config> next = std::nullopt);
  /// The ring will be closed soon: do not wait for a disk any longer. What is not written by `deadline` is given up, counted as
  /// stopped, so that the file can be closed. Thread: any.
  void end(Steady::time_point deadline = Steady::time_point::max());

  [[nodiscard]] State state() const { return published_.copy(); }
  /// When run() came round last, which it does at least each ten seconds unless a call holds it; the epoch before it runs.
  [[nodiscard]] Steady::time_point turned() const { return turned_.load(); }

 private:
  /// Why no file can be written now.
  struct Outage {
    enum class Kind { Full, Failed, Refused };
    Kind kind;
    [[nodiscard]] const char* name() const;  ///< in state and log: "write-failed"
    /// What is lost by it is counted as.
    [[nodiscard]] ledger::Drop drop() const {
      return kind == Kind::Refused ? ledger::Drop::WriteRefused : ledger::Drop::WriteFailed;
    }
    std::string problem;  ///< one line, with the system's words
    Steady::time_point next_try;
    /// No file lacks its end for it: one that stops now with nothing that waits has stopped in order.
    bool in_order = false;
    bool tries = false;  ///< Full: there is room again by what the disk says, and a file is tried with what waits
  };

  void write_until_closed();
  void write_what_came();
  void take_config();
  void try_disk();
  void watch(Steady::time_point now);
  void watch_disk(Steady::time_point now);
  void watch_locks();
  /// Begins anew where nothing of the live file can be trusted any more: it was deleted, or cut short. @returns whether it was
  bool gave_up_lost_file();
  void watch_file();
  void failed(const mth5::FileError& error);
  void refused(const std::exception& error);
  [[nodiscard]] bool may_try(Steady::time_point now);
  void begin_outage(Outage outage);
  void end_outage();
  void give_up_the_rest();
  std::uint64_t discard_all(ledger::Drop why);
  /// Counts what waits, and what still comes until the ring is closed. @returns samples
  std::uint64_t discard_to_the_end();
  [[noreturn]] void give_up();
  [[noreturn]] void end_with(std::uint64_t lost);
  /// And no file is tried.
  [[nodiscard]] bool is_full() const { return outage_ && outage_->kind == Outage::Kind::Full && !outage_->tries; }
  [[nodiscard]] bool is_too_late(Steady::time_point now) const { return now.time_since_epoch() >= deadline_.load(); }
  [[nodiscard]] static Steady::duration pause_after(int failures);
  [[nodiscard]] Steady::time_point next_deadline() const;

  // Constant after construction.
  const stream::Streams& streams_;
  ring::Ring& ring_;
  std::shared_ptr<spdlog::logger> log_;
  // Atomic, or under their own mutex.
  std::atomic<bool> new_file_wanted_{false}, ending_{false};
  std::atomic<Steady::duration> deadline_{Steady::duration::max()};
  std::atomic<Steady::time_point> turned_{};
  Published published_;
  ledger::Guarded<std::optional<config::Config>> next_config_;
  // Written by claim(), before there are threads.
  std::optional<Resume> found_;
  // Writer thread only.
  config::Config config_;  ///< its own, which take_config() changes
  std::vector<StationLock> locks_;
  std::map<const StationLock*, StationLock::Kept> lock_lost_;  ///< told in the log
  log::Quiet quiet_;
  Disk disk_;
  FileWriter writer_;
  ring::Header header_{};
  std::vector<std::uint64_t> payload_;
  std::optional<Outage> outage_;
  std::optional<Steady::time_point> failing_since_;  ///< the first failure after the last good sync
  std::uint64_t syncs_before_ = 0;                   ///< at the last failure
  int failures_ = 0;                                 ///< since failing_since_
  int refusals_ = 0;                                 ///< in a row, of files that hold nothing more than the one before
  std::optional<std::uint64_t> refused_at_syncs_;    ///< syncs at the last failure that was not the disk's
  bool last_try_ = false;                            ///< at the end, with a full disk, what waits was tried to be written
  std::uint64_t given_up_ = 0;                       ///< samples, because the end came first
};

}  // namespace daq::recorder
