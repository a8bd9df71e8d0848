#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/simulate/random.hpp"
#include "mth5/time.hpp"

/// What goes wrong on the way. Thread: one.
namespace daq::simulate {

/// --fault, read. Probabilities are per record (bitflip: per byte), times are signal time since the first record.
struct FaultPlan {
  struct Pause {
    mth5::Nanos length, at;
  };
  struct ClockStep {
    mth5::Nanos by, at;
  };
  /// Of a server of files, from a time on.
  struct Served {
    enum class Kind : std::uint8_t { NewRun, Shrink, IgnoreRange, SlowRange };
    Kind kind;
    mth5::Nanos length, at;  ///< length: of an answer that is slow
  };
  double drop = 0;
  double garbage = 0;
  double duplicate = 0;
  double bitflip = 0;
  double truncate = 0;
  double shorten = 0;
  double answer = 0;
  double late = 0;
  std::vector<Pause> stalls;       ///< the line is silent, then sends what has gathered at once
  std::vector<Pause> disconnects;  ///< unplugged for this long (real time)
  std::vector<Pause> unlocked;     ///< no GPS for this long
  std::vector<ClockStep> clock_steps;
  std::vector<Served> served;
};
/// "new-run", "shrink", "ignore-range", "slow-range": as in --fault.
[[nodiscard]] std::string name_of(FaultPlan::Served::Kind kind);
struct ParsedFaults {
  FaultPlan plan;
  std::string problem;  ///< "" = good
};
/// "drop=0.01,garbage=0.001,duplicate=0.01,bitflip=1e-4,truncate=0.01,shorten=0.01,answer=0.01,late=0.01,stall=30s@5m,disconnect=@10m,
/// lose-lock=1m@5m,clock-step=+2s@3m,new-run=@1m,shrink=@1m,ignore-range=@1m,slow-range=2s@1m".
/// Times and steps may come more than once. Durations as in the config, and `m` for `min`.
[[nodiscard]] ParsedFaults parse_faults(std::string_view text);

/// Durations as in the config ("30s", "5min", "1h") and `m` for `min`; nullopt if it is none, or negative.
[[nodiscard]] std::optional<mth5::Nanos> parse_time_span(std::string_view text);

/// Does it to records, in order. Every kind has its own random numbers: drop=0.01 drops the same records with and without
/// garbage. Same plan, records and seed: same faults.
class FaultMaker {
 public:
  /// What was done to one record.
  struct Fate {
    bool dropped = false, duplicated = false, truncated = false, shortened = false;
    bool late = false;  ///< it is to be sent behind the record that follows it: whoever asked keeps it until then
    unsigned flipped_bits = 0;
  };
  /// @param line_end  of the instrument's records; "" = they are no lines
  FaultMaker(FaultPlan plan, std::uint64_t seed, std::string line_end = "\n");

  /// Appends the garbage that comes before the next record, mostly none: 1 … 64 random bytes, in half of the cases a line end.
  /// @returns number of bytes
  std::size_t append_garbage(std::string& out);
  /// Whether an answer of the instrument stands before the next record, and which one of `n`.
  [[nodiscard]] std::optional<std::size_t> answers(std::size_t n);
  /// Appends what is left of the record. Flips one bit of a byte that is hit, then cuts the second half off (or, of a line, any
  /// part but its end), then repeats.
  Fate append_record(std::string_view record, std::string& out);

  /// Sum of the clock steps at or before signal time `at`.
  [[nodiscard]] mth5::Nanos clock_offset(mth5::Nanos at) const;
  /// When a record of signal time `at` leaves: `at`, or the end of the stall it falls into.
  [[nodiscard]] mth5::Nanos leaves(mth5::Nanos at) const;
  /// Whether a record of signal time `at` is made without GPS.
  [[nodiscard]] bool unlocked(mth5::Nanos at) const;
  [[nodiscard]] const FaultPlan& plan() const { return plan_; }

 private:
  FaultPlan plan_;
  std::string line_end_;
  Random drop_, garbage_, duplicate_, bitflip_, truncate_, shorten_, answer_, late_;
};

}  // namespace daq::simulate
