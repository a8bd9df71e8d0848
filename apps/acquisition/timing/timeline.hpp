#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "acquisition/decode/decoder.hpp"
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

/// Why decoded samples are not stored.
enum class Drop : std::uint8_t {
  Duplicate,    ///< time of a sample that is stored already, nothing else: repeated line
  Backward,     ///< earlier than that: the clock jumped back
  BadTime,      ///< a time that the samples before and after it contradict
  RingFull,     ///< the writer did not keep up (disk stalled): counted by the ring's producer
  WriteFailed,  ///< the medium refused what had been taken out of the ring: counted by the recorder
  Count
};
inline constexpr std::size_t kDrops = static_cast<std::size_t>(Drop::Count);
/// "duplicate", "backward", "bad-time", "ring-full", "write-failed".
[[nodiscard]] std::string_view to_string(Drop reason);

/// Why samples are missing between two stored ones.
/// The last two come from the recorder: see Drop::WriteFailed; the writer of the file died (power cut, kill) and another goes on.
enum class GapReason : std::uint8_t { NoData, Disconnected, BadData, ClockStep, RingFull, WriteFailed, WriterDied };
/// "no-data", "disconnected", "bad-data", "clock-step", "ring-full", "write-failed", "writer-died".
[[nodiscard]] std::string_view to_string(GapReason reason);

struct Gap {
  mth5::UtcNanos start;    ///< of the first missing sample
  std::int64_t n_samples;  ///< missing, by the nominal rate; 0 for a step back
  GapReason reason;
  bool filled;  ///< the samples() that follow begin with n_samples of NaN and the run goes on
};

/// Takes what the timeline found out, in order. Called on the thread of push(). False from samples() says that they could not be
/// taken (ring full): the timeline then counts them as RingFull and makes them a gap.
/// gap() announces what lies before the samples() that follow; it holds only if those are taken. If they are not, the gap is
/// announced again, longer, before the next ones (one gap for one outage). A gap that finish() announces has nothing behind it
/// and holds.
class Sink {
 public:
  virtual ~Sink() = default;
  /// `n` samples [n][n_channels], the first at `start`, the rest at the nominal rate behind it. `new_run`: do not continue the
  /// last run.
  virtual bool samples(mth5::UtcNanos start, std::span<const double> values, std::size_t n, bool new_run) = 0;
  virtual void gap(const Gap& gap) = 0;
};

struct Counters {
  std::uint64_t samples_in = 0;
  std::uint64_t stored = 0;  ///< given to the sink and taken, without fill
  std::uint64_t filled = 0;
  std::uint64_t pending = 0;  ///< held until the next frame confirms their time
  std::uint64_t gaps = 0;
  std::uint64_t missing = 0;                    ///< samples, in all gaps
  std::array<std::uint64_t, kDrops> dropped{};  ///< samples_in == stored + pending + sum(dropped)

  friend bool operator==(const Counters&, const Counters&) = default;
};

/// One per source. Rules:
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

  /// Takes all frames of a batch; contiguous ones reach the sink as one block.
  void push(const decode::Batch& batch);
  /// The source broke off: the next gap is Disconnected. What is held stays held.
  void disconnected();
  /// The end: what is held is given out. Frames pushed after it begin anew.
  void finish();

  [[nodiscard]] const Counters& counters() const { return counters_; }
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
  /// What goes to the sink next, as one call.
  struct Block {
    const double* values = nullptr;
    std::int64_t n = 0;
    std::int64_t n_filled = 0;  ///< of n, at the front
    mth5::UtcNanos start{};
    bool new_run = false;
    Gap gap{};  ///< before it, if has_gap
    bool has_gap = false;
  };
  /// Frames in a row, all of them earlier than the run's end.
  struct Back {
    mth5::UtcNanos start{}, last{}, next{};
  };

  void take(const decode::Batch::Frame& frame, const double* values);
  void append(const double* values, std::int64_t n);
  void hold(const decode::Batch::Frame& frame, const double* values);
  void confirm_held();
  void contradict_held();
  void drop_earlier(const decode::Batch::Frame& frame, Place place, const double* values);
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
  Counters counters_;

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
