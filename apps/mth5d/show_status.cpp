#include "show_status.hpp"

#include <chrono>
#include <cmath>
#include <iostream>

#include <fmt/format.h>

#include "acquisition/status/report.hpp"
#include "acquisition/status/status_file.hpp"
#include "cli/cli.hpp"
#include "mth5/duration.hpp"
#include "mth5/error.hpp"
#include "mth5/printable.hpp"

namespace mth5d {

namespace {

double seconds(std::chrono::milliseconds age) { return std::chrono::duration<double>(age).count(); }

/// What is wrong with a daemon, in a line; "" if nothing is.
std::string problem_of(const std::filesystem::path& path, const daq::status::Seen& seen) {
  const auto pid = seen.status["pid"].get<std::int64_t>();
  const auto age = mth5::rough_duration(seconds(seen.age));
  if (!seen.alive && seen.status["state"] == "stopped")
    return fmt::format("{}: mth5d (pid {}) is not running; it stopped {} ago", path.string(), pid, age);
  if (!seen.alive)
    return fmt::format("{}: mth5d (pid {}) is not running; it ended without closing, and last wrote this file {} ago",
                       path.string(), pid, age);
  if (seen.stale()) return fmt::format("{}: stale: mth5d (pid {}) runs, but has not written it for {}", path.string(), pid, age);
  return {};
}

void print(const std::filesystem::path& path, const daq::status::Seen& seen, bool json) {
  if (json) {
    auto all = seen.status;
    all["age_s"] = std::round(seconds(seen.age) * 1000) / 1000;
    all["running"] = seen.alive;
    all["stale"] = seen.stale();
    std::cout << all.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) << "\n";
  } else if (seen.alive) {
    if (seen.stale()) std::cout << mth5::printable(problem_of(path, seen)) << "; this is what it said then:\n";
    std::cout << mth5::printable_lines(daq::status::to_text(seen.status));
  }
}

}  // namespace

int show_status(const std::optional<std::filesystem::path>& file, bool json) {
  if (file) {
    const auto seen = daq::status::read_status(*file);
    print(*file, seen, json);
    if (!seen.alive) throw mth5::FileError{problem_of(*file, seen)};
    return !seen.stale() && daq::status::delivers(seen.status) ? cli::kDone : cli::kFailure;
  }
  const auto folder = daq::status::status_folder();
  const auto files = daq::status::status_files(folder);
  if (files.empty())
    throw mth5::FileError{folder.string() + ": holds no status file: no mth5d runs here (or give --status-file)"};
  int running = 0;
  bool good = true;
  for (const auto& path : files) {
    try {
      const auto seen = daq::status::read_status(path);
      if (!json && running > 0 && seen.alive) std::cout << "\n";
      print(path, seen, json);
      if (!seen.alive) cli::tell("mth5d", problem_of(path, seen));
      running += seen.alive ? 1 : 0;
      // One that was stopped is as it should be, whatever its file says; one that ended without closing is not.
      good = good && (seen.alive ? !seen.stale() && daq::status::delivers(seen.status) : seen.status["state"] == "stopped");
    } catch (const mth5::FileError& e) {
      cli::tell("mth5d", e.what());
      good = false;
    }
  }
  return good && running > 0 ? cli::kDone : cli::kFailure;
}

}  // namespace mth5d
