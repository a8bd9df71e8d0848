#include <algorithm>

#include "acquisition/config/instrument.hpp"
#include "acquisition/config/tables.hpp"

/// The part of a profile that describes a datacast.
namespace daq::config {

namespace {

std::string check_code(std::string_view text) {
  const bool good = !text.empty() && text.size() <= decode::kMaxCode &&
                    std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '\'' && c != '"'; });
  return good ? ""
              : in_quotes(text) + " is no code of a channel: 1 to " + std::to_string(decode::kMaxCode) +
                    " characters, without blanks and quotation marks";
}

}  // namespace

decode::Description read_datacast_format(const Node& map, const std::string& path, const std::vector<std::string>& channels,
                                         const Instrument& instrument, Report& report) {
  decode::DatacastFormat format{.codes = {}, .n_channels = channels.size()};
  MapReader keys{map, path, report};
  datacast_keys().read(keys, format);
  format.codes = read_codes(keys, channels, check_code, report);
  if (!instrument.soh.empty()) report.problem(map.place, path, "holds no state_of_health; leave that out");
  keys.finish();
  return format;
}

}  // namespace daq::config
