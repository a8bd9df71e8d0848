#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "h5/handle.hpp"
#include "mth5/metadata.hpp"
#include "mth5/types.hpp"

/// HDF5 types and attributes as MTH5 wants them to the bit. Source: mth5-format 2.1 and 3.
namespace mth5::h5 {

/// Scalar variable-length UTF-8 text: the only text type that Python reads right everywhere.
[[nodiscard]] Datatype vlen_text();
/// int8 enum {FALSE, TRUE}: what h5py makes of a bool.
[[nodiscard]] Datatype bool_enum();
/// Null-padded ASCII of a fixed length.
[[nodiscard]] Datatype fixed_text(std::size_t bytes);
[[nodiscard]] hid_t file_type(SampleType type);

/// Writes attributes of one object. The HDF5 types are made once, and what is there already is asked for only if something may
/// be: a run of nine channels has 250 attributes. Never inside SWMR: readers cannot follow variable-length texts (swmr-facts 3).
class AttributeWriter {
 public:
  enum class Target { New, Existing };
  AttributeWriter(hid_t object, Target target);
  /// Replaces an attribute of that name. @throws FileError
  void write(const std::string& name, const Value& value) const;
  /// All of `metadata`.written(), then mth5_type and hdf5_reference.
  void write(const Metadata& metadata) const;

 private:
  void write_scalar(const std::string& name, hid_t type, const void* value) const;

  hid_t object_;
  Target target_;
  Datatype text_, flag_;
  Space scalar_;
};

/// Writes one attribute, replacing one that exists.
void write_attribute(hid_t object, const std::string& name, const Value& value);
/// The same with all of `metadata`, mth5_type and hdf5_reference.
void write_metadata(hid_t object, const Metadata& metadata);
/// The two attributes every MTH5 group has.
void write_group_type(hid_t object, std::string_view mth5_type);
/// `["ex", "ey"]`, as Python's json.dumps prints it.
[[nodiscard]] std::string json_list(const std::vector<std::string>& items);

/// Access list of everything that writes: libver V110/V110 whatever HDF5 this is built against, no file locking (an attached
/// reader would keep the writer out for ever), no object left open at close.
[[nodiscard]] PropertyList writer_access();
/// Chunk cache of 0 bytes: with a cache, each flush rewrites the whole chunk (swmr-facts 4).
[[nodiscard]] PropertyList uncached_access();

/// For a read or a write of so many bytes, as they are in the file or in memory, whichever are more: HDF5 fills the buffer that
/// it converts them in with zeros each time, 1 MiB by default, which takes longer than all else of a short one.
[[nodiscard]] PropertyList transfer(std::size_t bytes);

[[nodiscard]] hobj_ref_t reference_to(hid_t file, const std::string& path);
[[nodiscard]] hobj_ref_t reference_to(hid_t object);
/// Whether an absolute path leads to an object, each step of it.
[[nodiscard]] bool has_link(hid_t file, const std::string& path);
/// Creation list of a group whose attributes and up to `n_members` links lie in its header: a heap and two indexes for them
/// would take 4 KiB a group.
[[nodiscard]] PropertyList compact_group(std::size_t n_members);
/// Attributes of an object lie in its header, however many there are.
void keep_attributes_compact(const PropertyList& create);
[[nodiscard]] Group create_group(hid_t parent, const std::string& name, std::string_view mth5_type);

}  // namespace mth5::h5
