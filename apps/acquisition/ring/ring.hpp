#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include <boost/lockfree/spsc_queue.hpp>

#include "acquisition/ledger/one_thread.hpp"

/// The bounded way from the io thread to the writer thread.
namespace daq::ring {

/// What a record in the ring is; its payload is a number of 64-bit words that only the two ends understand.
enum class Kind : std::uint8_t { Samples, Gap, Anchor, StreamCounters, SourceCounters, StateOfHealth, Token };

struct Header {
  Kind kind;
  bool flag = false;        ///< Samples: begins a new run
  std::uint16_t of = 0;     ///< number of the stream, or of the source
  std::uint32_t words = 0;  ///< of payload
};

/// A ring of records with one producer (io thread) and one consumer (writer thread); lock-free but for the wake-up, no allocation
/// after construction. A record that does not fit is refused and the producer decides: samples become a gap of exact length,
/// totals are pushed again later. Small notes may use a reserve that samples may not, so that the note about a full ring still
/// fits.
class Ring {
 public:
  /// @param words  capacity for samples, in 64-bit words
  explicit Ring(std::size_t words);

  // Producer.
  /// A record of `head` followed by `values`. False if there is no room; nothing is taken then.
  [[nodiscard]] bool push(Header header, std::span<const std::uint64_t> head, std::span<const double> values = {});
  /// The same, with use of the reserve.
  [[nodiscard]] bool push_note(Header header, std::span<const std::uint64_t> payload);
  /// Wakes the consumer; once per batch of records.
  void notify();
  /// No more records will come.
  void close();
  /// Whether `words` of samples would be taken; if not, `on_room` will be called (by the consumer's thread) when they would, and
  /// half of the ring is free, so that it is not called for every record; or when all was popped.
  [[nodiscard]] bool has_room(std::size_t words);
  void set_on_room(std::function<void()> on_room) { on_room_ = std::move(on_room); }

  // Consumer.
  /// Takes one record; false if there is none now. `payload` is overwritten (its memory reused).
  [[nodiscard]] bool pop(Header& header, std::vector<std::uint64_t>& payload);
  /// Sleeps until there is something to pop, the ring is closed, wake() is called, or the deadline.
  void wait_until(std::chrono::steady_clock::time_point deadline);
  /// Says that all was popped for now: lets a waiting producer go on.
  void drained() { let_go_on(); }
  [[nodiscard]] bool closed_and_empty() const;
  [[nodiscard]] bool is_empty() const;

  // Any thread.
  void wake();
  [[nodiscard]] std::size_t capacity_words() const { return capacity_; }
  [[nodiscard]] std::size_t used_words() const { return used_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t high_water_words() const { return high_water_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kReserve = 4096;

  [[nodiscard]] bool fits(std::size_t words);
  void put(Header header, std::span<const std::uint64_t> head, std::span<const double> values);
  void let_go_on();

  ledger::OneThread producer_, consumer_;
  // Constant after construction.
  std::size_t capacity_;
  boost::lockfree::spsc_queue<std::uint64_t> queue_;
  std::function<void()> on_room_;
  // Atomics.
  std::atomic<std::size_t> used_{0};  ///< for show: both ends write it
  std::atomic<std::size_t> high_water_{0};
  std::atomic<bool> producer_waits_{false};
  std::atomic<std::size_t> wanted_{0};  ///< words that it waits for
  std::atomic<bool> closed_{false};
  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
};

}  // namespace daq::ring
