#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <spdlog/logger.h>

#include "mth5/descriptor.hpp"

namespace mth5d {

/// Tells systemd, or whoever else set NOTIFY_SOCKET, how the daemon is. As sd_notify(3), but it never waits: sd_notify() stands
/// still while the queue of a service manager that hangs is full, and with it would stand signals and the status file.
/// Thread: one at a time.
class ServiceManager {
 public:
  /// Takes the address from the environment; without one nobody is told, and nothing is said of it.
  explicit ServiceManager(std::shared_ptr<spdlog::logger> log);

  /// Whether somebody started the daemon who starts it again when it ends.
  [[nodiscard]] bool is_there() const { return !address_.empty(); }
  /// Of now, as "WATCHDOG=1": left out where it finds no room, as the next one says it anew.
  void tell(const std::string& message);
  /// Of a change, as "READY=1": where it finds no room it goes before the next message of either kind.
  void tell_surely(std::string message);

 private:
  /// @returns false, with a line in the log the first time, if it did not go
  bool send(const std::string& message);
  bool send_waiting();

  std::shared_ptr<spdlog::logger> log_;
  std::string address_;  ///< as in sockaddr_un: a path, or a name behind a 0; "": nobody is to be told
  mth5::Descriptor socket_;
  std::vector<std::string> waiting_;  ///< oldest first
  bool deaf_ = false;                 ///< the last message did not go
};

}  // namespace mth5d
