#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "acquisition/ledger/durations.hpp"
#include "acquisition/ledger/guarded.hpp"
#include "mth5/time.hpp"

/// What a power cut would cost now. Of each stream: what was received, when, and what of it is safe.
namespace daq::ledger {

/// When what came: marks every quarter of a second, farther apart while a disk stalls for long.
class Arrivals {
 public:
  /// @param before  samples that had come before those that came now
  /// @param safe    samples that need not be remembered any more
  void add(std::uint64_t before, Steady::time_point now, std::uint64_t safe);
  /// Not later than the arrival of the first sample behind `safe`, by a quarter of a second; nullopt if none was marked.
  [[nodiscard]] std::optional<Steady::time_point> of_first_after(std::uint64_t safe) const;

 private:
  static constexpr auto kEvery = std::chrono::milliseconds{250};
  static constexpr std::size_t kMost = 4096;
  struct Mark {
    std::uint64_t before;
    Steady::time_point time;
  };
  std::vector<Mark> marks_;
  std::chrono::milliseconds every_ = kEvery;
};

struct AtRisk {
  std::uint64_t samples = 0;  ///< per channel
  double seconds = 0;         ///< how long the oldest of them has been waiting

  [[nodiscard]] std::int64_t microseconds() const { return static_cast<std::int64_t>(seconds * 1e6); }
};

/// The two ends meet here: the io thread says what was received, the writer what is durable, or lost and counted. Thread: any.
class Receipts {
 public:
  /// Samples of a stream that came in good order so far: in the ring, in the file, or held until the next frame confirms them.
  void received(std::size_t stream, std::uint64_t samples, Steady::time_point now = mth5::steady_now());
  /// Samples of it, counted in the same way, that nothing can cost any more.
  void settled(std::size_t stream, std::uint64_t samples);

  [[nodiscard]] std::uint64_t received(std::size_t stream) const;
  [[nodiscard]] AtRisk at_risk(std::size_t stream, Steady::time_point now = mth5::steady_now()) const;

 private:
  struct Entry {
    std::uint64_t received = 0, settled = 0;
    Arrivals arrivals;
  };
  using Entries = std::vector<Entry>;
  static Entry& entry(Entries& all, std::size_t stream);

  Guarded<Entries> entries_;
};

}  // namespace daq::ledger
