#pragma once

#include <string>
#include <thread>

namespace mth5d {

/// Tells systemd that the start takes its time: while one lives, the time limit of the start is moved on, with a word of what is
/// being done. Of no effect without a service manager, and without a limit.
class LongStart {
 public:
  explicit LongStart(const std::string& doing);

 private:
  std::jthread thread_;  // last: joined before all else goes
};

}  // namespace mth5d
