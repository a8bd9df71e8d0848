#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/series.hpp"
#include "mth5/reader.hpp"

/// What the recorder said of itself, from /Acquisition/log (libmth5/doc/acquisition.md). Thread: that of the reader.
namespace analysis {

struct RecorderLog {
  static constexpr std::size_t kMost = 50;
  struct Line {
    mth5::UtcNanos time;  ///< host UTC
    std::string level, text;
  };
  bool there = false;  ///< the file has such a table
  std::int64_t warnings = 0, errors = 0;
  std::vector<Line> newest;  ///< warnings, errors, and when a recorder started or was stopped: the newest of them, in their order
};

/// @param window  lines of other times are left out. @throws mth5::FormatError the table is damaged or lacks a column
[[nodiscard]] RecorderLog read_log(const mth5::Reader& file, const Window& window);

[[nodiscard]] nlohmann::ordered_json to_json(const RecorderLog& log);
/// For people, indented; "" where there is nothing to tell.
[[nodiscard]] std::string to_text(const RecorderLog& log);

}  // namespace analysis
