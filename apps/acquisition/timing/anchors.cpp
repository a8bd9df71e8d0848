#include "acquisition/timing/anchors.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace daq::timing {
namespace {

constexpr double kMostSpacing = 60;  ///< s: how often an anchor may come where the clock never rests
constexpr double kAnyway = 3600;     ///< s
constexpr double kToldFirst = 10;    ///< s
constexpr double kLocksIn = 600;     ///< s: arrivals that tell no more by then may never

}  // namespace

Anchors::Anchors(double sample_rate, Sink& sink) : rate_{sample_rate}, sink_{sink} {}

void Anchors::note(const Clock& clock, std::int64_t first_position, std::int64_t last, decode::TimeKind kind) {
  const auto at = [&](std::int64_t sample) {
    return Anchor{.sample = sample,
                  .utc = clock.utc(first_position + sample),
                  .kind = kind,
                  .residual_s = clock.residual_s(),
                  .ppm = clock.ppm(),
                  .uncertainty_s = clock.uncertainty_s(),
                  .locked = clock.locked()};
  };
  if (!now_.given) {
    now_.first = at(now_.begin);
    const double passed = static_cast<double>(last - now_.begin) / rate_;
    if (clock.stamped() || clock.locked() || passed >= kLocksIn) {
      give(*now_.first);
    } else if (passed >= now_.tell_first_at) {
      ready_.push_back(*now_.first);
      now_.tell_first_at = std::max(kToldFirst, 3 * passed);
    }
  }
  if (now_.given && clock.set()) {  // the old line ends here, the new one begins
    const auto set = clock.set()->position - first_position;
    Anchor before = at(set - 1);
    before.utc = clock.set()->before;
    if (set - 1 > now_.given->sample && set - 1 <= last) give(before);
    if (set > now_.given->sample && set <= last) give(at(set));
  }
  now_.last.reset();
  if (now_.given && now_.given->sample == last) return;
  const Anchor now = at(last);
  if (now_.given && !clock.in_doubt()) {
    const double passed = static_cast<double>(last - now_.given->sample) / rate_;
    const double off = off_s(now);
    if (clock.stamped()) see(last, off);
    if (passed >= kAnyway || (passed >= now_.least_spacing && std::abs(off) > clock.precision_s())) {
      now_.least_spacing = std::min(kMostSpacing, 2 * now_.least_spacing);
      return give(now);
    }
    if (tells_more(now)) {
      const bool has_settled = now.locked && !now_.given->locked && !now_.state_told;
      now_.state_told = last;
      if (!has_settled) return give(now);
      // Of a line that has just settled more is known later: it stays as it is, only that it is locked is told.
      now_.given->locked = true;
      now_.given->kind = kind;
      now_.given->residual_s = now.residual_s;
      now_.given->uncertainty_s = std::hypot(now.uncertainty_s, off);
      ready_.push_back(*now_.given);
    }
  }
  now_.last = now;
}

bool Anchors::tells_more(const Anchor& now) const {
  if (now.locked == now_.given->locked && (!now.locked || now.kind == now_.given->kind)) return false;
  return !now_.state_told || static_cast<double>(now.sample - *now_.state_told) / rate_ >= kMostSpacing;
}

double Anchors::off_s(const Anchor& anchor) const {
  const double passed = static_cast<double>(anchor.sample - now_.given->sample) / rate_;
  const double ppm = std::isnan(now_.given->ppm) ? 0 : now_.given->ppm;
  return seconds_between(now_.given->utc, anchor.utc) - passed / (1 + ppm * 1e-6);
}

void Anchors::see(std::int64_t sample, double off_s) {
  auto& seen = now_.seen;
  if (now_.n_seen == seen.size()) {  // every second one goes
    for (std::size_t i = 0; 2 * i < seen.size(); ++i) seen[i] = seen[2 * i];
    now_.n_seen /= 2;
  }
  // As far apart as they have become, so that they lie evenly.
  if (now_.n_seen >= 2 && sample - seen[now_.n_seen - 1].sample < seen[1].sample - seen[0].sample) return;
  seen[now_.n_seen++] = {sample, off_s};
}

double Anchors::bend_s(const Anchor& anchor) const {
  constexpr double kNoise = 3;  // standard deviations
  if (!now_.given || anchor.sample <= now_.given->sample) return 0;
  const double slope = off_s(anchor) / static_cast<double>(anchor.sample - now_.given->sample);
  double most = 0;
  for (const auto& [sample, off] : std::span{now_.seen}.first(now_.n_seen))
    if (sample < anchor.sample) most = std::max(most, std::abs(off - slope * static_cast<double>(sample - now_.given->sample)));
  return std::max(0.0, most - kNoise * anchor.uncertainty_s);
}

void Anchors::give(Anchor anchor) {
  anchor.uncertainty_s = std::hypot(anchor.uncertainty_s, bend_s(anchor));
  now_.n_seen = 0;
  ready_.push_back(anchor);
  now_.given = anchor;
  now_.first.reset();
  now_.last.reset();
}

void Anchors::stored() {
  for (const auto& anchor : ready_) sink_.anchor(anchor);
  ready_.clear();
  stored_ = now_;
}

void Anchors::refused() {
  ready_.clear();
  now_ = stored_;
}

void Anchors::end_of_line(std::int64_t next) {
  const auto last = now_.last;
  if (now_.first) give(*now_.first);
  if (last && last->sample > now_.begin) give(*last);
  now_ = {};
  now_.begin = next;
  stored();
}

}  // namespace daq::timing
