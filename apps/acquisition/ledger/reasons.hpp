#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// Why bytes were skipped, samples dropped, samples missing, and what an input reports. The one list of each: file, status, log,
/// monitor, summary and the documentation take names and meanings from here. A new reason is a new line here and nowhere else.
namespace daq::ledger {

/// Why bytes did not become a sample: counted by decoders.
enum class Skip : std::uint8_t {
  Garbage,
  CutOff,
  BadTime,
  BadValue,
  TooLong,
  BadCheck,
  Unconfirmed,
  ShortLine,
  OtherSentence,
  OtherRecord,
  Count
};

/// What went wrong before any byte was there to be counted: counted by sources, in the unit that the meaning names.
enum class InputFault : std::uint8_t {
  KernelDrop,
  Oversized,
  OtherSender,
  RefusedPeer,
  Overrun,
  Framing,
  Parity,
  Break,
  Shrunk,
  Rewritten,
  AddedLate,
  Count
};

/// What becomes of a value that its channel does not store as it came, or that readers do not take as it is stored: counted by
/// the recorder. One value may be of two.
enum class Misfit : std::uint8_t { Clipped, Rounded, AsFill, Count };

/// Why decoded samples are not stored. The first three are counted by the timeline, RingFull where the ring refused, the rest by
/// the recorder.
enum class Drop : std::uint8_t { Duplicate, Backward, BadTime, RingFull, WriteFailed, WriteRefused, FileLost, Stopped, Count };

/// Why samples are missing between two stored ones.
enum class GapReason : std::uint8_t {
  NoData,
  Disconnected,
  BadData,
  ClockStep,
  ClockDrift,
  OutOfOrder,
  ChannelAway,
  NoValue,
  RingFull,
  WriteFailed,
  WriteRefused,
  FileLost,
  WriterDied,
  NotRunning,
  Stopped,
  Count
};

inline constexpr std::size_t kSkips = static_cast<std::size_t>(Skip::Count);
inline constexpr std::size_t kInputFaults = static_cast<std::size_t>(InputFault::Count);
inline constexpr std::size_t kMisfits = static_cast<std::size_t>(Misfit::Count);
inline constexpr std::size_t kDrops = static_cast<std::size_t>(Drop::Count);
inline constexpr std::size_t kGapReasons = static_cast<std::size_t>(GapReason::Count);

struct Reason {
  std::string_view name;     ///< as in file, status and log: "cut-off"
  std::string_view meaning;  ///< half a sentence for people
};

/// In the order of the enumerators.
[[nodiscard]] std::span<const Reason, kSkips> skip_reasons();
[[nodiscard]] std::span<const Reason, kInputFaults> input_faults();
[[nodiscard]] std::span<const Reason, kMisfits> misfits();
[[nodiscard]] std::span<const Reason, kDrops> drop_reasons();
[[nodiscard]] std::span<const Reason, kGapReasons> gap_reasons();

[[nodiscard]] std::string_view to_string(Skip reason);
[[nodiscard]] std::string_view to_string(InputFault fault);
[[nodiscard]] std::string_view to_string(Misfit misfit);
[[nodiscard]] std::string_view to_string(Drop reason);
[[nodiscard]] std::string_view to_string(GapReason reason);

}  // namespace daq::ledger
