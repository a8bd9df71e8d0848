#include "acquisition/status/watchdog.hpp"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>

namespace daq::status {

namespace {

constexpr auto kLateLook = std::chrono::seconds{5};  // behind which this process itself was stopped

std::int64_t whole_seconds(Watchdog::Steady::duration d) { return std::chrono::duration_cast<std::chrono::seconds>(d).count(); }

}  // namespace

std::string Watchdog::look(const Seen& seen, Steady::duration commit_limit) {
  const auto now = seen.now;
  const bool was_stopped = now > looked_ + kLateLook;  // then the threads have had no time to come round either
  if (was_stopped) io_excused_ = writer_excused_ = now;
  looked_ = now;
  if (was_stopped || seen.settled != settled_ || seen.settled >= seen.received || seen.outage || seen.writer.held)
    waiting_since_ = Steady::time_point::max();
  settled_ = seen.settled;
  if (seen.received != received_) {
    // What came before a silence waited for the end of it.
    if (now - received_at_ > commit_limit / 2) waiting_since_ = Steady::time_point::max();
    received_at_ = now;
    if (seen.received > seen.settled) waiting_since_ = std::min(waiting_since_, now);
  }
  received_ = seen.received;
  if (auto problem = hangs("mth5-io", seen.io, io_excused_, now); !problem.empty()) return problem;
  if (auto problem = hangs("mth5-writer", seen.writer, writer_excused_, now); !problem.empty()) return problem;
  // What an instrument sent before it fell silent may wait for what comes next.
  if (waiting_since_ < now && now - waiting_since_ > commit_limit && now - received_at_ < commit_limit)
    return fmt::format("samples come, and none has been committed for {} s", whole_seconds(now - waiting_since_));
  return "";
}

std::string Watchdog::hangs(const char* thread, const Turn& turn, Steady::time_point& excused, Steady::time_point now) const {
  if (turn.held) excused = now;
  const auto since = std::max(turn.turned, excused);
  if (now < since || now - since <= limit_) return "";
  return fmt::format("the thread {} has not come round for {} s", thread, whole_seconds(now - since));
}

bool is_held(pid_t thread) {
  if (thread == 0) return false;
  std::ifstream file{fmt::format("/proc/self/task/{}/stat", thread)};
  std::string line;
  std::getline(file, line);
  const auto name_ends = line.rfind(") ");  // a name may hold anything
  return name_ends != std::string::npos && line.compare(name_ends + 2, 1, "D") == 0;
}

}  // namespace daq::status
