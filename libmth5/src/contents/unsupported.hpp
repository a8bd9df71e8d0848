#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "h5/handle.hpp"

/// Telling a file that is damaged from one that this HDF5 cannot read. Thread: as Reader.
namespace mth5::contents {

/// "needs a newer HDF5 than 1.10.8", of the library this process runs with.
[[nodiscard]] std::string newer_hdf5();

/// Why a whole file could fail with that message of HDF5: it met a version of a structure that it does not know. With checksums
/// over structures (superblock 2 and later) no damage looks so. nullopt: it is something else.
[[nodiscard]] std::optional<std::string> unsupported(const std::string& message, std::uint8_t superblock_version);

/// The first filter of a dataset that is not there: "needs the HDF5 filter lzf (32000), which is not installed: …". nullopt: all
/// are.
[[nodiscard]] std::optional<std::string> missing_filter(hid_t dataset);

}  // namespace mth5::contents
