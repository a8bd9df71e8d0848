#pragma once

#include <string>

#include "h5/handle.hpp"
#include "mth5/filter.hpp"

/// Filters as this library and Python write them. Source: mth5-format 7.3. Thread: as Reader.
namespace mth5::contents {

/// The filter in `group`, whose name is `name`. Where its tables or numbers are not what MTH5 allows, its `problem` says so.
/// @throws FileError if HDF5 cannot read the group's attributes
[[nodiscard]] Filter filter(hid_t group, Kind kind, const std::string& name, const std::string& survey);

}  // namespace mth5::contents
