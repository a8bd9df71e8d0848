#include "mth5/channel.hpp"

#include <algorithm>
#include <cmath>

namespace mth5 {

namespace {

std::string name_of(const ChannelInfo& info) {
  return (info.survey.empty() ? "" : info.survey + "/") + info.station + "/" + info.run + "/" + info.component;
}

std::size_t found(const Reader& reader, std::string_view station, std::string_view run, std::string_view component,
                  std::string_view survey) {
  const auto matches = reader.find(station, run, component, survey);
  if (matches.size() == 1) return matches.front();
  const std::string wanted = std::string{station} + "/" + std::string{run} + "/" + std::string{component};
  std::string there;
  if (matches.size() > 1) {
    for (const auto index : matches) there += (there.empty() ? "" : ", ") + reader.channels()[index].survey;
    throw StateError{reader.path().string() + ": channel " + wanted + " is in more than one survey (" + there + "): name one"};
  }
  for (const auto& info : reader.channels())
    if (info.station == station && info.run == run && (survey.empty() || info.survey == survey))
      there += (there.empty() ? "" : ", ") + info.component;
  throw StateError{reader.path().string() + ": there is no channel " + wanted +
                   (there.empty() ? "; nor such a run" : "; this run has " + there)};
}

/// The clock of a channel's run. @throws StateError if there is no such channel
RunClock clock_of(const Reader& reader, std::size_t channel) {
  if (channel >= reader.channels().size())
    throw StateError{reader.path().string() + ": there is no channel " + std::to_string(channel)};
  const auto& info = reader.channels()[channel];
  const auto& runs = reader.runs();
  const auto run = std::find_if(runs.begin(), runs.end(), [&](const RunInfo& one) {
    return one.survey == info.survey && one.station == info.station && one.id == info.run;
  });  // always there
  return reader.clock(static_cast<std::size_t>(run - runs.begin()));
}

/// @param values  memory to use again
Block read_block(const Reader& reader, std::size_t channel, const RunClock& clock, std::int64_t first, std::int64_t count,
                 double gain, std::vector<double> values) {
  const auto& info = reader.channels()[channel];
  if (static_cast<std::uint64_t>(count) > values.max_size())
    throw StateError{reader.path().string() + ": " + name_of(info) + ": " + std::to_string(count) +
                     " samples do not fit into memory; read them block by block"};
  values.resize(static_cast<std::size_t>(count));
  if (reader.read(channel, first, values) != values.size())
    throw FileError{reader.path().string() + ": " + name_of(info) + ": samples are gone"};
  if (gain != 1.0)
    for (auto& value : values) value /= gain;
  return {.first = first, .start = clock.utc_of(first), .sample_rate = info.sample_rate, .values = std::move(values)};
}

/// The coefficient filters that the samples still contain, in their order.
std::vector<const Filter*> gains_of(const Reader& reader, std::size_t channel) {
  const auto& info = reader.channels()[channel];
  std::vector<const Filter*> gains;
  for (const auto& stage : applied_filters(reader.channel_metadata(channel))) {
    if (stage.applied) continue;
    const std::string what = reader.path().string() + ": " + name_of(info) + ": filter '" + stage.name + "'";
    const auto& all = reader.filters();
    const auto filter = std::find_if(all.begin(), all.end(), [&](const Filter& one) {
      return one.survey == info.survey && filter_name(one.name()) == filter_name(stage.name);
    });
    if (filter == all.end()) throw FormatError{what + " is not in the file: no physical units without it"};
    if (!filter->problem.empty()) throw FormatError{what + " cannot be used: " + filter->problem};
    const bool only_shifts = filter->kind() == Kind::TimeDelay ||
                             (filter->kind() == Kind::Fir && filter->metadata.number("decimation_factor", 1.0) != 1.0);
    if (only_shifts) continue;
    const auto gain = filter->scalar_gain();
    if (!gain)
      throw FormatError{what + " (" + std::string{to_string(filter->kind())} +
                        ") has no single gain; it is to be divided out of the spectrum, read the samples as stored"};
    if (!std::isfinite(*gain) || *gain == 0)
      throw FormatError{what + ": a gain of " + std::to_string(*gain) + " cannot be divided out"};
    gains.push_back(&*filter);
  }
  return gains;
}

}  // namespace

std::pair<std::int64_t, std::int64_t> indexes_within(const TimeRange& range, UtcNanos start, double sample_rate, std::int64_t n) {
  if (sample_rate <= 0) return {0, n};
  // The first index not before an edge. Times of samples are rounded to the ns: a sample less than 1 ns before the edge lies on
  // it.
  const auto index = [&](UtcNanos edge) {
    const double at = std::ceil(samples_between(start, edge, sample_rate) - 0.6e-9 * sample_rate);
    return at >= static_cast<double>(n) ? n : static_cast<std::int64_t>(std::max(at, 0.0));
  };
  const std::int64_t first = range.from ? index(*range.from) : 0;
  const std::int64_t second = range.to ? index(*range.to) : n;
  return {first, std::max(first, second)};
}

std::pair<std::int64_t, std::int64_t> indexes_within(const TimeRange& range, const RunClock& clock, std::int64_t n) {
  if (clock.anchors().empty() || clock.sample_rate() <= 0) return indexes_within(range, clock.plain(0), clock.sample_rate(), n);
  const auto first_at = [&](UtcNanos time) {  // times of samples ascend
    std::int64_t low = 0;
    for (std::int64_t high = n; low < high;) {
      const auto middle = low + (high - low) / 2;
      if (clock.utc_of(middle) < time)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  };
  const auto first = range.from ? first_at(*range.from) : 0;
  return {first, std::max(first, range.to ? first_at(*range.to) : n)};
}

Channel::Channel(const Reader& reader, std::size_t index) : reader_{&reader}, index_{index} {
  if (index >= reader.channels().size())
    throw StateError{reader.path().string() + ": there is no channel " + std::to_string(index)};
}

Channel::Channel(const Reader& reader, std::string_view station, std::string_view run, std::string_view component,
                 std::string_view survey)
    : Channel{reader, found(reader, station, run, component, survey)} {}

const ChannelInfo& Channel::info() const { return reader_->channels()[index_]; }

double Channel::gain() const {
  double product = 1;
  for (const auto* filter : gains_of(*reader_, index_)) product *= *filter->scalar_gain();
  return product;
}

std::string Channel::units(Units units) const {
  const auto gains = units == Units::Physical ? gains_of(*reader_, index_) : std::vector<const Filter*>{};
  return gains.empty() ? info().units : gains.front()->units_in();
}

std::pair<std::int64_t, std::int64_t> Channel::indexes(const Window& window) const {
  const auto& channel = info();
  if (const auto* range = std::get_if<SampleRange>(&window)) {
    const auto first = std::clamp<std::int64_t>(range->first, 0, channel.n_samples);
    return {first, std::clamp(range->end, first, channel.n_samples)};
  }
  if (channel.sample_rate <= 0)
    throw FormatError{reader_->path().string() + ": " + name_of(channel) +
                      " has no sample rate: it can be read by index, not by time"};
  return indexes_within(std::get<TimeRange>(window), clock_of(*reader_, index_), channel.n_samples);
}

UtcNanos Channel::utc_of(std::int64_t sample) const { return clock_of(*reader_, index_).utc_of(sample); }

std::vector<UtcNanos> Channel::exact_times(const Window& window) const {
  const auto [first, end] = indexes(window);
  return clock_of(*reader_, index_).times(first, static_cast<std::size_t>(end - first));
}

Block Channel::read(const Window& window, Units units) const {
  const auto [first, end] = indexes(window);
  const double divisor = units == Units::Physical ? gain() : 1.0;
  return read_block(*reader_, index_, clock_of(*reader_, index_), first, end - first, divisor, {});
}

Blocks Channel::blocks(const Window& window, std::size_t block_samples, Units units) const {
  const auto [first, end] = indexes(window);
  return {*reader_, index_, first, end, block_samples, units == Units::Physical ? gain() : 1.0};
}

Blocks::Blocks(const Reader& reader, std::size_t channel, std::int64_t first, std::int64_t end, std::size_t block_samples,
               double gain)
    : reader_{&reader},
      channel_{channel},
      at_{std::max<std::int64_t>(first, 0)},
      end_{std::max(at_, end)},
      block_samples_{block_samples},
      gain_{gain},
      clock_{clock_of(reader, channel)} {
  if (block_samples == 0) throw StateError{reader.path().string() + ": a block of 0 samples would never end"};
}

void Blocks::next() {
  const auto count = std::min<std::uint64_t>(block_samples_, static_cast<std::uint64_t>(end_ - at_));
  block_ = read_block(*reader_, channel_, clock_, at_, static_cast<std::int64_t>(count), gain_, std::move(block_.values));
  at_ += static_cast<std::int64_t>(count);
}

}  // namespace mth5
