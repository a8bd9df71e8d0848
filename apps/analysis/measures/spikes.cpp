#include "analysis/measures/spikes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "analysis/lanes.hpp"
#include "analysis/median.hpp"
#include "analysis/nan.hpp"

namespace analysis {

namespace {

constexpr double kRobust = 1.4826;  ///< MAD of a bell curve to its standard deviation

struct Robust {
  double median, deviation;  ///< deviation: 1.4826 MAD
};

/// Uses `values` up.
double deviation_from(double middle, std::vector<double>& values) {
  for (auto& value : values) value = std::abs(value - middle);
  return kRobust * median(values);
}
Robust robust(std::vector<double>& values) {
  const double middle = median(values);
  return {middle, deviation_from(middle, values)};
}

/// The smallest that is not 0; 0 if there is none.
double least(std::span<const double> sizes) {
  double found = 0;
  for (const double size : sizes)
    if (size != 0 && (found == 0 || std::abs(size) < found)) found = std::abs(size);
  return found;
}

constexpr double kHampel = 6, kStepIn = 8, kJump = 10;
constexpr std::size_t kAround = 30;

/// Whether the step to the sample `at` is surely too small for height_of_spike(), which of most samples it is, without a look for
/// the median of the steps around: that is within `near` of 0 where neither half of them are above nor half below, and then their
/// deviation is more than `most` where more than half of them are more than near + most from 0. Noise is told by a narrow `near`,
/// the power line by a wide one.
bool is_small_step(std::span<const double> window, std::size_t at, std::size_t around) {
  const double most = std::abs(window[at] - window[at - 1]) * (1 + 1e-9) / (kStepIn * kRobust);
  const auto half = static_cast<std::int64_t>(around);
  for (const double near_by : {3.0, 6.0, 1.0}) {
    const Lanes near = Lanes{most, most} * near_by;
    const Lanes far = near + most;
    LaneMask above{}, below{}, far_off{};  // as -1 each
    for (std::size_t i = at - around + 1; i < at + around; i += kLanes) {
      const Lanes step = load(&window[i]) - load(&window[i - 1]);
      above += step > near;
      below += step < -near;
      far_off += (step > far) | (step < -far);
    }
    if (above[0] + above[1] > -half && below[0] + below[1] > -half && far_off[0] + far_off[1] < -half) return true;
  }
  return false;
}

/// The same of its height above the median of the samples around: that is within `near` of `middle` if so many are.
bool is_small_height(std::span<const double> window, std::size_t at, std::size_t reach, double middle) {
  const double height = std::abs(window[at] - middle);
  const double near = height / 4;
  const double far = near + (height + near) * (1 + 1e-9) / (kHampel * kRobust);
  std::size_t above = 0, below = 0, far_off = 0;
  for (std::size_t i = at - reach; i <= at + reach; ++i) {
    const double off = window[i] - middle;
    above += off > near;
    below += off < -near;
    far_off += std::abs(off) > far;
  }
  return above <= reach && below <= reach && far_off > reach;
}

/// The highest and the next to it of some, and the lowest.
struct Extremes {
  Lanes high, high2, low, low2;
};
Extremes put_together(const Extremes& a, const Extremes& b) {
  return {higher_of(a.high, b.high), higher_of(lower_of(a.high, b.high), higher_of(a.high2, b.high2)), lower_of(a.low, b.low),
          lower_of(higher_of(a.low, b.low), lower_of(a.low2, b.low2))};
}

/// Of two samples side by side, whether they are outside the range of eight others around, the extremes of these left out, by
/// half of it.
/// @param near  the two of so many samples later
template <class Near>
LaneMask stand_out(Near&& near, std::ptrdiff_t reach) {
  const auto less = std::max<std::ptrdiff_t>(1, reach / 6);
  const auto pair = [&](std::ptrdiff_t number) {
    const auto off = reach - number * less;
    const Lanes before = near(-off);
    const Lanes behind = near(off);
    const Lanes high = higher_of(before, behind);
    const Lanes low = lower_of(before, behind);
    return Extremes{high, low, low, high};
  };
  const auto all = put_together(put_together(pair(0), pair(1)), put_together(pair(2), pair(3)));
  const Lanes half = 0.5 * (all.high2 - all.low2);
  const Lanes value = near(0);
  return (value > all.high2 + half) | (value < all.low2 - half);
}

/// Whether the sample `at` of a window stands alone; NaN if not, else its height.
double height_of_spike(std::span<const double> window, std::size_t at, std::size_t reach, std::size_t around) {
  thread_local std::vector<double> buffer;
  buffer.assign(window.begin() + static_cast<std::ptrdiff_t>(at - reach),
                window.begin() + static_cast<std::ptrdiff_t>(at + reach + 1));
  const double middle = median(buffer);
  const double height = window[at] - middle;
  // Most are no spike: half of the samples are too far from the middle for it, which takes no second sorting to see.
  const double near = std::abs(height) * (1 + 1e-9) / (kHampel * kRobust);
  const auto n_near = std::count_if(buffer.begin(), buffer.end(), [&](double value) { return std::abs(value - middle) < near; });
  if (static_cast<std::size_t>(n_near) <= reach) return kNaN;
  if (std::abs(height) <= kHampel * deviation_from(middle, buffer)) return kNaN;
  const double step = window[at] - window[at - 1];
  buffer.clear();
  for (std::size_t i = at - around + 1; i <= at + around; ++i) buffer.push_back(window[i] - window[i - 1]);
  const double resolved = least(buffer);  // of a channel of few different values the MAD is 0
  const double deviation = std::max(robust(buffer).deviation, resolved);
  if (std::abs(step) <= kStepIn * deviation || std::abs(height) <= kHampel * resolved) return kNaN;
  return height;
}

}  // namespace

std::size_t Spikes::around() const { return std::max(reach_, kAround); }

void Spikes::add(const Block& block) {
  if (block.values.empty()) return;
  if (reach_ == 0) {
    reach_ = std::max<std::size_t>(5, static_cast<std::size_t>(std::lround(0.05 * block.rate)));
    windows_ = Sliding{width()};
  }
  windows_.add(block, [this](const auto& samples, const auto& time) { look(samples, time); });
}

void Spikes::look(std::span<const double> samples, const Sliding::Time& time) {
  const std::size_t n = samples.size() + 1 - width();
  const auto reach = static_cast<std::ptrdiff_t>(reach_);
  const auto each = [&](std::size_t window) { judge(samples.subspan(window, width()), time.later(window)); };
  std::size_t i = 0;
  for (const double* at = samples.data() + around() + 1; i + kLanes <= n; i += kLanes, at += kLanes) {
    const auto out = stand_out([&](std::ptrdiff_t off) { return analysis::load(at + off); }, reach);
    if ((out[0] | out[1]) == 0) continue;
    if (out[0] != 0) each(i);
    if (out[1] != 0) each(i + 1);
  }
  if (i == n) return;
  const double* at = samples.data() + around() + 1 + i;
  const auto twice = [&](std::ptrdiff_t off) { return Lanes{at[off], at[off]}; };
  if (stand_out(twice, reach)[0] != 0) each(i);
}

void Spikes::judge(std::span<const double> window, const Sliding::Time& time) {
  const std::size_t at = around() + 1;
  if (is_small_step(window, at, around())) return;
  if (is_small_height(window, at, reach_, 0.5 * (window[at - reach_] + window[at + reach_]))) return;
  if (std::any_of(window.begin(), window.end(), [](double x) { return !std::isfinite(x); })) return;
  const double height = height_of_spike(window, at, reach_, around());
  if (std::isnan(height)) return;
  if (!std::isnan(height_of_spike(window, at - 1, reach_, around()))) return;  // of the same spike
  ++count_;
  if (!worst_ || std::abs(height) > std::abs(worst_->height)) worst_ = Spike{time.of(at), height};
}

void Spikes::merge(const Spikes& later) {
  if (later.reach_ == 0) return;
  if (reach_ == 0) {
    *this = later;
    return;
  }
  windows_.merge(later.windows_, [this](const auto& samples, const auto& time) { look(samples, time); });
  count_ += later.count_;
  if (later.worst_ && (!worst_ || std::abs(later.worst_->height) > std::abs(worst_->height))) worst_ = later.worst_;
}

namespace {

template <class Event>
state::Json save_event(const std::optional<Event>& event) {
  if (!event) return nullptr;
  return {state::time(event->time), event->height};
}

template <class Event>
void load_event(std::optional<Event>& event, const state::Json& saved) {
  event.reset();
  if (!saved.is_null()) event = Event{state::time(saved.at(0)), saved.at(1).template get<double>()};
}

constexpr std::size_t kSide = 10;                    ///< s before and after whose medians are the levels
constexpr std::size_t kNoise = 30;                   ///< s before and after whose differences are the noise
constexpr std::size_t kJumpWindow = 2 * kNoise + 3;  ///< before, three in the middle, after

}  // namespace

state::Json Spikes::save() const {
  return {{"reach", reach_}, {"count", count_}, {"worst", save_event(worst_)}, {"windows", windows_.save()}};
}

void Spikes::load(const state::Json& saved) {
  reach_ = saved.at("reach");
  count_ = saved.at("count");
  load_event(worst_, saved.at("worst"));
  windows_.load(saved.at("windows"));
}

namespace {

/// Whether a step may be more than kJump robust standard deviations of these differences. Without sorting them it tells that most
/// are not: if their median is less than a sixth of the step, and half of them lie no farther from it than the limit wants, then
/// so many are below 1/6 + 4/3 / (kJump * kRobust) of the step, the trend taken out of it with 4/3 of its size at the most.
bool may_be_sharp(std::span<const double> differences, double step) {
  const double small = std::abs(step) / 6;
  const double near = std::abs(step) * (1.0 / 6 + 4.0 / 3 / (kJump * kRobust)) * 1.001;
  std::size_t n_near = 0;
  std::size_t n_above = 0;
  std::size_t n_below = 0;
  for (const double one : differences) {
    n_near += std::abs(one) <= near ? 1U : 0U;
    n_above += one > small ? 1U : 0U;
    n_below += one < -small ? 1U : 0U;
  }
  return 2 * std::max({n_near, n_above, n_below}) >= differences.size();
}

}  // namespace

Jumps::Jumps() : seconds_{kJumpWindow} {}

void Jumps::add(const Block& block) {
  if (block.values.empty()) return;
  rate_ = block.rate;
  const auto each = [this](const auto& samples, const auto& time) { look(samples, time); };
  if (rate_ <= 1) {
    seconds_.add(block, each);
    return;
  }
  const auto size = static_cast<std::int64_t>(block.values.size());
  for (std::int64_t i = 0; i < size;) {
    const auto second = std::chrono::floor<std::chrono::seconds>(mth5::sample_time(block.start, rate_, i));
    const auto number = second.time_since_epoch().count();
    // Up to the first sample of the next second.
    const double exact = mth5::samples_between(block.start, second + std::chrono::seconds{1}, rate_);
    const auto end = std::clamp<std::int64_t>(std::llround(std::ceil(exact - 1e-6)), i + 1, size);
    const auto totals =
        totals_of(block.values.subspan(static_cast<std::size_t>(i), static_cast<std::size_t>(end - i)), 0, is_finite);
    i = end;
    const Second part{number, totals.n, totals.sum};
    if (last_ && last_->number == number) {
      last_->n += part.n;
      last_->sum += part.sum;
    } else {
      if (last_) this->end(*last_);
      last_ = part;
    }
  }
}

void Jumps::end(const Second& second) {
  if (!first_) {
    first_ = second;
    return;
  }
  const bool whole = second.n > 0 && static_cast<double>(second.n) >= std::floor(rate_);
  const double mean = whole ? second.sum / static_cast<double>(second.n) : kNaN;
  seconds_.add(Block{mth5::UtcNanos{std::chrono::seconds{second.number}}, 1, std::span{&mean, 1}},
               [this](const auto& samples, const auto& time) { look(samples, time); });
}

void Jumps::look(std::span<const double> samples, const Sliding::Time& time) {
  for (std::size_t i = 0; i + kJumpWindow <= samples.size(); ++i) judge(samples.subspan(i, kJumpWindow), time.later(i));
}

void Jumps::judge(std::span<const double> window, const Sliding::Time& time) {
  constexpr std::size_t kAt = kNoise + 1;
  const double across = window[kAt + 1] - window[kAt - 1];
  // The same jump is in three such differences: the largest of them counts.
  if (!(std::abs(across) >= std::abs(window[kAt + 2] - window[kAt]) &&
        std::abs(across) > std::abs(window[kAt] - window[kAt - 2])))
    return;
  if (std::any_of(window.begin(), window.end(), [](double x) { return !std::isfinite(x); })) return;
  thread_local std::vector<double> buffer;
  buffer.clear();
  for (std::size_t i = 0; i + 1 < kNoise; ++i) {
    buffer.push_back(window[i + 1] - window[i]);
    buffer.push_back(window[kAt + 3 + i] - window[kAt + 2 + i]);
  }
  if (!may_be_sharp(buffer, across)) return;
  const double resolved = least(buffer);
  if (resolved == 0) return;  // it does not move at all: nothing to compare with
  const auto [slope, spread] = robust(buffer);
  const double deviation = std::max(spread, resolved);
  const auto level_of = [&](std::size_t first) {
    buffer.assign(window.begin() + static_cast<std::ptrdiff_t>(first),
                  window.begin() + static_cast<std::ptrdiff_t>(first + kSide));
    return median(buffer);
  };
  const double before = level_of(kAt - 1 - kSide);
  const double after = level_of(kAt + 2);
  const double level = after - before - slope * static_cast<double>(kSide + 3);
  const double sharp = across - 2 * slope;
  if (!(std::abs(sharp) > kJump * deviation && std::abs(level) > kJump * deviation)) return;
  if (sharp * level < 0 || std::abs(level) < 0.5 * std::abs(sharp)) return;  // it did not stay
  ++count_;
  const bool earlier = std::abs(window[kAt] - window[kAt - 1]) >= std::abs(window[kAt + 1] - window[kAt]);
  const Jump found{time.of(earlier ? kAt : kAt + 1), level};
  if (!jump_ || found.time >= jump_->time) jump_ = found;
  if (!first_jump_ || found.time < *first_jump_) first_jump_ = found.time;
}

void Jumps::merge(const Jumps& later) {
  if (later.rate_ == 0) return;
  if (rate_ == 0) {
    *this = later;
    return;
  }
  count_ += later.count_;
  if (later.jump_) jump_ = later.jump_;
  if (later.first_jump_ && (!first_jump_ || *later.first_jump_ < *first_jump_)) first_jump_ = later.first_jump_;
  const auto right = later.first_ ? later.first_ : later.last_;
  if (right && last_) {
    if (last_->number == right->number) {
      last_->n += right->n;
      last_->sum += right->sum;
    } else {
      end(*last_);
      last_ = right;
    }
    if (later.first_) {
      end(*last_);
      last_ = later.last_;
    }
  }
  seconds_.merge(later.seconds_, [this](const auto& samples, const auto& time) { look(samples, time); });
}

state::Json Jumps::save() const {
  const auto second = [](const std::optional<Second>& of) {
    return of ? state::Json{of->number, of->n, of->sum} : state::Json{};
  };
  return {{"rate", rate_},
          {"first", second(first_)},
          {"last", second(last_)},
          {"count", count_},
          {"jump", save_event(jump_)},
          {"first_jump", first_jump_ ? state::time(*first_jump_) : state::Json{}},
          {"seconds", seconds_.save()}};
}

void Jumps::load(const state::Json& saved) {
  const auto second = [](std::optional<Second>& of, const state::Json& from) {
    of.reset();
    if (!from.is_null()) of = Second{from.at(0).get<std::int64_t>(), from.at(1).get<std::int64_t>(), from.at(2).get<double>()};
  };
  rate_ = saved.at("rate");
  second(first_, saved.at("first"));
  second(last_, saved.at("last"));
  count_ = saved.at("count");
  load_event(jump_, saved.at("jump"));
  first_jump_.reset();
  if (const auto& first = saved.at("first_jump"); !first.is_null()) first_jump_ = state::time(first);
  seconds_.load(saved.at("seconds"));
}

}  // namespace analysis
