#include "acquisition/intake/intake.hpp"

#include <bit>

#include "acquisition/decode/text.hpp"

namespace daq::intake {

namespace {

timing::Options timing_options(const config::Config& config, const config::Source& source) {
  return {source.instrument.sample_rate, config.gap_tolerance_samples, config.gap_fill_up_to, config.gap_accept_step_after};
}

}  // namespace

Intake::Intake(const config::Config& config, std::uint16_t index, ring::Ring& ring)
    : ring_{ring},
      instrument_{config.sources.at(index).instrument},
      index_{index},
      decoder_{decode::make_text_decoder(instrument_.text)},
      timeline_{timing_options(config, config.sources[index]), instrument_.channels.size(), *this} {
  batch_.n_channels = instrument_.text.n_channels;
  batch_.n_soh = instrument_.text.n_soh;
}

std::size_t Intake::words_for(std::size_t n_bytes) const {
  // A text record has at least a digit and a blank per column.
  const std::size_t frames = n_bytes / (2 * instrument_.text.columns.size()) + 2;
  return frames * (instrument_.channels.size() + 1 + instrument_.soh.size()) + 256;
}

void Intake::bytes(std::span<const char> bytes) {
  begin_batch();
  decoder_->feed(bytes, batch_);
  push_batch();
}

void Intake::disconnected() {
  begin_batch();
  decoder_->end_of_stream(batch_);
  push_batch();
  timeline_.disconnected();
}

void Intake::finish() {
  begin_batch();
  decoder_->end_of_stream(batch_);
  timeline_.push(batch_);
  timeline_.finish();
  push_state_of_health(mth5::UtcNanos::max());
  while (!gaps_.empty() && ring_.push_note({ring::Kind::Gap, false, index_}, ring::Words{gaps_.front()}.words))
    gaps_.erase(gaps_.begin());
  push_counters();
}

void Intake::begin_batch() {
  batch_.clear();
  soh_frame_ = soh_sample_ = 0;
}

void Intake::push_batch() {
  timeline_.push(batch_);
  push_state_of_health(mth5::UtcNanos::max());
  push_counters();
}

void Intake::push_state_of_health(mth5::UtcNanos until) {
  if (instrument_.soh.empty()) return;
  soh_words_.clear();
  for (; soh_frame_ < batch_.frames.size() && batch_.frames[soh_frame_].time <= until; ++soh_frame_) {
    const auto& frame = batch_.frames[soh_frame_];
    if (!last_soh_ || *last_soh_ != frame.time) {  // a repeated line repeats its state too
      soh_words_.push_back(std::bit_cast<std::uint64_t>(frame.time.time_since_epoch().count()));
      std::size_t column = 0;
      for (const auto& quantity : instrument_.soh) {
        const double value = quantity.channel ? batch_.samples[soh_sample_ * batch_.n_channels + *quantity.channel]
                                              : batch_.soh[soh_frame_ * batch_.n_soh + column++];
        soh_words_.push_back(std::bit_cast<std::uint64_t>(value));
      }
    }
    last_soh_ = frame.time;
    soh_sample_ += frame.n_samples;
  }
  if (soh_words_.empty()) return;
  if (!ring_.push({ring::Kind::StateOfHealth, false, index_}, soh_words_))
    soh_dropped_ += soh_words_.size() / (1 + instrument_.soh.size());
}

bool Intake::samples(mth5::UtcNanos start, std::span<const double> values, std::size_t n, bool new_run) {
  // State of health goes before the samples it was sent with: a station's position must be known when its first sample opens the
  // file.
  push_state_of_health(mth5::sample_time(start, instrument_.sample_rate, static_cast<std::int64_t>(n)));
  const std::size_t gap_words = gaps_.size() * (1 + sizeof(ring::GapNote) / 8);
  if (!ring_.has_room(gap_words + values.size() + 8)) {
    gaps_.clear();  // the timeline tells them again, grown by this loss, before the next samples
    return false;
  }
  for (const auto& note : gaps_)
    if (!ring_.push_note({ring::Kind::Gap, false, index_}, ring::Words{note}.words)) return false;
  gaps_.clear();
  const ring::Words head{ring::SamplesHead{start.time_since_epoch().count(), static_cast<std::int64_t>(n)}};
  return ring_.push({ring::Kind::Samples, new_run, index_}, head.words, values);
}

void Intake::gap(const timing::Gap& gap) {
  gaps_.push_back(
      {gap.start.time_since_epoch().count(), gap.n_samples, static_cast<std::int64_t>(gap.reason), gap.filled ? 1 : 0});
}

void Intake::push_counters() {
  const ring::Words note{ring::CountersNote{decoder_->counters(), timeline_.counters(), reconnects_, soh_dropped_}};
  counters_owed_ = !ring_.push_note({ring::Kind::Counters, false, index_}, note.words);
  ring_.notify();
}

}  // namespace daq::intake
