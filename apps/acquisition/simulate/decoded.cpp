#include "acquisition/simulate/decoded.hpp"

#include <fmt/format.h>

#include <iterator>
#include <memory>

namespace daq::simulate {

void Decoded::set(const decode::Batch& batch) {
  time_.reset();
  for (auto& text : values_) text.clear();
  const auto add = [this](std::size_t channel, double value) {
    auto& text = values_[channel];
    fmt::format_to(std::back_inserter(text), "{}{}", text.empty() ? "" : " ", value);
  };
  for (const auto& frame : batch.frames) {
    const bool has_time = frame.kind == decode::TimeKind::Gps || frame.kind == decode::TimeKind::Device;
    if (has_time && frame.n_samples > 0 && !time_) time_ = frame.time;
    const double* value = batch.samples.data() + frame.first;
    for (std::uint32_t row = 0; row < frame.n_samples; ++row) {
      if (frame.channel != decode::kAllChannels)
        add(frame.channel, *value++);
      else
        for (std::size_t channel = 0; channel < values_.size(); ++channel) add(channel, *value++);
    }
  }
}

void Decoded::describe(Description& out) const {
  out.time = time_;
  out.values.assign(values_.begin(), values_.end());
}

std::function<void(std::string_view record, Description& out)> describe_lines(const config::Instrument& profile,
                                                                              mth5::UtcNanos now) {
  struct Lines {
    std::unique_ptr<decode::Decoder> decoder;
    decode::Batch batch;
    Decoded decoded;
  };
  const auto lines =
      std::make_shared<Lines>(Lines{decode::make_decoder(profile.decoder, profile.kept), {}, Decoded{profile.channels.size()}});
  return [lines, now](std::string_view record, Description& out) {
    lines->batch.clear();
    lines->decoder->feed({.bytes = record, .arrival = now}, lines->batch);
    if (!record.ends_with('\n')) lines->decoder->end_of_stream(lines->batch);  // the last line
    lines->decoded.set(lines->batch);
    lines->decoded.describe(out);
  };
}

}  // namespace daq::simulate
