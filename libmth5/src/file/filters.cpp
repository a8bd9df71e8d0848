#include <string>

#include "file/file_impl.hpp"
#include "h5/types.hpp"
#include "mth5/filter.hpp"

/// Filters as Python lays them out: a group per filter, its tables as datasets in it. Source: mth5-format 7.3. Thread: writer.
namespace mth5 {

namespace {

struct Member {
  const char* name;
  std::size_t offset;
};

h5::Datatype compound(std::size_t bytes, std::initializer_list<Member> members) {
  h5::Datatype type{H5Tcreate(H5T_COMPOUND, bytes), "filter table type"};
  for (const auto& [name, offset] : members) h5::check(H5Tinsert(type.get(), name, offset, H5T_IEEE_F64LE), name);
  return type;
}

void write_table(hid_t group, const char* name, hid_t type, std::size_t rows, const void* data) {
  const hsize_t size = rows;
  const h5::Space space{H5Screate_simple(1, &size, nullptr), name};
  const h5::Dataset dataset{H5Dcreate2(group, name, type, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), name};
  if (rows > 0) h5::check(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), name);
}

void write_tables(hid_t group, const Filter& filter) {
  static_assert(sizeof(std::complex<double>) == 2 * sizeof(double) && sizeof(Response) == 3 * sizeof(double));
  if (filter.kind() == Kind::Zpk) {
    const auto complex = compound(2 * sizeof(double), {{"r", 0}, {"i", sizeof(double)}});  // h5py's complex number
    write_table(group, "poles", complex.get(), filter.poles.size(), filter.poles.data());
    write_table(group, "zeros", complex.get(), filter.zeros.size(), filter.zeros.data());
  } else if (filter.kind() == Kind::Fap) {
    const auto row = compound(sizeof(Response), {{"frequency", offsetof(Response, frequency)},
                                                 {"amplitude", offsetof(Response, amplitude)},
                                                 {"phase", offsetof(Response, phase)}});
    write_table(group, "fap_table", row.get(), filter.responses.size(), filter.responses.data());
  } else if (filter.kind() == Kind::Fir) {
    write_table(group, "coefficients", H5T_IEEE_F64LE, filter.coefficients.size(), filter.coefficients.data());
  }
}

}  // namespace

bool FileImpl::has_filter(std::string_view survey_id, std::string_view name) {
  (void)survey(survey_id);
  const auto filters = open_object(survey_path(survey_id) + "/Filters");
  for (const auto kind : {Kind::Coefficient, Kind::Zpk, Kind::Fap, Kind::Fir, Kind::TimeDelay}) {
    const std::string path = std::string{to_string(kind)} + "/" + std::string{name};
    if (h5::check(H5Lexists(filters.get(), path.c_str(), H5P_DEFAULT), path) > 0) return true;
  }
  return false;
}

void FileImpl::add_filter(std::string_view survey_id, const Filter& filter) {
  (void)survey(survey_id);
  check_filter(filter);
  const std::string name = filter.name();
  // One name for all kinds: Python puts them into one dictionary.
  if (has_filter(survey_id, name))
    throw StateError{path_.string() + ": filter '" + name + "' exists already in survey '" + std::string{survey_id} + "'"};
  const auto filters = open_object(survey_path(survey_id) + "/Filters");
  const auto group = h5::create_group(filters.get(), std::string{to_string(filter.kind())} + "/" + name, {});
  for (const auto& [attribute, value] : filter.metadata.written()) h5::write_attribute(group.get(), attribute, value);
  write_tables(group.get(), filter);
}

bool Edit::has_filter(std::string_view survey, std::string_view name) const {
  file_.require_editing("has_filter");
  return file_.has_filter(survey, name);
}

void Edit::add_filter(std::string_view survey, const Filter& filter) {
  file_.require_editing("add_filter");
  file_.add_filter(survey, filter);
}

}  // namespace mth5
