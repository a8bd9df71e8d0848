#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "acquisition/decode/decoder.hpp"
#include "acquisition/timing/timeline.hpp"

/// What the io thread tells the writer, record by record. Layouts live only between the two threads of one process.
///   Samples        head: SamplesHead; values: [n_samples][n_channels]; Header::flag = begins a new run
///   Gap            GapNote
///   StateOfHealth  rows of [time ns][n_soh doubles]
///   Counters       CountersNote: totals of a source after everything pushed before
namespace daq::ring {

struct SamplesHead {
  std::int64_t start_ns;
  std::int64_t n_samples;
};

struct GapNote {
  std::int64_t start_ns;
  std::int64_t n_samples;
  std::int64_t reason;
  std::int64_t filled;
};

struct CountersNote {
  decode::Counters bytes;
  timing::Counters samples;
  std::uint64_t reconnects = 0;
  std::uint64_t soh_dropped = 0;  ///< rows of state of health for which the ring had no room

  friend bool operator==(const CountersNote&, const CountersNote&) = default;
};

/// A plain struct of 64-bit fields as the words that travel.
template <class T>
struct Words {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uint64_t) == 0);
  std::uint64_t words[sizeof(T) / sizeof(std::uint64_t)];

  explicit Words(const T& value) { std::memcpy(words, &value, sizeof value); }
};

/// Reads a T from the front of a payload.
template <class T>
[[nodiscard]] T take(const std::vector<std::uint64_t>& payload) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(static_cast<void*>(&value), payload.data(), sizeof value);
  return value;
}

}  // namespace daq::ring
