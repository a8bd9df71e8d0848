#pragma once

#include <atomic>
#include <cassert>
#include <thread>

namespace daq::ledger {

/// Of what belongs to one thread, whichever calls first: any other that comes is a defect, and ends a program with assertions.
/// What is made in one thread and used in another from then on is not claimed by its construction.
class OneThread {
 public:
  OneThread() = default;
  // A copy, or what was moved, belongs to nobody yet.
  OneThread(const OneThread&) {}
  OneThread& operator=(const OneThread&) { return *this; }
  ~OneThread() = default;

  void check() const {
#ifndef NDEBUG
    std::thread::id nobody;
    const auto me = std::this_thread::get_id();
    const bool mine = owner_.compare_exchange_strong(nobody, me) || nobody == me;
    assert(mine && "called by a second thread");
#endif
  }

 private:
  mutable std::atomic<std::thread::id> owner_{std::thread::id{}};
};

}  // namespace daq::ledger
