#pragma once

#include <linux/serial.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/ledger/reasons.hpp"

namespace daq::source {

/// What a driver of serial ports does beyond termios: RS-485, low latency, counting errors. A pty and some adapters do none of
/// it. Thread: one.
class SerialLine {
 public:
  /// ioctl(2), or what stands for it in a test.
  using Control = std::function<int(int fd, unsigned long request, void* argument)>;

  explicit SerialLine(const config::Serial& serial, Control control = {});

  /// Sets a port that was opened. Counting begins anew. @returns what it could not be set to, a sentence each
  [[nodiscard]] std::vector<std::string> set(int fd);
  /// What the driver has counted since the call before.
  [[nodiscard]] std::vector<std::pair<ledger::InputFault, std::uint64_t>> counted(int fd);

 private:
  const config::Serial& serial_;
  Control control_;
  serial_icounter_struct before_{};
};

}  // namespace daq::source
