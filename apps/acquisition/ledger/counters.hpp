#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "acquisition/ledger/reasons.hpp"

/// The counters of a recording, at the bottom of everything that counts. A source has bytes, a stream has samples:
///
///     bytes_in        = bytes_decoded + bytes_pending + sum(bytes_skipped)                  of each source
///     samples_decoded = samples_stored + samples_buffered + sum(samples_dropped)            of each stream
///
/// Plain values; they travel through the ring as words.
namespace daq::ledger {

/// Of a source, since the daemon's start.
struct SourceCounters {
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_decoded = 0;  ///< frames with their end marks; also blank lines and comments
  std::uint64_t bytes_pending = 0;  ///< the beginning of a frame that is not complete yet
  std::uint64_t frames = 0;
  std::uint64_t fields_unknown = 0;    ///< fields of them that hold no value, or lack in a short line: stored as NaN
  std::uint64_t frames_unchecked = 0;  ///< of frames: by no checksum, as of several that the profile names none is chosen yet
  std::uint64_t short_lines = 0;       ///< of frames: lines of a length that the profile does not list
  std::uint64_t reconnects = 0;
  std::uint64_t soh_dropped = 0;                           ///< rows of state of health for which there was no room
  std::uint64_t bytes_sent = 0;                            ///< commands to the instrument
  std::uint64_t bytes_unsent = 0;                          ///< of commands: it did not read, or the connection broke first
  std::array<std::uint64_t, kInputFaults> input_faults{};  ///< what never became bytes; outside of the sum
  std::array<std::uint64_t, kSkips> bytes_skipped{};
  std::array<std::uint64_t, kSkips> events_skipped{};  ///< runs of skipped bytes

  friend bool operator==(const SourceCounters&, const SourceCounters&) = default;
};

/// Of a stream, as its timeline counts them, since the daemon's start; samples per channel.
struct StreamCounters {
  std::uint64_t decoded = 0;
  std::uint64_t passed = 0;   ///< given to the ring and taken, without fill
  std::uint64_t filled = 0;   ///< made up in short gaps
  std::uint64_t pending = 0;  ///< held until the next frame confirms their time
  std::uint64_t gaps = 0;
  std::uint64_t missing = 0;      ///< in all gaps
  std::uint64_t values_late = 0;  ///< of channels that arrive apart: outside of the sum, as they are of no whole sample
  std::array<std::uint64_t, kDrops> dropped{};  ///< decoded == passed + pending + sum(dropped)

  friend bool operator==(const StreamCounters&, const StreamCounters&) = default;
};

template <class Array>
[[nodiscard]] std::uint64_t sum(const Array& values) {
  std::uint64_t n = 0;
  for (const auto value : values) n += value;
  return n;
}

/// What a row of a source says.
struct SourceRow {
  SourceCounters counters;
};
/// The same of a stream, as the recorder knows it.
struct StreamRow {
  StreamCounters counters;                        ///< dropped includes what the recorder had to drop
  std::uint64_t stored = 0;                       ///< in the file, without fill
  std::uint64_t buffered = 0;                     ///< held by the timeline, in the ring or in the recorder's batch
  std::array<std::uint64_t, kMisfits> misfits{};  ///< values (of all channels) of those stored
  std::uint64_t recovered = 0;                    ///< found in the file of a crashed writer beyond what its ledger knew
  std::uint64_t visible = 0;                      ///< of stored: readers can see them
  std::uint64_t durable = 0;                      ///< of stored: a power cut does not cost them
  std::uint64_t at_risk = 0;                      ///< received and not durable
  std::int64_t at_risk_us = 0;                    ///< for how long the oldest of them has been waiting
};

/// One figure of a ledger row: the one declaration that the file's columns, status, readers' pages and documentation follow.
template <class Row>
struct Figure {
  std::string_view name;
  std::string_view unit;  ///< "" = a count
  std::string_view meaning;
  std::int64_t (*get)(const Row&);
};
[[nodiscard]] std::span<const Figure<SourceRow>> source_figures();
[[nodiscard]] std::span<const Figure<StreamRow>> stream_figures();

[[nodiscard]] bool balanced(const SourceRow& row);
[[nodiscard]] bool balanced(const StreamRow& row);

/// What was counted after `base`; what was pending or buffered at the base counts as come in since.
[[nodiscard]] SourceRow since(const SourceRow& now, const SourceRow& base);
[[nodiscard]] StreamRow since(const StreamRow& now, const StreamRow& base);

}  // namespace daq::ledger
