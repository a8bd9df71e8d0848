#include "acquisition/stream/streams.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>

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
  stream.channel_wait = from.gap.channel_wait;
  const auto& clock = from.clock;
  const mth5::Nanos reanchor_after = clock.reanchor_samples > 0
                                         ? mth5::Nanos{std::llround(clock.reanchor_samples / instrument.sample_rate * 1e9)}
                                         : mth5::Nanos{clock.reanchor_after};
  const auto numbering = decode::numbering(instrument.decoder);
  stream.time_kind = numbering.kind;
  stream.timing = {.sample_rate = instrument.sample_rate,
                   .tolerance_samples = from.gap.tolerance_samples,
                   .tolerance_floor = from.gap.tolerance_floor,
                   .stamp_resolution = clock.resolution.count() > 0 ? mth5::Nanos{clock.resolution} : numbering.resolution,
                   .fill_up_to = from.gap.fill_up_to,
                   .accept_step_after = from.gap.accept_step_after,
                   .longest_gap = from.gap.longest,
                   .reanchor_after = reanchor_after,
                   .delay = clock.delay,
                   .not_before = clock.not_before == mth5::UtcNanos{} ? std::nullopt : std::optional{clock.not_before},
                   .window = clock.window,
                   .live = !is_recording(from.input),
                   .counter_modulus = numbering.modulus,
                   .samples_per_count = numbering.samples_per_count,
                   .remember = from.gap.remember};
  stream.timing.stored_as = stored_as(stream.channels);
  stream.channels_apart = decode::density(instrument.decoder).channels_apart;
  return {std::move(stream)};
}

std::string doubt_of_times(mth5::Nanos step, double sample_rate) {
  constexpr double kAbout = 0.9;  // of a sample: clocks drift by less
  if (std::chrono::duration<double>(step).count() * sample_rate < kAbout) return {};
  const auto text = [](mth5::Nanos time) { return config::format_duration(time); };
  return "times are cut to " + text(step) + ", and samples are " + text(mth5::Nanos{std::llround(1e9 / sample_rate)}) +
         " apart: a lost one looks like drift, and between lost ones samples may lie off by as many as were lost one by one. "
         "More decimals of the times "
         "would tell, or a counter; resolution: 1ns where the instrument takes its samples exactly at the times it prints";
}

std::vector<StoredAs> stored_as(const std::vector<config::ChannelProfile>& channels) {
  std::vector<StoredAs> all;
  if (std::all_of(channels.begin(), channels.end(), [](const auto& c) { return c.type == mth5::SampleType::Float64; }))
    return all;
  for (const auto& channel : channels) {
    const double least = channel.type == mth5::SampleType::Int16   ? std::numeric_limits<std::int16_t>::min()
                         : channel.type == mth5::SampleType::Int32 ? std::numeric_limits<std::int32_t>::min()
                                                                   : 0;
    all.push_back({channel.type, channel.fill.value_or(least), channel.fill.has_value()});
  }
  return all;
}

}  // namespace daq::stream
