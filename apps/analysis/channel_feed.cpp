#include "analysis/channel_feed.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "analysis/filled.hpp"

namespace analysis {

namespace {

constexpr std::int64_t kBlock = 1 << 16;   ///< samples read at once
constexpr std::chrono::seconds kDrift{1};  ///< of the clock of a run against its rate, before its samples are set apart
constexpr std::chrono::minutes kLost{1};   ///< samples at the end of a file that a crash may cost; more, and the clock was set

}  // namespace

ChannelFeed::ChannelFeed(std::string component, std::chrono::nanoseconds back, std::int64_t most)
    : component_{std::move(component)}, back_{back}, most_{most} {}

void ChannelFeed::update(const mth5::Reader& file, const Series& series, const Series::Part& current,
                         const std::function<void(const Block&)>& take) {
  const double rate = series.sample_rate;
  if (!(rate > 0) || series.parts.empty()) return;
  const double wanted = std::round(std::chrono::duration<double>(back_).count() * rate);
  const auto capacity = static_cast<std::int64_t>(std::clamp(wanted, 1.0, static_cast<double>(most_)));
  if (any_ && end_ > current.end + kLost) any_ = false;
  const auto oldest = mth5::sample_time(current.end, rate, -capacity);
  std::set<Run> seen;
  std::vector<double> samples;
  for (const auto& part : series.parts) {
    const auto& run = file.runs()[part.run];
    const auto channel = std::find_if(run.channels.begin(), run.channels.end(),
                                      [&](std::size_t i) { return file.channels()[i].component == component_; });
    if (channel == run.channels.end()) continue;
    const std::int64_t n = file.channels()[*channel].n_samples;
    const Run key{file.file_uuid(), run.id, run.start};
    seen.insert(key);
    const auto [known, is_new] = done_.try_emplace(key, 0);
    auto& done = known->second;
    done = std::min(done, n);  // a crash may have cost some that were seen
    if (part.end <= oldest || part.start > current.end) done = n;
    if (done == n) continue;
    const auto filled = filled_ranges(series, part, run, component_);
    const auto fill = file.fill_value(*channel);
    const auto from = is_new && any_ ? std::max(oldest, mth5::sample_time(end_, 2 * rate, -1)) : oldest;
    const auto begin = std::min(n, std::max({done, part.taken, mth5::indexes_within({from, {}}, part.clock, n).first}));
    bool follows = begin == done && newest_ == key;
    done = begin;
    while (done < n) {
      samples.resize(static_cast<std::size_t>(std::min(kBlock, n - done)));
      const auto got = file.read(*channel, done, samples);
      if (got == 0) return;  // the file is shorter than it was at the refresh: the next look tells
      const auto values = std::span{samples}.first(got);
      leave_out(values, done, filled);
      leave_out(values, fill);
      newest_ = key;
      give({part.clock.utc_of(done), rate, values}, follows, take);
      follows = true;
      done += static_cast<std::int64_t>(got);
      samples_read_ += static_cast<std::int64_t>(got);
    }
  }
  std::erase_if(done_, [&](const auto& one) { return !seen.contains(one.first); });
}

/// @param follows  the block goes on where the one before ended, without a sample between
void ChannelFeed::give(Block block, bool follows, const std::function<void(const Block&)>& take) {
  if (any_ && follows && std::chrono::abs(block.start - end_) <= kDrift) {
    block.start =
        end_;  // anchors of the clock that came meanwhile move the time of a sample a little: there is no gap all the same
  } else if (any_) {
    const double apart = mth5::samples_between(end_, block.start, block.rate);
    if (apart <= -0.5 && block.start + kLost >= end_) {
      const auto known = std::min(static_cast<std::size_t>(std::llround(-apart)), block.values.size());
      block.values = block.values.subspan(known);
      block.start = mth5::sample_time(block.start, block.rate, static_cast<std::int64_t>(known));
    }
  }
  if (block.values.empty()) return;
  any_ = true;
  end_ = block.end();
  take(block);
}

}  // namespace analysis
