#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// What mth5d says of instruments without recording. Thread: main.
namespace mth5d {

/// --list-instruments: the profiles that are found, to stdout, with what each decodes. @returns exit code
/// @throws mth5::FileError if there is none; cli::ConfigError, when all are listed, if one that would be used is broken
int list_instruments(const std::vector<std::filesystem::path>& folders);

/// --try: what the profile makes of a recording, to stdout.
/// @param profile  a name to look for in `folders`, or the path of a profile
/// @param file     "-" = standard input
/// @returns exit code 0
/// @throws cli::ConfigError for a profile that is not there or not good; mth5::FileError if the file cannot be read, or if
/// nothing of
///         it was decoded (what was found is on stdout then)
int try_recording(const std::string& profile, const std::string& file, bool json,
                  const std::vector<std::filesystem::path>& folders);

}  // namespace mth5d
