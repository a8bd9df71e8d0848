#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "mth5/time.hpp"
#include "mth5/types.hpp"

/// A channel that is not stored as it comes: rounded, and within the range of its type.
struct StoredAs {
  mth5::SampleType type = mth5::SampleType::Float64;
  double unknown = 0;    ///< integer types: what stands for NaN
  bool is_fill = false;  ///< and for nothing else: readers take it for unknown (the profile's `fill`)

  [[nodiscard]] bool is_whole() const { return type == mth5::SampleType::Int16 || type == mth5::SampleType::Int32; }
};

/// How a stream's time is decided. Each has a default that suits an instrument whose frames carry exact times.
namespace daq::timing {

struct Options {
  double sample_rate = 1;          ///< Hz, nominal
  double tolerance_samples = 0.5;  ///< of the nominal rate: a frame follows another if its time fits the prediction this well
  /// Times of this instrument may be off by so much although nothing is lost. The larger of the two tolerances holds, so a loss
  /// shorter than it is seen only by a counter. 0 to 1 h.
  mth5::Nanos tolerance_floor{0};
  /// Times are cut to this step (1 s: whole seconds at 10 Hz). Where it is more than a frame only the first frame of each new
  /// step says anything, to one frame; the others follow by count. 0 = as the digits of the times say (decode::Frame::time_step),
  /// or as they repeat. 1 ns: exact, however few digits they have. 0 to 1 h.
  mth5::Nanos stamp_resolution{0};
  mth5::Nanos fill_up_to{0};  ///< a gap up to this long is filled with NaN; a longer one begins a new run
  /// A clock that was set back is believed after three frames that agree, and not before it has run on for this long; its samples
  /// wait in memory (when kMaxWaiting values wait it is believed all the same). Default 0, at most 7 d.
  mth5::Nanos accept_step_after{0};
  /// No gap is longer; a jump beyond it is a clock that was set. 1 min or more. Default a year of 366 days.
  mth5::Nanos longest_gap = std::chrono::hours{24 * 366};

  /// When the plain axis of a run (start + i / rate) is off by more, a new run begins without a gap. 0 = never.
  mth5::Nanos reanchor_after{0};
  /// Host time: what lies between the end of a frame and its arrival at the earliest (buffers, bits on the line). 0 to 1 min.
  mth5::Nanos delay{0};
  /// Times before it are moved on by as many 1024 weeks as it takes: receivers older than a rollover of the GPS week.
  std::optional<mth5::UtcNanos> not_before{};
  /// Memory of the clock: what lies further back says little about the line. 10 s to 1 d.
  mth5::Nanos window = std::chrono::minutes{10};
  /// Frames come as they are taken, from an instrument: the time between them tells a pause from a clock that was set. False for
  /// recordings that are played back: when these arrive says nothing.
  bool live = true;

  std::uint64_t counter_modulus = 0;    ///< the counter goes from modulus - 1 to 0; 0 = it has 64 bits
  std::uint64_t samples_per_count = 1;  ///< samples from one count to the next; 0 = it counts frames

  /// What becomes of a value in the file, channel by channel; empty = nothing. A repetition is one of what is stored.
  std::vector<StoredAs> stored_as{};
  std::size_t remember = std::size_t{1} << 20;  ///< rows of samples of which a repetition is recognised; 8 bytes each, when used
};

/// Values (rows times channels) that wait for a decision at most: 512 KiB.
inline constexpr std::size_t kMaxWaiting = std::size_t{1} << 16;

}  // namespace daq::timing
