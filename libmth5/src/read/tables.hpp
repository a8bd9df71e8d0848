#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "h5/handle.hpp"
#include "mth5/reader.hpp"

/// Reading what lies under /Acquisition. Page: doc/acquisition.md. Thread: as Reader.
namespace mth5::read {

/// Opens a table and looks at its length anew.
class TableFile {
 public:
  /// @param live  another process may append: HDF5 must not answer from its cache
  TableFile(hid_t file, const std::string& path, const std::string& name, bool live);

  [[nodiscard]] std::int64_t rows() const;
  /// Rows [first, end) of those that there are. @param file_bytes  a table that claims more than the file holds is damaged
  /// @throws FormatError for columns of other types than doc/acquisition.md allows
  [[nodiscard]] Table read(std::int64_t first, std::int64_t end, std::uintmax_t file_bytes) const;

 private:
  [[nodiscard]] std::vector<Column> columns() const;

  std::string name_;  ///< with the file, for messages
  h5::Dataset dataset_;
};

}  // namespace mth5::read
