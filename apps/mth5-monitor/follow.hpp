#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "analysis/snapshot.hpp"

namespace monitor {

enum class Format { Line, Json };

struct FollowOptions {
  std::filesystem::path path;  ///< a file, or a directory whose newest file is followed
  std::chrono::nanoseconds interval = std::chrono::seconds{1};
  Format format = Format::Line;
  bool quiet = false;  ///< no remarks on stderr
  analysis::SnapshotOptions look;
};

/// Prints one look per interval until the file is closed, its writer died or a signal comes. In a directory it goes on with what
/// is written next: another file, or the same one again. A file that is renamed or deleted is waited for.
/// @returns the exit code
int follow(const FollowOptions& options);

/// Lets SIGINT and SIGTERM wait until follow() looks for them; call it before anything else takes time.
void hold_signals();

}  // namespace monitor
