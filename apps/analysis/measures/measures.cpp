#include "analysis/measures/measures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "mth5/error.hpp"

namespace analysis {

namespace {

constexpr int kVersion = 2;  ///< of what is saved: another meaning of a figure is another version

}  // namespace

void Measures::add(const Block& block) {
  if (block.values.empty() || !(block.rate > 0)) return;
  if (rate_ == 0) start_ = block.start;
  rate_ = block.rate;
  end_ = block.end();
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
  statistics_.merge(later.statistics_);
  histogram_.merge(later.histogram_);
  repeats_.merge(later.repeats_);
  spikes_.merge(later.spikes_);
  jumps_.merge(later.jumps_);
  envelope_.merge(later.envelope_);
}

double Measures::percent() const {
  if (rate_ == 0) return std::numeric_limits<double>::quiet_NaN();
  const double expected = std::round(mth5::samples_between(start_, end_, rate_));
  return std::min(100.0, 100 * static_cast<double>(statistics_.count()) / expected);
}

state::Json Measures::save() const {
  return {{"version", kVersion},
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
