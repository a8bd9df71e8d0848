#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <vector>

#include "acquisition/ledger/counters.hpp"
#include "acquisition/ledger/durable.hpp"

/// What the io thread tells the writer, record by record. Layouts live only between the two threads of one process.
///   Samples        of a stream: SamplesHead; values: [n_samples][n_channels]; Header::flag = begins a new run
///   Gap            of a stream, with nothing behind it: GapNote
///   Anchor         of a stream's run: AnchorNote
///   Token          of a stream: TokenNote, of all samples of it pushed before
///   StreamCounters of a stream: totals after everything pushed before
///   SourceCounters of a source: the same
///   StateOfHealth  of a source: rows of [time ns][n_soh doubles]
namespace daq::ring {

struct GapNote {
  std::int64_t start_ns = 0;
  std::int64_t n_samples = 0;
  std::int64_t reason = -1;  ///< ledger::GapReason; -1: there is no gap
  std::int64_t filled = 0;
  std::int64_t component = -1;  ///< number of the one channel that lacks them; -1: all do

  [[nodiscard]] bool is_gap() const { return reason >= 0; }
};

struct SamplesHead {
  std::int64_t start_ns;
  std::int64_t n_samples;
  std::int64_t n_filled;  ///< of them, at the front
  GapNote gap;            ///< before them
};

struct AnchorNote {
  std::int64_t sample;
  std::int64_t utc_ns;
  std::int64_t kind;  ///< decode::TimeKind
  std::int64_t locked;
  double residual_s, ppm, uncertainty_s;
};

struct TokenNote {
  std::int64_t size = 0;
  char text[ledger::kLongestToken]{};

  TokenNote() = default;
  explicit TokenNote(std::string_view token) : size{static_cast<std::int64_t>(std::min(token.size(), sizeof text))} {
    std::copy_n(token.begin(), size, text);
  }
  [[nodiscard]] std::string_view view() const { return {text, static_cast<std::size_t>(size)}; }
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
