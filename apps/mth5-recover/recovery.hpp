#pragma once

#include <cstdint>
#include <filesystem>

#include <nlohmann/json_fwd.hpp>

namespace recovery {

struct Options {
  bool dry_run, json, check;
};

/// Brings a file to its last commit, goes through all chunk indexes and the ledger, with `check` through every sample, and says
/// what was found and what is lost. @returns whether nothing is damaged. @throws mth5::Error
bool recover(const std::filesystem::path& path, const Options& options);
/// Takes a recovery back. @throws mth5::Error
void undo(const std::filesystem::path& path, const std::filesystem::path& before, bool json);

void say(bool json, const nlohmann::json& report, const std::string& text);

/// A line on a terminal that counts to 100 %; nothing elsewhere.
class Progress {
 public:
  Progress(const std::filesystem::path& what, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void operator()(std::int64_t done, std::int64_t total);

 private:
  std::filesystem::path what_;
  bool show_;
  int shown_ = -1;
};

}  // namespace recovery
