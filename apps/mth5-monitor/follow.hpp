#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "analysis/snapshot.hpp"

namespace monitor {

enum class Format { Line, Json };
/// How many times as fast a file can be replayed: a year in a minute.
inline constexpr double kFastestReplay = 1e6;
/// What to wait for, instead of a look per interval.
enum class Wait {
  Nothing,
  Live,  ///< samples come, of all streams of the file
  Good   ///< that, and the verdict is good
};

struct FollowOptions {
  std::filesystem::path path;  ///< a file, or a directory whose newest file is followed
  std::chrono::nanoseconds interval = std::chrono::seconds{1};
  Format format = Format::Line;
  bool quiet = false;  ///< no remarks on stderr
  Wait wait = Wait::Nothing;
  std::chrono::nanoseconds timeout = std::chrono::seconds{60};  ///< of wait
  double replay = 0;  ///< seconds of a closed file that are shown in one; 0: what there is now is shown
  analysis::SnapshotOptions look;
};

/// Prints one look per interval until the file is closed, its writer died or a signal comes. In a directory it goes on with what
/// is written next: another file, or the same one again. A file that is renamed or deleted is waited for, after a line about it.
/// With options.replay it is the end of a closed file that ends it, as if it was written just now.
/// With options.wait it prints the first look that has it, and nothing before, whether files end meanwhile or not.
/// @returns the exit code; 1 if nothing that was waited for came in time
int follow(const FollowOptions& options);

/// Lets SIGINT and SIGTERM wait until follow() looks for them; call it before anything else takes time.
void hold_signals();

}  // namespace monitor
