#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "acquisition/decode/refusal.hpp"
#include "acquisition/ledger/counters.hpp"
#include "acquisition/ledger/reasons.hpp"

namespace daq::decode {

/// Which bytes a decoder is done with, in the counters of its source: decoded, or skipped for a reason, with a few examples of
/// those. Thread: the decoder's.
class Skips {
 public:
  explicit Skips(ledger::SourceCounters& counters) : counters_{counters} {}

  void decoded(std::size_t bytes) {
    counters_.bytes_decoded += bytes;
    end_event();
  }
  /// Without a gap between, what is skipped for one reason is one event.
  void add(ledger::Skip why, std::size_t bytes) {
    if (bytes == 0) return;
    const auto reason = static_cast<std::size_t>(why);
    counters_.bytes_skipped[reason] += bytes;
    if (last_ != why) ++counters_.events_skipped[reason];
    last_ = why;
    if (!is_of_others(why)) since_frame_ = true;
  }
  /// Keeps what goes next as an example; of what is not of this instrument, which may come all the time, one. Called before it is
  /// counted. @param line  as Refusal
  void example(ledger::Skip why, std::uint64_t line, std::string place, std::span<const char> bytes) {
    if (full()) return;
    const auto& list = refusals_.list();
    if (is_of_others(why) && std::any_of(list.begin(), list.end(), [](const Refusal& r) { return is_of_others(r.why); })) return;
    refusals_.add(why, counters_.bytes_decoded + ledger::sum(counters_.bytes_skipped), line, std::move(place), bytes);
  }
  /// Both, with an example of each event.
  void add_with_example(ledger::Skip why, std::span<const char> bytes, std::string place) {
    if (!bytes.empty() && last_ != why) example(why, 0, std::move(place), bytes);
    add(why, bytes.size());
  }
  /// What is skipped next is another event, whatever its reason.
  void end_event() { last_ = ledger::Skip::Count; }

  [[nodiscard]] bool full() const { return refusals_.full(); }  ///< of examples
  [[nodiscard]] const std::vector<Refusal>& examples() const { return refusals_.list(); }
  /// As Refusals.
  void begins_with(std::span<const char> bytes) { refusals_.begins_with(bytes); }
  /// Reason of the last byte; Count if it was decoded, or the event has ended.
  [[nodiscard]] ledger::Skip last() const { return last_; }
  /// Whether bytes of this instrument were skipped since it was asked last: since the last frame.
  [[nodiscard]] bool take_since_frame() { return std::exchange(since_frame_, false); }

 private:
  /// Sentences and records that a line shares with other instruments.
  [[nodiscard]] static bool is_of_others(ledger::Skip why) {
    return why == ledger::Skip::OtherSentence || why == ledger::Skip::OtherRecord;
  }

  ledger::SourceCounters& counters_;
  Refusals refusals_;
  ledger::Skip last_ = ledger::Skip::Count;
  bool since_frame_ = false;
};

}  // namespace daq::decode
