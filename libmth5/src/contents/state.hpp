#pragma once

#include <optional>
#include <string>

#include "h5/handle.hpp"
#include "mth5/contents.hpp"

/// Thread: as Reader.
namespace mth5::contents {

/// The row of /Acquisition/state, read from the file itself at each call, whatever HDF5 has cached.
class StateRow {
 public:
  /// @throws FormatError if it is not the table of doc/acquisition.md
  StateRow(hid_t file, const std::string& path);

  /// nullopt: torn each time it was looked at, as a writer that died within it leaves it.
  [[nodiscard]] std::optional<Commit> read() const;

 private:
  h5::Dataset dataset_;
  h5::Datatype type_;
};

}  // namespace mth5::contents
