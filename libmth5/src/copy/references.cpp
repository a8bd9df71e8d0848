#include "copy/references.hpp"

#include <cstring>
#include <utility>

#include "h5/types.hpp"

namespace mth5::copy {

/// A part of an element that holds references.
struct References::Node {
  enum class Kind { Object, Region, Compound, Array, List };
  Kind kind;
  std::size_t size;              ///< of this part
  std::size_t offset = 0;        ///< in the compound that it is a member of
  std::vector<Node> parts = {};  ///< members of a compound; the element of an array or list
};

namespace {

/// The name of what a reference leads to; "" if it leads nowhere.
std::string name_of(hid_t source, const Addresses& objects, H5R_type_t kind, const void* reference) {
  const hid_t object = H5Rdereference2(source, H5P_DEFAULT, kind, reference);
  if (object < 0) {
    (void)h5::take_error_stack();
    return "";
  }
  const h5::Object there{object, "reference"};
  H5O_info_t info{};
  h5::check(H5Oget_info2(there.get(), &info, H5O_INFO_BASIC), "reference");
  const auto known = objects.find(info.addr);
  return known == objects.end() ? "" : known->second;
}

template <class Reference>
bool is_null(const Reference& reference) {
  const Reference none{};
  return std::memcmp(&reference, &none, sizeof none) == 0;
}

}  // namespace

References::References(hid_t type, std::string name) : name_{std::move(name)}, root_{plan(type)} {}
References::~References() = default;

std::unique_ptr<References::Node> References::plan(hid_t type) const {
  using Kind = Node::Kind;
  const std::size_t size = H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_REFERENCE:
      if (h5::check(H5Tequal(type, H5T_STD_REF_OBJ), name_) > 0) return std::make_unique<Node>(Node{Kind::Object, size});
      if (h5::check(H5Tequal(type, H5T_STD_REF_DSETREG), name_) > 0) return std::make_unique<Node>(Node{Kind::Region, size});
      throw FormatError{name_ + ": holds references of a kind that HDF5 1.10 does not have, which cannot be copied"};
    case H5T_COMPOUND: {
      Node all{Kind::Compound, size};
      const int members = h5::check(H5Tget_nmembers(type), name_);
      for (unsigned m = 0; m < static_cast<unsigned>(members); ++m) {
        const h5::Datatype member{H5Tget_member_type(type, m), name_};
        auto part = plan(member.get());
        if (!part) continue;
        part->offset = H5Tget_member_offset(type, m);
        all.parts.push_back(std::move(*part));
      }
      return all.parts.empty() ? nullptr : std::make_unique<Node>(std::move(all));
    }
    case H5T_ARRAY:
    case H5T_VLEN: {
      const h5::Datatype element{H5Tget_super(type), name_};
      auto part = plan(element.get());
      if (!part || part->size == 0) return nullptr;
      Node all{H5Tget_class(type) == H5T_ARRAY ? Kind::Array : Kind::List, size};
      all.parts.push_back(std::move(*part));
      return std::make_unique<Node>(std::move(all));
    }
    default:
      return nullptr;
  }
}

void References::translate(hid_t source, const Addresses& objects, hid_t target, char* elements, std::size_t count,
                           CopyReport& counts) const {
  using Kind = Node::Kind;
  const auto object = [&](char* at) {
    hobj_ref_t reference{};
    std::memcpy(&reference, at, sizeof reference);
    if (is_null(reference)) return;
    ++counts.references;
    const auto path = name_of(source, objects, H5R_OBJECT, &reference);
    if (path.empty()) ++counts.dangling;
    const hobj_ref_t translated = path.empty() ? hobj_ref_t{} : h5::reference_to(target, path);
    std::memcpy(at, &translated, sizeof translated);
  };
  const auto region = [&](char* at) {
    hdset_reg_ref_t reference{};
    std::memcpy(&reference, at, sizeof reference);
    if (is_null(reference)) return;
    ++counts.references;
    hdset_reg_ref_t translated{};
    if (const auto path = name_of(source, objects, H5R_DATASET_REGION, &reference); !path.empty()) {
      const h5::Space selected{H5Rget_region(source, H5R_DATASET_REGION, &reference), name_};
      h5::check(H5Rcreate(&translated, target, path.c_str(), H5R_DATASET_REGION, selected.get()), name_);
    } else {
      ++counts.dangling;
    }
    std::memcpy(at, &translated, sizeof translated);
  };
  const auto go = [&](const auto& self, const Node& node, char* at) -> void {
    switch (node.kind) {
      case Kind::Object:
        return object(at);
      case Kind::Region:
        return region(at);
      case Kind::Compound:
        for (const auto& part : node.parts) self(self, part, at + part.offset);
        return;
      case Kind::Array:
        for (std::size_t i = 0; i + node.parts.front().size <= node.size; i += node.parts.front().size)
          self(self, node.parts.front(), at + i);
        return;
      case Kind::List: {
        hvl_t list{};
        std::memcpy(&list, at, sizeof list);
        for (std::size_t i = 0; i < list.len; ++i)
          self(self, node.parts.front(), static_cast<char*>(list.p) + i * node.parts.front().size);
        return;
      }
    }
  };
  for (std::size_t i = 0; i < count; ++i) go(go, *root_, elements + i * root_->size);
}

}  // namespace mth5::copy
