#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/ledger/reasons.hpp"

/// What a decoder could not use, as an example for people: counters say how much, a refusal says what it looked like.
namespace daq::decode {

struct Refusal {
  ledger::Skip why{};
  std::uint64_t offset = 0;  ///< bytes before it since the decoder began
  std::uint64_t line = 0;    ///< counted from 1; 0: a decoder without lines
  std::string place;         ///< "field 12 (e1)"; "" = no one place
  std::string excerpt;       ///< its beginning, printable ASCII, what is not as \xNN; kExcerpt characters at most
  std::string advice;        ///< where the bytes are of a known other kind: what they are and what to do; else ""

  friend bool operator==(const Refusal&, const Refusal&) = default;
};

inline constexpr std::size_t kExcerpt = 80;

/// "line 7, field 12 (e1): bad-value: '2020 …'".
[[nodiscard]] std::string to_string(const Refusal& refusal);

/// "compressed (gzip)" and the like, by the first bytes of a file; "" for anything else.
[[nodiscard]] std::string_view known_format(std::span<const char> head);

/// The first few refusals of a decoder; later ones cost nothing. Thread: the decoder's.
class Refusals {
 public:
  static constexpr std::size_t kKept = 8;

  [[nodiscard]] bool full() const { return list_.size() >= kKept; }
  [[nodiscard]] const std::vector<Refusal>& list() const { return list_; }
  /// The beginning of all bytes, in pieces as they come: where a file of another kind shows itself.
  void begins_with(std::span<const char> bytes);
  /// @param bytes  the refused ones, or the beginning of them
  void add(ledger::Skip why, std::uint64_t offset, std::uint64_t line, std::string place, std::span<const char> bytes);

 private:
  std::vector<Refusal> list_;
  std::array<char, 16> head_{};
  std::size_t head_size_ = 0;
};

}  // namespace daq::decode
