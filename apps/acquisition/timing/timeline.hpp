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
  double sample_rate = 1;               ///< Hz, nominal
  double tolerance_samples = 0.5;       ///< contiguous within this
  mth5::Nanos fill_up_to{0};            ///< a gap up to this long is filled with NaN; a longer one begins a new run
  /// A clock that went back is believed when it has gone on evenly for this long; until then its samples are dropped as Backward.
  mth5::Nanos accept_step_after = std::chrono::minutes{10};
};

/// Why decoded samples are not stored.
enum class Drop : std::uint8_t {
  Duplicate,  ///< time of a sample that is stored already, nothing else: repeated line
  Backward,   ///< earlier than that: the clock jumped back
  BadTime,    ///< a time that the samples before and after it contradict
  RingFull,   ///< the writer did not keep up (disk stalled): counted by the ring's producer
  Count
};
inline constexpr std::size_t kDrops = static_cast<std::size_t>(Drop::Count);
/// "duplicate", "backward", "bad-time", "ring-full".
[[nodiscard]] std::string_view to_string(Drop reason);

/// Why samples are missing between two stored ones.
enum class GapReason : std::uint8_t { NoData, Disconnected, BadData, ClockStep, RingFull };
/// "no-data", "disconnected", "bad-data", "clock-step", "ring-full".
[[nodiscard]] std::string_view to_string(GapReason reason);

struct Gap {
  mth5::UtcNanos start;      ///< of the first missing sample
  std::int64_t n_samples;    ///< missing, by the nominal rate; 0 for a step back
  GapReason reason;
  bool filled;               ///< the samples() that follow begin with n_samples of NaN and the run goes on
};

/// Takes what the timeline found out, in order. Called on the thread of push(). False from samples() says that they could not be
/// taken (ring full): the timeline then counts them as RingFull and makes them a gap.
class Sink {
 public:
  virtual ~Sink() = default;
  /// `n` samples [n][n_channels], the first at `start`, the rest at the nominal rate behind it. `new_run`: do not continue the last run.
  virtual bool samples(mth5::UtcNanos start, std::span<const double> values, std::size_t n, bool new_run) = 0;
  virtual void gap(const Gap& gap) = 0;
};

struct Counters {
  std::uint64_t samples_in = 0;
  std::uint64_t stored = 0;        ///< given to the sink and taken, without fill
  std::uint64_t filled = 0;
  std::uint64_t pending = 0;       ///< held until the next frame confirms their time
  std::uint64_t gaps = 0;
  std::uint64_t missing = 0;       ///< samples, in all gaps
  std::array<std::uint64_t, kDrops> dropped{};  ///< samples_in == stored + pending + sum(dropped)

  friend bool operator==(const Counters&, const Counters&) = default;
};

/// One per source. Rules:
/// - contiguous: |frame time - predicted| <= tolerance. The run's axis stays start + i / rate; device time is not followed inside the
///   tolerance, so jitter does no harm.
/// - earlier: Duplicate if it is the time of a sample of the last frames, else Backward. Not stored. A clock that stays back and
///   runs evenly for accept_step_after is believed: new run, GapReason::ClockStep.
/// - later: a gap. One wild time must not put a station into the year 2099, so the first frame behind a gap (and the very first frame
///   of all) is held until the next one: contiguous or later confirms it, earlier contradicts it and drops it as BadTime.
/// - a gap's reason is RingFull, Disconnected, BadData in that order if such a thing happened since the last stored sample, else NoData.
class Timeline {
 public:
  Timeline(const Options& options, std::size_t n_channels, Sink& sink);

  /// Takes all frames of a batch; contiguous ones reach the sink as one block.
  void push(const decode::Batch& batch);
  /// The source broke off: the next gap is Disconnected. What is held stays held.
  void disconnected();
  /// The end: what is held is given out.
  void finish();

  [[nodiscard]] const Counters& counters() const { return counters_; }
  /// Time of the last sample given out or held; nullopt before the first.
  [[nodiscard]] std::optional<mth5::UtcNanos> last_time() const;

 private:
  Counters counters_;
  // further members: see the implementation's notes
};

}  // namespace daq::timing
