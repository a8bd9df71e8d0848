#include "acquisition/intake/reorder.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace daq::intake {

namespace {

bool is_stamp(const decode::Frame& frame) {
  return frame.kind == decode::TimeKind::Gps || frame.kind == decode::TimeKind::Device;
}

/// Of a frame that follows: less, and it is in its place; times may be off by so much.
double half(const decode::Frame& frame) { return 0.5 * static_cast<double>(frame.n_samples); }

}  // namespace

std::optional<double> Reorder::ahead(const decode::Frame& frame) const {
  if (!last_) return std::nullopt;
  if (frame.counter && last_->counter) {
    const auto per_count = options_.samples_per_count == 0 ? std::uint64_t{last_->n_samples} : options_.samples_per_count;
    auto counts = *frame.counter - *last_->counter;
    if (const auto modulus = options_.counter_modulus; modulus > 0) {
      counts = (*frame.counter % modulus + modulus - *last_->counter % modulus) % modulus;
      if (counts > modulus / 2) counts -= modulus;  // behind, as below
    }
    return static_cast<double>(static_cast<std::int64_t>(counts)) * static_cast<double>(per_count) -
           static_cast<double>(last_->n_samples);
  }
  if (!is_stamp(frame) || !is_stamp(*last_)) return std::nullopt;
  const double step_s =
      std::chrono::duration<double>(options_.stamp_resolution.count() > 0 ? options_.stamp_resolution : frame.time_step).count();
  constexpr double kRounding = 1e-6;
  if (step_s * options_.sample_rate > static_cast<double>(frame.n_samples) + kRounding) return std::nullopt;
  return std::chrono::duration<double>(frame.time - last_->time).count() * options_.sample_rate -
         static_cast<double>(last_->n_samples);
}

void Reorder::give(const decode::Frame& frame, const double* values, bool kept) {
  const auto where = ahead(frame);
  const bool behind = where && *where < -half(frame);
  behind_ = behind ? behind_ + 1 : 0;
  if (!behind || behind_ >= kMost) last_ = frame;  // so many are no latecomers: a clock was set, a counter began anew
  sink_.in_order(frame, values, kept);
}

void Reorder::give_front() {
  seconds_ = 0;
  const Held held = std::move(held_.front());
  held_.pop_front();
  samples_ -= held.frame.n_samples;
  give(held.frame, held.values.data(), true);
}

void Reorder::give_following() {
  while (!held_.empty()) {
    const auto where = ahead(held_.front().frame);
    if (where && *where > half(held_.front().frame)) return;
    give_front();
  }
}

void Reorder::push(const decode::Frame& frame, const double* values) {
  auto where = ahead(frame);
  // Further ahead no hole is waited for: it would not close before kMost frames have come.
  const double far = static_cast<double>(kMost) * static_cast<double>(frame.n_samples) + half(frame);
  for (; !held_.empty() && (!where || *where > far); where = ahead(frame)) {
    give_front();
    give_following();
  }
  if (!where || *where > far) return give(frame, values, false);
  if (*where <= half(frame)) {
    give(frame, values, false);
    return give_following();
  }
  const auto at = std::find_if(held_.begin(), held_.end(), [&](const Held& held) { return ahead(held.frame) > where; });
  const std::vector<double> copy{values, values + static_cast<std::size_t>(frame.n_samples) * options_.n_channels};
  held_.insert(at, {frame, copy});
  samples_ += frame.n_samples;
  if (held_.size() < kMost) return;
  give_front();
  give_following();
}

bool Reorder::tick() {
  if (held_.empty() || ++seconds_ < kLongest) return false;
  give_front();
  give_following();
  return true;
}

void Reorder::flush() {
  while (!held_.empty()) give_front();
}

}  // namespace daq::intake
