#include "acquisition/timing/anchors.hpp"

#include <algorithm>
#include <cmath>

namespace daq::timing {
namespace {

constexpr double kMostSpacing = 60;  ///< s: how often an anchor may come where the clock never rests
constexpr double kAnyway = 3600;     ///< s

}  // namespace

Anchors::Anchors(double sample_rate, Sink& sink) : rate_{sample_rate}, kept_s_{kept_s(sample_rate)}, sink_{sink} {}

void Anchors::stored(const Clock& clock, std::int64_t first_position, std::int64_t last, decode::TimeKind kind) {
  const auto at = [&](std::int64_t sample) {
    return Anchor{.sample = sample,
                  .utc = clock.utc(first_position + sample),
                  .kind = kind,
                  .residual_s = clock.residual_s(),
                  .ppm = clock.ppm(),
                  .uncertainty_s = clock.uncertainty_s(),
                  .locked = clock.locked()};
  };
  if (!given_) {
    first_ = at(0);
    if (clock.stamped() || clock.locked()) give(*first_);
  }
  if (given_ && clock.set()) {  // the old line ends here, the new one begins
    const auto set = clock.set()->position - first_position;
    Anchor before = at(set - 1);
    before.utc = clock.set()->before;
    if (set - 1 > given_->sample && set - 1 <= last) give(before);
    if (set > given_->sample && set <= last) give(at(set));
  }
  last_.reset();
  if (given_ && given_->sample == last) return;
  const Anchor now = at(last);
  if (given_) {
    const double passed = static_cast<double>(last - given_->sample) / rate_;
    const double off = seconds_between(given_->utc, now.utc) - passed / (1 + given_->ppm * 1e-6);
    if (passed >= kAnyway || (passed >= least_spacing_ && std::abs(off) > kept_s_)) {
      least_spacing_ = std::min(kMostSpacing, 2 * least_spacing_);
      return give(now);
    }
  }
  last_ = now;
}

void Anchors::give(const Anchor& anchor) {
  sink_.anchor(anchor);
  given_ = anchor;
  first_.reset();
  last_.reset();
}

void Anchors::end_of_run() {
  const auto last = last_;
  if (first_) give(*first_);
  if (last && last->sample > 0) give(*last);
  given_.reset();
  first_.reset();
  last_.reset();
  least_spacing_ = 1;
}

}  // namespace daq::timing
