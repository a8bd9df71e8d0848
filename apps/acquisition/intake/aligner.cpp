#include "acquisition/intake/aligner.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace daq::intake {

namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kBelieved = 3;  // frames that say that the clock was set back

}  // namespace

std::size_t Aligner::waiting() const {
  std::size_t n = 0;
  for (const auto& channel : channels_) n += channel.waiting;
  return n;
}

std::size_t Aligner::frames() const {
  std::size_t n = 0;
  for (const auto& channel : channels_) n += channel.pieces.size();
  return n;
}

void Aligner::push(const decode::Frame& frame, const double* values) {
  if (frame.n_samples == 0) return;
  now_ = std::max(now_, frame.arrival);
  longest_ = std::max(longest_, mth5::Nanos{std::llround(frame.n_samples / options_.sample_rate * 1e9)});
  Channel& channel = channels_.at(frame.channel);
  if (!origin_) origin_ = frame.time;
  const double where = mth5::samples_between(*origin_, frame.time, options_.sample_rate);
  if (!channel.seen) channel.next = std::llround(where);
  const double ahead = where - static_cast<double>(channel.next) - channel.offset;
  std::int64_t index = channel.next;
  if (channel.seen && std::abs(ahead) > 0.5) index += std::llround(ahead);
  channel.offset = where - static_cast<double>(index);
  channel.seen = true;
  channel.heard = frame.arrival;
  channel.next = index + frame.n_samples;

  Piece piece{index, frame.time, frame.kind, frame.arrival, frame.after_skip, {values, values + frame.n_samples}};
  if (piece.end() <= at_) return keep_behind(channel, std::move(piece));
  channel.behind.clear();
  insert(channel, std::move(piece));
  give_out(false);
  drop_wild();
}

void Aligner::insert(Channel& channel, Piece piece) {
  const auto next = std::upper_bound(channel.pieces.begin(), channel.pieces.end(), piece.index,
                                     [](std::int64_t at, const Piece& other) { return at < other.index; });
  // What lies before at_ came too late; what overlaps with what waits is the same again.
  const auto taken = next == channel.pieces.begin() ? at_ : std::max(at_, std::prev(next)->end());
  const auto n = static_cast<std::int64_t>(piece.values.size());
  const auto skip = std::clamp<std::int64_t>(taken - piece.index, 0, n);
  const auto left =
      next == channel.pieces.end() ? n - skip : std::clamp<std::int64_t>(next->index - piece.index - skip, 0, n - skip);
  late_ += static_cast<std::uint64_t>(n - left);
  if (left == 0) return;
  piece.values = {piece.values.begin() + skip, piece.values.begin() + skip + left};
  piece.time = mth5::sample_time(piece.time, options_.sample_rate, skip);
  piece.index += skip;
  channel.waiting += piece.values.size();
  channel.pieces.insert(next, std::move(piece));
}

void Aligner::keep_behind(Channel& channel, Piece piece) {
  late_ += piece.values.size();
  if (!channel.behind.empty() && channel.behind.back().end() != piece.index) channel.behind.clear();
  channel.behind.push_back(std::move(piece));
  if (was_set_back(channel)) begin_anew();
  if (channel.behind.size() > kBelieved) channel.behind.pop_front();
}

bool Aligner::was_set_back(const Channel& channel) const {
  if (channel.behind.size() < kBelieved) return false;
  std::size_t alive = 0, behind = 0;
  for (const auto& other : channels_) {
    if (!other.seen || now_ - other.heard >= wait()) continue;
    ++alive;
    if (!other.behind.empty()) ++behind;
  }
  return 2 * behind > alive;
}

void Aligner::begin_anew() {
  give_out(true);
  at_ = kNever;
  for (const auto& channel : channels_)
    if (!channel.behind.empty()) at_ = std::min(at_, channel.behind.front().index);
  for (auto& channel : channels_)
    for (auto& piece : std::exchange(channel.behind, {})) {
      late_ -= piece.values.size();
      insert(channel, std::move(piece));
    }
  give_out(false);
}

void Aligner::finish() {
  give_out(true);
  for (auto& channel : channels_) {
    channel.behind.clear();
    channel.seen = false;
  }
  origin_.reset();
  at_ = 0;
}

bool Aligner::is_missed(const Channel& channel, bool somebody) const {
  // Where nobody goes on from what was given out, those that still send will; only a channel that says nothing is not waited for.
  if (!somebody) return !channel.seen || now_ - channel.heard >= wait();
  return std::any_of(channels_.begin(), channels_.end(),
                     [&](const Channel& other) { return has(other) && now_ - other.pieces.front().arrival >= wait(); });
}

void Aligner::drop_wild() {
  // The others would have been there long since, had its time been right.
  for (auto& channel : channels_)
    while (!channel.pieces.empty() && channel.pieces.back().index > at_ && now_ - channel.pieces.back().arrival >= 2 * wait()) {
      late_ += channel.pieces.back().values.size();
      channel.waiting -= channel.pieces.back().values.size();
      channel.pieces.pop_back();
    }
}

void Aligner::give_out(bool all) {
  for (;;) {
    std::int64_t next = kNever;  // where somebody has samples
    bool somebody = false;
    for (const auto& channel : channels_) {
      if (channel.pieces.empty()) continue;
      next = std::min(next, std::max(channel.pieces.front().index, at_));
      somebody |= has(channel);
    }
    if (next == kNever) return;
    const auto is_waited_for = [&](const Channel& channel) {
      const bool unknown = channel.pieces.empty() || (channel.pieces.size() == 1 && channel.pieces.front().index > next);
      return unknown && !is_missed(channel, somebody);
    };
    const auto is_full = [&](const Channel& channel) { return channel.waiting >= options_.most_samples; };
    if (!all && std::any_of(channels_.begin(), channels_.end(), is_waited_for) &&
        std::none_of(channels_.begin(), channels_.end(), is_full))
      return;
    if (!somebody) {
      // Nobody has anything before it, though it may be on its way: packets change places. Then the timeline sees the gap.
      const auto is_sure = [&](const Channel& channel) {
        return channel.pieces.size() > 1 || is_full(channel) ||
               (!channel.pieces.empty() && now_ - channel.pieces.front().arrival >= wait());
      };
      if (!all && std::none_of(channels_.begin(), channels_.end(), is_sure)) return;
      at_ = next;
      continue;
    }
    std::int64_t end = kNever;  // of what can be given out as it is
    for (const auto& channel : channels_)
      if (!channel.pieces.empty())
        end = std::min(end, has(channel) ? channel.pieces.front().end() : channel.pieces.front().index);
    emit(end);
  }
}

void Aligner::emit(std::int64_t end) {
  const auto n = static_cast<std::size_t>(end - at_);
  took_.assign(channels_.size(), false);
  rows_.assign(n * channels_.size(), std::numeric_limits<double>::quiet_NaN());
  decode::Frame frame{.n_samples = static_cast<std::uint32_t>(n)};
  bool timed = false;
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    auto& channel = channels_[c];
    took_[c] = has(channel);
    if (!took_[c]) continue;
    auto& piece = channel.pieces.front();
    if (!std::exchange(timed, true)) {
      frame.time = piece.time;
      frame.kind = piece.kind;
      frame.arrival = piece.arrival;
    }
    frame.after_skip |= std::exchange(piece.after_skip, false);
    for (std::size_t i = 0; i < n; ++i) rows_[i * channels_.size() + c] = piece.values[i];
    channel.waiting -= n;
    if (n == piece.values.size()) {
      channel.pieces.pop_front();
      continue;
    }
    piece.values.erase(piece.values.begin(), piece.values.begin() + static_cast<std::ptrdiff_t>(n));
    piece.time = mth5::sample_time(piece.time, options_.sample_rate, static_cast<std::int64_t>(n));
    piece.index = end;
  }
  for (std::size_t c = 0; c < channels_.size(); ++c)
    if (!took_[c]) sink_.away(c, frame.time, static_cast<std::int64_t>(n));
  at_ = end;
  sink_.aligned(frame, rows_.data());
}

}  // namespace daq::intake
