#include "contents/attributes.hpp"

#include <cstdint>
#include <cstring>
#include <vector>

#include "h5/bounded_file.hpp"
#include "meta/text.hpp"
#include "mth5/filter.hpp"

namespace mth5::contents {

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

/// The elements of a list as older files have it: several texts, a JSON list, or one text with commas; plain or in quotes.
std::vector<std::string> list_of(const std::optional<Value>& value) {
  if (!value) return {};
  if (const auto* items = std::get_if<std::vector<std::string>>(&*value)) return *items;
  if (const auto* flag = std::get_if<bool>(&*value)) return {*flag ? "true" : "false"};
  const auto* text = std::get_if<std::string>(&*value);
  if (text == nullptr) return {};
  std::vector<std::string> items;
  for (auto item : meta::split(*text, ',')) {
    const auto blank = [](char c) { return std::string_view{"[]\"' "}.find(c) != std::string_view::npos; };
    while (!item.empty() && blank(item.front())) item.remove_prefix(1);
    while (!item.empty() && blank(item.back())) item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
  }
  return items;
}

/// Two lists side by side in place of `filters`; Python numbers the stages in their order.
void read_old_filters(hid_t object, Metadata& channel) {
  for (const std::string prefix : {"filter", "filtered"}) {
    const auto names = list_of(attribute(object, prefix + ".name"));
    const auto applied = list_of(attribute(object, prefix + ".applied"));
    if (names.empty() || names.size() != applied.size()) continue;  // Python refuses the whole channel then
    std::vector<AppliedFilter> filters;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string flag = meta::lower(applied[i]);
      filters.push_back({names[i], flag == "true" || flag == "1", static_cast<std::int64_t>(i) + 1, ""});
    }
    channel.set("filters", to_text(filters));
    return;
  }
}

}  // namespace

namespace {

std::optional<Value> read_attribute(hid_t object, const std::string& name) {
  const h5::Attribute attribute{H5Aopen(object, name.c_str(), H5P_DEFAULT), name};
  const h5::Datatype type{H5Aget_type(attribute.get()), name};
  const h5::Space space{H5Aget_space(attribute.get()), name};
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  if (count < 1 || count > kMaxItems) return std::nullopt;
  const H5T_class_t kind = H5Tget_class(type.get());
  if (kind == H5T_STRING)
    return text_value(read_texts(attribute, type.get(), static_cast<std::size_t>(count), name),
                      H5Sget_simple_extent_type(space.get()) == H5S_SCALAR);
  const bool is_bool = kind == H5T_ENUM && H5Tget_size(type.get()) == 1;  // what h5py makes of a bool
  if (count != 1 && is_bool) {
    std::vector<std::int8_t> flags(static_cast<std::size_t>(count));
    h5::check(H5Aread(attribute.get(), type.get(), flags.data()), name);
    std::vector<std::string> texts;
    for (const auto flag : flags) texts.emplace_back(flag != 0 ? "true" : "false");
    return Value{std::move(texts)};
  }
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
  if (is_bool) {
    std::int8_t value = 0;
    h5::check(H5Aread(attribute.get(), type.get(), &value), name);
    return Value{value != 0};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Value> attribute(hid_t object, const std::string& name) {
  const h5::ReadLimit limit{h5::kMostPiece};
  try {  // to find one among many HDF5 reads it
    return h5::check(H5Aexists(object, name.c_str()), name) == 0 ? std::nullopt : read_attribute(object, name);
  } catch (const FileError&) {
    if (limit.refused()) return std::nullopt;
    throw;
  }
}

std::string text_attribute(hid_t object, const std::string& name) {
  const auto value = attribute(object, name);
  const auto* text = value ? std::get_if<std::string>(&*value) : nullptr;
  return text != nullptr ? *text : "";
}

namespace {

void read_into(Metadata& found, hid_t object, const Attribute& known, std::string* problem) {
  const std::string name{known.name};
  auto value = attribute(object, name);
  if (!value) return;
  try {
    found.set(name, std::move(*value));
  } catch (const MetadataError& e) {
    // Not allowed by MTH5: other programs are not held to it, and the samples are good without.
    const bool matters = (known.required && known.name != "type") || known.type == Type::Float;
    if (problem != nullptr && problem->empty() && matters) *problem = e.what();
  }
}

}  // namespace

Metadata metadata(hid_t object, Kind kind, std::string* problem) {
  Metadata found{kind};
  for (const auto& known : attributes(kind)) read_into(found, object, known, problem);
  if (found.find("filters") == nullptr && find_attribute(kind, "filters") != nullptr) read_old_filters(object, found);
  return found;
}

Metadata metadata_of(hid_t object, Kind kind, std::span<const std::string_view> names) {
  Metadata found{kind};
  for (const auto name : names)
    if (const auto* known = find_attribute(kind, name); known != nullptr) read_into(found, object, *known, nullptr);
  return found;
}

}  // namespace mth5::contents
