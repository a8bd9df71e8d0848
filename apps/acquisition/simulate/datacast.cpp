#include "acquisition/simulate/datacast.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "acquisition/simulate/signal.hpp"

namespace daq::simulate {

namespace {

constexpr mth5::Nanos kStep = std::chrono::milliseconds{1};  // of its times
constexpr std::size_t kCounterBits = 24;

std::size_t rows(double rate_hz) { return std::max<std::size_t>(1, static_cast<std::size_t>(rate_hz / 4)); }

/// What is sent last: a list of whole numbers for each channel.
struct NewestPackets {
  config::Instrument profile;
  Newest newest;

  [[nodiscard]] std::string text(mth5::UtcNanos time) const {
    const auto& codes = std::get<decode::DatacastFormat>(profile.decoder).codes;
    const auto second = std::chrono::floor<std::chrono::seconds>(time);
    std::string all;
    for (std::size_t c = 0; c < codes.size(); ++c) {
      fmt::format_to(std::back_inserter(all), "{{'{}', {}.{:03}", codes[c], second.time_since_epoch().count(),
                     (time - second) / kStep);
      for (const char letter : " " + newest.values[c]) letter == ' ' ? all += ", " : all += letter;
      all += '}';
    }
    return all;
  }
};

class Packets final : public RecordSource {
 public:
  Packets(const SignalSettings& settings, std::shared_ptr<NewestPackets> packets)
      : settings_{settings}, field_{settings.rate_hz, settings.seed, settings.earth}, packets_{std::move(packets)} {}

  std::optional<std::string_view> next() override {
    const auto& channels = packets_->profile.channels;
    auto& newest = packets_->newest;
    const auto time = mth5::sample_time(settings_.start, settings_.rate_hz, static_cast<std::int64_t>(index_));
    newest.time = mth5::UtcNanos{time.time_since_epoch() / kStep * kStep};
    newest.values.assign(channels.size(), {});
    for (const auto last = index_ + rows(settings_.rate_hz); index_ != last; ++index_) {
      const auto at = mth5::sample_time(settings_.start, settings_.rate_hz, static_cast<std::int64_t>(index_));
      const auto field = field_.next(at);
      for (std::size_t c = 0; c < channels.size(); ++c) {
        const double value = settings_.signal == Signal::Counter ? counter(index_, c, kCounterBits)
                             : settings_.signal == Signal::Sine  ? sine(index_)
                                                                 : natural(channels[c], field, at);
        fmt::format_to(std::back_inserter(newest.values[c]), "{}{}", newest.values[c].empty() ? "" : " ", std::llround(value));
      }
    }
    record_ = packets_->text(*newest.time);
    newest.record = record_.data();
    return record_;
  }

 private:
  const SignalSettings settings_;
  NaturalField field_;
  std::shared_ptr<NewestPackets> packets_;
  std::uint64_t index_ = 0;
  std::string record_;
};

}  // namespace

Instrument datacast(const config::Instrument& profile) {
  const auto packets = std::make_shared<NewestPackets>(profile);
  auto instrument = named(profile);
  instrument.samples_per_record = rows(profile.sample_rate);
  instrument.time_resolution = kStep;
  instrument.line_end.clear();
  instrument.message_end = "}";  // a datagram for each channel
  instrument.generate = [packets](const SignalSettings& settings) { return std::make_unique<Packets>(settings, packets); };
  instrument.describe = [packets](std::string_view record, Description& out) { packets->newest.describe(record, out); };
  instrument.set_time = [packets](std::string& record, mth5::UtcNanos at) { record = packets->text(at); };
  return instrument;
}

}  // namespace daq::simulate
