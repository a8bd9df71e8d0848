#pragma once

#include <span>
#include <string>

#include "h5/handle.hpp"

namespace mth5::h5 {

/// Gives one-dimensional datasets a new size and fills what was added. If that fails (disk full) they get their old size back:
/// what was not written would be read as zeros.
/// @param write  writes all of [from, to) in all of them. @throws FileError
template <class Write>
void grow(std::span<const Dataset> datasets, hsize_t from, hsize_t to, const std::string& what, Write write) {
  try {
    for (const auto& dataset : datasets) check(H5Dset_extent(dataset.get(), &to), what);
    write();
  } catch (const FileError&) {
    for (const auto& dataset : datasets) H5Dset_extent(dataset.get(), &from);
    throw;
  }
}

}  // namespace mth5::h5
