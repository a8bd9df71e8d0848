#include "acquisition/ring/ring.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace daq::ring {

namespace {

std::uint64_t pack(Header header) {
  return static_cast<std::uint64_t>(header.kind) | static_cast<std::uint64_t>(header.flag) << 8 |
         static_cast<std::uint64_t>(header.of) << 16 | static_cast<std::uint64_t>(header.words) << 32;
}

Header unpack(std::uint64_t word) {
  return {static_cast<Kind>(word & 0xff), ((word >> 8) & 0xff) != 0, static_cast<std::uint16_t>(word >> 16),
          static_cast<std::uint32_t>(word >> 32)};
}

}  // namespace

Ring::Ring(std::size_t words) : capacity_{words}, queue_{words + kReserve} {}

bool Ring::fits(std::size_t words) { return queue_.write_available() >= words; }

void Ring::put(Header header, std::span<const std::uint64_t> head, std::span<const double> values) {
  static_assert(sizeof(double) == sizeof(std::uint64_t));
  producer_.check();
  assert(fits(1 + head.size() + values.size()) && head.size() + values.size() <= UINT32_MAX);
  header.words = static_cast<std::uint32_t>(head.size() + values.size());
  // The consumer takes a record only when all of it is there, so the parts may be pushed one by one.
  queue_.push(pack(header));
  queue_.push(head.data(), head.size());
  // Doubles travel as words; copied in pieces, because reading them through a pointer to integers would be undefined.
  std::uint64_t piece[256];
  for (std::size_t i = 0; i < values.size();) {
    const std::size_t n = std::min(values.size() - i, std::size(piece));
    std::memcpy(piece, values.data() + i, n * sizeof(double));
    queue_.push(piece, n);
    i += n;
  }
  const std::size_t used = capacity_ + kReserve - queue_.write_available();
  used_.store(used, std::memory_order_relaxed);
  if (used > high_water_.load(std::memory_order_relaxed)) high_water_.store(used, std::memory_order_relaxed);
}

bool Ring::push(Header header, std::span<const std::uint64_t> head, std::span<const double> values) {
  if (!fits(1 + head.size() + values.size() + kReserve)) return false;
  put(header, head, values);
  return true;
}

bool Ring::push_note(Header header, std::span<const std::uint64_t> payload) {
  if (!fits(1 + payload.size())) return false;
  put(header, payload, {});
  return true;
}

bool Ring::has_room(std::size_t words) {
  if (fits(words + kReserve)) return true;
  wanted_.store(std::max(words, capacity_ / 2), std::memory_order_relaxed);
  producer_waits_.store(true);
  // The consumer may have drained between the look and the flag.
  return fits(words + kReserve);
}

bool Ring::pop(Header& header, std::vector<std::uint64_t>& payload) {
  consumer_.check();
  const std::size_t available = queue_.read_available();
  if (available == 0) return false;
  header = unpack(queue_.front());
  if (available < header.words + std::size_t{1}) return false;  // the rest is being pushed right now
  std::uint64_t first;
  queue_.pop(first);
  payload.resize(header.words);
  [[maybe_unused]] const std::size_t popped = queue_.pop(payload.data(), payload.size());
  assert(popped == payload.size());
  const auto used = available - 1 - header.words;
  used_.store(used, std::memory_order_relaxed);
  // While the consumer has still work to do: it need not wait for the producer in turn.
  if (producer_waits_.load() && used + wanted_.load(std::memory_order_relaxed) <= capacity_) let_go_on();
  return true;
}

void Ring::wait_until(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock{mutex_};
  wake_.wait_until(lock, deadline, [this] { return woken_; });
  woken_ = false;
}

void Ring::wake() {
  {
    const std::lock_guard lock{mutex_};
    woken_ = true;
  }
  wake_.notify_one();
}

void Ring::notify() { wake(); }

void Ring::close() {
  closed_.store(true);
  wake();
}

void Ring::let_go_on() {
  if (producer_waits_.exchange(false) && on_room_) on_room_();
}

bool Ring::closed_and_empty() const { return closed_.load() && is_empty(); }
bool Ring::is_empty() const { return queue_.read_available() == 0; }

}  // namespace daq::ring
