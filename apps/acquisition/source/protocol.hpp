#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/ledger/durable.hpp"
#include "acquisition/ledger/reasons.hpp"

namespace daq::source {

/// So often a silent server is asked whether it is there, before idle_timeout gives it up.
inline constexpr int kAsked = 3;

/// What is said on a stream where that is more than commands, and which of its bytes are data. No I/O. Thread: io.
class Protocol {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// What is to be done.
  struct Answer {
    std::string send{};
    std::string failed{};  ///< the connection is given up: one line with the object in it; "" = it is good
    bool reopen = false;   ///< its end was in order: it is made anew at once, and nobody need know
  };
  /// What went wrong, as Listener::fault.
  struct Fault {
    ledger::InputFault fault;
    std::uint64_t n;
    std::string what;
  };
  /// A whole packet of data, and where the source can go on behind it (as ledger::Durable::token).
  using Give = std::function<void(std::span<const char> packet, std::string_view token)>;

  virtual ~Protocol() = default;
  [[nodiscard]] virtual Answer connected(Time now) = 0;
  [[nodiscard]] virtual Answer received(std::span<const char> bytes, Time now, const Give& give) = 0;
  /// kAsked times in idle_timeout at least, and once a second, while it is open.
  [[nodiscard]] virtual Answer due(Time now) = 0;
  /// So often due() is asked at least.
  [[nodiscard]] virtual std::chrono::nanoseconds pause() const { return std::chrono::seconds{1}; }
  /// The other end has closed; disconnected() follows.
  [[nodiscard]] virtual Answer closed(Time /*now*/, const Give& /*give*/) { return {}; }
  virtual void disconnected() = 0;
  /// As Source.
  virtual void durable(const ledger::Durable& position) = 0;
  /// What people should know and that ends nothing, since this was asked: a line each, with the object in it.
  [[nodiscard]] virtual std::vector<std::string> take_news() = 0;
  /// To be counted, since this was asked.
  [[nodiscard]] virtual std::vector<Fault> take_faults() { return {}; }
};

}  // namespace daq::source
