#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "h5/handle.hpp"
#include "mth5/recover.hpp"

/// Object references are addresses within their file: a copy needs its own.
namespace mth5::copy {

/// Offsets of all object references in one element of `type`.
/// @throws FormatError for those that cannot be followed: region references, references in variable-length data
[[nodiscard]] std::vector<std::size_t> reference_offsets(hid_t type, const std::string& name);

/// Replaces references into `source` by references to the objects of the same path in `target`.
/// @param elements  packed, of `element_bytes` each
void translate(hid_t source, hid_t target, std::span<char> elements, std::size_t element_bytes,
               std::span<const std::size_t> offsets, SwmrCopy& counts);

}  // namespace mth5::copy
