#pragma once

#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/support.hpp"

/// mth5-sim as a server that is asked for data.
namespace support {

/// Of an instrument whose sample i of channel c is i * 8 + c, counted from `start` on.
/// @param target  as of --to; port 0 = a free one, see port_of()
[[nodiscard]] inline Process counting_server(const std::string& instrument, const std::string& target, const std::string& start,
                                             const std::string& speed, const std::string& duration,
                                             const std::vector<std::string>& more) {
  std::vector<std::string> argv{program("mth5-sim"), instrument, "--to",    target, "--signal",   "counter",
                                "--start",           start,      "--speed", speed,  "--duration", duration};
  argv.insert(argv.end(), more.begin(), more.end());
  return Process::start(argv);
}

/// "none" where it does not listen.
[[nodiscard]] inline std::string port_of(Process& server) {
  return server.wait_for_output("listening on 127.0.0.1:([0-9]+)").value_or("none");
}

}  // namespace support
