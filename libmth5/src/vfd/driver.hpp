#pragma once

#include "h5/handle.hpp"
#include "vfd/journaled_file.hpp"

/// The HDF5 virtual file driver over a JournaledFile. Source: H5FDpublic.h of HDF5 1.10; doc/journal.md.
namespace mth5::vfd {

/// Makes an access list open files through `store`, whatever name is given. The store outlives all files opened so, and may be
/// opened again and again: what HDF5 does between is one commit. @throws FileError
void use(const h5::PropertyList& access, JournaledFile& store);

}  // namespace mth5::vfd
