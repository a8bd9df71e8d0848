#pragma once

#include <functional>
#include <string>
#include <vector>

#include "h5/handle.hpp"
#include "mth5/reader.hpp"

/// What is in an MTH5 file, found by walking its groups (never by its summary tables: Python leaves them stale). Thread: as
/// Reader.
namespace mth5::read {

struct Structure {
  std::string file_version;
  std::vector<SurveyInfo> surveys;
  std::vector<StationInfo> stations;
  std::vector<RunInfo> runs;          ///< n_samples not yet known
  std::vector<ChannelInfo> channels;  ///< n_samples not yet known
  std::vector<h5::Dataset> datasets;  ///< one per channel
  std::vector<Filter> filters;
  std::vector<std::string> tables;  ///< names below /Acquisition
  bool has_acquisition = false;
  std::string file_uuid;  ///< of /Acquisition; "" = none
  std::size_t unfollowed_links = 0;  ///< soft, external, or to what is in the tree already
};

using Visiting = std::function<void(const std::string& object)>;

/// @param path      for messages
/// @param visiting  told each object before it is touched; may be empty
/// @throws FormatError (not MTH5, unknown version, too large), FileError (HDF5 failed: a transient of a live file, or damage)
[[nodiscard]] Structure walk(hid_t file, const std::string& path, const Visiting& visiting);

/// Puts `fresh` over `known`: what was there keeps its index, what is new comes behind it, what is gone keeps its entry with no
/// dataset.
void merge(Structure& known, Structure fresh);

}  // namespace mth5::read
