#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <spdlog/logger.h>

#include "mth5/time.hpp"

/// How the daemon's parts write into its log.
namespace daq::log {

/// Messages that may come thousands of times, each kind of them once a minute at most: the first at once; those that follow
/// within the minute are counted, and the newest of them is written when it is over, with `repeated=N last=UTC`: how many they
/// were and when it was said, as it need not hold any more. What becomes of the
/// object that the messages are about (a connection that comes and goes) changes nothing in that. By mth5::steady_now(). Thread:
/// one.
class Quiet {
 public:
  static constexpr std::chrono::seconds kEvery{60};
  /// Kinds that are told apart; further ones, of messages whose text an instrument can choose, share one.
  static constexpr std::size_t kMostKinds = 256;

  explicit Quiet(std::shared_ptr<spdlog::logger> log) : log_{std::move(log)} {}

  /// @param kind  what is counted together: event, source, and what else makes it news ("waiting lemi Connection refused")
  void say(spdlog::level::level_enum level, const std::string& kind, std::string text);
  /// For who gathers what is held back himself: true at most once a minute for each kind.
  [[nodiscard]] bool may_say(const std::string& kind);
  /// Writes what was held back and whose minute is over. Once a second or so, also when nothing happens.
  void tick();
  /// Writes all that is held back: at the end.
  void flush();

 private:
  struct Held {
    std::chrono::steady_clock::time_point said = mth5::steady_now();
    spdlog::level::level_enum level = spdlog::level::info;
    std::string newest;
    mth5::UtcNanos at{};     ///< of `newest`
    std::uint64_t held = 0;  ///< messages since `said`
  };
  /// The place of a kind, and whether it was said within the last minute.
  std::pair<Held*, bool> find(const std::string& kind);
  void write(const Held& held) const;

  std::shared_ptr<spdlog::logger> log_;
  std::map<std::string, Held> kinds_;
};

}  // namespace daq::log
