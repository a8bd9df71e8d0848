#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "acquisition/config/config.hpp"

/// Which files of a directory this configuration may have written. Thread: any.
namespace daq::recorder {

/// Patterns (fnmatch(3)) of all names that output.file_name gives for the stations of a configuration, at whatever time, with and
/// without the number of a name that was taken. @param any_station  of all others, too
[[nodiscard]] std::vector<std::string> name_patterns(const config::Config& config, bool any_station = false);

[[nodiscard]] bool matches(const std::vector<std::string>& patterns, const std::string& name);

/// Whether a file of this survey and station is this configuration's. Its name does not tell: two recorders may give the same
/// ones.
/// @param survey  "": the file does not tell, as one of version 0.1.0
[[nodiscard]] bool is_own(const config::Config& config, const std::string& survey, const std::string& station);

struct Candidate {
  std::filesystem::path path;
  std::string start;  ///< of its first sample, as the name tells, and then the number of a name that was taken: text to compare
  std::filesystem::file_time_type time;
  bool of_others;  ///< its name is that of another station: the first of its sources may have been another one then
};

/// Regular files of such names, the newest first, however many other recorders there are: by the time in the name, which is that
/// of the samples, as the clock of a host without a battery may have been in 1970 when a file was written; of equal ones by when
/// they were written. Only names are looked at; links, pipes, folders and other files are not.
/// @param go_on  asked now and then: false ends the search with what was found
[[nodiscard]] std::vector<Candidate> candidates(const config::Config& config, const std::function<bool()>& go_on);

}  // namespace daq::recorder
