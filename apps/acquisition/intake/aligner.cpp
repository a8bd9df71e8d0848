#include "acquisition/intake/aligner.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace daq::intake {

namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

}  // namespace

std::size_t Aligner::waiting() const {
  std::size_t n = 0;
  for (const auto& channel : channels_) n += channel.waiting;
  return n;
}

void Aligner::push(const decode::Frame& frame, const double* values) {
  if (frame.n_samples == 0) return;
  now_ = std::max(now_, frame.arrival);
  Channel& channel = channels_.at(frame.channel);
  if (!origin_) origin_ = frame.time;
  const double where = mth5::samples_between(*origin_, frame.time, options_.sample_rate);
  if (!channel.seen) channel.next = std::llround(where);
  const double ahead = where - static_cast<double>(channel.next) - channel.offset;
  std::int64_t index = channel.next;
  if (channel.seen && std::abs(ahead) > 0.5) index += std::llround(ahead);
  channel.offset = where - static_cast<double>(index);
  channel.seen = true;
  channel.next = index + frame.n_samples;

  // What lies before at_ came too late; what overlaps with what waits is the same again.
  const std::int64_t taken =
      std::max(at_, channel.pieces.empty() ? std::numeric_limits<std::int64_t>::min() : channel.pieces.back().end());
  const auto skip = std::clamp<std::int64_t>(taken - index, 0, frame.n_samples);
  late_ += static_cast<std::uint64_t>(skip);
  if (skip == frame.n_samples) return;
  Piece piece{index + skip,     mth5::sample_time(frame.time, options_.sample_rate, skip),
              frame.kind,       frame.arrival,
              frame.after_skip, {values + skip, values + frame.n_samples}};
  channel.waiting += piece.values.size();
  channel.pieces.push_back(std::move(piece));
  give_out(false);
}

void Aligner::finish() {
  give_out(true);
  for (auto& channel : channels_) channel.seen = false;
  origin_.reset();
  at_ = 0;
}

bool Aligner::is_overdue() const {
  return std::any_of(channels_.begin(), channels_.end(), [&](const Channel& channel) {
    return channel.waiting >= options_.most_samples ||
           (!channel.pieces.empty() && now_ - channel.pieces.front().arrival >= options_.wait);
  });
}

void Aligner::give_out(bool all) {
  for (;;) {
    std::int64_t end = kNever;   // of what can be given out as it is
    std::int64_t next = kNever;  // where somebody has samples
    bool somebody = false, unknown = false;
    for (const auto& channel : channels_) {
      if (channel.pieces.empty()) {
        unknown = true;
        continue;
      }
      const auto& front = channel.pieces.front();
      next = std::min(next, std::max(front.index, at_));
      if (has(channel)) {
        somebody = true;
        end = std::min(end, front.end());
      } else {
        end = std::min(end, front.index);
      }
    }
    if (next == kNever || (unknown && !all && !is_overdue())) return;
    if (!somebody) {
      at_ = next;  // nobody has anything before it: the timeline sees the gap
      continue;
    }
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
