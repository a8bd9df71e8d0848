#pragma once

#include <string>
#include <vector>

namespace summary {

/// mth5-summary --verify: compares archived files with their manifests (archive/manifest.hpp), and prints a line for each.
/// @param paths  files and directories @param json  one object instead @returns an exit code: kDone, kCheckWarning where bytes
/// changed and no sample did, or a file has no manifest or SHA256SUMS is missing, kDamaged where samples changed, or a file is
/// missing or unreadable
int verify(const std::vector<std::string>& paths, bool json, bool quiet);

}  // namespace summary
