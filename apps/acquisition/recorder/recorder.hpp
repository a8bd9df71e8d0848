#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <spdlog/logger.h>

#include "acquisition/config/config.hpp"
#include "acquisition/recorder/disk.hpp"
#include "acquisition/recorder/file_writer.hpp"
#include "acquisition/recorder/station_lock.hpp"
#include "acquisition/ring/ring.hpp"
#include "acquisition/status/board.hpp"
#include "mth5/error.hpp"

namespace daq::recorder {

/// Takes records from the ring and has them written; decides what happens when the medium does not take them. Thread: writer, but
/// for claim(), begin_new_file() and end().
///
/// - Before the disk is full the file is closed in order. Samples wait in the ring; with space a new file begins.
/// - A write that fails ends its file. Full (no space, quota) is the same as above; anything else is tried anew, with a new file
///   and growing pauses, until output.give_up_after. While nothing comes to put into a file, the reserve is written instead.
/// - What had been taken for the failed file and was not durable is counted (see FileWriter::abandon).
class Recorder {
 public:
  /// @param on_file  called with each file's path once readers can open it
  Recorder(const config::Config& config, ring::Ring& ring, status::Board& board, std::shared_ptr<spdlog::logger> log,
           std::function<void(const std::filesystem::path&)> on_file);

  /// Before run(), and before anything is received: the directory is good, nobody else records these stations there, files of a
  /// recorder that died are recovered, and there is room. @throws mth5::FileError, mth5::BusyError
  void claim();

  /// Writes until the ring is closed and empty, then closes the file. @throws mth5::FileError when it has to give up: what was
  /// received and not stored is counted and logged
  void run();

  /// Ends file and runs; the next sample begins new ones. Thread: any.
  void begin_new_file();
  /// The ring will be closed soon: do not wait for a medium any longer. Thread: any.
  void end();

 private:
  /// Why no file can be written now.
  struct Outage {
    bool full;            ///< else the medium failed
    std::string problem;  ///< one line, with the system's words
    Steady::time_point next_try;
  };

  void write_what_came();
  void try_medium();
  void tell_disk();
  void watch_disk(Steady::time_point now);
  void failed(const mth5::FileError& error);
  [[nodiscard]] bool may_try(Steady::time_point now);
  void begin_outage(Outage outage);
  void end_outage();
  [[noreturn]] void give_up();
  [[nodiscard]] Steady::duration pause() const;
  [[nodiscard]] Steady::time_point next_deadline() const;

  // Constant after construction.
  const config::Config& config_;
  ring::Ring& ring_;
  status::Board& board_;
  std::shared_ptr<spdlog::logger> log_;
  // Atomic.
  std::atomic<bool> new_file_wanted_{false}, ending_{false};
  // Writer thread only.
  std::vector<StationLock> locks_;
  Disk disk_;
  FileWriter writer_;
  ring::Header header_{};
  std::vector<std::uint64_t> payload_;
  bool held_ = false;  ///< a record is out of the ring and not taken yet
  std::optional<Outage> outage_;
  std::optional<Steady::time_point> failing_since_;  ///< the first failure after the last good sync
  std::uint64_t syncs_before_ = 0;                   ///< at the last failure
  int failures_ = 0;                                 ///< since failing_since_
  Steady::time_point logged_{};
};

}  // namespace daq::recorder
