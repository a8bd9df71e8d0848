#include "view/collector.hpp"

#include <algorithm>
#include <limits>

#include "analysis/older.hpp"
#include "analysis/soh.hpp"
#include "mth5/error.hpp"
#include "mth5/metadata.hpp"
#include "mth5/time.hpp"

namespace view {

namespace {

constexpr std::size_t kMostGaps = 1000;
constexpr std::size_t kMostTraces = 24;   ///< of up to 0.7 MiB each
constexpr std::int64_t kBlock = 1 << 14;  ///< samples read at once
constexpr std::chrono::minutes kSpectraBack{70};
constexpr std::int64_t kSpectraMost = 1 << 18;  ///< samples of a channel
constexpr std::int64_t kSpectraPart = 1 << 12;  ///< the same, at once
constexpr std::chrono::seconds kBetweenSpectra{5};

auto find_channel(Traces& traces, const analysis::ChannelFacts& facts, double rate) {
  return std::find_if(traces.channels.begin(), traces.channels.end(), [&](const auto& one) {
    return one.facts.station == facts.station && one.facts.stream == facts.stream && one.facts.component == facts.component &&
           one.rate == rate;
  });
}

}  // namespace

void Collector::block(const analysis::ChannelFacts& channel, const analysis::Block& block) {
  if (channel.kind == mth5::Kind::Auxiliary && mth5::unit_symbol(channel.units) == "C")
    page_.trends.add(channel.component + "_C", block);
  for (auto& one : spectra_)
    if (one.spectra->is_of(channel, block.rate)) one.spectra->describe(channel);
  auto found = find_channel(traces_, channel, block.rate);
  if (found == traces_.channels.end()) {
    if (traces_.channels.size() >= kMostTraces) {
      left_out_.insert(channel.station + "/" + channel.component);
      traces_.left_out = left_out_.size();
      return;
    }
    traces_.channels.push_back({channel, block.rate});
    found = std::prev(traces_.channels.end());
  }
  add(*found, block);
}

namespace {

/// Of each sample to the one before; NaN where that is not known.
std::vector<double> differences(std::span<const double> values, std::optional<double> before) {
  std::vector<double> all;
  all.reserve(values.size());
  double last = before.value_or(std::numeric_limits<double>::quiet_NaN());
  for (const double value : values) {
    all.push_back(value - last);
    last = value;
  }
  return all;
}

}  // namespace

void Collector::add(Traces::Channel& to, const analysis::Block& block) const {
  if (!traces_.differences || block.values.empty()) {
    to.pyramid.add(block);
    return;
  }
  const bool joined = to.last && analysis::goes_on(to.pyramid.end(), block.start, block.rate);
  const auto values = differences(block.values, joined ? to.last : std::nullopt);
  to.pyramid.add({block.start, block.rate, values});
  if (!to.first) to.first = block.values.front();
  to.last = block.values.back();
}

void Collector::add_older(Traces::Channel& to, const analysis::Block& block) const {
  if (!traces_.differences || block.values.empty()) {
    to.pyramid.add_older(block);
    return;
  }
  if (const auto seam = to.pyramid.start(); to.first && analysis::goes_on(block.end(), seam, block.rate)) {
    const double across = *to.first - block.values.back();
    to.pyramid.add_older({seam, block.rate, std::span{&across, 1}});
  }
  const auto values = differences(block.values, {});
  to.pyramid.add_older({block.start, block.rate, values});
  to.first = block.values.front();
  if (!to.last) to.last = block.values.back();
}

void Collector::show(bool differences) {
  if (traces_.differences == differences) return;
  traces_.differences = differences;
  for (auto& channel : traces_.channels) {
    const auto end = channel.pyramid.end();
    const bool any = !channel.pyramid.empty();
    channel.pyramid = {};
    channel.first = channel.last = std::nullopt;
    channel.whole = false;
    const double nothing = std::numeric_limits<double>::quiet_NaN();
    if (any) channel.pyramid.add({end, channel.rate, std::span{&nothing, 1}});  // where older ones are read from
  }
}

void Collector::older(const analysis::ChannelFacts& channel, const analysis::Block& block) {
  if (const auto found = find_channel(traces_, channel, block.rate); found != traces_.channels.end()) add_older(*found, block);
}

void Collector::anew(const analysis::ChannelFacts& channel, double rate) {
  facts(channel, rate);
  if (const auto found = find_channel(traces_, channel, rate); found != traces_.channels.end()) {
    found->pyramid = {};
    found->first = found->last = std::nullopt;
    found->whole = false;
  }
  for (auto& one : spectra_)
    if (one.spectra->is_of(channel, rate)) restart(one);
}

void Collector::facts(const analysis::ChannelFacts& channel, double rate) {
  if (const auto found = find_channel(traces_, channel, rate); found != traces_.channels.end()) found->facts = channel;
  for (auto& one : spectra_)
    if (one.spectra->is_of(channel, rate)) one.spectra->describe(channel);
}

bool Collector::fill(const mth5::Reader& file, std::chrono::nanoseconds back, std::chrono::nanoseconds most) {
  const auto deadline = mth5::steady_now() + most;
  traces_.filling = false;
  for (const auto& series : series_)
    for (auto& channel : traces_.channels) {
      const auto& facts = channel.facts;
      const auto& pyramid = channel.pyramid;
      const double rate = channel.rate;
      if (channel.whole || facts.station != series.station || facts.stream != series.stream || rate != series.sample_rate ||
          pyramid.empty())
        continue;
      if (std::find(series.components.begin(), series.components.end(), facts.component) == series.components.end()) continue;
      while (!channel.whole && channel.pyramid.start() > channel.pyramid.end() - back) {
        if (mth5::steady_now() >= deadline) return traces_.filling = true;
        new_ = true;
        try {
          const auto older = read_before(file, series, facts.component, pyramid.start(), kBlock);
          channel.whole = !older;
          if (older) add_older(channel, {older->start, rate, older->values});
        } catch (const mth5::FormatError&) {  // damaged: the verdict says so
          channel.whole = true;
        }
      }
    }
  return false;
}

void Collector::restart(Following& one) {
  one.spectra->begin();
  one.spectra->reading = true;
  one.feeds.clear();
  for (const auto& channel : one.spectra->channels()) one.feeds.emplace_back(channel.component, kSpectraBack, kSpectraMost);
  one.read_to.reset();
}

bool Collector::catch_up(const mth5::Reader& file, const analysis::Series& series, const analysis::Series::Part& current,
                         Following& one) {
  bool whole = true;
  for (std::size_t c = 0; c < one.feeds.size(); ++c) try {
      const auto facts = one.spectra->channels()[c];
      whole &= one.feeds[c].update(
          file, series, current, [&](const analysis::Block& block) { one.spectra->add(facts, block); }, kSpectraPart);
    } catch (const mth5::FormatError&) {  // damaged: the verdict says so
    }
  one.spectra->update();
  return whole;
}

bool Collector::fill_spectra(const mth5::Reader& file, std::chrono::nanoseconds most) {
  const auto deadline = mth5::steady_now() + most;
  for (auto& one : spectra_) {
    const auto series =
        std::find_if(series_.begin(), series_.end(), [&](const auto& known) { return one.spectra->is_of(known); });
    if (series == series_.end()) continue;
    const auto& current = currents_[static_cast<std::size_t>(series - series_.begin())];
    if (one.read_to && std::chrono::abs(current.end - *one.read_to) < kBetweenSpectra) continue;
    new_ = true;
    while (!catch_up(file, *series, current, one))
      if (mth5::steady_now() >= deadline) return true;
    one.spectra->reading = false;
    one.read_to = current.end;
  }
  return false;
}

bool Collector::fill_spectrogram(const mth5::Reader& file, const Ui& ui, std::chrono::nanoseconds most) {
  const auto deadline = mth5::steady_now() + most;
  const auto* chosen = chosen_channel(page_, ui);
  const auto end = end_of_plot(page_, ui);
  if (chosen == nullptr || !end || chosen->pyramid.empty()) return false;
  const auto& facts = chosen->facts;
  Spectrogram::Of of{facts.station, facts.stream, facts.component, chosen->rate, windows()[ui.window]};
  if (!spectrogram_ || spectrogram_->of() != of) spectrogram_.emplace(std::move(of));
  page_.spectrogram = &*spectrogram_;
  const auto series = find_series_of(facts, chosen->rate);
  if (series == series_.end()) return false;
  const auto newest = chosen->pyramid.end();
  while (const auto number = spectrogram_->missing(*end - windows()[ui.window], *end, newest)) {
    std::vector<analysis::Samples> samples;
    try {
      const analysis::Window window{spectrogram_->start_of(*number), spectrogram_->start_of(*number + 1)};
      samples = analysis::read_within(file, *series, facts.component, window, spectrogram_->most());
    } catch (const mth5::FormatError&) {  // damaged: the verdict says so
    }
    spectrogram_->set(*number, samples, newest);
    new_ = true;
    if (mth5::steady_now() >= deadline) return true;
  }
  return false;
}

std::vector<analysis::Series>::const_iterator Collector::find_series_of(const analysis::ChannelFacts& facts, double rate) const {
  return std::find_if(series_.begin(), series_.end(), [&](const analysis::Series& one) {
    return one.station == facts.station && one.stream == facts.stream && one.sample_rate == rate &&
           std::find(one.components.begin(), one.components.end(), facts.component) != one.components.end();
  });
}

Page Collector::copy() const {
  Page page = page_;
  for (auto& station : page.spectra) station = std::make_shared<const StationSpectra>(*station);
  return page;
}

void Collector::series(const mth5::Reader& file, const analysis::Series& series, const analysis::Series::Part& current) {
  series_.push_back(series);
  currents_.push_back(current);
  begin_spectra(file, series, current);
  for (const auto& gap : series.gaps) {
    const bool step = gap.component.empty() && gap.reason == "clock-step";
    if (gap.samples <= 0 && !step) continue;
    gaps_.push_back(gap);
    if (!step) continue;
    // Where the time is that it was set to: the times before may be of another year.
    const auto behind = std::find_if(series.parts.begin(), series.parts.end(),
                                     [&](const auto& part) { return file.runs()[part.run].id == gap.run_after; });
    if (gap.samples <= 0 && behind != series.parts.end()) gaps_.back().start = behind->start;
  }
}

void Collector::begin_spectra(const mth5::Reader& file, const analysis::Series& series, const analysis::Series::Part& current) {
  if (!(series.sample_rate > 0) || spectra_.size() >= analysis::kMostSpectra) return;
  for (const auto& known : spectra_)
    if (known.spectra->is_of(series)) return;
  auto components = analysis::field_channels(file, file.runs()[current.run]).components;
  if (components.empty()) return;
  spectra_.push_back(
      {std::make_shared<StationSpectra>(series.station, series.sample_rate, std::move(components), series.stream)});
  restart(spectra_.back());
}

std::vector<const StationSpectra*> Collector::spectra() const {
  std::vector<const StationSpectra*> all;
  for (const auto& one : spectra_) all.push_back(one.spectra.get());
  return all;
}

void Collector::begin() {
  gaps_.clear();
  series_.clear();
  currents_.clear();
}

void Collector::take(analysis::Snapshot look, const mth5::Reader& file, const analysis::Watch& watch) {
  const auto is_last = [&](const analysis::Gap& gap) {
    return gap.start == look.last_gap->start && gap.reason == look.last_gap->reason;
  };
  if (look.last_gap && std::none_of(gaps_.begin(), gaps_.end(), is_last)) gaps_.push_back(*look.last_gap);  // still open
  std::stable_sort(gaps_.begin(), gaps_.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  if (gaps_.size() > kMostGaps) gaps_.erase(gaps_.begin(), gaps_.end() - static_cast<std::ptrdiff_t>(kMostGaps));
  page_.gaps = gaps_;
  page_.trends.look(file, analysis::tables_of_others(file, station_), look.time);
  page_.battery = battery_of(page_.trends);
  page_.outlook = outlook_of(look, page_.battery);
  page_.disk.look(file);
  page_.subjects = watch.subjects();
  std::erase_if(page_.subjects, [&](const analysis::Subject& one) { return !page_.shows(one.name); });
  page_.spectra.clear();
  for (const auto& one : spectra_) page_.spectra.push_back(one.spectra);
  if (const auto* ledger = watch.ledger(); ledger != nullptr)
    page_.ledger = *ledger;
  else
    page_.ledger.reset();
  page_.now = look.time;
  page_.look = std::move(look);
}

}  // namespace view
