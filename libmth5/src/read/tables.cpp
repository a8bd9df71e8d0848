#include "read/tables.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "contents/attributes.hpp"
#include "h5/bounded_file.hpp"
#include "h5/types.hpp"

namespace mth5::read {

namespace {

constexpr int kMaxColumns = 1000;
constexpr std::size_t kMaxTextBytes = 65'536;

/// A JSON list of texts, as `units` of a table. What is no such list gives no items: units are for people.
std::vector<std::string> list_items(const std::string& json) {
  std::vector<std::string> items;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] != '"') continue;
    std::string item;
    for (++i; i < json.size() && json[i] != '"'; ++i) {
      if (json[i] == '\\' && i + 1 < json.size()) ++i;
      item += json[i];
    }
    items.push_back(std::move(item));
  }
  return items;
}

struct LibraryFree {
  void operator()(char* text) const { H5free_memory(text); }
};

}  // namespace

TableFile::TableFile(hid_t file, const std::string& path, const std::string& name)
    : name_{path + ": /Acquisition/" + name}, dataset_{H5Dopen2(file, ("/Acquisition/" + name).c_str(), H5P_DEFAULT), name_} {}

void TableFile::refresh() { h5::refresh(dataset_, name_); }

std::int64_t TableFile::rows() const {
  const h5::Space space{H5Dget_space(dataset_.get()), name_};
  hsize_t rows = 0;
  if (H5Sget_simple_extent_ndims(space.get()) != 1) throw FormatError{name_ + ": not a table (it must have one dimension)"};
  h5::check(H5Sget_simple_extent_dims(space.get(), &rows, nullptr), name_);
  return static_cast<std::int64_t>(rows);
}

std::vector<Column> TableFile::read_columns() const {
  const h5::Datatype type{H5Dget_type(dataset_.get()), name_};
  const int n = H5Tget_class(type.get()) == H5T_COMPOUND ? H5Tget_nmembers(type.get()) : 0;
  if (n < 1 || n > kMaxColumns) throw FormatError{name_ + ": not a table (its rows are no compound)"};
  const auto units = list_items(contents::text_attribute(dataset_.get(), "units"));
  std::vector<Column> columns;
  for (unsigned i = 0; i < static_cast<unsigned>(n); ++i) {
    const std::unique_ptr<char, LibraryFree> member{H5Tget_member_name(type.get(), i)};
    const h5::Datatype member_type{H5Tget_member_type(type.get(), i), name_};
    Column column{.name = member ? member.get() : "", .units = i < units.size() ? units[i] : ""};
    const auto kind = H5Tget_class(member_type.get());
    const auto bytes = H5Tget_size(member_type.get());
    if (kind == H5T_INTEGER && bytes == 8) {
      column.type = Column::Type::Int64;
    } else if (kind == H5T_FLOAT && bytes == 8) {
      column.type = Column::Type::Float64;
    } else if (kind == H5T_STRING && H5Tis_variable_str(member_type.get()) == 0 && bytes > 0 && bytes <= kMaxTextBytes) {
      column.type = Column::Type::Text;
      column.text_bytes = bytes;
    } else {
      throw FormatError{name_ + ": column " + column.name + " is neither int64, float64 nor a text of fixed length"};
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

void TableFile::look_at_columns() const {
  if (!columns_.empty()) return;
  auto columns = read_columns();
  h5::require_bounded_chunks(dataset_.get(), name_);
  const h5::Datatype row{H5Dget_type(dataset_.get()), name_};
  stored_bytes_ = H5Tget_size(row.get());
  columns_ = std::move(columns);
}

Table TableFile::read(std::int64_t first, std::int64_t end, std::uintmax_t file_bytes) const {
  look_at_columns();
  const TableSpec layout{.name = {}, .columns = columns_, .description = {}};
  const auto total = static_cast<hsize_t>(std::min(rows(), end));
  const hsize_t start = first < 0 ? 0 : std::min(static_cast<hsize_t>(first), total);
  const hsize_t count = total - start;
  if (count == 0) return {layout.columns, {}};
  if (count > file_bytes / layout.row_bytes())
    throw FormatError{name_ + ": claims " + std::to_string(total) + " rows of " + std::to_string(layout.row_bytes()) +
                      " bytes in a file of " + std::to_string(file_bytes) + " bytes"};
  const h5::Datatype type{H5Tcreate(H5T_COMPOUND, layout.row_bytes()), name_};
  std::size_t offset = 0;
  for (const auto& column : layout.columns) {
    const h5::Datatype text = column.type == Column::Type::Text ? h5::fixed_text(column.text_bytes) : h5::Datatype{};
    const hid_t member = text ? text.get() : column.type == Column::Type::Int64 ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE;
    h5::check(H5Tinsert(type.get(), column.name.c_str(), offset, member), name_);
    offset += column.bytes();
  }
  const h5::Space where{H5Dget_space(dataset_.get()), name_};
  h5::check(H5Sselect_hyperslab(where.get(), H5S_SELECT_SET, &start, nullptr, &count, nullptr), name_);
  const h5::Space memory{H5Screate_simple(1, &count, nullptr), name_};
  std::vector<char> bytes(static_cast<std::size_t>(count) * layout.row_bytes());
  const h5::ReadLimit limit{std::max<std::uint64_t>(bytes.size(), h5::kMostPackedChunk)};
  const auto list = h5::transfer(static_cast<std::size_t>(count) * std::max(layout.row_bytes(), stored_bytes_));
  h5::check(H5Dread(dataset_.get(), type.get(), memory.get(), where.get(), list.get(), bytes.data()), name_);
  return {layout.columns, std::move(bytes)};
}

}  // namespace mth5::read
