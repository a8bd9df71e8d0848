#include "acquisition/stream/streams.hpp"

namespace daq::stream {

std::vector<std::string> Stream::components() const {
  std::vector<std::string> names;
  for (const auto& channel : channels) names.push_back(channel.metadata.text("component"));
  return names;
}

std::vector<Stream> declared(const config::Config& config, std::uint16_t source) {
  const auto& from = config.sources.at(source);
  const auto& instrument = from.instrument;
  Stream stream;
  stream.source = source;
  stream.name = from.name;
  stream.station = from.station;
  stream.location_known = from.location_known;
  stream.sample_rate = instrument.sample_rate;
  stream.channels = instrument.channels;
  stream.run = instrument.run;
  stream.run_id = from.run_id;
  stream.timing = {.sample_rate = instrument.sample_rate,
                   .tolerance_samples = from.gap.tolerance_samples,
                   .fill_up_to = from.gap.fill_up_to,
                   .accept_step_after = from.gap.accept_step_after,
                   .live = !std::holds_alternative<config::ReplayFile>(from.input)};
  return {std::move(stream)};
}

}  // namespace daq::stream
