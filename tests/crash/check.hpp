#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "truth.hpp"

namespace crash {

/// What a file may hold: states whose commit was begun before the cut, and the one it must not be older than.
struct Expected {
  std::vector<const State*> states;  ///< in order of commits
  std::int64_t floor = -1;           ///< commit; -1: nothing was acknowledged, the file need not even be there
};

struct Verdict {
  enum class Kind { Good, NoFile, Failed } kind;
  std::string text = {};  ///< what is wrong
};

/// Opens the file as its user would (mth5::File, "r+"), reads and compares everything, appends to it, reads again; in a child
/// process, which has 20 s of CPU time.
/// @param choice  which run is appended to, and whether with readers attached (SWMR)
[[nodiscard]] Verdict check_image(const std::filesystem::path& path, const Expected& expected, std::uint64_t choice);

}  // namespace crash
