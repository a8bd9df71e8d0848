#include "analysis/measures/measures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "mth5/error.hpp"

namespace analysis {

namespace {

constexpr int kVersion = 5;  ///< of what is saved: another meaning of a figure is another version

}  // namespace

void Measures::add(const Block& block) {
  if (block.values.empty() || !(block.rate > 0)) return;
  if (rate_ == 0) start_ = block.start;
  rate_ = block.rate;
  end_ = block.end();
  limits_ = block.limits;
  if (limits_.known())
    at_limits_ +=
        std::count_if(block.values.begin(), block.values.end(), [&](double value) { return limits_.reached_by(value); });
  statistics_.add(block.values);
  histogram_.add(block.values);
  repeats_.add(block);
  spikes_.add(block);
  jumps_.add(block);
  envelope_.add(block);
}

void Measures::merge(const Measures& later) {
  if (later.rate_ == 0) return;
  if (rate_ == 0) start_ = later.start_;
  rate_ = later.rate_;
  end_ = later.end_;
  limits_ = later.limits_;
  at_limits_ += later.at_limits_;
  statistics_.merge(later.statistics_);
  histogram_.merge(later.histogram_);
  repeats_.merge(later.repeats_);
  spikes_.merge(later.spikes_);
  jumps_.merge(later.jumps_);
  envelope_.merge(later.envelope_);
}

std::int64_t Measures::clipped() const { return std::max(at_limits_, repeats_.clipped(histogram_.least_gap())); }

double Measures::percent() const {
  if (rate_ == 0) return std::numeric_limits<double>::quiet_NaN();
  const double expected = std::round(mth5::samples_between(start_, end_, rate_));
  return std::min(100.0, 100 * static_cast<double>(statistics_.count()) / expected);
}

double Measures::headroom_db() const {
  double least = std::numeric_limits<double>::infinity();
  if (!limits_.known() || statistics_.count() == 0) return std::numeric_limits<double>::quiet_NaN();
  // Of a side on which no sample lies all is left.
  if (statistics_.max() > 0 && limits_.high > 0) least = std::min(least, limits_.high / statistics_.max());
  if (statistics_.min() < 0 && limits_.low < 0) least = std::min(least, limits_.low / statistics_.min());
  return std::isfinite(least) ? std::max(0.0, 20 * std::log10(least)) : std::numeric_limits<double>::quiet_NaN();
}

state::Json Measures::save() const {
  return {{"version", kVersion},
          {"low", state::Json(limits_.known() ? state::Json(limits_.low) : state::Json{})},
          {"high", state::Json(limits_.known() ? state::Json(limits_.high) : state::Json{})},
          {"at_limits", at_limits_},
          {"start", state::time(start_)},
          {"end", state::time(end_)},
          {"rate", rate_},
          {"statistics", statistics_.save()},
          {"histogram", histogram_.save()},
          {"repeats", repeats_.save()},
          {"spikes", spikes_.save()},
          {"jumps", jumps_.save()},
          {"envelope", envelope_.save()}};
}

void Measures::load(const state::Json& saved) {
  try {
    if (saved.at("version") != kVersion) throw mth5::FormatError{"measures: of another version of this program"};
    start_ = state::time(saved.at("start"));
    end_ = state::time(saved.at("end"));
    rate_ = saved.at("rate");
    limits_ = {};
    if (!saved.at("low").is_null()) limits_ = {saved.at("low"), saved.at("high")};
    at_limits_ = saved.at("at_limits");
    statistics_.load(saved.at("statistics"));
    histogram_.load(saved.at("histogram"));
    repeats_.load(saved.at("repeats"));
    spikes_.load(saved.at("spikes"));
    jumps_.load(saved.at("jumps"));
    envelope_.load(saved.at("envelope"));
  } catch (const state::Json::exception& e) {
    throw mth5::FormatError{std::string{"measures: cannot be read: "} + e.what()};
  }
}

}  // namespace analysis
