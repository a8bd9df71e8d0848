#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mth5::core {

struct Holder {
  std::int64_t pid;
  std::string program;  ///< "" if it is not told
};
struct Holders {
  std::vector<Holder> writers;
  bool all_seen = true;  ///< false: there are processes of other users that cannot be looked into
};

/// Which other processes have a file open for writing, as /proc tells. Slow (every descriptor of every process): for messages and
/// for files that were left open. Source: proc(5), fd and fdinfo.
[[nodiscard]] Holders writers_of(const std::filesystem::path& path);

/// True if no other process has it open for writing, and all of them could be looked into: for the user who writes it, and root.
[[nodiscard]] bool nobody_writes(const std::filesystem::path& path);
/// Whether this process itself has it open for writing.
[[nodiscard]] bool is_written_by_this_process(const std::filesystem::path& path);

/// " (process 4711, mth5d)" for messages, "" if nobody is seen.
[[nodiscard]] std::string in_words(const Holders& holders);

}  // namespace mth5::core
