#pragma once

#include <mutex>
#include <utility>

namespace daq::ledger {

/// A value that several threads share: it cannot be reached but under its mutex, so that a forgotten lock does not compile.
/// What belongs to one thread alone says so with OneThread. Thread: any.
template <class T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_{std::move(value)} {}

  /// `change` gets the value; it must not wait, nor keep a reference to what may move. @returns what `change` returns
  template <class Change>
  decltype(auto) change(Change change) {
    const std::lock_guard lock{mutex_};
    return change(value_);
  }
  template <class Look>
  decltype(auto) look(Look look) const {
    const std::lock_guard lock{mutex_};
    return look(value_);
  }
  [[nodiscard]] T copy() const {
    const std::lock_guard lock{mutex_};
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

}  // namespace daq::ledger
