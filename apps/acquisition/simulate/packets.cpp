#include "acquisition/simulate/packets.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <utility>

namespace daq::simulate {

namespace {

constexpr std::size_t kCounterBits = 24;

class Packets final : public RecordSource {
 public:
  Packets(const SignalSettings& settings, std::shared_ptr<NewestPackets> packets, PacketForm form)
      : settings_{settings},
        field_{settings.rate_hz, settings.seed, settings.earth},
        packets_{std::move(packets)},
        form_{std::move(form)} {}

  std::optional<std::string_view> next() override {
    const auto& channels = packets_->profile.channels;
    auto& newest = packets_->newest;
    const auto time = mth5::sample_time(settings_.start, settings_.rate_hz, static_cast<std::int64_t>(index_));
    newest.time = mth5::UtcNanos{time.time_since_epoch() / form_.step * form_.step};
    newest.values.assign(channels.size(), {});
    packets_->rows.assign(channels.size(), {});
    for (const auto last = index_ + form_.n_rows(settings_.rate_hz); index_ != last; ++index_) {
      const auto at = mth5::sample_time(settings_.start, settings_.rate_hz, static_cast<std::int64_t>(index_));
      const auto field = field_.next(at);
      for (std::size_t c = 0; c < channels.size(); ++c) {
        const double value = settings_.signal == Signal::Counter ? counter(index_, c, kCounterBits)
                             : settings_.signal == Signal::Sine  ? sine(index_)
                                                                 : natural(channels[c], field, at);
        const bool whole = form_.is_whole(channels[c]);
        packets_->rows[c].push_back(whole ? static_cast<double>(std::llround(value)) : value);
        auto& values = newest.values[c];
        if (!values.empty()) values += ' ';
        whole ? fmt::format_to(std::back_inserter(values), "{}", std::llround(value))
              : fmt::format_to(std::back_inserter(values), "{}", value);
      }
    }
    ++packets_->number;
    record_ = form_.text(*packets_, *newest.time);
    newest.record = record_.data();
    return record_;
  }

 private:
  const SignalSettings settings_;
  NaturalField field_;
  const std::shared_ptr<NewestPackets> packets_;
  const PacketForm form_;
  std::uint64_t index_ = 0;
  std::string record_;
};

}  // namespace

Instrument packeted(const std::shared_ptr<NewestPackets>& packets, const PacketForm& form) {
  auto instrument = named(packets->profile);
  instrument.samples_per_record = form.n_rows(packets->profile.sample_rate);
  instrument.time_resolution = form.step;
  instrument.line_end.clear();
  instrument.generate = [=](const SignalSettings& settings) { return std::make_unique<Packets>(settings, packets, form); };
  instrument.describe = [=](std::string_view record, Description& out) { packets->newest.describe(record, out); };
  instrument.set_time = [=](std::string& record, mth5::UtcNanos at) { record = form.text(*packets, at); };
  return instrument;
}

}  // namespace daq::simulate
