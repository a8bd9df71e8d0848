#pragma once

#include <hdf5.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mth5/recover.hpp"

/// References of one file, rewritten for its copy: they are addresses. Thread: one.
namespace mth5::copy {

/// The objects of a file by their addresses, each by the first of its names. HDF5's own way from a reference to a name walks
/// through the whole file, for each reference anew.
using Addresses = std::map<haddr_t, std::string>;

/// Where in the elements of a type references are: of objects or of regions, in compounds, arrays and lists.
class References {
 public:
  /// @throws FormatError for references of a kind that HDF5 1.10 does not have
  References(hid_t type, std::string name);
  ~References();
  References(const References&) = delete;
  References& operator=(const References&) = delete;

  [[nodiscard]] bool any() const { return root_ != nullptr; }
  /// Rewrites them in `count` elements of memory. What leads to none of `objects` of the source becomes null.
  /// @throws FileError
  void translate(hid_t source, const Addresses& objects, hid_t target, char* elements, std::size_t count,
                 CopyReport& counts) const;

 private:
  struct Node;
  [[nodiscard]] std::unique_ptr<Node> plan(hid_t type) const;
  std::string name_;
  std::unique_ptr<Node> root_;  ///< null: none
};

}  // namespace mth5::copy
