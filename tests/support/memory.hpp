#pragma once

#include <sys/types.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace support {

/// Most memory that a process has had resident, in bytes; 0 if that is not known.
[[nodiscard]] inline std::uint64_t peak_memory(pid_t pid) {
  std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  return 0;
}

}  // namespace support
