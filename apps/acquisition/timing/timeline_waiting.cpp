#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "acquisition/timing/timeline.hpp"

/// Frames that do not follow: what waits until others agree with one of them, and what becomes of it.
namespace daq::timing {

namespace {

/// Of pieces that wait.
template <class Iterator>
std::int64_t samples_of(Iterator first, Iterator last) {
  return std::accumulate(first, last, std::int64_t{0}, [](std::int64_t sum, const auto& w) { return sum + w.piece.n; });
}

}  // namespace

bool Timeline::stands_still(const Piece& piece) { return piece.still && piece.lies_by_time(); }

std::size_t Timeline::first_counted_back_from(mth5::UtcNanos time) const {
  const double slack = 0.5 * stamps_.step_s();
  auto first = waiting_.size();
  for (auto i = waiting_.size(); i-- > 0 && !waiting_[i].piece.timed;) {
    const auto& w = waiting_[i].piece;
    time = plus_seconds(time, -static_cast<double>(w.n) * clock_.seconds_per_sample());
    const double within = seconds_between(w.time, time);  // its step
    if (w.vague && (within < -slack || within > stamps_.step_s() + slack)) return first;
    if (w.vague || i == 0 || waiting_[i - 1].piece.timed) first = i;
  }
  return first;
}

void Timeline::time_by_own_steps(std::size_t n) {
  auto next = mth5::UtcNanos{};
  for (std::size_t i = 0; i < n; ++i) {
    auto& w = waiting_[i].piece;
    if (w.timed) continue;
    if (!std::exchange(w.vague, false)) w.time = next;
    w.timed = true;
    next = end_of(w).time;
  }
}

void Timeline::time_vague_ones(const Piece& piece) {
  if (std::none_of(waiting_.begin(), waiting_.end(), [](const Waiting& w) { return w.piece.vague; })) return;
  auto next = piece.time;
  const auto first_counted = first_counted_back_from(piece.time);
  for (std::size_t i = waiting_.size(); i-- > first_counted;) {
    auto& w = waiting_[i].piece;
    w.time = next = plus_seconds(next, -static_cast<double>(w.n) * clock_.seconds_per_sample());
    w.timed = std::exchange(w.vague, false);  // the others of the same step follow it by count
    waiting_[std::exchange(chain_, i)].head = false;
    waiting_[i].head = true;
  }
  time_by_own_steps(first_counted);
  auto& first = waiting_[chain_];
  if (!run_) return;
  const Place place = place_behind_run(first.piece, first.events);
  chain_verdict_ = judge(first.piece, place, first.events);
  first.behind = place.fit == Fit::Behind;
}

Place Timeline::place_behind_waiting(const Piece& piece) const {
  Place place = locator_.place(end_of(waiting_.back().piece), piece);
  // Two frames are the difference of their errors apart.
  if (waiting_.size() == chain_ + 1 && piece.stamped && !piece.counter &&
      std::abs(place.ahead_s) <= 1.5 * locator_.tolerance_s(piece))
    place.fit = Fit::Fits;
  tell_loss_within_step(place, piece, told_loss(events_));
  return place;
}

void Timeline::begin_chain_at(std::size_t at) {
  auto& head = waiting_[at];
  head.head = true;
  head.follows = false;
  chain_ = at;
  agreeing_ = 1;
  const Place place = run_ ? place_behind_run(head.piece, head.events) : Place{};
  chain_verdict_ = run_ ? judge(head.piece, place, head.events) : Verdict{};
  head.behind = run_ && chain_verdict_.reason == GapReason::ClockStep && head.piece.time < end_of_run().time;
}

bool Timeline::take_back_order() {
  if (!waiting_[chain_].came_behind || waiting_.size() != chain_ + 2) return false;
  std::swap(waiting_[chain_], waiting_[chain_ + 1]);
  auto &first = waiting_[chain_], &second = waiting_[chain_ + 1];
  first.events = std::exchange(second.events, {});
  second.came_behind = false;
  begin_chain_at(chain_);
  begin_chain_at(chain_ + 1);
  return true;
}

bool Timeline::take_back_count(const Piece& piece) {
  // Just two have that time, else the clock stands, or more samples come than the profile says.
  if (!run_ || waiting_.size() < chain_ + 2 || stamps_.within_step(piece.n)) return false;
  const auto &last = waiting_.back().piece, &first = waiting_[waiting_.size() - 2].piece;
  if (!last.still || last.timed || last.counter || !first.timed) return false;
  Piece own = last;
  own.time = first.time;
  const Place place = locator_.place(end_of(own), piece);
  if (place.fit != Fit::Fits || std::abs(place.ahead_s) > locator_.exact_tolerance_s()) return false;
  own.timed = true;
  waiting_.back().piece = own;
  begin_chain_at(waiting_.size() - 1);
  return true;
}

void Timeline::consider_with_waiting(Piece piece) {
  if (stands_still(piece)) piece.timed = false;
  if (piece.stamped && !piece.timed && !piece.counter) return wait(piece, !piece.vague, !piece.vague);
  if (piece.timed) time_vague_ones(piece);
  if (in_gap_so_far(waiting_.back().piece) && comes_directly(waiting_.front().piece, piece)) put_early_one_behind();
  Place to_chain = place_behind_waiting(piece);
  if (to_chain.fit == Fit::Behind) {
    if (const auto at = place_within_chain(piece); at > 0) return put_within_chain(piece, at);
    if (!lies_before_chain(piece) && (take_back_order() || take_back_count(piece))) to_chain = place_behind_waiting(piece);
  }
  if (chain_verdict_.turns > 0) {
    if (!events_.disconnected && !piece.stamped && piece.counter && to_chain.fit != Fit::Behind)
      return wait(piece, to_chain.fit == Fit::Fits, true);
    believe_turns();
    return consider(piece);
  }
  if (run_ && piece.stamped == clock_.stamped()) {
    const auto n = samples_of(waiting_.begin(), waiting_.end());
    End counted = end_of_run();
    counted.time = plus_seconds(counted.time, static_cast<double>(n) * counted.seconds_per_sample);
    counted.counter = locator_.next_counter(waiting_.back().piece.counter, waiting_.back().piece.n);
    Place to_run = locator_.place(end_of_run(), piece);
    tell_loss_within_step(to_run, piece,
                          told_loss(events_) || std::any_of(waiting_.begin(), waiting_.end(),
                                                            [](const Waiting& w) { return told_loss(w.events); }));
    const bool follows_run = to_run.fit == Fit::Fits;
    if (!follows_run && lies_before_chain(piece)) return put_before_chain(piece);
    const auto& head = waiting_[chain_].piece;
    const bool not_by_counter = head.counter && next_counter_ && head.counter != next_counter_ && piece.counter &&
                                (!stamps_.within_step(piece.n) || locator_.place(end_of_run(), head).fit != Fit::Fits);
    const Place by_count = locator_.place(counted, piece);
    const bool exact =
        !piece.stamped || stamps_.within_step(piece.n) || std::abs(by_count.ahead_s) <= locator_.exact_tolerance_s();
    if (!not_by_counter && by_count.fit == Fit::Fits && exact && !times_contradict_count(counted)) {
      const bool in_gap = in_gap_so_far(piece);
      if (in_gap || may_be_late_in_gap(piece)) {
        wait(piece, in_gap, in_gap);
        if (!waiting_.empty()) waiting_.back().by_count = true;
        return;
      }
      arrange_by_own_times();
      take_waiting_by_count();
      return append(piece, true);
    }
    const auto& last = waiting_.back();
    if (last.by_count && piece.timed && last.piece.time < piece.time &&
        piece.time < waiting_.front().piece.time) {  // it was wild
      take_waiting_by_count();
      return consider(piece);
    }
    if (follows_run && to_chain.fit != Fit::Fits) return settle_waiting(piece);
    if (follows_run) {  // both: as many samples as the clock went back wait, and go on in it
      wait(piece, true, true);
      if (!waiting_.empty()) believe_chain();
      return;
    }
  }
  if (!run_ && lies_before_chain(piece)) return put_before_chain(piece);
  const double jump = run_ ? std::abs(seconds_between(clock_.utc(clock_.position()), waiting_[chain_].piece.time)) : 0;
  const bool gap_only = chain_verdict_.frames <= 2;
  const double longest = seconds(options_.longest_gap);
  const bool follows_by_counter = to_chain.clock_set && !to_chain.counted;
  const bool later =
      to_chain.fit == Fit::Ahead && !follows_by_counter && to_chain.ahead_s <= (gap_only ? longest : std::min(longest, jump / 2));
  if (later && gap_only) {
    if (may_be_wild(to_chain)) return wait(piece, false, false);  // what comes behind tells which of the two is
    believe_chain();
    return consider(piece);
  }
  const bool in_doubt = may_change_places(to_chain, piece);  // not one that agrees: the next tells
  if (in_doubt) --agreeing_;
  wait(piece, to_chain.fit == Fit::Fits && !in_doubt, later || in_doubt);
}

bool Timeline::may_be_wild(const Place& next) const {
  const auto& head = waiting_[chain_];
  const auto& piece = head.piece;
  if (agreeing_ > 1 || !piece.lies_by_time()) return false;
  if (waiting_.size() > chain_ + 1) return true;  // others have its time
  if (chain_ > 0 && !waiting_[chain_ - 1].behind) return piece.time < waiting_[chain_ - 1].piece.time;
  if (head.events.disconnected || events_.disconnected) return false;
  const double far = kLate * length_of(piece);
  return next.ahead_s > far && (!run_ || seconds_between(end_of_run().time, piece.time) > far);
}

bool Timeline::comes_behind(const Piece& before, const Piece& piece) const {
  if (!before.counter || !piece.counter || before.stamped != piece.stamped || !before.timed) return false;
  const Place place = locator_.place(end_of(before), piece);
  return place.counted && !place.clock_set && place.fit != Fit::Behind && place.missing <= kLate * before.n;
}

void Timeline::sort_into_chain() {
  const auto begin = [&](std::size_t i) { return waiting_.begin() + static_cast<std::ptrdiff_t>(i); };
  Events events;
  const auto before = chain_;
  for (auto i = chain_; i-- > 0;) {
    if (waiting_[i].behind) continue;
    const auto& piece = waiting_[i].piece;
    auto at = chain_;
    while (at < waiting_.size() && comes_behind(waiting_[at].piece, piece)) ++at;
    if (at < waiting_.size() && !comes_behind(piece, waiting_[at].piece)) continue;
    events.disconnected |= waiting_[i].events.disconnected;
    events.bad_data |= waiting_[i].events.bad_data;
    waiting_[i + 1].head |= waiting_[i].head;
    std::rotate(begin(i), begin(i + 1), begin(at));
    --chain_;
  }
  if (chain_ == before) return;
  for (auto i = chain_; i < waiting_.size(); ++i) {
    waiting_[i].head = i == chain_;
    waiting_[i].follows = i > chain_ && locator_.place(end_of(waiting_[i - 1].piece), waiting_[i].piece).fit == Fit::Fits;
  }
  auto& first = waiting_[chain_];
  first.events.disconnected |= events.disconnected;
  first.events.bad_data |= events.bad_data;
  if (run_) chain_verdict_ = judge(first.piece, place_behind_run(first.piece, first.events), first.events);
}

bool Timeline::lies_before_chain(const Piece& piece) const {
  const auto& head = waiting_[chain_];
  return piece.lies_by_time() && head.piece.timed && !head.behind && piece.time < head.piece.time &&
         std::abs(seconds_between(end_of(piece).time, head.piece.time)) <= locator_.exact_tolerance_s();
}

void Timeline::put_before_chain(const Piece& piece) {
  auto& head = waiting_[chain_];
  const Waiting first{.piece = piece, .events = std::exchange(head.events, {}), .head = true, .came_behind = true};
  head.follows = true;
  head.head = false;
  if (run_) chain_verdict_ = judge(piece, place_behind_run(piece, first.events), first.events);
  waiting_.insert(waiting_.begin() + static_cast<std::ptrdiff_t>(chain_), first);
  counters_.pending += static_cast<std::uint64_t>(piece.n);
  ++agreeing_;
  if (chain_is_believed()) return believe_chain();
  limit_waiting();
}

std::size_t Timeline::place_within_chain(const Piece& piece) const {
  if (!piece.stamped || !piece.timed) return 0;
  const auto joins = [&](const Piece& first, const Piece& second) {
    const Place place = locator_.place(end_of(first), second);
    return place.fit == Fit::Fits && std::abs(place.ahead_s) <= locator_.exact_tolerance_s();
  };
  for (auto i = waiting_.size(); --i > chain_;)
    if (!waiting_[i].follows && joins(waiting_[i - 1].piece, piece) && joins(piece, waiting_[i].piece)) return i;
  return 0;
}

void Timeline::put_within_chain(const Piece& piece, std::size_t at) {
  const Waiting between{.piece = piece, .events = std::exchange(events_, {}), .behind = waiting_[at].behind, .follows = true};
  waiting_[at].follows = true;
  waiting_.insert(waiting_.begin() + static_cast<std::ptrdiff_t>(at), between);
  counters_.pending += static_cast<std::uint64_t>(piece.n);
  ++agreeing_;
  limit_waiting();
}

void Timeline::wait(const Piece& piece, bool follows, bool agrees) {
  agrees |= follows;
  if (!agrees) {
    const Place place = run_ ? place_behind_run(piece, events_) : Place{};
    chain_verdict_ = run_ ? judge(piece, place, events_) : Verdict{};
    chain_ = waiting_.size();
    agreeing_ = 0;
  }
  const bool still = piece.still && !piece.timed && !stamps_.within_step(piece.n);
  if (!agrees && still) chain_verdict_.frames = std::numeric_limits<int>::max();  // what comes behind it tells
  const bool is_behind =
      agrees ? waiting_.back().behind : chain_verdict_.reason == GapReason::ClockStep && run_ && piece.time < end_of_run().time;
  waiting_.push_back({piece, std::exchange(events_, {}), is_behind, follows, !agrees});
  if (agrees && !piece.timed) waiting_.back().piece.time = end_of(waiting_[waiting_.size() - 2].piece).time;
  counters_.pending += static_cast<std::uint64_t>(piece.n);
  if (piece.timed || (piece.counter && !still) || piece.vague) ++agreeing_;
  if (chain_verdict_.turns > 0 && turns_show()) settle_turns();
  if (chain_is_believed()) return believe_chain();
  if (still) {
    constexpr double kStands = 16, kLongestStep = 1.25;  // frames; s, of times that are coarser than their digits say
    const double longest = run_ ? kStands : std::max(kStands, kLongestStep / (static_cast<double>(piece.n) * period_s_));
    if (static_cast<double>(stamps_.repeated()) >= longest) {  // the instrument's clock stands: by count
      if (!run_) return believe_chain();
      if (chain_ > 0) drop_front_of_waiting(chain_);
      return take_waiting_by_count();
    }
  }
  limit_waiting();
}

bool Timeline::chain_is_believed() const {
  const auto& first = waiting_[chain_];
  if (agreeing_ < chain_verdict_.frames || first.piece.vague || chain_verdict_.turns > 0) return false;
  if (first.came_behind && waiting_.size() == chain_ + 2) return false;
  if (in_gap_so_far(waiting_.back().piece)) return false;
  const auto& last = waiting_.back().piece;
  if (first.behind && last.time - first.piece.time < options_.accept_step_after) return false;
  if (last.stamped || chain_verdict_.on_line || chain_verdict_.follows) return true;  // what a counter says is so
  // Arrivals that come in a burst had been kept somewhere: nothing is missing, perhaps.
  const auto n = samples_of(waiting_.begin() + static_cast<std::ptrdiff_t>(chain_), waiting_.end() - 1);
  return seconds_between(first.piece.arrival, last.arrival) >= period_s_ * static_cast<double>(n) / 2;
}

bool Timeline::turns_show() const {
  constexpr double kLong = 2;  // s of samples
  const auto n = samples_of(waiting_.begin() + static_cast<std::ptrdiff_t>(chain_), waiting_.end() - 1);
  // Not for as long as a counter that goes round fast could have come back to what it was.
  const double enough = std::min(kLong / period_s_, locator_.turn(last_n_) / 4);
  return static_cast<double>(n) >= enough || static_cast<std::size_t>(n) * n_channels_ >= kMaxWaiting / 2;
}

void Timeline::settle_turns() {
  const double spacing = clock_.seconds_per_sample(), turn = locator_.turn(last_n_);
  const std::span chain{waiting_.begin() + static_cast<std::ptrdiff_t>(chain_), waiting_.end()};
  const auto& head = chain.front().piece;
  const auto without = chain_verdict_.skipped - chain_verdict_.turns * std::llround(turn);
  const auto first = plus_seconds(end_of_run().time, static_cast<double>(without) * spacing);
  double least_late_s = seconds_between(first, head.time), passed = 0;  // samples
  for (std::size_t i = 1; i < chain.size(); ++i) {
    const auto &before = chain[i - 1].piece, &piece = chain[i].piece;
    const Place place = locator_.place(end_of(before), piece);
    const auto between = place.counted ? static_cast<double>(place.missing) - static_cast<double>(place.turns) * turn : 0;
    passed += static_cast<double>(before.n) + between;
    least_late_s = std::min(least_late_s, seconds_between(first, piece.time) - passed * spacing);
  }
  const bool burst = seconds_between(head.arrival, chain.back().piece.arrival) < passed * spacing / 2;
  const auto turns = burst ? 0 : std::llround(least_late_s / (turn * spacing));
  auto& verdict = chain_verdict_;
  if (turns > 0) {
    verdict.missing = verdict.skipped = without + turns * std::llround(turn);
    verdict.fill = verdict.missing <= max_fill_;
    verdict.turns = 0;
    return;
  }
  for (auto& w : chain) w.piece.turns = false;
  verdict = judge_behind_run(chain.front());
}

void Timeline::believe_turns() {
  settle_turns();
  believe_chain();
}

std::vector<Timeline::Waiting> Timeline::take_out_waiting() {
  auto all = std::exchange(waiting_, {});
  chain_ = 0;
  agreeing_ = 0;
  for (const auto& w : all) counters_.pending -= static_cast<std::uint64_t>(w.piece.n);
  return all;
}

void Timeline::take_rate() {
  if (run_ && !clock_.stamped()) return;
  const auto spacing = rate_told_.instead_of(clock_.seconds_per_sample());
  if (!spacing) return;
  clock_.assume(*spacing);
  const Events now = std::exchange(events_, {});
  const auto all = take_out_waiting();
  for (const auto& w : all) {
    events_.disconnected |= w.events.disconnected;
    events_.bad_data |= w.events.bad_data;
    consider(w.piece);
  }
  events_.disconnected |= now.disconnected;
  events_.bad_data |= now.bad_data;
}

void Timeline::begin_at_another_rate() {
  const auto all = take_out_waiting();
  begin_run(all.front().piece, all.front().events, {.reason = run_ ? GapReason::ClockStep : GapReason::NoData});
  for (std::size_t i = 1; i < all.size(); ++i) {
    events_ = all[i].events;
    consider(all[i].piece);
  }
}

bool Timeline::times_go_on() const {
  constexpr double kLeast = 0.25, kMost = 4;  // of what the profile says: what is wild is anywhere
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    const auto& piece = waiting_[i].piece;
    if (!piece.stamped || !piece.timed) return false;
    if (i == 0) continue;
    const auto& before = waiting_[i - 1].piece;
    const double apart = seconds_between(before.time, piece.time) / (static_cast<double>(before.n) * period_s_);
    if (apart < kLeast || apart > kMost) return false;
  }
  return true;
}

bool Timeline::counter_goes_on() const {
  constexpr double kRate = 0.1;  // of what passed
  const auto& first = waiting_.front().piece;
  auto next = first.counter;
  double passed = 0;
  return std::all_of(waiting_.begin(), waiting_.end(), [&](const Waiting& w) {
    const double length = length_of(w.piece);
    const bool goes_on = w.piece.stamped && w.piece.timed && w.piece.counter && w.piece.counter == next &&
                         std::abs(seconds_between(first.time, w.piece.time) - passed) <= kRate * passed + length;
    next = locator_.next_counter(w.piece.counter, w.piece.n);
    passed += length;
    return goes_on;
  });
}

void Timeline::limit_waiting() {
  constexpr std::ptrdiff_t kOthers = 16;  // chains, mostly of a frame that agrees with nothing
  const auto others = [&] {
    return std::count_if(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(chain_),
                         [](const Waiting& w) { return w.head; });
  };
  while (others() > kOthers) {
    const auto [first, last] = std::minmax_element(
        waiting_.begin(), waiting_.end(), [](const Waiting& a, const Waiting& b) { return a.piece.time < b.piece.time; });
    const auto n = samples_of(waiting_.begin(), waiting_.end());
    if (!run_ && seconds_between(first->piece.time, end_of(last->piece).time) < period_s_ * static_cast<double>(n))
      return begin_at_another_rate();
    if (counter_goes_on()) return store_all_waiting();
    if (times_go_on()) return begin_at_another_rate();
    drop_front_of_waiting(end_of_chain(0));
  }
  const auto rows = static_cast<std::size_t>(samples_of(waiting_.begin(), waiting_.end()));
  if (waiting_.size() <= 4 || rows * n_channels_ <= kMaxWaiting) return;
  if (!waiting_.back().piece.stamped && run_) return take_waiting_by_count();
  if (chain_ > 0) return drop_front_of_waiting(chain_);
  believe_chain();
}

bool Timeline::drop_waiting(const Waiting& w, bool others_agree) {
  counters_.pending -= static_cast<std::uint64_t>(w.piece.n);
  const bool still = w.piece.still && !w.piece.timed && !stamps_.within_step(w.piece.n);
  // Not at a time that is taken, unless samples may be closer than the profile says.
  const auto late = [&] { return !others_agree || !clock_.settled() || is_late(w.piece); };
  // Also one that was ahead, of what is stored meanwhile.
  const auto passed = [&] {
    if (!run_ || !w.piece.timed || w.piece.counter || !others_agree) return false;
    const double behind_s = seconds_between(end_of(w.piece).time, end_of_run().time);
    return behind_s >= 0 && behind_s <= kLate * length_of(w.piece);
  };
  const bool is_behind = w.behind || passed();
  if (run_ && w.piece.stamped && (still || (is_behind && late())) &&
      plus_seconds(w.piece.time, kLate * period_s_) >= memory_.begin()) {
    Waiting own = w;
    own.piece.timed = true;
    if (place_behind_run(own.piece, events_).fit == Fit::Fits)
      append(own.piece, true);
    else if (still || !clock_.settled())
      begin_run(own.piece, w.events, {.reason = still ? GapReason::ClockStep : GapReason::OutOfOrder});
    else
      store_aside({&own, 1});
    return true;
  }
  if (run_ && !w.events.disconnected && w.piece.counter && w.piece.counter == next_counter_) {  // whatever its time
    append(w.piece, false);
    return true;
  }
  drop(w.behind ? Drop::Backward : Drop::BadTime, w.piece.n);
  events_.disconnected |= w.events.disconnected;
  events_.bad_data = true;
  return false;
}

std::size_t Timeline::end_of_chain(std::size_t from) const {
  const auto next = std::find_if(waiting_.begin() + static_cast<std::ptrdiff_t>(from) + 1, waiting_.end(),
                                 [](const Waiting& w) { return w.head; });
  return static_cast<std::size_t>(next - waiting_.begin());
}

bool Timeline::has_own_time(std::span<const Waiting> chain) {
  const auto timed = std::count_if(chain.begin(), chain.end(), [](const Waiting& w) { return w.piece.timed; });
  return timed >= 2 && chain.front().behind && chain.front().piece.timed && chain.front().piece.stamped;
}

bool Timeline::lies_before_head(std::span<const Waiting> chain) const {
  const auto& head = waiting_[chain_];
  const auto& first = chain.front();
  if (&first == &head || first.behind || chain_verdict_.reason == GapReason::ClockStep) return false;
  const auto can = [](const Waiting& w) { return w.piece.lies_by_time(); };
  if (!can(head) || !std::all_of(chain.begin(), chain.end(), can)) return false;
  const double tolerance = locator_.exact_tolerance_s();
  const double behind_run = run_ ? seconds_between(end_of_run().time, first.piece.time) : kLate * period_s_;
  const double before_head = seconds_between(end_of(chain.back().piece).time, head.piece.time);
  if (behind_run < -tolerance || before_head < -tolerance) return false;
  // One alone, far from all that others agree with, is a wild time.
  const double far = kLate * length_of(first.piece);
  return chain.size() > 1 || agreeing_ < 2 || first.events.disconnected || head.events.disconnected || before_head <= far ||
         (run_ && behind_run <= far);
}

std::int64_t Timeline::give_up_chain(std::span<const Waiting> chain, bool others_agree) {
  std::int64_t stored = 0;
  if (has_own_time(chain)) {
    for (const auto& w : chain) stored += w.piece.n;
    if (came_late(chain) && clock_.settled()) {
      for (const auto& w : chain) counters_.pending -= static_cast<std::uint64_t>(w.piece.n);
      store_aside(chain);
    } else {
      store_chain(chain, {.reason = came_late(chain) ? GapReason::OutOfOrder : GapReason::ClockStep});
    }
  } else {
    for (const auto& w : chain) stored += drop_waiting(w, others_agree) ? w.piece.n : 0;
  }
  return stored;
}

Timeline::Verdict Timeline::judge_behind_run(const Waiting& w) const {
  Events events = w.events;
  events.disconnected |= events_.disconnected;
  events.bad_data |= events_.bad_data;
  const Place place = place_behind_run(w.piece, events);
  if (place.fit == Fit::Fits) return {.follows = true};
  return judge(w.piece, place, events);
}

void Timeline::drop_front_of_waiting(std::size_t n) {
  const Events before = std::exchange(events_, {});
  std::int64_t stored = 0, set_back = 0;
  bool before_head = false;
  for (std::size_t i = 0; i < n;) {
    const std::span chain{waiting_.begin() + static_cast<std::ptrdiff_t>(i),
                          waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(n, end_of_chain(i)))};
    i += chain.size();
    if (lies_before_head(chain)) {
      const auto& first = chain.front();
      store_chain(chain, run_ ? judge_behind_run(first) : Verdict{});
      events_ = {};
      before_head = true;
      continue;
    }
    const auto rows = give_up_chain(chain, chain_verdict_.reason != GapReason::ClockStep && agreeing_ >= 2);
    stored += rows;
    if (has_own_time(chain)) set_back += rows;
  }
  auto& verdict = chain_verdict_;
  if (before_head) {
    verdict = judge_behind_run(waiting_[chain_]);
  } else if (stored > 0) {  // what is judged against the run before them is so no more
    verdict.on_line = verdict.fill = false;
    if (verdict.frames == std::numeric_limits<int>::max()) verdict.frames = 2;
  }
  // While the clock was set back samples came that are not missing, though it was set forward again.
  if (!before_head && set_back > 0 && verdict.missing >= set_back) {
    verdict.missing -= set_back;
    if (verdict.missing == 0) verdict.reason = GapReason::ClockStep;
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(n));
  chain_ -= n;
  waiting_.front().events.disconnected |= events_.disconnected;
  waiting_.front().events.bad_data |= events_.bad_data;
  events_ = before;
}

void Timeline::take_waiting_by_count() {
  for (const auto& w : take_out_waiting()) append(w.piece, !w.piece.stamped);
}

void Timeline::settle_waiting(const Piece& piece) {
  auto all = std::exchange(waiting_, {});
  std::vector<Waiting> early;
  for (std::size_t i = all.size(); i-- > 0;) {
    if (all[i].behind || !comes_behind(piece, all[i].piece)) continue;
    counters_.pending -= static_cast<std::uint64_t>(all[i].piece.n);
    if (i + 1 < all.size()) all[i + 1].head |= all[i].head;
    early.insert(early.begin(), all[i]);
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::vector<std::span<const Waiting>> chains;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == 0 || all[i].head) chains.emplace_back(&all[i], 0);
    chains.back() = {chains.back().data(), chains.back().size() + 1};
  }
  if (std::any_of(chains.begin(), chains.end(), has_own_time)) {  // the clock was set back, and is right again
    const bool late = std::all_of(chains.begin(), chains.end(), [&](const auto& chain) { return came_late(chain); });
    for (const auto& chain : chains) give_up_chain(chain, false);
    if (late && place_behind_run(piece, events_).fit == Fit::Fits)
      append(piece, true);
    else
      begin_run(piece, std::exchange(events_, {}), {.reason = late ? GapReason::OutOfOrder : GapReason::ClockStep});
  } else {
    append(piece, true);
    for (auto w : all) {
      if (w.piece.still && !stamps_.within_step(w.piece.n)) w.piece.timed = true;  // it has that time too
      if (place_behind_run(w.piece, events_).fit == Fit::Fits) {
        counters_.pending -= static_cast<std::uint64_t>(w.piece.n);
        append(w.piece, true);
      } else if (may_lie_behind_gap(w)) {
        counters_.pending -= static_cast<std::uint64_t>(w.piece.n);
        early.push_back(w);
      } else {
        drop_waiting(w, true);
      }
    }
    events_ = {};  // a sample is stored behind all of it
  }
  for (const auto& w : early) {
    events_ = w.events;
    consider(w.piece);
  }
}

void Timeline::store_chain(std::span<const Waiting> chain, Verdict verdict) {
  give_out();
  const Events later = std::exchange(events_, {});
  for (const auto& w : chain) {
    counters_.pending -= static_cast<std::uint64_t>(w.piece.n);
    if (&w == &chain.front()) {
      if (verdict.reason != GapReason::ClockStep) verdict.reason = reason_of(w.events);
      if (verdict.follows)
        append(w.piece, true);
      else
        begin_run(w.piece, w.events, verdict);
      continue;
    }
    events_ = w.events;
    const Place place = place_behind_run(w.piece, events_);
    if (w.follows || place.fit == Fit::Fits)
      append(w.piece, true);
    else
      begin_run(w.piece, w.events, judge(w.piece, place, w.events));
  }
  events_ = later;
}

void Timeline::store_all_waiting() {
  Verdict verdict{.reason = GapReason::NoData};
  if (run_) {
    const Place place = place_behind_run(waiting_.front().piece, waiting_.front().events);
    verdict = {.reason = GapReason::ClockStep, .missing = place.counted ? place.missing : 0};
  }
  chain_ = 0;
  store_chain(std::exchange(waiting_, {}), verdict);
}

std::size_t Timeline::date_by_counter() {
  std::size_t first = chain_;
  for (; first > 0; --first) {
    const auto& next = waiting_[first].piece;
    auto& piece = waiting_[first - 1].piece;
    if (!piece.counter || !next.counter || !piece.stamped || locator_.next_counter(piece.counter, piece.n) != next.counter) break;
    piece.time = plus_seconds(next.time, -static_cast<double>(piece.n) * period_s_);
    piece.timed = piece.vague = false;
    waiting_[first - 1].behind = false;
  }
  return first;
}

void Timeline::believe_chain() {
  give_out();
  if (run_ && chain_ > 0 && clock_.settled() && chain_verdict_.missing == 0 && waiting_[chain_].behind &&
      came_late(std::span{waiting_}.subspan(chain_)))
    return store_late_chain();
  if (chain_ > 0 && !run_ && counter_goes_on()) return store_all_waiting();
  // Before the rate is known, what agrees with nothing may be whole, and others missing beside it.
  if (chain_ > 0 && (!run_ || !clock_.settled()) && times_go_on()) return begin_at_another_rate();
  sort_into_chain();
  const std::size_t first = run_ ? chain_ : date_by_counter();
  if (first > 0) drop_front_of_waiting(first);
  if (chain_ > 0) return store_all_waiting();
  store_chain(std::exchange(waiting_, {}), chain_verdict_);
}

}  // namespace daq::timing
