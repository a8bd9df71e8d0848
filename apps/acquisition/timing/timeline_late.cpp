#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "acquisition/timing/timeline.hpp"

/// Frames that came later than others which were taken after them.
namespace daq::timing {
namespace {

constexpr double kNearlyAll = 0.9;

}  // namespace

bool Timeline::is_late(const Piece& piece) const {
  if (!piece.counter && piece.time < memory_.begin()) return false;
  return memory_.taken_s(piece.time, plus_seconds(piece.time, length_of(piece))) < length_of(piece) / 2;
}

bool Timeline::came_late(std::span<const Waiting> chain) const {
  if (chain.front().piece.time < memory_.begin()) return false;
  double length = 0, taken = 0;
  for (const auto& w : chain) {
    const auto end = end_of(w.piece).time;
    length += seconds_between(w.piece.time, end);
    taken += memory_.taken_s(w.piece.time, end);
  }
  return taken < length / 2;
}

bool Timeline::may_lie_behind_gap(const Waiting& w) const {
  const auto& piece = w.piece;
  if (w.behind || !piece.lies_by_time()) return false;
  const Place place = place_behind_run(piece, w.events);
  return place.fit == Fit::Ahead && place.missing <= kLate * piece.n;
}

bool Timeline::may_be_late_in_gap(const Piece& piece) const {
  if (agreeing_ > 1 || chain_ > 0) return false;
  const auto& head = waiting_.front();
  if (waiting_.size() > 1 || head.behind || !head.piece.lies_by_time() || !piece.lies_by_time()) return false;
  const double before_s = seconds_between(end_of(piece).time, head.piece.time);
  return before_s > -locator_.exact_tolerance_s() && before_s <= kLate * length_of(piece);
}

bool Timeline::in_gap_so_far(const Piece& piece) const {
  return chain_ == 1 && waiting_[1].by_count && waiting_.size() <= kLate && piece.timed &&
         plus_seconds(piece.time, locator_.exact_tolerance_s()) < waiting_.front().piece.time;
}

bool Timeline::comes_directly(const Piece& before, const Piece& piece) const {
  if (!piece.stamped || !piece.timed) return false;
  const Place place = locator_.place(end_of(before), piece);
  return place.fit == Fit::Fits && std::abs(place.ahead_s) <= locator_.exact_tolerance_s();
}

void Timeline::put_early_one_behind() {
  const Events events = std::exchange(waiting_.front().events, {});
  std::rotate(waiting_.begin(), waiting_.begin() + 1, waiting_.end());
  waiting_.front().events.disconnected |= events.disconnected;
  waiting_.front().events.bad_data |= events.bad_data;
  for (auto& w : waiting_) w.by_count = w.head = false;
  waiting_.back().follows = comes_directly(waiting_[waiting_.size() - 2].piece, waiting_.back().piece);
  begin_chain_at(0);
  agreeing_ = static_cast<int>(waiting_.size());
}

std::optional<std::int64_t> Timeline::own_row(const End& end, const Piece& piece) const {
  if (!piece.lies_by_time()) return std::nullopt;
  const double ahead_s = seconds_between(end.time, piece.time);
  const auto row = std::llround(ahead_s / end.seconds_per_sample);
  const double off_s = std::abs(ahead_s - static_cast<double>(row) * end.seconds_per_sample);
  return off_s <= locator_.exact_tolerance_s() ? std::optional<std::int64_t>{row} : std::nullopt;
}

bool Timeline::times_contradict_count(const End& end) const {
  const auto from = end_of_run().time;
  if (memory_.taken_s(from, end.time) > kNearlyAll * seconds_between(from, end.time)) return true;
  const auto begin = end_of_run();
  const double tolerance = locator_.exact_tolerance_s();
  const auto beside_stored = [&](const Piece& piece) {  // in the middle of a long gap it is rather wild
    const double far = kLate * length_of(piece);
    return memory_.taken_s(plus_seconds(piece.time, -far), plus_seconds(piece.time, far)) > 0;
  };
  bool moved = false, late = false, others = false;
  std::vector<std::int64_t> taken;
  std::int64_t row = 0;  // by count
  for (const auto& w : waiting_) {
    const auto& piece = w.piece;
    if (!piece.lies_by_time() || stamps_.within_step(piece.n)) return false;
    const auto own = own_row(begin, piece);
    if (own && *own >= 0 && seconds_between(end_of(piece).time, end.time) >= -tolerance) {
      for (std::int64_t i = 0; i < piece.n; ++i) taken.push_back(*own + i);
      moved |= *own != row;
    } else if (piece.time < begin.time && is_late(piece) && beside_stored(piece)) {
      late = true;
    } else {
      others = true;
    }
    row += piece.n;
  }
  std::sort(taken.begin(), taken.end());
  return late || (moved && !others && std::adjacent_find(taken.begin(), taken.end()) == taken.end());
}

void Timeline::arrange_by_own_times() {
  const auto begin = end_of_run();
  const auto n = waiting_.front().piece.n;
  std::vector<std::optional<std::size_t>> own(waiting_.size());  // by place: which of those that wait
  std::vector<bool> placed(waiting_.size());
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    const auto& piece = waiting_[i].piece;
    if (piece.n != n || piece.counter || piece.still || stamps_.within_step(n)) return;
    const auto row = own_row(begin, piece);
    if (!row || *row < 0 || *row % n != 0 || *row / n >= std::ssize(own)) continue;
    auto& place = own[static_cast<std::size_t>(*row / n)];
    if (place) return;  // two have that time
    place = i;
    placed[i] = true;
  }
  std::vector<Waiting> arranged;
  std::size_t other = 0;
  for (const auto& place : own) {
    while (!place && placed[other]) ++other;
    arranged.push_back(waiting_[place ? *place : other++]);
  }
  waiting_ = std::move(arranged);
}

void Timeline::store_late_chain() {
  const std::vector<Waiting> late(waiting_.begin() + static_cast<std::ptrdiff_t>(chain_), waiting_.end());
  waiting_.resize(chain_);
  store_chain(late, {.reason = GapReason::OutOfOrder});
  chain_ = 0;
  agreeing_ = 0;
  if (waiting_.empty()) return;
  auto head = waiting_.size() - 1;
  while (head > 0 && !waiting_[head].head) --head;
  begin_chain_at(head);
  agreeing_ = static_cast<int>(waiting_.size() - head);
}

void Timeline::store_aside(std::span<const Waiting> chain) {
  give_out();
  anchors_.end_of_run();
  Clock clock{clock_};
  Run aside;
  const Piece* before = nullptr;
  for (const auto& w : chain) {
    events_.disconnected |= w.events.disconnected;
    events_.bad_data |= w.events.bad_data;
    const auto& piece = w.piece;
    Block block{.values = piece.values, .n = piece.n};
    block.new_run = lost_ || before == nullptr || !(w.follows || locator_.place(end_of(*before), piece).fit == Fit::Fits);
    if (block.new_run) {
      anchors_.end_of_run();
      clock.restart(piece.time, piece.stamped);
      aside = {.start = piece.time};
      if (before == nullptr || lost_) block.gap = gap(GapReason::OutOfOrder, 0);
    }
    before = &piece;
    block.start = mth5::sample_time(aside.start, options_.sample_rate, aside.n);
    clock.add(piece.n, piece.time);
    aside.n += piece.n;
    anchors_.note(clock, 0, aside.n - 1, piece.kind);
    store(block, {clock.utc(aside.n - piece.n), clock.utc(aside.n)});
  }
  anchors_.end_of_run();
  if (lost_) return;
  run_ = Run{clock_.utc(clock_.position()), 0, clock_.position()};
  block_ = {.start = run_->start, .new_run = true};
}

}  // namespace daq::timing
