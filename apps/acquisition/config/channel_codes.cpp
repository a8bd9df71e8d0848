#include <map>

#include "acquisition/config/instrument.hpp"
#include "acquisition/config/map_reader.hpp"

namespace daq::config {

std::vector<std::string> read_codes(MapReader& keys, const std::vector<std::string>& channels,
                                    const std::function<std::string(std::string_view)>& check, Report& report) {
  std::vector<std::string> all(channels.size());
  const Node* codes = keys.take("codes", Node::Kind::Map, MapReader::Need::Required);
  if (codes == nullptr) return all;
  MapReader code{*codes, keys.path("codes"), report};
  std::map<std::string, std::string> seen;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    all[i] = code.require_text(channels[i], check);
    const auto [first, fresh] = seen.emplace(all[i], channels[i]);
    if (!fresh && !all[i].empty())
      code.problem(*codes->find(channels[i]), channels[i], in_quotes(all[i]) + " is the code of '" + first->second + "' already");
  }
  code.finish();
  return all;
}

}  // namespace daq::config
