#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "acquisition/config/commands.hpp"

namespace daq::source {

/// What is said to an instrument and when: the start-up commands after each connection, then the periodic ones. Pure: no I/O, no
/// clock of its own. Thread: io.
class Dialogue {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// What is due.
  struct Step {
    std::string bytes;    ///< to be sent; "" = nothing
    std::string problem;  ///< an answer that did not come, in one line; "" = none. The first; of the others how many, at the end
    bool reconnect = false;  ///< and the configuration wants a new connection for it
  };

  explicit Dialogue(const config::Commands& commands) : commands_{commands} {}

  /// A connection has been made: it begins anew.
  void connected(Time now);
  /// The connection has gone.
  void disconnected() { state_ = State::Off; }
  /// What came, in pieces cut anywhere: an answer is looked for in it.
  void received(std::span<const char> bytes, Time now);
  /// The next step, if one is due; to be asked again until there is none.
  [[nodiscard]] std::optional<Step> due(Time now, const config::CommandValues& values);
  /// When due() will have something; Time::max(): not before received() or connected().
  [[nodiscard]] Time next() const;

 private:
  enum class State { Off, Start, Answer, Every };

  [[nodiscard]] Step sent(std::string bytes, Time now);
  void begin_periodic(Time now);

  const config::Commands& commands_;
  State state_ = State::Off;
  std::size_t at_ = 0;             ///< in start
  Time free_at_{};                 ///< spacing and pause allow nothing before it
  Time deadline_{};                ///< of the answer
  std::size_t unanswered_ = 0;     ///< start-up commands since the connection was made
  std::string sent_;               ///< what the answer is awaited to, for people
  std::string tail_;               ///< of what came since the command: an answer may be cut
  std::vector<Time> periodic_at_;  ///< when each is due next
};

}  // namespace daq::source
