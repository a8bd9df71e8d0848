#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "h5/handle.hpp"
#include "mth5/reader.hpp"

/// Reading what lies under /Acquisition. Page: doc/acquisition.md. Thread: as Reader.
namespace mth5::read {

/// A table that is open.
class TableFile {
 public:
  TableFile(hid_t file, const std::string& path, const std::string& name);

  /// Another process may have appended: HDF5 must not answer from its cache. @throws FileError: it is of no use any more
  void refresh();
  [[nodiscard]] std::int64_t rows() const;
  /// Rows [first, end) of those that there are. @param file_bytes  a table that claims more than the file holds is damaged
  /// @throws FormatError for columns of other types than doc/acquisition.md allows
  [[nodiscard]] Table read(std::int64_t first, std::int64_t end, std::uintmax_t file_bytes) const;

 private:
  [[nodiscard]] std::vector<Column> read_columns() const;
  /// Of a table that nobody looked at rows of so far; they stay as they are.
  void look_at_columns() const;

  std::string name_;  ///< with the file, for messages
  h5::Dataset dataset_;
  mutable std::vector<Column> columns_;   ///< empty: not known yet
  mutable std::size_t stored_bytes_ = 0;  ///< of a row in the file
};

}  // namespace mth5::read
