#include "acquisition/timing/misfits.hpp"

#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "acquisition/timing/memory.hpp"

namespace daq::timing {

namespace {

struct Limits {
  double low, high;
};
Limits limits_of(mth5::SampleType type) {
  constexpr double kFloat = std::numeric_limits<float>::max(), kInfinity = std::numeric_limits<double>::infinity();
  switch (type) {
    case mth5::SampleType::Int16:
      return {std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max()};
    case mth5::SampleType::Int32:
      return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
    case mth5::SampleType::Float32:
      return {-kFloat, kFloat};
    case mth5::SampleType::Float64:
      break;
  }
  return {-kInfinity, kInfinity};
}

}  // namespace

Misfits::Misfits(std::vector<StoredAs> stored_as) : stored_as_{std::move(stored_as)}, since_(stored_as_.size()) {
  for (const auto& as : stored_as_) {
    const auto [low, high] = limits_of(as.type);
    fits_.push_back({low, high, as.is_fill ? as.unknown : std::numeric_limits<double>::quiet_NaN(), as.is_whole()});
  }
}

void Misfits::judge(std::size_t channel, double value) {
  if (std::isnan(value)) return;
  const auto& as = stored_as_[channel];
  const double stored = as_stored(value, as);
  if (!as.is_whole()) {
    if (std::isfinite(value) && std::isinf(stored)) count(channel, ledger::Misfit::Clipped, value);
    return;  // digits that a float has no room for are none that an instrument measures
  }
  if (stored != value) count(channel, std::abs(stored - value) > 0.5 ? ledger::Misfit::Clipped : ledger::Misfit::Rounded, value);
  if (as.is_fill && stored == as.unknown) count(channel, ledger::Misfit::AsFill, value);
}

void Misfits::count(std::size_t channel, ledger::Misfit misfit, double value) {
  const auto i = static_cast<std::size_t>(misfit);
  ++counts_[i];
  auto& since = since_[channel][i];
  if (since.n++ == 0) since.first = value;
}

std::vector<Misfits::News> Misfits::take_news() {
  std::vector<News> news;
  for (std::size_t c = 0; c < since_.size(); ++c)
    for (std::size_t i = 0; i < ledger::kMisfits; ++i)
      if (const auto since = std::exchange(since_[c][i], {}); since.n > 0)
        news.push_back({c, static_cast<ledger::Misfit>(i), since.n, since.first, stored_as_[c]});
  return news;
}

std::string to_string(const StoredAs& as) {
  std::string all{mth5::to_string(as.type)};
  if (as.type == mth5::SampleType::Float64) return all;
  const auto [low, high] = limits_of(as.type);
  char text[96];
  std::snprintf(text, sizeof text, ", %.10g to %.10g", low, high);
  all += text;
  if (!as.is_fill) return all;
  std::snprintf(text, sizeof text, ", fill %.10g", as.unknown);
  return all + text;
}

}  // namespace daq::timing
