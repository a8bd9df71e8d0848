#include "acquisition/config/overrides.hpp"

#include <algorithm>
#include <charconv>

#include <unistd.h>

#include "acquisition/config/tables.hpp"
#include "mth5/metadata.hpp"

namespace daq::config {

namespace {

constexpr std::string_view kPrefix = "MTH5D_";
constexpr std::string_view kFolders = "MTH5D_INSTRUMENTS";
constexpr int kEnvironmentRank = 1'000'000;  // behind all files
constexpr int kSetRank = 2'000'000;

/// "sources[0].tcp.port" as sources, 0, tcp, port; nullopt if it is no path.
std::optional<std::vector<std::string>> split(std::string_view path) {
  std::vector<std::string> steps;
  std::string dotted{path};
  for (std::size_t at = 0; (at = dotted.find('[', at)) != std::string::npos; ++at) {
    const auto end = dotted.find(']', at);
    if (end == std::string::npos) return std::nullopt;
    dotted.erase(end, 1);
    dotted[at] = '.';
  }
  std::size_t begin = 0;
  while (true) {
    const auto dot = dotted.find('.', begin);
    steps.push_back(dotted.substr(begin, dot - begin));
    if (steps.back().empty() || steps.size() > std::size_t(kMaxDepth)) return std::nullopt;
    if (dot == std::string::npos) return steps;
    begin = dot + 1;
  }
}

std::string join(const std::vector<std::string>& steps, std::size_t begin, std::size_t end) {
  std::string all;
  for (auto i = begin; i < end; ++i) all += (all.empty() ? "" : ".") + steps[i];
  return all;
}

/// The value's text: a list, a map or a quoted text as in YAML, anything else as it stands (so patterns need no quotes).
Node value_of(const std::string& text, const Place& place) {
  Node plain;
  plain.place = place;
  plain.text = text;
  plain.kind = text.empty() ? Node::Kind::Null : Node::Kind::Scalar;
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos || std::string_view{"[{\"'"}.find(text[first]) == std::string_view::npos) return plain;
  auto parsed = parse_yaml(text, place.origin);
  return parsed.problem.empty() ? std::move(parsed.root) : plain;
}

bool is_index(std::string_view step) { return step.find_first_not_of("0123456789") == std::string_view::npos; }

class Override {
 public:
  Override(Place place, std::vector<std::string> steps, Report& report)
      : place_{std::move(place)}, steps_{std::move(steps)}, report_{report} {}

  void apply(Node& root, const std::string& text) {
    Place ignored = place_;
    if (auto wrong = text_problem(text, ignored); !wrong.empty()) {
      fail(steps_.size(), std::move(wrong));
      return;
    }
    Node value = value_of(text, place_);
    Node* at = &root;
    for (std::size_t i = 0; at != nullptr && i < steps_.size();) at = step(*at, i);
    if (at != nullptr) *at = std::move(value);
  }

 private:
  Node* fail(std::size_t end, std::string problem) {
    std::string path;  // indices as in all other findings
    for (std::size_t i = 0; i < end; ++i)
      path += is_index(steps_[i]) ? "[" + steps_[i] + "]" : (path.empty() ? "" : ".") + key_text(steps_[i]);
    report_.problem(place_, path, std::move(problem));
    return nullptr;
  }

  /// One step down; makes what is not there. Moves `i` behind what was used.
  Node* step(Node& at, std::size_t& i) {
    if (at.kind == Node::Kind::Null) {
      at.kind = Node::Kind::Map;
      at.place = place_;
    }
    if (at.kind == Node::Kind::Scalar)
      return fail(i, "is the single value " + in_quotes(at.text) + ", it has no key '" + steps_[i] + "'");
    if (at.kind == Node::Kind::Sequence) return item(at, i);
    drop_other_inputs(at, i);
    for (auto end = steps_.size(); end > i; --end)  // `location.latitude` may stand dotted in the file
      if (Node* found = at.find(join(steps_, i, end))) {
        i = end;
        return found;
      }
    at.keys.push_back({steps_[i], place_});
    at.items.emplace_back();
    at.items.back().place = place_;
    ++i;
    return &at.items.back();
  }

  /// By index or, for sources, by name.
  Node* item(Node& list, std::size_t& i) {
    const auto& word = steps_[i];
    if (is_index(word)) {
      std::size_t index = list.items.size();  // stays so if the number is too large
      std::from_chars(word.data(), word.data() + word.size(), index);
      if (index >= list.items.size())
        return fail(i, "has no [" + word + "]; it has " + std::to_string(list.items.size()) + ", counted from 0");
      ++i;
      return &list.items[index];
    }
    std::vector<std::string> names;
    for (auto& one : list.items) {
      const Node* name = one.find("name");
      if (name == nullptr || name->kind != Node::Kind::Scalar) continue;
      if (name->text == word) {
        ++i;
        return &one;
      }
      names.push_back(name->text);
    }
    return fail(i, "has no " + in_quotes(word) + did_you_mean(word, names));
  }

  void drop_other_inputs(Node& source, std::size_t i) const {
    const auto is_input = [](const std::string& key) {
      const auto& kinds = input_kinds();
      return std::any_of(kinds.begin(), kinds.end(), [&](const InputKind& kind) { return kind.name == key; });
    };
    if (i != 2 || steps_[0] != "sources" || !is_input(steps_[2])) return;
    for (std::size_t k = source.keys.size(); k-- > 0;) {
      const auto& key = source.keys[k].text;
      if (key == steps_[2] || !is_input(key)) continue;
      source.keys.erase(source.keys.begin() + std::ptrdiff_t(k));
      source.items.erase(source.items.begin() + std::ptrdiff_t(k));
    }
  }

  Place place_;
  std::vector<std::string> steps_;
  Report& report_;
};

std::string variable_of(std::string_view key) {
  std::string name{kPrefix};
  for (const char c : key) name += c == '.' ? '_' : c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c;
  return name;
}

void apply_environment(Node& root, const Overrides& overrides, Report& report) {
  const auto keys = plain_keys();
  std::vector<std::string> variables;
  for (const auto& key : keys) variables.push_back(variable_of(key));
  for (const auto& [name, value] : overrides.environment) {
    if (name == kFolders) continue;
    const Place place{std::make_shared<const Origin>(Origin{"environment " + name, kEnvironmentRank, false, ""})};
    const auto found = std::find(variables.begin(), variables.end(), name);
    if (found == variables.end()) {
      report.problem(place, "", "no key has this name" + did_you_mean(name, variables));
      continue;
    }
    const auto& key = keys[std::size_t(found - variables.begin())];
    Override{place, split(key).value_or(std::vector<std::string>{key}), report}.apply(root, value);
  }
}

}  // namespace

void apply_overrides(Node& root, const Overrides& overrides, Report& report) {
  apply_environment(root, overrides, report);
  int rank = kSetRank;
  for (const auto& set : overrides.set) {
    const auto equals = set.find('=');
    const auto key = set.substr(0, equals);
    const Place place{std::make_shared<const Origin>(Origin{"--set " + (key.empty() ? set : key), ++rank, false, ""})};
    const auto steps = split(key);
    if (equals == std::string::npos || !steps)
      report.problem(place, "", "must be KEY=VALUE with a KEY such as station.id or sources.lemi.serial.device");
    else
      Override{place, *steps, report}.apply(root, set.substr(equals + 1));
  }
}

std::vector<std::string> plain_keys() {
  std::vector<std::string> keys;
  for (const auto& key : all_keys())
    if (!key.section.starts_with("sources[]") && !key.section.starts_with("profile")) keys.push_back(key.path());
  for (const auto kind : {mth5::Kind::Survey, mth5::Kind::Station})
    for (const auto& attribute : mth5::attributes(kind))
      keys.push_back(std::string{mth5::to_string(kind)} + "." + std::string{attribute.name});
  return keys;
}

std::vector<std::pair<std::string, std::string>> process_environment() {
  std::vector<std::pair<std::string, std::string>> found;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const auto equals = text.find('=');
    if (!text.starts_with(kPrefix) || equals == std::string_view::npos || text.substr(0, equals) == kFolders) continue;
    found.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace daq::config
