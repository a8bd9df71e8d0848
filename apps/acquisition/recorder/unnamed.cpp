#include "acquisition/recorder/unnamed.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include "acquisition/recorder/candidates.hpp"
#include "acquisition/recorder/output.hpp"
#include "acquisition/recorder/resume_file.hpp"
#include "archive/names.hpp"
#include "mth5/error.hpp"
#include "mth5/probe.hpp"
#include "mth5/reader.hpp"
#include "mth5/recover.hpp"
#include "sandbox/sandbox.hpp"

namespace daq::recorder {

namespace {

namespace fs = std::filesystem;

constexpr std::uint8_t kSwmrFlag = 4;  ///< HDF5's: samples are in it by then

constexpr const char* kOfOthers = "of others";

/// Brings it to its last commit first. @returns how many, or kOfOthers
std::string samples_in(const fs::path& path, const fs::path& before, const config::Config& config, sandbox::Reports& reports) {
  reports.visit("its stations");
  if (!is_ours(path, config).value_or(true)) return kOfOthers;
  reports.visit("its journal");
  (void)mth5::recover(path, before);
  mth5::ReaderOptions options;
  options.visiting = [&](const std::string& object) { reports.visit(object); };
  if (!is_ours(path, config).value_or(true)) return kOfOthers;
  const mth5::Reader reader{path, options};
  std::int64_t samples = 0;
  for (const auto& channel : reader.channels()) samples += channel.n_samples;
  return std::to_string(samples);
}

/// @returns "": it cannot be read, and `problem` says why; nullopt: somebody writes it, or it is another recorder's
std::optional<std::string> samples_of(const fs::path& path, const config::Config& config, std::string& problem) try {
  if (!mth5::is_hdf5(path)) return "0";
  const auto found = mth5::probe(path);
  if (found.locked) return std::nullopt;
  if (!mth5::was_committed(path) && (found.consistency_flags & kSwmrFlag) == 0) return "0";
  const fs::path before = path.string() + ".before-recovery";
  const auto limits = sandbox::limits_for(path, fs::file_size(path) + mth5::kMostGrowth);
  const auto outcome = sandbox::run([&](sandbox::Reports& reports) { return samples_in(path, before, config, reports); }, limits);
  std::error_code none;
  if (outcome.end == sandbox::End::Done) {
    fs::remove(before, none);  // what was changed is as it was to be
    return outcome.answer == kOfOthers ? std::nullopt : std::optional{outcome.answer};
  }
  problem = outcome.message.empty() ? outcome.reason : outcome.message;
  if (fs::exists(before, none))
    (void)sandbox::run([&](sandbox::Reports&) { return std::string{mth5::take_back(path, before) ? "back" : "whole"}; }, limits);
  return "";
} catch (const mth5::Error& e) {
  problem = e.what();
  return "";
} catch (const fs::filesystem_error& e) {
  problem = e.code().message();
  return "";
}

/// The first free one of NAME, NAME_2, NAME_3 …, as those of new files. @returns "" if it cannot be had
fs::path give_name(const fs::path& file, const std::string& name) {
  const fs::path wanted = file.parent_path() / name;
  fs::path path = wanted;
  for (int n = 2; renameat2(AT_FDCWD, file.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0; ++n) {
    if (errno != EEXIST) return {};
    path = wanted.parent_path() / (wanted.stem().string() + "_" + std::to_string(n) + wanted.extension().string());
  }
  return path;
}

}  // namespace

void clear_unnamed(const config::Config& config, spdlog::logger& log) {
  const auto ours = name_patterns(config);
  const auto trial = trial_file(config);
  std::string removed;
  std::error_code none;
  fs::remove(trial, none);
  for (const auto& [file, name] : archive::unfinished_in(config.output.directory)) {
    if (!matches(ours, name) && name != trial.filename()) continue;
    std::error_code stays;
    std::string problem;
    const auto samples = samples_of(file, config, problem);
    if (!samples) continue;
    if (samples->empty()) {
      log.warn("a file that a recorder which died had begun stays as it is, as it cannot be read: file={} {}", file.string(),
               problem);
    } else if (*samples == "0") {
      if (fs::remove(file, stays)) removed += (removed.empty() ? "" : ",") + file.filename().string();
    } else if (const auto named = give_name(file, name); !named.empty()) {
      log.warn("a recorder died before this file had its name, which it has now: file={} samples={}", named.string(), *samples);
    }
  }
  if (!removed.empty()) log.info("removed what recorders that died had begun, without a sample files={}", removed);
}

}  // namespace daq::recorder
