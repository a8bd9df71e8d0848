#include "h5/types.hpp"

#include <algorithm>
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

AttributeWriter::AttributeWriter(hid_t object, Target target)
    : object_{object}, target_{target}, text_{vlen_text()}, flag_{bool_enum()}, scalar_{H5Screate(H5S_SCALAR), "attribute"} {}

void AttributeWriter::write_scalar(const std::string& name, hid_t type, const void* value) const {
  if (target_ == Target::Existing && check(H5Aexists(object_, name.c_str()), name) > 0) {
    const Attribute there{H5Aopen(object_, name.c_str(), H5P_DEFAULT), name};
    const Datatype its_type{H5Aget_type(there.get()), name};
    const Space its_space{H5Aget_space(there.get()), name};
    if (check(H5Tequal(its_type.get(), type), name) > 0 && H5Sget_simple_extent_type(its_space.get()) == H5S_SCALAR) {
      check(H5Awrite(there.get(), type, value), name);
      return;
    }
    check(H5Adelete(object_, name.c_str()), name);
  }
  const Attribute attribute{H5Acreate2(object_, name.c_str(), type, scalar_.get(), H5P_DEFAULT, H5P_DEFAULT), name};
  check(H5Awrite(attribute.get(), type, value), name);
}

void AttributeWriter::write(const std::string& name, const Value& value) const {
  if (const auto* text = std::get_if<std::string>(&value)) {
    const char* pointer = text->c_str();
    write_scalar(name, text_.get(), &pointer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    write_scalar(name, H5T_IEEE_F64LE, number);
  } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    write_scalar(name, H5T_STD_I64LE, whole);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    const std::int8_t byte = *flag ? 1 : 0;
    write_scalar(name, flag_.get(), &byte);
  } else {
    const std::string list = json_list(std::get<std::vector<std::string>>(value));
    const char* pointer = list.c_str();
    write_scalar(name, text_.get(), &pointer);
  }
}

void AttributeWriter::write(const Metadata& metadata) const {
  for (const auto& [name, value] : metadata.written()) write(name, value);
  write("mth5_type", std::string{mth5_type(metadata.kind())});
  write("hdf5_reference", std::string{"<HDF5 object reference>"});
}

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

void write_attribute(hid_t object, const std::string& name, const Value& value) {
  AttributeWriter{object, AttributeWriter::Target::Existing}.write(name, value);
}

void write_metadata(hid_t object, const Metadata& metadata) {
  AttributeWriter{object, AttributeWriter::Target::Existing}.write(metadata);
}

void write_group_type(hid_t object, std::string_view mth5_type) {
  write_attribute(object, "mth5_type", std::string{mth5_type});
  write_attribute(object, "hdf5_reference", std::string{"<HDF5 object reference>"});
}

PropertyList writer_access() {
  PropertyList access{H5Pcreate(H5P_FILE_ACCESS), "file access list"};
  check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110), "file access list: versions");
  check(H5Pset_file_locking(access.get(), false, true), "file access list: locking");
  check(H5Pset_fclose_degree(access.get(), H5F_CLOSE_SEMI), "file access list: close degree");
  // Nobody else writes: what does not fit its checksum is damaged, and HDF5 would wait for it to be mended, a hundred times.
  check(H5Pset_metadata_read_attempts(access.get(), 1), "file access list: read attempts");
  return access;
}

PropertyList uncached_access() {
  PropertyList access{H5Pcreate(H5P_DATASET_ACCESS), "dataset access list"};
  check(H5Pset_chunk_cache(access.get(), 0, 0, 1.0), "dataset access list: chunk cache");
  return access;
}

PropertyList transfer(std::size_t bytes) {
  constexpr std::size_t kMost = 1 << 20;  // HDF5's own size
  PropertyList list{H5Pcreate(H5P_DATASET_XFER), "transfer list"};
  check(H5Pset_buffer(list.get(), std::clamp<std::size_t>(bytes, 1, kMost), nullptr, nullptr), "transfer list");
  return list;
}

hobj_ref_t reference_to(hid_t file, const std::string& path) {
  hobj_ref_t reference = 0;
  check(H5Rcreate(&reference, file, path.c_str(), H5R_OBJECT, -1), path);
  return reference;
}

hobj_ref_t reference_to(hid_t object) { return reference_to(object, "."); }

void keep_attributes_compact(const PropertyList& create) {
  constexpr unsigned kMost = 65535;  // HDF5's own limit
  check(H5Pset_attr_phase_change(create.get(), kMost, 0), "attributes in the header");
}

PropertyList compact_group(std::size_t n_members) {
  constexpr unsigned kMostLinks = 256, kNameBytes = 8;
  PropertyList create{H5Pcreate(H5P_GROUP_CREATE), "group creation list"};
  keep_attributes_compact(create);
  check(H5Pset_link_phase_change(create.get(), kMostLinks, kMostLinks / 2), "group creation list: links");
  check(H5Pset_est_link_info(create.get(), static_cast<unsigned>(std::min<std::size_t>(n_members, kMostLinks)), kNameBytes),
        "group creation list: links");
  return create;
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
