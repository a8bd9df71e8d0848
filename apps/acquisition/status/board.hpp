#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "acquisition/ledger/clock_now.hpp"
#include "acquisition/ledger/counters.hpp"
#include "acquisition/ledger/durations.hpp"
#include "acquisition/ledger/guarded.hpp"
#include "acquisition/status/flow.hpp"
#include "mth5/time.hpp"

/// What the io thread tells of sources and streams: for the status file, the log, systemd. What the recorder tells is
/// recorder::State.
namespace daq::status {

using ledger::Steady;

struct SourceEntry {
  std::string name, input, instrument, station;
  Flow flow;
  std::string problem;  ///< why it is not connected
  /// What the instrument last reported of itself; NaN = not known.
  struct Health {
    std::string name, units;
    double value = std::numeric_limits<double>::quiet_NaN();
  };
  std::vector<Health> health;
  ledger::SourceCounters counters;
};

struct StreamEntry {
  std::string name, station;
  std::uint16_t source = 0;
  ledger::StreamCounters counters;
  std::int64_t clock_offset_ns = 0;       ///< host arrival - time of the newest sample
  std::optional<ledger::ClockNow> clock;  ///< nullopt before the first sample

  /// Samples that came in good order: in the ring, in the file, or held until the next one confirms their time.
  [[nodiscard]] std::uint64_t received() const { return counters.pending + counters.passed; }
};

/// What those say that keep this computer's clock.
struct HostClockEntry {
  double known_to_s = std::numeric_limits<double>::infinity();
  std::string says;  ///< for people; "" = nobody is asked
};

/// The board itself. Thread: any; everything under one mutex, held for copies only.
class Board {
 public:
  struct Copy {
    std::vector<SourceEntry> sources;
    std::vector<StreamEntry> streams;
    HostClockEntry host_clock;
  };

  explicit Board(std::size_t n_sources) : entries_{Copy{std::vector<SourceEntry>(n_sources), {}, {}}} {}

  template <class Change>
  void source(std::size_t index, Change change) {
    entries_.change([&](Copy& all) { change(all.sources.at(index)); });
  }
  /// Makes the entry where there is none yet.
  template <class Change>
  void stream(std::size_t number, Change change) {
    entries_.change([&](Copy& all) {
      if (all.streams.size() <= number) all.streams.resize(number + 1);
      change(all.streams[number]);
    });
  }
  void host_clock(const HostClockEntry& entry) {
    entries_.change([&](Copy& all) { all.host_clock = entry; });
  }
  [[nodiscard]] Copy copy() const { return entries_.copy(); }

 private:
  ledger::Guarded<Copy> entries_;
};

}  // namespace daq::status
