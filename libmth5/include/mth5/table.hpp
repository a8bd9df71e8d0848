#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mth5/error.hpp"

/// Tables under /Acquisition: the recorder's own records beside the samples (ledger, gaps, state of health, sources).
/// A table is a 1-D chunked HDF5 dataset of a packed compound; Python `mth5` and the validators ignore it, h5py and h5dump read
/// it. On disk: libmth5/doc/acquisition.md. Thread: values, no sharing.
namespace mth5 {

struct Column {
  enum class Type { Int64, Float64, Text };
  std::string name;
  Type type = Type::Float64;
  std::size_t text_bytes = 0;  ///< Text only: fixed length, null-padded
  std::string units;           ///< written as attribute `units` of the dataset, one entry per column; "" = none

  [[nodiscard]] std::size_t bytes() const { return type == Type::Text ? text_bytes : 8; }
  friend bool operator==(const Column&, const Column&) = default;
};

struct TableSpec {
  std::string name;  ///< path below /Acquisition: "gaps", "state_of_health/lemi"
  std::vector<Column> columns;
  std::string description;  ///< attribute `description`
  std::size_t chunk = 256;  ///< rows per chunk

  [[nodiscard]] std::size_t row_bytes() const {
    std::size_t n = 0;
    for (const auto& column : columns) n += column.bytes();
    return n;
  }
};

/// Packs rows in column order: `rows.add(std::int64_t{1}); rows.add(2.0); rows.add("text");` fills one row after the other.
class Rows {
 public:
  explicit Rows(const TableSpec& spec) : columns_{spec.columns}, row_bytes_{spec.row_bytes()} {}

  void add(std::int64_t value) { put(Column::Type::Int64, &value, sizeof value); }
  void add(double value) { put(Column::Type::Float64, &value, sizeof value); }
  void add(std::string_view value) { put(Column::Type::Text, value.data(), value.size()); }

  /// Whole rows so far.
  [[nodiscard]] std::size_t size() const { return row_bytes_ == 0 ? 0 : bytes_.size() / row_bytes_; }
  [[nodiscard]] std::span<const char> bytes() const { return bytes_; }
  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }
  /// No row is only begun.
  [[nodiscard]] bool is_whole() const { return next_ == 0; }
  void clear() {
    bytes_.clear();
    next_ = 0;
  }

 private:
  void put(Column::Type type, const void* data, std::size_t size) {
    if (columns_.empty()) throw StateError{"table without columns: value added"};
    const Column& column = columns_[next_];
    if (column.type != type) throw StateError{"table column " + column.name + ": value of another type added"};
    const std::size_t at = bytes_.size();
    bytes_.resize(at + column.bytes());                                                   // zero-filled: pads texts
    if (size > 0) std::memcpy(bytes_.data() + at, data, std::min(size, column.bytes()));  // an empty text may have no address
    next_ = (next_ + 1) % columns_.size();
  }

  std::vector<Column> columns_;
  std::size_t row_bytes_;
  std::vector<char> bytes_;
  std::size_t next_ = 0;
};

/// A table as read: columns and packed rows.
class Table {
 public:
  Table() = default;
  Table(std::vector<Column> columns, std::vector<char> bytes) : columns_{std::move(columns)}, bytes_{std::move(bytes)} {
    for (const auto& column : columns_) row_bytes_ += column.bytes();
  }

  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }
  [[nodiscard]] std::size_t size() const { return row_bytes_ == 0 ? 0 : bytes_.size() / row_bytes_; }
  [[nodiscard]] bool has(std::string_view column) const { return find(column) < columns_.size(); }
  /// @throws FormatError if the table has no such column of that type
  [[nodiscard]] std::int64_t integer(std::size_t row, std::string_view column) const {
    std::int64_t value;
    std::memcpy(&value, at(row, column, Column::Type::Int64), sizeof value);
    return value;
  }
  [[nodiscard]] double number(std::size_t row, std::string_view column) const {
    double value;
    std::memcpy(&value, at(row, column, Column::Type::Float64), sizeof value);
    return value;
  }
  [[nodiscard]] std::string text(std::size_t row, std::string_view column) const {
    const char* p = at(row, column, Column::Type::Text);
    return {p, strnlen(p, columns_[find(column)].text_bytes)};
  }

 private:
  [[nodiscard]] std::size_t find(std::string_view name) const {
    std::size_t i = 0;
    while (i < columns_.size() && columns_[i].name != name) ++i;
    return i;
  }
  [[nodiscard]] const char* at(std::size_t row, std::string_view name, Column::Type type) const {
    std::size_t offset = row * row_bytes_;
    for (const auto& column : columns_) {
      if (column.name == name && column.type == type && row < size()) return bytes_.data() + offset;
      offset += column.bytes();
    }
    throw FormatError{"table: no such column or row: " + std::string{name}};
  }

  std::vector<Column> columns_;
  std::vector<char> bytes_;
  std::size_t row_bytes_ = 0;
};

}  // namespace mth5
