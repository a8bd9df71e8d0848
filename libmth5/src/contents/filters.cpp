#include "contents/filters.hpp"

#include <array>
#include <cmath>
#include <initializer_list>

#include "contents/attributes.hpp"
#include "h5/bounded_file.hpp"

namespace mth5::contents {

namespace {

constexpr hssize_t kMaxRows = 100'000;  ///< of a table; a longer one is damage

/// What is wrong with a filter; it does not stop the reading of the file.
class Unusable : public Error {
 public:
  using Error::Error;
};

bool is_number(H5T_class_t kind) { return kind == H5T_FLOAT || kind == H5T_INTEGER; }

/// Opens the dataset `name` of the group and holds what is common to all tables.
struct TableOf {
  std::string name;
  h5::Dataset dataset;
  h5::Datatype type;
  std::size_t rows = 0;

  TableOf(hid_t group, const char* table)
      : name{table}, dataset{H5Dopen2(group, table, H5P_DEFAULT), name}, type{H5Dget_type(dataset.get()), name} {
    const h5::PropertyList create{H5Dget_create_plist(dataset.get()), name};
    if (H5Pget_layout(create.get()) == H5D_VIRTUAL || H5Pget_external_count(create.get()) > 0)
      throw Unusable{name + ": lies in another file"};
    h5::require_bounded_chunks(dataset.get(), name);
    const h5::Space space{H5Dget_space(dataset.get()), name};
    const hssize_t count = H5Sget_simple_extent_npoints(space.get());
    if (H5Sget_simple_extent_ndims(space.get()) != 1 || count < 0 || count > kMaxRows)
      throw Unusable{name + ": is not a list of at most " + std::to_string(kMaxRows) + " rows"};
    rows = static_cast<std::size_t>(count);
  }

  /// The columns of a compound, row by row. @param spellings  what the columns are called; the first set that fits is taken
  [[nodiscard]] std::vector<double> columns(std::initializer_list<std::vector<const char*>> spellings) const {
    if (H5Tget_class(type.get()) == H5T_COMPOUND)
      for (const auto& names : spellings)
        if (has(names)) return read(compound(names), names.size());
    throw Unusable{name + ": has not the columns of such a table"};
  }

  [[nodiscard]] std::vector<double> numbers() const {
    if (!is_number(H5Tget_class(type.get()))) throw Unusable{name + ": has no numbers"};
    return read({H5Tcopy(H5T_NATIVE_DOUBLE), name}, 1);
  }

 private:
  [[nodiscard]] bool has(const std::vector<const char*>& names) const {
    for (const char* column : names) {
      const int index = H5Tget_member_index(type.get(), column);
      if (index < 0 || !is_number(H5Tget_member_class(type.get(), static_cast<unsigned>(index)))) return false;
    }
    return true;
  }
  [[nodiscard]] h5::Datatype compound(const std::vector<const char*>& names) const {
    h5::Datatype memory{H5Tcreate(H5T_COMPOUND, names.size() * sizeof(double)), name};
    for (std::size_t i = 0; i < names.size(); ++i)
      h5::check(H5Tinsert(memory.get(), names[i], i * sizeof(double), H5T_NATIVE_DOUBLE), name);
    return memory;
  }
  [[nodiscard]] std::vector<double> read(const h5::Datatype& memory, std::size_t per_row) const {
    std::vector<double> values(rows * per_row);
    if (rows > 0) h5::check(H5Dread(dataset.get(), memory.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), name);
    for (const double value : values)
      if (!std::isfinite(value)) throw Unusable{name + ": has a number that is not finite"};
    return values;
  }
};

bool exists(hid_t group, const char* name) {
  if (h5::check(H5Lexists(group, name, H5P_DEFAULT), name) == 0) return false;
  H5L_info_t link{};
  h5::check(H5Lget_info(group, name, &link, H5P_DEFAULT), name);
  if (link.type != H5L_TYPE_HARD) throw Unusable{std::string{name} + ": is a link that MTH5 does not have"};
  return true;
}

/// Python reads a filter without them as one that has none.
std::vector<std::complex<double>> complex_numbers(hid_t group, const char* name) {
  std::vector<std::complex<double>> out;
  if (!exists(group, name)) return out;
  const auto values = TableOf{group, name}.columns({{"r", "i"}, {"real", "imag"}});
  for (std::size_t i = 0; i + 1 < values.size(); i += 2) out.emplace_back(values[i], values[i + 1]);
  return out;
}

void read_tables(hid_t group, Filter& filter) {
  if (filter.kind() == Kind::Zpk) {
    filter.poles = complex_numbers(group, "poles");
    filter.zeros = complex_numbers(group, "zeros");
  } else if (filter.kind() == Kind::Fap) {
    if (!exists(group, "fap_table")) throw Unusable{"fap_table: is missing"};
    const auto values = TableOf{group, "fap_table"}.columns({{"frequency", "amplitude", "phase"}});
    for (std::size_t i = 0; i + 2 < values.size(); i += 3) filter.responses.push_back({values[i], values[i + 1], values[i + 2]});
  } else if (filter.kind() == Kind::Fir) {
    if (!exists(group, "coefficients")) throw Unusable{"coefficients: is missing"};
    filter.coefficients = TableOf{group, "coefficients"}.numbers();
  }
}

}  // namespace

Filter filter(hid_t group, Kind kind, const std::string& name, const std::string& survey) {
  std::string problem;
  Filter found{.survey = survey, .metadata = metadata(group, kind, &problem)};
  found.problem = std::move(problem);
  try {
    found.metadata.set("name", name);  // the link is what Python finds it by
    read_tables(group, found);
  } catch (const Unusable& e) {
    if (found.problem.empty()) found.problem = e.what();
  } catch (const MetadataError& e) {
    if (found.problem.empty()) found.problem = e.what();
  } catch (const FormatError& e) {
    if (found.problem.empty()) found.problem = e.what();
  } catch (const FileError& e) {  // a type this HDF5 does not know, or damage: the samples are good without
    if (found.problem.empty()) found.problem = e.what();
  }
  return found;
}

}  // namespace mth5::contents
