#include "analysis/channel_feed.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "analysis/filled.hpp"

namespace analysis {

namespace {

constexpr std::int64_t kBlock = 1 << 16;   ///< samples read at once
constexpr std::chrono::seconds kDrift{1};  ///< of the clock of a run against its rate, before its samples are set apart
constexpr std::chrono::minutes kLost{1};   ///< samples at the end of a file that a crash may cost; more, and the clock was set

}  // namespace

ChannelFeed::ChannelFeed(std::string component, std::chrono::nanoseconds back, std::int64_t most, std::int64_t first)
    : component_{std::move(component)}, back_{back}, most_{most}, first_{std::min(first, most)} {}

bool ChannelFeed::update(const mth5::Reader& file, const Series& series, const Series::Part& current,
                         const std::function<void(const Block&)>& take, std::int64_t at_once) {
  const double rate = series.sample_rate;
  if (!(rate > 0) || series.parts.empty()) return true;
  const double wanted = std::round(std::chrono::duration<double>(back_).count() * rate);
  const auto capacity = static_cast<std::int64_t>(std::clamp(wanted, 1.0, static_cast<double>(most_)));
  if (any_ && end_ > current.end + kLost) any_ = false;
  const auto reaches_to = mth5::sample_time(current.end, rate, -capacity);
  const auto oldest = any_ ? reaches_to : mth5::sample_time(current.end, rate, -std::min(capacity, first_));
  std::set<Run> seen;
  std::vector<double> samples;
  for (const auto& part : series.parts) {
    const auto& run = file.runs()[part.run];
    const auto channel = find_channel(file, run, component_);
    if (!channel) continue;
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
      if (at_once == 0) return false;
      samples.resize(static_cast<std::size_t>(std::min({kBlock, n - done, at_once})));
      const auto got = file.read(*channel, done, samples);
      if (got == 0) return true;  // the file is shorter than it was at the refresh: the next look tells
      const auto values = std::span{samples}.first(got);
      leave_out(values, done, filled);
      leave_out(values, fill);
      newest_ = key;
      if (!any_) {
        oldest_run_ = key;
        oldest_ = done;
        reaches_to_ = reaches_to;
        older_left_ = capacity - std::min(capacity, first_);
      }
      at_once -= static_cast<std::int64_t>(got);
      give({part.clock.utc_of(done), rate, values}, follows, take);
      follows = true;
      done += static_cast<std::int64_t>(got);
      samples_read_ += static_cast<std::int64_t>(got);
    }
  }
  std::erase_if(done_, [&](const auto& one) { return !seen.contains(one.first); });
  return true;
}

std::optional<ChannelFeed::Older> ChannelFeed::older(const mth5::Reader& file, const Series& series, std::int64_t at_once,
                                                     std::vector<double>& values) {
  const auto none = [&]() -> std::optional<Older> {
    older_left_ = 0;
    return std::nullopt;
  };
  const auto key_of = [&](const Series::Part& part) {
    const auto& run = file.runs()[part.run];
    return Run{file.file_uuid(), run.id, run.start};
  };
  auto part = std::find_if(series.parts.begin(), series.parts.end(), [&](const auto& one) { return key_of(one) == oldest_run_; });
  if (older_left_ == 0 || part == series.parts.end()) return none();  // the second: it is of a file before
  auto end = oldest_;
  bool joined = true;
  while (true) {
    const auto& run = file.runs()[part->run];
    const auto channel = find_channel(file, run, component_);
    const auto n = channel ? file.channels()[*channel].n_samples : 0;
    const auto first = std::max(part->taken, mth5::indexes_within({reaches_to_, {}}, part->clock, n).first);
    end = std::min(end, n);
    if (channel && part->end > reaches_to_ && first < end) {
      const auto begin = std::max({first, end - older_left_, end - at_once});
      values.resize(static_cast<std::size_t>(end - begin));
      const auto got = file.read(*channel, begin, values);
      if (got < values.size()) return none();  // shorter than at the refresh
      leave_out(values, begin, filled_ranges(series, *part, run, component_));
      leave_out(values, file.fill_value(*channel));
      samples_read_ += end - begin;
      older_left_ -= end - begin;
      oldest_run_ = key_of(*part);
      oldest_ = begin;
      return Older{{part->clock.utc_of(begin), series.sample_rate, values}, joined};
    }
    if (part == series.parts.begin()) return none();
    --part;
    end = INT64_MAX;
    joined = false;
  }
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
