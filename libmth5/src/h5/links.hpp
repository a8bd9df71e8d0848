#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "h5/handle.hpp"

/// The members of a group. Nothing else iterates over links. Thread: as the file.
namespace mth5::h5 {

struct Link {
  std::string name;
  H5L_type_t type;
};
struct Links {
  std::vector<Link> all;    ///< by name
  std::size_t n_bytes = 0;  ///< of their names
  bool cut = false;         ///< there are more than was asked for: `all` is some of them
};

/// Safe on a file that is damaged or edited by another process meanwhile: what cannot be followed is an error, never a crash.
/// @param most, most_bytes  links, and bytes of their names
/// @throws FileError "what: reason" where HDF5 cannot follow them, std::bad_alloc
[[nodiscard]] Links links_of(hid_t group, std::size_t most, std::size_t most_bytes, std::string_view what);

}  // namespace mth5::h5
