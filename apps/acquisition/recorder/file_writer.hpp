#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <spdlog/logger.h>

#include "acquisition/config/config.hpp"
#include "acquisition/ledger/one_thread.hpp"
#include "acquisition/ledger/receipts.hpp"
#include "acquisition/log/events.hpp"
#include "acquisition/log/quiet.hpp"
#include "acquisition/recorder/disk.hpp"
#include "acquisition/recorder/resume.hpp"
#include "acquisition/recorder/run_numbers.hpp"
#include "acquisition/recorder/source_writer.hpp"
#include "acquisition/recorder/state.hpp"
#include "acquisition/recorder/stream_writer.hpp"
#include "acquisition/recorder/survey_filters.hpp"
#include "acquisition/ring/ring.hpp"
#include "acquisition/stream/streams.hpp"
#include "mth5/file.hpp"

namespace daq::recorder {

/// What the recorder and its parts work with; all of it outlives them.
struct Context {
  const config::Config& config;
  const stream::Streams& streams;
  const ring::Ring& ring;
  ledger::Receipts& receipts;
  Published& published;
  std::shared_ptr<spdlog::logger> log;
  log::Quiet& quiet;                                          ///< for what gaps and failures may repeat
  std::function<void(const std::filesystem::path&)> on_file;  ///< called with each file's path once readers can open it
  std::shared_ptr<log::Events> events = {};                   ///< what goes into the files' own log; nullptr: nothing
};

/// Puts records of the ring into data files: the only place that touches them. Thread: writer.
///
/// Samples wait in a batch per stream until `flush` (samples of one stream, or interval, whichever comes first); then everything
/// that waits is put into the file and made visible together: runs that begin or end, however many, are one change of its
/// structure. `sync` makes it durable and adds to the ledger. A file is created by the first flush, named by the configuration
/// and the time of the first sample. It ends at the mark, the size, or the runs of output.roll: the next file is created before
/// it is closed, and where that fails the recording goes on in it. At a mark, samples behind it wait for streams that have not
/// come to it yet, for a minute at most and no longer than what came may wait to be durable, so that each begins the next file
/// at the mark. After an exception of any call there is
/// abandon(), and nothing else; what waits in the batches goes into the next file.
class FileWriter {
 public:
  FileWriter(const Context& context, Disk& disk);
  ~FileWriter();

  /// Before the first record: the first file is this one, with new runs.
  void resume_in(Resume resume) { resume_ = std::move(resume); }
  /// The first new file begins where this one ended: what is missing between is listed with the reason.
  void begin_behind(Resume before) { before_ = std::move(before); }

  /// Where sources can go on, as the daemon before left it. Before the first record.
  void go_on_at(std::vector<ledger::Durable> positions) { positions_ = std::move(positions); }
  /// @param on_durable  called after each durable commit, for the streams of which more is durable. Before the first record
  void set_on_durable(std::function<void(const std::vector<ledger::Durable>&)> on_durable) {
    on_durable_ = std::move(on_durable);
  }

  /// Runs are named behind these. Before the first record.
  /// @param on_change  called before runs of further numbers are put into a file
  void number_runs_behind(RunNumbers numbers, std::function<void(const RunNumbers&)> on_change) {
    run_numbers_ = std::move(numbers);
    on_run_numbers_ = std::move(on_change);
  }

  /// The configuration has changed: the next file is described by it. With no file open.
  void describe_anew();

  /// Takes a record into memory; never fails for the disk's sake.
  void take(const ring::Header& header, const std::vector<std::uint64_t>& payload);
  /// flush() and sync() where their time has come.
  void keep_pace(Steady::time_point now);
  /// When keep_pace() will have something to do.
  [[nodiscard]] Steady::time_point next_deadline() const;
  /// Everything that came becomes visible, but what waits at a mark for other streams; opens a file if none is open and samples
  /// wait.
  void flush();
  /// Nothing more comes: nothing is waited for at a mark.
  void end_of_samples() { ended_ = true; }
  /// From now on the open file, or the next where none is open, takes all: each further one would take room of its own.
  void begin_no_more_files();
  void close();
  /// Whether a next file can be begun in place of the open one: one without a sample is, under a hidden name, which goes again.
  /// Where it cannot, the log tells, and for a minute it is not tried again. With a file open.
  [[nodiscard]] bool can_begin_next();
  /// Whether the open file still has its name; There where none is open.
  [[nodiscard]] mth5::FileName whereabouts() const { return file_ && announced_ ? file_->still_there() : mth5::FileName::There; }

  /// Publishes how things stand; every other call but take() and discard() does so by itself.
  void publish();

  [[nodiscard]] bool is_open() const { return file_ != nullptr; }
  [[nodiscard]] std::filesystem::path path() const { return file_ ? file_->path() : std::filesystem::path{}; }
  [[nodiscard]] bool has_waiting() const;
  [[nodiscard]] std::int64_t files() const { return files_; }   ///< opened since the start
  [[nodiscard]] std::uint64_t syncs() const { return syncs_; }  ///< that returned, since the start

  /// What a failed file leaves: samples put into it and not durable are lost, counted in the next file's ledger and listed in its
  /// gaps.
  struct Loss {
    std::string file;           ///< "" if none was open
    std::string safe;           ///< "MT001/sr1_0001 1234 samples to 2026-…Z", all runs being written
    std::uint64_t samples = 0;  ///< per channel, all streams
  };
  /// @param why  WriteFailed, WriteRefused: what is durable stays; FileLost: nothing of the file is there any more
  Loss abandon(ledger::Drop why);
  /// Takes a record that no file will hold. @returns samples per channel lost with it
  std::uint64_t discard(const ring::Header& header, const std::vector<std::uint64_t>& payload, ledger::Drop why);
  /// Gives up what waits in the batches. @returns samples per channel
  std::uint64_t discard_waiting(ledger::Drop why);

 private:
  ledger::OneThread thread_;  // the writer

  /// A run that the next change of structure begins.
  struct NewRun {
    StreamWriter* stream;
    StreamWriter::Group group;
    std::string name;
    std::string before;  ///< name of the run before it, "" = none
    bool stays_open;     ///< the last of its stream
    bool first;          ///< of its stream in this file
  };

  StreamWriter& stream(std::size_t number);
  void describe(StreamWriter& of);
  void open_file();
  [[nodiscard]] bool open_again();
  void create_file();
  /// The earliest of what waits; nullopt if nothing does.
  [[nodiscard]] std::optional<mth5::UtcNanos> first_waiting() const;
  [[nodiscard]] std::unique_ptr<mth5::File> make_file(mth5::UtcNanos start);
  [[nodiscard]] mth5::CreateOptions create_options() const;
  void tell_no_next(const mth5::FileError& error);
  /// Where the file ends, as its streams say now.
  void find_mark();
  /// How long samples may wait at a mark: they are not durable meanwhile.
  [[nodiscard]] std::chrono::nanoseconds longest_hold() const;
  /// A stream that will soon have come to the mark.
  [[nodiscard]] bool is_awaited(const StreamWriter& of, Steady::time_point now) const;
  /// The open file ends here, and what waits begins the next. @returns false while streams are awaited, or after a failure, told
  /// in the log
  /// @param at_mark  streams that have not come to the mark are waited for
  bool roll(bool at_mark);
  /// @returns which file it was, for the log: "file=PATH bytes=N"
  std::string close_file();
  [[nodiscard]] bool is_too_large() const;
  [[nodiscard]] bool is_cut() const;  ///< a stream has come to the mark
  void restore_directory();
  /// The recorder's own tables: makes them, or opens those of a file that is resumed.
  void add_record_tables(mth5::Edit& edit);
  void add_stations(mth5::Edit& edit);
  void add_stream_tables(mth5::Edit& edit);
  void describe_streams();
  void take_samples(const ring::Header& header, const std::vector<std::uint64_t>& payload);
  [[nodiscard]] Steady::time_point flush_due() const;
  [[nodiscard]] bool needs_sync() const;
  /// What waits goes into the file, where no reader sees it before the next commit.
  void put();
  void append_to_open_runs();
  [[nodiscard]] std::vector<NewRun> plan_runs();
  void begin_runs(std::vector<NewRun>& runs);
  [[nodiscard]] std::string next_run_name(const StreamWriter& stream, mth5::UtcNanos start);
  void add_gap(const StreamWriter& stream, const ring::GapNote& gap, const std::string& run_before, const std::string& run_after);
  void add_gaps_of(const NewRun& run);
  void add_tables();
  void add_anchors();
  void sync();
  void write_ledger();
  void write_log();
  void all_durable();
  /// The file that fails has never had its name: what waits is in it, too, and goes into the next one.
  void remember_unnamed(const std::filesystem::path& hidden);
  void remove_unnamed();
  void settle();
  void log_gaps();
  /// Values that were not stored as they came.
  void log_misfits();
  std::chrono::nanoseconds timed(const std::function<void()>& call);

  const Context context_;
  const config::Config& config_;
  Disk& disk_;
  /// For a write that finds no room; not for a next file, without which the recording goes on.
  const std::function<bool()> use_reserve_ = [this] { return !rolling_ && disk_.use_reserve(); };
  std::shared_ptr<spdlog::logger> log_;

  std::vector<std::unique_ptr<SourceWriter>> sources_;  ///< by number
  std::vector<std::unique_ptr<StreamWriter>> streams_;  ///< by number; grows

  std::optional<Resume> resume_, before_;
  bool described_anew_ = false;  ///< the configuration has changed since streams were made
  std::vector<ledger::Durable> positions_;
  RunNumbers run_numbers_;
  std::function<void(const RunNumbers&)> on_run_numbers_;
  std::function<void(const std::vector<ledger::Durable>&)> on_durable_;
  std::unique_ptr<mth5::File> file_, next_file_;  ///< the next is only there while the old one is closed
  std::string closed_by_roll_;                    ///< " closed file=PATH bytes=N" until the next file is told
  bool rolled_ = false;                           ///< file_ took over from another one
  std::optional<mth5::UtcNanos> mark_;            ///< at which file_ ends
  std::optional<Steady::time_point> held_until_;  ///< what lies behind it waits so long for the streams that have not come to it
  Steady::time_point roll_again_{};               ///< for its size, or after a failure, not before
  /// Whether a next file can be begun, after a failure, not before; until then file_ takes any number of runs.
  Steady::time_point try_again_{};
  bool rolling_ = false;                  ///< the next file is being created
  bool ended_ = false;                    ///< nothing more comes
  bool last_file_ = false;                ///< no file is begun behind the open one
  std::set<std::string> stations_there_;  ///< in the file
  std::set<std::string> runs_there_;      ///< "station/run" of every run of the file, of all sessions
  SurveyFilters filters_;                 ///< of this file
  std::size_t described_ = 0;             ///< streams that have their row in the file
  std::int64_t session_ = 0;
  mth5::TableId clip_limit_table_, sensor_noise_table_;
  mth5::TableId stream_table_, gap_table_, commit_table_, source_table_, stream_ledger_table_, reason_table_, resume_table_,
      log_table_;
  mth5::Rows stream_rows_, gap_rows_, commit_rows_, source_rows_, stream_ledger_rows_, reason_rows_, resume_rows_;
  std::vector<log::Event> unsafe_events_;  ///< in the file, and not durable
  std::size_t logged_lines_ = 0;           ///< in the file, by this process
  /// A file that failed before it had its name. It goes when all that may be in it is durable in other files; until then it is
  /// all that a power cut would leave of that.
  struct Unnamed {
    std::filesystem::path path;
    dev_t device;
    ino_t inode;
    struct Waited {
      std::size_t stream;
      std::uint64_t durable, lost;  ///< samples of it, when what waited is safe; that were lost before
    };
    std::vector<Waited> waited;
  };
  std::vector<Unnamed> unnamed_;
  struct LoggedGap {
    std::string stream, where;
    ring::GapNote gap;
  };
  std::vector<LoggedGap> logged_gaps_;  ///< of gap_rows_: told once they are in the file
  std::int64_t files_ = 0, commits_ = 0;
  std::uint64_t syncs_ = 0;
  bool announced_ = false;  ///< on_file was called for this file
  bool unsynced_ = false;
  std::optional<Steady::time_point> first_unseen_;  ///< came then; later ones may be unseen too
  Steady::time_point last_flush_, last_sync_;
  std::int64_t last_flush_us_ = 0, last_sync_us_ = 0;
};

}  // namespace daq::recorder
