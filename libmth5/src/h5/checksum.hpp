#pragma once

#include <cstdint>
#include <span>

namespace mth5::h5 {

/// The checksum of HDF5's own structures: Bob Jenkins' lookup3 (hashlittle, initial value 0; HDF5 file format, II.A). Thread:
/// any.
[[nodiscard]] std::uint32_t checksum(std::span<const unsigned char> bytes) noexcept;

}  // namespace mth5::h5
