#include <algorithm>

#include "acquisition/config/map_reader.hpp"
#include "mth5/error.hpp"

namespace daq::config {

namespace {

struct Leaf {
  std::string name;  ///< dotted
  const Node* value;
  Place key;
};

/// Nested maps as dotted names. @param whole  those whose maps are none of attributes
void flatten(const Node& map, const std::string& prefix, const std::vector<std::string>& whole, std::vector<Leaf>& out) {
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    const std::string name = prefix + map.keys[i].text;
    if (map.items[i].kind == Node::Kind::Map && !map.items[i].keys.empty() &&
        std::find(whole.begin(), whole.end(), name) == whole.end())
      flatten(map.items[i], name + ".", whole, out);
    else
      out.push_back({name, &map.items[i], map.keys[i].place});
  }
}

/// The first names directly below a group such as `location`, "" if there is no such group.
std::string members(mth5::Kind kind, const std::string& group) {
  constexpr std::size_t kShown = 4;
  std::vector<std::string_view> names;
  for (const auto& attribute : mth5::attributes(kind)) {
    if (!attribute.name.starts_with(group + ".")) continue;
    const auto below = attribute.name.substr(group.size() + 1);
    const auto name = below.substr(0, below.find('.'));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  std::string all;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) all += (all.empty() ? "" : ", ") + std::string{names[i]};
  return names.size() > kShown ? all + ", ..." : all;
}

/// A MetadataError without the object and attribute in front: the finding's key says them.
std::string reason(const mth5::MetadataError& error, const std::string& name) {
  std::string_view what = error.what();
  const auto at = what.find(name + ": ");
  if (at != std::string_view::npos && what.substr(0, at).find(' ') == std::string_view::npos)
    what.remove_prefix(at + name.size() + 2);
  return std::string{what};
}

std::string unknown(mth5::Kind kind, const std::string& name, const std::vector<std::string>& others) {
  if (const auto group = members(kind, name); !group.empty()) return "must be a map (" + group + ")";
  const auto near = name.size() > kMaxWord ? std::string_view{} : mth5::nearest_attribute(kind, name);
  return "unknown key" + (near.empty() ? did_you_mean(name, others) : "; did you mean '" + std::string{near} + "'?");
}

}  // namespace

std::string to_string(const mth5::Value& value) {
  struct Visitor {
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(double number) const { return format_number(number); }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(const std::vector<std::string>& list) const {
      std::string all;
      for (const auto& item : list) all += (all.empty() ? "" : ", ") + item;
      return "[" + all + "]";
    }
  };
  return std::visit(Visitor{}, value);
}

std::vector<std::pair<std::string, Place>> AttributeReader::read(const Node& map, const std::string& path,
                                                                 mth5::Metadata& metadata) const {
  std::vector<Leaf> leaves;
  flatten(map, "", others, leaves);
  std::map<std::string, int> lines;
  std::vector<std::pair<std::string, Place>> set;
  for (const auto& [name, value, key] : leaves) {
    const auto problem = [&](const Place& place, std::string text) {
      report.problem(place, path + "." + key_text(name), std::move(text));
    };
    const auto [seen, fresh] = lines.emplace(name, key.line);
    if (!fresh) {
      problem(key, "repeated key; it stands in line " + std::to_string(seen->second) + " already");
      continue;
    }
    if (std::find(others.begin(), others.end(), name) != others.end()) continue;
    const auto* attribute = mth5::find_attribute(metadata.kind(), name);
    const auto taken = std::find_if(reserved.begin(), reserved.end(), [&, &n = name](const auto& r) { return r.first == n; });
    if (taken != reserved.end()) {
      problem(key, std::string{taken->second});
    } else if (attribute == nullptr) {
      problem(key, unknown(metadata.kind(), name, others));
    } else if (value->kind == Node::Kind::Null) {
      problem(value->place, "has no value");
    } else if (value->kind == Node::Kind::Map || (value->kind == Node::Kind::Sequence && attribute->type != mth5::Type::List)) {
      problem(value->place, "must be a single value, not " + std::string{to_string(value->kind)});
    } else {
      std::vector<std::string> items;
      for (const auto& item : value->items) {
        if (item.kind != Node::Kind::Scalar)
          problem(item.place, "must be a list of words, not of " + std::string{to_string(item.kind)});
        items.push_back(item.text);
      }
      try {
        metadata.set(name, value->kind == Node::Kind::Sequence ? mth5::Value{items} : mth5::Value{value->text});
        set.emplace_back(name, value->place);
      } catch (const mth5::MetadataError& e) {
        problem(value->place, reason(e, name));
      }
    }
  }
  return set;
}

}  // namespace daq::config
