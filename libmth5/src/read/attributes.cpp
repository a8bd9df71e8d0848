#include "read/attributes.hpp"

#include <cstdint>
#include <cstring>
#include <vector>

namespace mth5::read {

namespace {

constexpr std::size_t kMaxTextBytes = 1 << 20;  ///< of a fixed-length text; longer ones are damage
constexpr hssize_t kMaxItems = 10'000;

bool is_nothing(const std::string& text) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; };
  std::string plain;
  for (const char c : text) plain += lower(c);
  return plain.empty() || plain == "none";
}

std::vector<std::string> read_texts(const h5::Attribute& attribute, hid_t type, std::size_t count, const std::string& name) {
  std::vector<std::string> texts;
  if (h5::check(H5Tis_variable_str(type), name) > 0) {
    const h5::Space space{H5Aget_space(attribute.get()), name};
    std::vector<char*> pointers(count, nullptr);
    h5::check(H5Aread(attribute.get(), type, pointers.data()), name);
    for (const char* pointer : pointers) texts.emplace_back(pointer == nullptr ? "" : pointer);
    h5::check(H5Dvlen_reclaim(type, space.get(), H5P_DEFAULT, pointers.data()), name);
    return texts;
  }
  const std::size_t bytes = H5Tget_size(type);
  if (bytes == 0 || bytes > kMaxTextBytes || bytes * count > kMaxTextBytes) return texts;
  std::vector<char> buffer(bytes * count);
  h5::check(H5Aread(attribute.get(), type, buffer.data()), name);
  for (std::size_t i = 0; i < count; ++i) {
    const char* start = buffer.data() + i * bytes;
    std::string text{start, strnlen(start, bytes)};
    text.erase(text.find_last_not_of(' ') + 1);  // Fortran pads with blanks
    texts.push_back(std::move(text));
  }
  return texts;
}

std::optional<Value> text_value(std::vector<std::string> texts, bool scalar) {
  if (texts.empty()) return std::nullopt;
  if (!scalar && texts.size() > 1) return Value{std::move(texts)};
  if (is_nothing(texts.front())) return std::nullopt;
  return Value{std::move(texts.front())};
}

}  // namespace

std::optional<Value> attribute(hid_t object, const std::string& name) {
  if (h5::check(H5Aexists(object, name.c_str()), name) == 0) return std::nullopt;
  const h5::Attribute attribute{H5Aopen(object, name.c_str(), H5P_DEFAULT), name};
  const h5::Datatype type{H5Aget_type(attribute.get()), name};
  const h5::Space space{H5Aget_space(attribute.get()), name};
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  if (count < 1 || count > kMaxItems) return std::nullopt;
  const H5T_class_t kind = H5Tget_class(type.get());
  if (kind == H5T_STRING)
    return text_value(read_texts(attribute, type.get(), static_cast<std::size_t>(count), name),
                      H5Sget_simple_extent_type(space.get()) == H5S_SCALAR);
  if (count != 1) return std::nullopt;
  if (kind == H5T_FLOAT) {
    double value = 0;
    h5::check(H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &value), name);
    return Value{value};
  }
  if (kind == H5T_INTEGER) {
    std::int64_t value = 0;
    h5::check(H5Aread(attribute.get(), H5T_NATIVE_INT64, &value), name);
    return Value{value};
  }
  if (kind == H5T_ENUM && H5Tget_size(type.get()) == 1) {  // what h5py makes of a bool
    std::int8_t value = 0;
    h5::check(H5Aread(attribute.get(), type.get(), &value), name);
    return Value{value != 0};
  }
  return std::nullopt;
}

std::string text_attribute(hid_t object, const std::string& name) {
  const auto value = attribute(object, name);
  const auto* text = value ? std::get_if<std::string>(&*value) : nullptr;
  return text != nullptr ? *text : "";
}

Metadata metadata(hid_t object, Kind kind) {
  Metadata found{kind};
  for (const auto& known : attributes(kind)) {
    const std::string name{known.name};
    auto value = attribute(object, name);
    if (!value) continue;
    try {
      found.set(name, std::move(*value));
    } catch (const MetadataError&) {
      continue;  // not allowed by MTH5: other programs are not held to it, and the samples are good without
    }
  }
  return found;
}

}  // namespace mth5::read
