#pragma once

#include <string>

#include "mth5/metadata.hpp"

/// What is asked of metadata before anything of it is written. Thread: any.
namespace mth5 {

/// @returns the id. @throws MetadataError if it is missing or not an id of that kind
[[nodiscard]] std::string checked_id(const Metadata& metadata);
/// @throws MetadataError
void require_kind(const Metadata& metadata, Kind kind);

namespace file {

inline constexpr const char* kMakeCopy = "; mth5-recover --set-swmr FILE makes a copy that can";

}  // namespace file

}  // namespace mth5
