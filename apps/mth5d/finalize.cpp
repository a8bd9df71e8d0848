#include "finalize.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acquisition/config/keys.hpp"
#include "acquisition/recorder/candidates.hpp"
#include "acquisition/recorder/output.hpp"
#include "acquisition/status/status_file.hpp"
#include "archive/manifest.hpp"
#include "archive/names.hpp"
#include "cli/cli.hpp"
#include "mth5/duration.hpp"
#include "mth5/error.hpp"
#include "mth5/probe.hpp"

namespace mth5d {

namespace fs = std::filesystem;

namespace {

/// V: the lowest of the batteries that the instruments of a recorder tell of; nullopt: none is known now.
std::optional<double> battery_of(const fs::path& status_file) {
  std::optional<double> lowest;
  try {
    const auto seen = daq::status::read_status(status_file);
    if (seen.stale()) return {};
    for (const auto& source : seen.status.at("sources")) {
      const auto battery = source.at("soh").find("battery");
      if (battery == source.at("soh").end() || !battery->at("value").is_number()) continue;
      const auto volts = battery->at("value").get<double>();
      lowest = std::min(volts, lowest.value_or(volts));
    }
  } catch (const mth5::Error&) {  // no recorder runs
  } catch (const nlohmann::json::exception&) {
  }
  return lowest;
}

bool is_whole(const fs::path& archive) {
  std::error_code none;
  return fs::exists(archive, none) && fs::exists(archive::manifest_path(archive), none);
}
/// Cut off behind the copy.
bool is_half(const fs::path& archive) {
  std::error_code none;
  return fs::exists(archive, none) && !fs::exists(archive::manifest_path(archive), none);
}

/// Another recorder may give the same names.
bool is_own(const archive::Recorded& recorded, const daq::config::Config& config) {
  return std::any_of(recorded.stations.begin(), recorded.stations.end(),
                     [&](const auto& one) { return daq::recorder::is_own(config, one.first.first, one.first.second); });
}

/// The newest of these stations, as a recorder names them, that can be read; nullopt: there is none.
std::optional<fs::path> newest_of(const std::vector<daq::recorder::Candidate>& found, const daq::config::Config& config) {
  for (const auto& one : found) {
    if (one.of_others) continue;
    try {
      if (is_own(archive::recorded_in(one.path), config)) return one.path;
    } catch (const mth5::Error&) {  // told where it would be finalized
    }
  }
  return {};
}

/// In one line instead of one of each file. @throws mth5::FileError
void check_output(const daq::config::Output& output) {
  daq::recorder::check_directory(output);
  const auto folder = output.directory / archive::kFolder;
  if (const auto why = archive::why_no_folder(folder); !why.empty())
    throw mth5::FileError{folder.string() + ": " + why + "; nothing is archived"};
  std::error_code none;
  if (fs::exists(folder, none) && access(folder.c_str(), W_OK | X_OK) != 0)
    throw mth5::FileError{folder.string() + ": is not writable: " + std::generic_category().message(errno) +
                          "; nothing is archived; give it to the user of mth5d (chown -R)"};
}

}  // namespace

int finalize(const daq::config::Config& config, const std::optional<fs::path>& status_file) {
  const auto& output = config.output;
  if (output.finalize == "never") {
    cli::tell("mth5d", "output.finalize is never: nothing to do");
    return cli::kDone;
  }
  if (output.finalize_wait_below > 0) {
    const auto battery = battery_of(status_file.value_or(
        daq::status::default_status_file(config.survey.text("id"), config.sources.front().station.text("id"))));
    if (battery && *battery < output.finalize_wait_below) {
      cli::tell("mth5d", fmt::format("battery at {:.4g} V, below output.finalize_wait_below ({:.4g} V): nothing is archived "
                                     "until it is charged; the next --finalize looks again",
                                     *battery, output.finalize_wait_below));
      return cli::kDone;
    }
  }
  check_output(output);
  for (const auto& line : archive::clear_unfinished(output.directory / archive::kFolder)) cli::tell("mth5d", line);
  const auto program = fs::read_symlink("/proc/self/exe").parent_path() / "mth5-recover";
  std::vector<std::string> words{program.string(), "--finalize", output.finalize};
  if (output.retention.count() > 0) words.insert(words.end(), {"--retention", daq::config::format_duration(output.retention)});
  if (output.retention.count() > 0 && output.retention_below > 0)
    words.insert(words.end(), {"--retention-below", std::to_string(output.retention_below)});
  auto found = daq::recorder::candidates(config, [] { return true; });
  const auto newest = newest_of(found, config);
  if (output.retention.count() > 0 && newest) words.insert(words.end(), {"--keep", newest->string()});
  // What a recorder wants to begin a file on a disk that was full.
  words.insert(words.end(), {"--keep-free", std::to_string(3 * output.reserve)});
  std::reverse(found.begin(), found.end());
  const auto options = words.size();
  for (const auto& one : found) {
    if (one.of_others) continue;
    try {
      const auto state = mth5::probe(one.path);
      if (state.locked || state.state != mth5::FileState::Closed) continue;
      // What is archived is nobody's work any more, but for that of retention.
      const bool wanted =
          output.retention.count() > 0 || !is_whole(archive::archive_of(one.path)) || is_half(archive::bridged_path(one.path));
      if (!wanted) continue;
      const auto recorded = archive::recorded_in(one.path);
      // A recorder that found it so resumes in it with its first sample: its archive would lack what comes.
      const bool may_grow = one.path == newest && recorded.recovered;
      if (!may_grow && is_own(recorded, config)) words.push_back(one.path.string());
    } catch (const mth5::Error& e) {
      cli::tell("mth5d", std::string{"warning: "} + e.what());  // the others are finalized all the same
    }
  }
  if (words.size() == options) return cli::kDone;
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execv(program.c_str(), arguments.data());
  throw mth5::FileError{program.string() + ": cannot be started: " + std::generic_category().message(errno)};
}

}  // namespace mth5d
