#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include <spdlog/sinks/base_sink.h>

#include "mth5/time.hpp"

namespace daq::log {

/// A line of the log, to be kept with the samples: after a power cut the system's own log may lack its last minutes, and who has
/// the file has seldom that of the box.
struct Event {
  mth5::UtcNanos time;  ///< host UTC
  std::string level;    ///< info, warning, error, critical
  std::string text;     ///< made printable
};

/// Holds lines of the log until they are in a file. Where none is written for long, the oldest go, and their number is told.
/// Thread: any.
class Events : public spdlog::sinks::base_sink<std::mutex> {
 public:
  static constexpr std::size_t kMost = 1000;  ///< lines that wait

  [[nodiscard]] bool has_some() const { return some_.load(std::memory_order_relaxed); }
  /// What waits, in the order it was said; then nothing waits.
  [[nodiscard]] std::vector<Event> take();
  /// What was taken and is in no file after all.
  void give_back(std::vector<Event> events);

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}
  void limit();

  std::deque<Event> waiting_;
  std::uint64_t dropped_ = 0;
  std::atomic<bool> some_{false};
};

}  // namespace daq::log
