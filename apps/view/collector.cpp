#include "view/collector.hpp"

#include <algorithm>

#include "analysis/older.hpp"
#include "analysis/soh.hpp"
#include "mth5/error.hpp"
#include "mth5/metadata.hpp"
#include "mth5/time.hpp"

namespace view {

namespace {

constexpr std::size_t kMostGaps = 1000;
constexpr std::size_t kMostTraces = 24;   ///< of a MiB and a half each
constexpr std::size_t kMostSpectra = 8;   ///< stations and rates
constexpr std::int64_t kBlock = 1 << 16;  ///< samples read at once

auto find_channel(Traces& traces, const analysis::ChannelFacts& facts, double rate) {
  return std::find_if(traces.channels.begin(), traces.channels.end(), [&](const auto& one) {
    return one.facts.station == facts.station && one.facts.component == facts.component && one.rate == rate;
  });
}

}  // namespace

void Collector::block(const analysis::ChannelFacts& channel, const analysis::Block& block) {
  if (channel.kind == mth5::Kind::Auxiliary && mth5::unit_symbol(channel.units) == "C")
    page_.trends.add(channel.component + "_C", block);
  for (auto& station : spectra_)
    if (station->station() == channel.station && station->rate() == block.rate) station->add(channel, block);
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
  found->pyramid.add(block);
}

bool Collector::fill(const mth5::Reader& file, std::chrono::nanoseconds back, std::chrono::nanoseconds most) {
  const auto deadline = mth5::steady_now() + most;
  traces_.filling = false;
  for (const auto& series : series_)
    for (auto& channel : traces_.channels) {
      const auto& [facts, rate, pyramid, whole] = channel;
      if (whole || facts.station != series.station || rate != series.sample_rate || pyramid.empty()) continue;
      if (std::find(series.components.begin(), series.components.end(), facts.component) == series.components.end()) continue;
      while (!channel.whole && channel.pyramid.start() > channel.pyramid.end() - back) {
        if (mth5::steady_now() >= deadline) return traces_.filling = true;
        try {
          const auto older = read_before(file, series, facts.component, pyramid.start(), kBlock);
          channel.whole = !older;
          if (older) channel.pyramid.add_older({older->start, rate, older->values});
        } catch (const mth5::FormatError&) {  // damaged: the verdict says so
          channel.whole = true;
        }
      }
    }
  return false;
}

Page Collector::copy() const {
  Page page = page_;
  for (auto& station : page.spectra) station = std::make_shared<const StationSpectra>(*station);
  return page;
}

void Collector::series(const mth5::Reader& file, const analysis::Series& series, const analysis::Series::Part& current) {
  series_.push_back(series);
  begin_spectra(file, series, current);
  for (const auto& gap : series.gaps)
    if (gap.samples > 0) gaps_.push_back(gap);
}

void Collector::begin_spectra(const mth5::Reader& file, const analysis::Series& series, const analysis::Series::Part& current) {
  if (!(series.sample_rate > 0) || spectra_.size() >= kMostSpectra) return;
  for (const auto& known : spectra_)
    if (known->station() == series.station && known->rate() == series.sample_rate) return;
  std::vector<std::string> components;
  for (const auto index : file.runs()[current.run].channels)
    if (const auto& info = file.channels()[index]; info.kind == mth5::Kind::Electric || info.kind == mth5::Kind::Magnetic)
      components.push_back(info.component);
  if (!components.empty()) spectra_.push_back(std::make_shared<StationSpectra>(series.station, series.sample_rate, components));
}

void Collector::begin() {
  gaps_.clear();
  series_.clear();
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
  for (auto& station : spectra_) station->update();
  page_.spectra.assign(spectra_.begin(), spectra_.end());
  if (const auto* ledger = watch.ledger(); ledger != nullptr)
    page_.ledger = *ledger;
  else
    page_.ledger.reset();
  page_.now = look.time;
  page_.look = std::move(look);
}

}  // namespace view
