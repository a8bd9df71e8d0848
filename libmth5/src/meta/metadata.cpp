#include "mth5/metadata.hpp"

#include "meta/validate.hpp"
#include "mth5/error.hpp"

namespace mth5 {

Metadata::Metadata(Kind kind) : kind_{kind} {}

void Metadata::set(std::string_view name, const Value& value) {
  const Attribute* attribute = find_attribute(kind_, name);
  if (attribute == nullptr) {
    std::string what = std::string{to_string(kind_)}.append(".").append(name.substr(0, 80)) + ": MTH5 has no such attribute";
    if (const auto near = nearest_attribute(kind_, name); !near.empty()) what += "; did you mean '" + std::string{near} + "'?";
    throw MetadataError{what};
  }
  values_.insert_or_assign(std::string{name}, meta::normalised(kind_, *attribute, value));
}

void Metadata::erase(std::string_view name) {
  if (const auto found = values_.find(name); found != values_.end()) values_.erase(found);
}

const Value* Metadata::find(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

std::string Metadata::text(std::string_view name, std::string_view otherwise) const {
  const Value* value = find(name);
  return value == nullptr ? std::string{otherwise} : meta::printed(*value);
}

double Metadata::number(std::string_view name, double otherwise) const {
  const Value* value = find(name);
  if (value == nullptr) return otherwise;
  if (const auto* real = std::get_if<double>(value)) return *real;
  if (const auto* whole = std::get_if<std::int64_t>(value)) return static_cast<double>(*whole);
  return otherwise;
}

std::vector<std::pair<std::string, Value>> Metadata::written() const {
  std::vector<std::pair<std::string, Value>> out;
  for (const auto& attribute : attributes(kind_)) {
    if (const Value* value = find(attribute.name))
      out.emplace_back(attribute.name, *value);
    else if (attribute.required)
      out.emplace_back(attribute.name, meta::default_value(attribute));
  }
  return out;
}

void Metadata::merge(const Metadata& other) {
  if (other.kind_ != kind_)
    throw MetadataError{std::string{to_string(kind_)} + ": metadata of kind " + std::string{to_string(other.kind_)} +
                        " cannot be put over it"};
  for (const auto& [name, value] : other.values_) values_.insert_or_assign(name, value);
}

}  // namespace mth5
