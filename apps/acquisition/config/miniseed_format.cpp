#include "acquisition/config/instrument.hpp"
#include "acquisition/config/tables.hpp"

/// The part of a profile that describes records of miniSEED.
namespace daq::config {

namespace {

std::string check_code(std::string_view text) {
  const auto wrong = decode::check_record_code(text);
  return wrong.empty() ? "" : in_quotes(text) + " " + wrong;
}

}  // namespace

decode::Description read_miniseed_format(const Node& map, const std::string& path, const std::vector<std::string>& channels,
                                         const Instrument& instrument, Report& report) {
  decode::MiniSeedFormat format{
      .codes = {}, .sample_rate = instrument.sample_rate, .n_channels = channels.size(), .n_soh = instrument.soh.size()};
  MapReader keys{map, path, report};
  miniseed_keys().read(keys, format);
  format.codes = read_codes(keys, channels, check_code, report);
  if (instrument.soh.size() > 1 || (instrument.soh.size() == 1 && instrument.soh[0].name != "timing_quality"))
    report.problem(map.place, path, "has one state_of_health, timing_quality; leave the others out");
  keys.finish();
  return format;
}

}  // namespace daq::config
