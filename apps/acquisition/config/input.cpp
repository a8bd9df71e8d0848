#include "acquisition/config/source.hpp"

#include "acquisition/config/tables.hpp"

namespace daq::config {

Input read_input(MapReader& map, Report& report) {
  std::optional<Input> input;
  std::string first;
  std::vector<std::string> known;
  for (const auto& [name, read] : input_kinds())
    if (read != nullptr) known.emplace_back(name);
  for (const auto& [name, read] : input_kinds()) {
    const Node* node = map.take(name, Node::Kind::Map);
    const Node* given = map.map().find(name);
    if (given == nullptr) continue;
    if (!first.empty()) {
      map.problem(*given, name, "a second input; the source has '" + first + "' already");
      continue;
    }
    first = name;
    if (read == nullptr)
      map.problem(*given, name, "is not supported by this version; use " + alternatives(known));
    else if (node != nullptr)
      input = read(*node, map.path(name), report);
  }
  std::string list;
  for (const auto& name : known) list += (list.empty() ? "" : ", ") + name;
  if (first.empty()) report.problem(map.map().place, map.here(), "has no input; add one of " + list);
  return input.value_or(Serial{});
}

}  // namespace daq::config
