#include "view/collector.hpp"

#include <algorithm>

#include "analysis/soh.hpp"
#include "mth5/metadata.hpp"

namespace view {

namespace {

constexpr std::size_t kMostGaps = 1000;

}  // namespace

void Collector::block(const analysis::ChannelFacts& channel, const analysis::Block& block) {
  if (channel.kind == mth5::Kind::Auxiliary && mth5::unit_symbol(channel.units) == "C")
    page_.trends.add(channel.component + "_C", block);
}

void Collector::series(const mth5::Reader&, const analysis::Series& series, const analysis::Series::Part&) {
  for (const auto& gap : series.gaps)
    if (gap.samples > 0) gaps_.push_back(gap);
}

void Collector::begin() { gaps_.clear(); }

void Collector::take(analysis::Snapshot look, const mth5::Reader& file, const analysis::Ledger* ledger) {
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
  if (ledger != nullptr)
    page_.ledger = *ledger;
  else
    page_.ledger.reset();
  page_.now = look.time;
  page_.look = std::move(look);
}

}  // namespace view
