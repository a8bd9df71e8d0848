#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "acquisition/ledger/counters.hpp"
#include "acquisition/ledger/durable.hpp"
#include "acquisition/recorder/resume.hpp"
#include "acquisition/recorder/station_state.hpp"
#include "acquisition/ring/records.hpp"
#include "acquisition/ring/ring.hpp"
#include "acquisition/stream/streams.hpp"
#include "acquisition/timing/misfits.hpp"
#include "mth5/clock.hpp"
#include "mth5/file.hpp"

namespace daq::recorder {

/// Samples of a stream that lie in a row, as they wait to be put into the file.
struct Piece {
  bool new_run = false;
  mth5::UtcNanos start{};
  std::size_t first = 0;  ///< number of its first sample, as the batch counts
  std::int64_t n = 0;
  std::int64_t n_filled = 0;  ///< of them, at the front
  ring::GapNote gap;          ///< before them
  RunFigures figures;
  std::vector<double> lengths = {};  ///< as told_lengths()
  bool in_next_file = false;         ///< with all behind it: it lies behind the mark at which the file ends
};

/// A run of the file that is being written.
struct OpenRun {
  mth5::RunId id;
  std::string name;
  mth5::UtcNanos start{};
  std::int64_t n_samples = 0, visible = 0, durable = 0;  ///< with fill
  RunFigures figures;
  std::optional<mth5::ClockAnchor> anchor = {};  ///< the newest of its samples that are in the file
  std::vector<double> lengths = {};              ///< by which its channels are described, as told_lengths()
};

/// One stream on its way into the file: what waits, the run that is open, and the count of every sample. It touches no file; that
/// does the FileWriter. Thread: writer.
class StreamWriter {
 public:
  StreamWriter(const stream::Stream& stream, std::uint16_t number, const StationState& state);

  [[nodiscard]] const stream::Stream& stream() const { return stream_; }
  [[nodiscard]] std::uint16_t number() const { return number_; }
  /// What people say of station and channels, from the next file on. @param other  the same stream, by another configuration
  void describe(const stream::Stream& other);

  // What comes.
  /// @param lengths  told_lengths() of them; one that is not known is taken to be what it was for the samples before, but in a
  /// new run
  void take_samples(bool new_run, const std::vector<std::uint64_t>& payload, const std::vector<double>& lengths = {});
  void take_gap(const ring::GapNote& gap) { trailing_gaps_.push_back(gap); }
  void take_anchor(const ring::AnchorNote& anchor);
  /// Where its source can go on behind all samples that were taken.
  void take_token(std::string token);
  void take_counters(const ledger::StreamCounters& counters);
  /// Samples that no file will hold. @returns how many, without fill
  std::uint64_t discard_samples(bool new_run, const std::vector<std::uint64_t>& payload, ledger::Drop why);
  /// All that waits in the batch. @returns how many, without fill
  std::uint64_t discard_batch(ledger::Drop why);

  // What waits.
  /// Samples, fill included.
  [[nodiscard]] std::int64_t waiting() const { return taken_all_ - stored_all_; }
  /// The same and those that are in the file but in no commit yet.
  [[nodiscard]] std::int64_t unseen() const { return waiting() + static_cast<std::int64_t>(stored_ - visible_); }
  /// So much waits that it is to be put into the file before more is taken.
  [[nodiscard]] bool is_full() const;
  [[nodiscard]] std::optional<mth5::UtcNanos> first_waiting() const;
  [[nodiscard]] const std::deque<Piece>& pieces() const { return pieces_; }

  // The mark at which the file ends, by the clock of the samples.
  /// What waits from there on is for the next file.
  void cut_at(mth5::UtcNanos mark);
  /// The next file has begun.
  void uncut();
  [[nodiscard]] bool is_cut() const;
  /// Of the newest sample that was taken; nullopt if none was.
  [[nodiscard]] std::optional<mth5::UtcNanos> newest() const;
  [[nodiscard]] std::chrono::steady_clock::time_point heard() const { return heard_; }  ///< when that was
  [[nodiscard]] std::vector<ring::GapNote>& trailing_gaps() { return trailing_gaps_; }

  /// Pieces from the front that belong to one run: the first, and those behind it that do not begin another and are the same by
  /// what the instrument says.
  struct Group {
    std::size_t pieces = 0;
    mth5::UtcNanos start{};       ///< of its run, by the clock also where it goes on behind one that a new file cut off
    mth5::UtcNanos axis_start{};  ///< by the timeline's axis, whose run it may have begun long before
    std::size_t first = 0;
    std::int64_t n = 0, n_filled = 0;
    RunFigures figures = {};
    std::vector<double> lengths = {};  ///< as told_lengths()
  };
  /// Of the open run as it ends now: its clock to the last sample, on the line of the newest anchor.
  [[nodiscard]] RunFigures figures_at_end() const;
  /// Whether the front group goes on with the open run.
  [[nodiscard]] bool goes_on() const;
  /// @param from  number of the first piece
  [[nodiscard]] Group group(std::size_t from) const;
  /// Of the trailing gaps, those of single channels within a group.
  [[nodiscard]] std::vector<ring::GapNote> take_channel_gaps(const Group& within);
  /// Samples of a group whose value is not known, in channels where no fill value tells that: each row of them in a row is a gap
  /// of its own, filled. @param utc_of  of a sample of the group
  [[nodiscard]] std::vector<ring::GapNote> unknown_in(const Group& group,
                                                      const std::function<mth5::UtcNanos(std::int64_t)>& utc_of) const;
  /// Values that were not stored as they came since it was asked for, the first of each channel and reason.
  [[nodiscard]] std::vector<timing::Misfits::News> take_misfits() { return misfits_.take_news(); }
  /// Samples of a group, [n_channels][n]; good until the next call.
  [[nodiscard]] mth5::Matrix<const double> samples(const Group& group);
  /// The front group is in the file: part of `run`.
  void stored(const Group& group, OpenRun& run);

  // Clock: anchors of samples that are in a run of the file.
  /// UTC of a sample of an open run as the clock says now.
  [[nodiscard]] mth5::UtcNanos utc_of(const OpenRun& run, std::int64_t sample) const;
  struct PlacedAnchor {
    std::string run;
    std::int64_t sample;
    ring::AnchorNote note;
  };
  [[nodiscard]] std::vector<PlacedAnchor> take_anchors();

  // Where its source can go on.
  [[nodiscard]] const std::string& token() const { return token_; }  ///< of what is in the file; "" = unknown
  [[nodiscard]] const std::optional<mth5::UtcNanos>& last_time() const { return last_time_; }  ///< of the last sample in the file
  /// What is durable, if it has changed since it was asked for.
  [[nodiscard]] std::optional<ledger::Durable> take_durable();
  /// What the daemon before left.
  void go_on_at(const ledger::Durable& position);

  // Counts; samples without fill.
  [[nodiscard]] std::uint64_t stored() const { return stored_; }
  [[nodiscard]] std::uint64_t durable() const { return durable_; }
  [[nodiscard]] std::uint64_t visible() const { return visible_; }
  [[nodiscard]] std::uint64_t lost() const { return ledger::sum(lost_); }
  [[nodiscard]] std::uint64_t taken() const { return taken_; }
  [[nodiscard]] std::uint64_t begun_stored() const { return begun_.stored; }  ///< stored() when the file was begun
  void all_visible();
  void all_durable();
  /// Stored and not durable samples are lost with their file. @returns how many
  std::uint64_t lose_unsafe(ledger::Drop why);
  /// All samples of the file are lost with it, durable ones too. @returns how many
  std::uint64_t lose_file(ledger::Drop why);
  /// As of now, since the start of the daemon.
  [[nodiscard]] ledger::StreamRow row() const;
  /// The same since the file was begun.
  [[nodiscard]] ledger::StreamRow row_of_file() const { return since(row(), begun_); }
  /// A new file: its ledger begins where the last durable row of the file before ended, so nothing falls between the two.
  void begin_file() { begun_ = synced_; }
  /// The session before ended in this file: what is missing before the next run is missing since its last run of this stream.
  /// @returns that run, nullptr if there is none
  const Resume::Run* expect_behind(const Resume& before);
  void note_synced() { synced_ = row(); }
  [[nodiscard]] const ledger::StreamRow& synced() const { return synced_; }

  // The file's, for the FileWriter.
  std::optional<OpenRun> run;
  std::string last_run;  ///< name of the run before, "" = none in this file
  struct Expected {
    mth5::UtcNanos time;  ///< of the sample that did not come any more
    double rate;          ///< Hz, by the clock there
    ledger::GapReason reason;
    double unsure_s;  ///< as of Resume::Run
  };
  std::vector<Expected> expected;                   ///< where runs of the sessions before ended, as far as they are known
  std::vector<ring::GapNote> gaps_before_next_run;  ///< of the recorder's own making
  std::optional<mth5::TableId> clock_table;
  std::uint64_t recovered = 0;                               ///< of this file, found after a crash
  std::optional<mth5::UtcNanos> first_run_start;             ///< in this file
  std::array<std::uint64_t, ledger::kDrops> told_dropped{};  ///< as in the file's table of reasons
  std::string told_token;                                    ///< as in the file's table resume

 private:
  stream::Stream stream_;  ///< its own: what people say of it may change
  const std::uint16_t number_;
  const std::size_t n_channels_;
  const StationState& state_;
  std::uint64_t state_reader_ = 0;

  void trim_batch();
  std::vector<double> lengths_;  ///< of the newest samples that were taken
  std::chrono::steady_clock::time_point heard_{};

  std::vector<double> batch_;   ///< [samples][n_channels]: what waits, and in front of it what went not long ago
  std::size_t batch_base_ = 0;  ///< number of its first sample
  std::deque<Piece> pieces_;
  std::vector<ring::GapNote> trailing_gaps_;
  std::vector<double> matrix_;  ///< reused

  /// The timeline counts samples from its run's begin, the file from its own run's: a file may begin in the middle.
  std::int64_t timeline_taken_ = 0;  ///< samples of the timeline's run that were taken
  struct Mark {
    std::int64_t taken_all;  ///< with fill, when the anchor came: it is of a sample before
    std::int64_t ago;        ///< how many samples before
    ring::AnchorNote note;
    std::string run = {};     ///< "" until its sample is in the file
    std::int64_t sample = 0;  ///< in that run
  };
  std::deque<Mark> anchors_;
  std::optional<Mark> placed_;  ///< the newest of what is in the file, of the timeline's run that goes on
  void place_first_of(OpenRun& into);
  /// placed_, moved to the sample of this number, with fill; there is one.
  [[nodiscard]] Mark placed_at(std::int64_t number) const;
  [[nodiscard]] mth5::UtcNanos start_of(std::size_t from) const;  ///< of a run that begins with this piece
  struct TokenMark {
    std::int64_t taken_all;  ///< with fill, when it came
    std::string text;
  };
  std::deque<TokenMark> tokens_;
  std::string token_;
  std::optional<mth5::UtcNanos> last_time_;
  std::optional<ledger::Durable> durable_at_;
  bool durable_news_ = false;
  void settle_tokens();
  /// Its sample is in `into`, at mark.sample. @returns false if it is in front of that run, in the file before: then the line
  /// from there says where its first sample lies
  bool place(Mark& mark, OpenRun& into);
  /// What the mark says of the first sample of the run, `samples` behind its own.
  void move_to_first(Mark& mark, std::int64_t samples) const;
  [[nodiscard]] RunFigures::ClockAt clock_at(std::int64_t taken_all, std::int64_t ago, const ring::AnchorNote& note) const;
  std::int64_t taken_all_ = 0, stored_all_ = 0;  ///< with fill

  std::uint64_t taken_ = 0, stored_ = 0, visible_ = 0, durable_ = 0, batched_ = 0;
  timing::Misfits misfits_;                           ///< values of those stored
  std::array<std::uint64_t, ledger::kDrops> lost_{};  ///< taken and not stored
  ledger::StreamCounters counters_;                   ///< the last that came
  std::uint64_t taken_at_counters_ = 0;
  ledger::StreamRow synced_, begun_;
};

}  // namespace daq::recorder
