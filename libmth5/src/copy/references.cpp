#include "copy/references.hpp"

#include <cstring>
#include <string>

#include "h5/types.hpp"

namespace mth5::copy {

namespace {

void collect(hid_t type, std::size_t base, const std::string& name, std::vector<std::size_t>& out) {
  switch (H5Tget_class(type)) {
    case H5T_REFERENCE:
      if (h5::check(H5Tequal(type, H5T_STD_REF_OBJ), name) == 0)
        throw FormatError{name + ": holds region references, which cannot be copied"};
      out.push_back(base);
      return;
    case H5T_COMPOUND: {
      const int members = h5::check(H5Tget_nmembers(type), name);
      for (unsigned m = 0; m < static_cast<unsigned>(members); ++m) {
        const h5::Datatype member{H5Tget_member_type(type, m), name};
        collect(member.get(), base + H5Tget_member_offset(type, m), name, out);
      }
      return;
    }
    case H5T_ARRAY: {
      const h5::Datatype element{H5Tget_super(type), name};
      const std::size_t bytes = H5Tget_size(element.get());
      std::vector<std::size_t> inner;
      collect(element.get(), 0, name, inner);
      if (inner.empty() || bytes == 0) return;
      for (std::size_t at = 0; at < H5Tget_size(type); at += bytes)
        for (const auto offset : inner) out.push_back(base + at + offset);
      return;
    }
    case H5T_VLEN:
      if (h5::check(H5Tdetect_class(type, H5T_REFERENCE), name) > 0)
        throw FormatError{name + ": holds lists of references, which cannot be copied"};
      return;
    default:
      return;
  }
}

}  // namespace

std::vector<std::size_t> reference_offsets(hid_t type, const std::string& name) {
  std::vector<std::size_t> offsets;
  collect(type, 0, name, offsets);
  return offsets;
}

void translate(hid_t source, hid_t target, std::span<char> elements, std::size_t element_bytes,
               std::span<const std::size_t> offsets, SwmrCopy& counts) {
  std::string path;
  for (std::size_t at = 0; at + element_bytes <= elements.size(); at += element_bytes) {
    for (const auto offset : offsets) {
      hobj_ref_t reference = 0;
      std::memcpy(&reference, elements.data() + at + offset, sizeof reference);
      if (reference == 0) continue;
      ++counts.references;
      const ssize_t length = H5Rget_name(source, H5R_OBJECT, &reference, nullptr, 0);
      hobj_ref_t translated = 0;
      if (length > 0) {
        path.resize(static_cast<std::size_t>(length) + 1);
        h5::check(H5Rget_name(source, H5R_OBJECT, &reference, path.data(), path.size()), "reference");
        path.resize(static_cast<std::size_t>(length));
        translated = h5::reference_to(target, path);
      } else {
        (void)h5::take_error_stack();
        ++counts.dangling;
      }
      std::memcpy(elements.data() + at + offset, &translated, sizeof translated);
    }
  }
}

}  // namespace mth5::copy
