#include "h5/types.hpp"

#include <cstdint>

namespace mth5::h5 {

Datatype vlen_text() {
  Datatype type{H5Tcopy(H5T_C_S1), "text type"};
  check(H5Tset_size(type.get(), H5T_VARIABLE), "text type: size");
  check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "text type: character set");
  return type;
}

Datatype bool_enum() {
  Datatype type{H5Tenum_create(H5T_STD_I8LE), "bool type"};
  const std::int8_t no = 0;
  const std::int8_t yes = 1;
  check(H5Tenum_insert(type.get(), "FALSE", &no), "bool type: FALSE");
  check(H5Tenum_insert(type.get(), "TRUE", &yes), "bool type: TRUE");
  return type;
}

Datatype fixed_text(std::size_t bytes) {
  Datatype type{H5Tcopy(H5T_C_S1), "text type"};
  check(H5Tset_size(type.get(), bytes), "text type: size");
  check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "text type: padding");
  return type;
}

hid_t file_type(SampleType type) {
  switch (type) {
    case SampleType::Int16:
      return H5T_STD_I16LE;
    case SampleType::Int32:
      return H5T_STD_I32LE;
    case SampleType::Float32:
      return H5T_IEEE_F32LE;
    case SampleType::Float64:
      break;
  }
  return H5T_IEEE_F64LE;
}

namespace {

void write_scalar(hid_t object, const std::string& name, hid_t type, const void* value) {
  if (check(H5Aexists(object, name.c_str()), name) > 0) check(H5Adelete(object, name.c_str()), name);
  const Space scalar{H5Screate(H5S_SCALAR), name};
  const Attribute attribute{H5Acreate2(object, name.c_str(), type, scalar.get(), H5P_DEFAULT, H5P_DEFAULT), name};
  check(H5Awrite(attribute.get(), type, value), name);
}

struct WriteValue {
  hid_t object;
  const std::string& name;

  void operator()(const std::string& text) const {
    const char* pointer = text.c_str();
    write_scalar(object, name, vlen_text().get(), &pointer);
  }
  void operator()(double number) const { write_scalar(object, name, H5T_IEEE_F64LE, &number); }
  void operator()(std::int64_t number) const { write_scalar(object, name, H5T_STD_I64LE, &number); }
  void operator()(bool flag) const {
    const std::int8_t value = flag ? 1 : 0;
    write_scalar(object, name, bool_enum().get(), &value);
  }
  void operator()(const std::vector<std::string>& list) const { (*this)(json_list(list)); }
};

}  // namespace

std::string json_list(const std::vector<std::string>& items) {
  std::string text = "[";
  for (const auto& item : items) {
    if (text.size() > 1) text += ", ";
    text += '"';
    for (const char c : item) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + "]";
}

void write_attribute(hid_t object, const std::string& name, const Value& value) { std::visit(WriteValue{object, name}, value); }

void write_group_type(hid_t object, std::string_view mth5_type) {
  write_attribute(object, "mth5_type", std::string{mth5_type});
  write_attribute(object, "hdf5_reference", std::string{"<HDF5 object reference>"});
}

void write_metadata(hid_t object, const Metadata& metadata) {
  for (const auto& [name, value] : metadata.written()) write_attribute(object, name, value);
  write_group_type(object, mth5_type(metadata.kind()));
}

PropertyList writer_access() {
  PropertyList access{H5Pcreate(H5P_FILE_ACCESS), "file access list"};
  check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110), "file access list: versions");
  check(H5Pset_file_locking(access.get(), false, true), "file access list: locking");
  check(H5Pset_fclose_degree(access.get(), H5F_CLOSE_SEMI), "file access list: close degree");
  return access;
}

PropertyList uncached_access() {
  PropertyList access{H5Pcreate(H5P_DATASET_ACCESS), "dataset access list"};
  check(H5Pset_chunk_cache(access.get(), 0, 0, 1.0), "dataset access list: chunk cache");
  return access;
}

hobj_ref_t reference_to(hid_t file, const std::string& path) {
  hobj_ref_t reference = 0;
  check(H5Rcreate(&reference, file, path.c_str(), H5R_OBJECT, -1), path);
  return reference;
}

bool has_link(hid_t file, const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    if (check(H5Lexists(file, path.substr(0, end).c_str(), H5P_DEFAULT), path) == 0) return false;
    if (end == std::string::npos) return true;
  }
}

Group create_group(hid_t parent, const std::string& name, std::string_view mth5_type) {
  Group group{H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), name};
  if (!mth5_type.empty()) write_group_type(group.get(), mth5_type);
  return group;
}

}  // namespace mth5::h5
