#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/recorder/resume.hpp"

/// What the child that recovers a file tells the recorder. Thread: any.
namespace daq::recorder {

struct ResumeAnswer {
  std::vector<std::string> recovery;  ///< what was put right, a line each
  bool other_station = false;  ///< the file is none of this configuration's: nothing else of it is told, but what was put right
                               ///< until it could be read
  std::string why_not;         ///< why it cannot be resumed; "" if it can
  Resume resume;               ///< without the path
};

[[nodiscard]] std::string encode(const ResumeAnswer& answer);

/// The bytes come from a process that had a damaged file in its hands: every length is checked against what is left, and texts
/// are names or lines of printable characters. @returns nothing if anything does not fit
[[nodiscard]] std::optional<ResumeAnswer> decode(std::string_view bytes);

}  // namespace daq::recorder
