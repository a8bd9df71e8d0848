#include "core/holders.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>

namespace mth5::core {

namespace fs = std::filesystem;

namespace {

std::optional<std::int64_t> pid_from(const std::string& name) {
  std::int64_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return pid;
}

bool open_for_writing(const fs::path& fdinfo) {
  std::ifstream in{fdinfo};
  for (std::string key, value; in >> key >> value;) {
    if (key != "flags:") continue;
    const auto access = std::strtol(value.c_str(), nullptr, 8) & O_ACCMODE;
    return access == O_WRONLY || access == O_RDWR;
  }
  return false;
}

/// @param process  its folder below /proc
/// @param refused  set where its descriptors may not be looked at
bool has_open_for_writing(const fs::path& process, const struct stat& target, bool* refused = nullptr) {
  std::error_code closed;  // processes and descriptors come and go while we look
  fs::directory_iterator descriptors{process / "fd", closed};
  if (refused != nullptr && closed == std::errc::permission_denied) *refused = true;
  for (; !closed && descriptors != fs::directory_iterator{}; descriptors.increment(closed)) {
    struct stat open_file {};
    if (stat(descriptors->path().c_str(), &open_file) != 0) continue;
    if (open_file.st_dev != target.st_dev || open_file.st_ino != target.st_ino) continue;
    if (open_for_writing(process / "fdinfo" / descriptors->path().filename())) return true;
  }
  return false;
}

std::string first_line(const fs::path& path) {
  std::ifstream in{path};
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace

Holders writers_of(const fs::path& path) {
  Holders found;
  struct stat target {};
  if (stat(path.c_str(), &target) != 0) return found;
  std::error_code error;
  for (fs::directory_iterator processes{"/proc", error}; !error && processes != fs::directory_iterator{};
       processes.increment(error)) {
    const auto pid = pid_from(processes->path().filename().string());
    if (!pid || *pid == getpid()) continue;
    bool refused = false;
    if (has_open_for_writing(processes->path(), target, &refused))
      found.writers.push_back({*pid, first_line(processes->path() / "comm")});
    if (refused) found.all_seen = false;
  }
  std::sort(found.writers.begin(), found.writers.end(), [](const Holder& a, const Holder& b) { return a.pid < b.pid; });
  return found;
}

bool nobody_writes(const fs::path& path) {
  const auto holders = writers_of(path);
  return holders.writers.empty() && holders.all_seen;
}

bool is_written_by_this_process(const fs::path& path) {
  struct stat target {};
  return stat(path.c_str(), &target) == 0 && has_open_for_writing("/proc/self", target);
}

std::string in_words(const Holders& holders) {
  if (holders.writers.empty()) return "";
  const auto& first = holders.writers.front();
  return " (process " + std::to_string(first.pid) + (first.program.empty() ? "" : ", " + first.program) + ")";
}

}  // namespace mth5::core
