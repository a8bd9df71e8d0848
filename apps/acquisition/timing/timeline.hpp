#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "acquisition/decode/decoder.hpp"
#include "acquisition/ledger/counters.hpp"
#include "mth5/time.hpp"

/// Which samples follow one another, by the instrument's own time. Pure: no I/O, no clock of its own.
namespace daq::timing {

struct Options {
  double sample_rate = 1;          ///< Hz, nominal
  double tolerance_samples = 0.5;  ///< contiguous within this
  mth5::Nanos fill_up_to{0};       ///< a gap up to this long is filled with NaN; a longer one begins a new run
  /// A clock that went back is believed when it has gone on evenly for this long; until then its samples are dropped as Backward.
  mth5::Nanos accept_step_after = std::chrono::minutes{10};
};

using ledger::Drop;
using ledger::GapReason;

struct Gap {
  mth5::UtcNanos start;    ///< of the first missing sample
  std::int64_t n_samples;  ///< missing, by the nominal rate; 0 for a step back
  GapReason reason;
  bool filled;  ///< the samples() that follow begin with n_samples of NaN and the run goes on
};

/// What goes into a file next, as one piece.
struct Block {
  mth5::UtcNanos start{};
  const double* values = nullptr;  ///< [n][n_channels], good until the call returns
  std::int64_t n = 0;
  std::int64_t n_filled = 0;  ///< of n, at the front: NaN for samples that are missing
  bool new_run = false;       ///< do not continue the last run
  std::optional<Gap> gap{};   ///< before it
};

/// What ties the samples of a run to UTC: sample `sample` was taken at `utc`.
struct Anchor {
  std::int64_t sample = 0;  ///< index in the run that the samples() before went to, without regard to files
  mth5::UtcNanos utc{};
  decode::TimeKind kind = decode::TimeKind::Gps;
  double residual_s = 0;     ///< of the frame's time against the clock's line
  double ppm = 0;            ///< by how much the samples come faster than the nominal rate says
  double uncertainty_s = 0;  ///< of `utc`, one standard deviation
  bool locked = false;       ///< the line is good: enough frames, small residuals
};

/// Takes what the timeline found out, in order. Called on the thread of push().
class Sink {
 public:
  virtual ~Sink() = default;
  /// False says that the block could not be taken (ring full): the timeline then counts its samples as RingFull and makes them a
  /// gap; what was said of a gap before them is announced again, longer, before the next ones (one gap for one outage).
  virtual bool samples(const Block& block) = 0;
  /// A gap with nothing behind it: finish() announces those.
  virtual void gap(const Gap& gap) = 0;
  /// Follows the samples() that it is of.
  virtual void anchor(const Anchor& anchor) = 0;
};

/// One per stream. Rules:
/// - contiguous: |frame time - predicted| <= tolerance. The run's axis stays start + i / rate; device time is not followed inside
/// the
///   tolerance, so jitter does no harm.
/// - earlier: Duplicate if it is (within tolerance) the time of a sample of this run or of the held frame, else Backward. Not
/// stored. A
///   clock that stays back and runs evenly for accept_step_after is believed: new run, GapReason::ClockStep.
/// - later: a gap. One wild time must not put a station into the year 2099, so the first frame behind a gap (and the very first
/// frame
///   of all) is held until the next one: contiguous or later confirms it, earlier contradicts it and drops it as BadTime. A frame
///   that the run itself refuses (Duplicate, Backward) says nothing about the held one.
/// - a gap's reason is RingFull, Disconnected, BadData (skipped bytes, a frame dropped as BadTime) in that order if such a thing
/// happened
///   since the last stored sample, else NoData.
/// - a frame of several samples is a block: what of it is stored already is dropped as Duplicate, the rest is contiguous.
class Timeline {
 public:
  Timeline(const Options& options, std::size_t n_channels, Sink& sink);

  /// Takes a frame with its values [n_samples][n_channels]; contiguous ones that lie behind one another in memory reach the sink
  /// as one block. The values have to stay until end_of_batch().
  void push(const decode::Frame& frame, const double* values);
  /// The memory of the values goes: what is still to be given out is given out, what is held is copied.
  void end_of_batch();
  /// The source broke off: the next gap is Disconnected. What is held stays held.
  void disconnected();
  /// The end: what is held is given out. Frames pushed after it begin anew.
  void finish();

  [[nodiscard]] const ledger::StreamCounters& counters() const { return counters_; }
  /// Time of the last sample given out or held; nullopt before the first.
  [[nodiscard]] std::optional<mth5::UtcNanos> last_time() const;

 private:
  /// A row of samples at the nominal rate: the run so far, the held frame.
  struct Series {
    mth5::UtcNanos start{};
    std::int64_t n = 0;
  };
  /// Where a frame lies as seen from a series.
  enum class Place : std::uint8_t { Earlier, Known, Overlaps, Contiguous, Later };
  struct Placed {
    Place place;
    std::int64_t known = 0;  ///< Overlaps: samples at the frame's front that the series has
  };
  /// What happened since the last stored sample.
  struct Events {
    bool disconnected = false;
    bool bad_data = false;
  };
  struct Held {
    Series series;
    const double* values;  ///< in the batch, after push() in held_values_
    Events events;         ///< before it
  };
  /// Frames in a row, all of them earlier than the run's end.
  struct Back {
    mth5::UtcNanos start{}, last{}, next{};
  };

  void append(const double* values, std::int64_t n);
  void hold(const decode::Frame& frame, const double* values);
  void confirm_held();
  void contradict_held();
  void drop_earlier(const decode::Frame& frame, Place place, const double* values);
  void begin_run(mth5::UtcNanos start, const double* values, std::int64_t n, Events events, bool clock_step);
  void fill_and_append(const Held& held, std::int64_t n_missing);
  void give_out();
  void drop(Drop reason, std::int64_t n) { counters_.dropped[static_cast<std::size_t>(reason)] += static_cast<std::uint64_t>(n); }
  void count_gap(const Gap& gap);
  [[nodiscard]] Gap gap_until(mth5::UtcNanos end, Events events) const;
  [[nodiscard]] mth5::UtcNanos time_of(const Series& series, std::int64_t index) const;
  [[nodiscard]] std::int64_t samples_to(mth5::UtcNanos from, mth5::UtcNanos to) const;
  [[nodiscard]] Placed place(const Series& series, mth5::UtcNanos time, std::int64_t n) const;

  const Options options_;
  const std::size_t n_channels_;
  const mth5::Nanos period_;     ///< 0 if it is no whole number of ns
  const std::int64_t max_fill_;  ///< samples
  Sink& sink_;
  ledger::StreamCounters counters_;

  std::optional<Series> run_;  ///< what was given out, refused samples too: the axis that predicts the next frame
  std::optional<Held> held_;
  std::optional<Back> back_;
  std::optional<mth5::UtcNanos> stored_end_;  ///< where the next stored sample would leave no gap; nullopt before the first block
  bool lost_ = false;                         ///< the sink refused samples since the last stored one
  Events events_;
  Block block_;
  std::vector<double> held_values_;
  std::vector<double> fill_values_;
};

}  // namespace daq::timing
