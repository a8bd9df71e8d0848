#pragma once

#include <map>
#include <string>

#include "acquisition/config/config.hpp"
#include "mth5/file.hpp"
#include "mth5/filter.hpp"

namespace daq::recorder {

/// Filters of the survey of one file, new or resumed. Thread: writer.
class SurveyFilters {
 public:
  /// Sees to it that the survey has the filters of a channel. One that the file had before under the same name is not taken to be
  /// the same: this one gets a name with a mark of what it holds, in the survey and in the channel's list.
  void add(mth5::Edit& edit, const std::string& survey, config::ChannelProfile& channel);

 private:
  std::map<std::string, mth5::Filter> ours_;  ///< by name
};

}  // namespace daq::recorder
