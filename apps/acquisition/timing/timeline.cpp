#include "acquisition/timing/timeline.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "acquisition/decode/calendar.hpp"

namespace daq::timing {
namespace {

using decode::TimeKind;

bool is_stamp(TimeKind kind) { return kind == TimeKind::Gps || kind == TimeKind::Device; }

}  // namespace

Timeline::Timeline(const Options& options, std::size_t n_channels, Sink& sink)
    : options_{options},
      n_channels_{n_channels},
      period_s_{1 / options.sample_rate},
      max_fill_{
          static_cast<std::int64_t>(mth5::samples_between({}, mth5::UtcNanos{options.fill_up_to}, options.sample_rate) + 1e-6)},
      sink_{sink},
      stamps_{options.sample_rate, options.stamp_resolution},
      rate_told_{options.sample_rate},
      locator_{options},
      clock_{options},
      stays_late_{locator_.least_arrival_tolerance_s(), seconds(options.window), 1 / options.sample_rate},
      memory_{options.remember, n_channels, options.stored_as},
      anchors_{options.sample_rate, sink} {
  // Times of arrival of what is played back are those of the playing: which UTC its samples have is not known.
  if (!options.live) clock_.host_clock(std::numeric_limits<double>::infinity());
}

void Timeline::end_of_batch() {
  give_out();
  const auto inside = [&](const double* p) {
    return !waiting_values_.empty() && p >= waiting_values_.data() && p < waiting_values_.data() + waiting_values_.size();
  };
  if (std::all_of(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return inside(w.piece.values); })) return;
  std::vector<double> kept;
  for (const auto& w : waiting_)
    kept.insert(kept.end(), w.piece.values, w.piece.values + static_cast<std::size_t>(w.piece.n) * n_channels_);
  waiting_values_ = std::move(kept);
  const double* p = waiting_values_.data();
  for (auto& w : waiting_) {
    w.piece.values = p;
    p += static_cast<std::size_t>(w.piece.n) * n_channels_;
  }
}

void Timeline::disconnected() { events_.disconnected = true; }

void Timeline::finish() {
  while (!waiting_.empty()) {  // behind what is stored, the rest may wait once more
    if (chain_verdict_.turns > 0) {
      believe_turns();
      continue;
    }
    if (chain_ > 0 && waiting_[chain_].piece.vague) time_by_own_steps(waiting_.size());
    // Two that agree on a clock that was set, or one that lies where others are, have their own time; one or more far ahead that
    // agree with nothing lie where their number says.
    const bool apart = agreeing_ >= 2 || std::any_of(waiting_.begin(), waiting_.end(),
                                                     [](const Waiting& w) { return w.events.disconnected || w.behind; });
    const bool by_count = run_ && waiting_[chain_].piece.vague && chain_ == 0 && follows_within_step(waiting_[0].piece);
    if (chain_ > 1 && times_go_on())
      store_all_waiting();
    else if (run_ && (by_count || !waiting_.back().piece.stamped || (!apart && chain_verdict_.frames > 2)))
      take_waiting_by_count();
    else
      believe_chain();
  }
  give_out();
  block_ = {};
  anchors_.end_of_run();
  if (lost_ && run_) {
    const Gap rest = gap(GapReason::RingFull, 0);
    sink_.gap(rest);
    count_gap(rest);
    stored_end_ = clock_.utc(clock_.position());
    lost_ = false;
    owed_ = 0;
  }
  run_.reset();
  next_counter_.reset();
}

std::optional<ledger::ClockNow> Timeline::clock_now() const {
  if (!run_) return std::nullopt;
  return ledger::ClockNow{.source = decode::to_string(kind_),
                          .ppm = clock_.ppm(),
                          .residual_s = clock_.residual_s(),
                          .uncertainty_s = clock_.uncertainty_s(),
                          .locked = clock_.locked(),
                          .why_not = clock_.why_not_locked()};
}

std::optional<mth5::UtcNanos> Timeline::last_time() const {
  if (!waiting_.empty()) {
    const auto& piece = waiting_.back().piece;
    return mth5::sample_time(piece.time, options_.sample_rate, piece.n - 1);
  }
  if (run_) return axis(run_->n - 1);
  return std::nullopt;
}

// ---- Where a frame lies ----

Piece Timeline::read(const decode::Frame& frame, const double* values) {
  Piece piece{.n = frame.n_samples,
              .values = values,
              .kind = frame.kind,
              .stamped = is_stamp(frame.kind),
              .time = frame.time,
              .counter = frame.counter,
              .arrival = frame.arrival};
  if (piece.stamped) {
    if (options_.not_before) piece.time = decode::unroll_gps_week(piece.time, *options_.not_before);
    const auto learnt = stamps_.take(frame, piece.time, run_.has_value());
    if (learnt != Stamps::Learnt::Nothing) cut_stamps(frame.n_samples);
    if (learnt == Stamps::Learnt::Repeats) {  // what waits is dated from here
      for (auto i = chain_; i < waiting_.size(); ++i) {
        waiting_[i].piece.timed = false;
        waiting_[i].piece.vague = i == chain_;
      }
    }
    const bool moved_on = piece.counter && told_counter_ &&
                          locator_.counter_ahead({.counter = told_counter_, .last_n = piece.n}, *piece.counter) >= 0;
    rate_told_.add(piece.time, piece.n, stamps_.step_s(), piece.counter.has_value(),
                   !piece.counter || !told_counter_ || piece.counter == told_counter_);
    told_counter_ = locator_.next_counter(piece.counter, piece.n);
    if (locator_.is_tight() && stamps_.step_s() < locator_.exact_tolerance_s()) {
      scatter_.add(piece.time, piece.n);
      locator_.widen_stamps(scatter_.most_s());
    }
    piece.still = stamps_.still();
    if (stamps_.within_step(piece.n)) {
      piece.timed = stamps_.steps();
      piece.vague = !piece.still && !piece.timed;
    } else if (piece.still && moved_on) {
      piece.timed = false;  // the instrument's clock stands, or it does not know the time yet: the counter tells
    }
    return piece;
  }
  if (!piece.stamped) {
    const double pause_s = last_arrival_ ? seconds_between(*last_arrival_, piece.arrival) - length_of(piece) : 0;
    const bool follows = piece.counter && told_counter_ && piece.counter == told_counter_;
    piece.turns = !follows || events_.disconnected || events_.bad_data || pause_s >= locator_.turn(piece.n) * period_s_ / 2;
    told_counter_ = locator_.next_counter(piece.counter, piece.n);
    last_arrival_ = piece.arrival;
  }
  if (frame.kind == TimeKind::None) piece.time = frame.arrival;
  piece.time = plus_seconds(piece.time, -seconds(options_.delay) - static_cast<double>(piece.n - 1) * period_s_);
  // Between stamps it lies where its number says; and when a recording is played back tells nothing of when its samples were
  // taken.
  piece.timed = !(run_ && (clock_.stamped() || !options_.live));
  return piece;
}

bool Timeline::jumps_within_step(const Piece& piece) const {
  if (!run_ || !waiting_.empty() || !piece.stamped || !stamps_.within_step(piece.n)) return false;
  const Place place = place_behind_run(piece, events_);
  if (place.fit == Fit::Fits) return !place.counted && lost_within_step(piece);
  return !place.counted || place.clock_set;
}

bool Timeline::lost_within_step(const Piece& piece) const {
  const auto end = end_of_run();
  if (!piece.counter || !end.counter || !piece.timed) return false;
  const double lost_s = locator_.counter_ahead(end, *piece.counter) * end.seconds_per_sample;
  return lost_s > 0 && seconds_between(piece.time, end.time) + lost_s <= stamps_.step_s() + locator_.tolerance_s(piece);
}

bool Timeline::follows_within_step(const Piece& piece) const {
  const double within = seconds_between(piece.time, clock_.utc(clock_.position())), slack = locator_.tolerance_s(piece);
  return within >= -slack && within <= stamps_.step_s() + slack;
}

bool Timeline::slips(const Piece& piece) const { return piece.lies_by_time() && stamps_.is_step(piece.n); }

bool Timeline::may_change_places(const Place& place, const Piece& piece) const {
  return fits_as_cut(place, piece) && slips(piece) && stamps_.skips();
}

void Timeline::cut_stamps(std::int64_t n_samples) {
  locator_.cut_stamps(stamps_.step(), n_samples);
  // Where frames come within a step, the first of each tells it to a frame.
  clock_.cut_stamps(std::min(stamps_.step(), mth5::Nanos{std::llround(1e9 * static_cast<double>(n_samples) * period_s_)}));
}

Piece Timeline::behind(const Piece& piece, std::int64_t n) const {
  Piece rest = piece;
  rest.n -= n;
  rest.values += static_cast<std::size_t>(n) * n_channels_;
  rest.time = plus_seconds(piece.time, static_cast<double>(n) * clock_.seconds_per_sample());
  rest.counter = options_.samples_per_count == 0 ? std::nullopt : locator_.next_counter(piece.counter, n);
  return rest;
}

End Timeline::end_of_run() const { return {clock_.utc(clock_.position()), clock_.seconds_per_sample(), next_counter_, last_n_}; }

End Timeline::end_of(const Piece& piece) const {
  const double spacing = clock_.seconds_per_sample();
  return {plus_seconds(piece.time, static_cast<double>(piece.n) * spacing), spacing,
          locator_.next_counter(piece.counter, piece.n), piece.n};
}

Place Timeline::place_behind_run(const Piece& piece, const Events& events) const {
  Place place = locator_.place(end_of_run(), piece);
  const double lost_s = static_cast<double>(place.missing) * clock_.seconds_per_sample();
  if (place.fit == Fit::Ahead && place.counted && place.clock_set && place.ahead_s > lost_s &&
      (events.disconnected || (options_.live && arrivals_.pause_s(piece.arrival) > (place.ahead_s + lost_s) / 2))) {
    // Nothing came for as long as its time says: it may have begun anew, and have counted further than before.
    Piece by_time = piece;
    by_time.counter.reset();
    place = locator_.place(end_of_run(), by_time);
  }
  if (piece.timed && piece.stamped != clock_.stamped()) {  // the first stamp behind arrivals
    place.fit = place.ahead_s >= 0 ? Fit::Ahead : Fit::Behind;
    place.clock_set = true;
    place.turns = 0;
  } else if (events.disconnected && piece.timed && !piece.stamped && !place.counted) {
    // What was lost while nobody listened is known by arrivals only, and those count from the middle of their delays.
    place.fit = Fit::Ahead;
    place.missing = std::max<std::int64_t>(0, std::llround((place.ahead_s - clock_.scatter_s()) / clock_.seconds_per_sample()));
  } else if (place.fit == Fit::Fits && piece.timed && !piece.stamped && !piece.counter && stays_late_.least_s() > 0) {
    place.fit = Fit::Ahead;
    place.missing = std::llround(stays_late_.least_s() / clock_.seconds_per_sample());
  } else if (fits_as_cut(place, piece)) {
    // Nothing came meanwhile, or the clock slipped not long ago.
    const auto position = clock_.position();
    const bool slipped =
        slips(piece) && slips_.beyond(position, clock_.beyond_axis(position, piece.time)) > 1.75 * stamps_.step_s();
    tell_loss_within_step(place, piece,
                          slipped || told_loss(events) || (options_.live && arrivals_.paused(piece.arrival, place.ahead_s)));
  }
  return place;
}

bool Timeline::fits_as_cut(const Place& place, const Piece& piece) const {
  return place.fit == Fit::Fits && piece.lies_by_time() && place.ahead_s > locator_.exact_tolerance_s() &&
         !stamps_.within_step(piece.n);
}

void Timeline::tell_loss_within_step(Place& place, const Piece& piece, bool lost) const {
  if (!lost || !fits_as_cut(place, piece)) return;
  place.missing = std::llround(place.ahead_s / clock_.seconds_per_sample());
  if (place.missing > 0) place.fit = Fit::Ahead;
}

GapReason Timeline::reason_of(const Events& events) {
  return events.disconnected ? GapReason::Disconnected : events.bad_data ? GapReason::BadData : GapReason::NoData;
}

Timeline::Verdict Timeline::judge(const Piece& piece, const Place& place, const Events& events) const {
  constexpr int kStep = 3;
  if (fits_as_cut(place, piece)) return {.follows = true};
  const Verdict set{
      .reason = GapReason::ClockStep, .missing = place.counted && place.clock_set ? place.missing : 0, .frames = kStep};
  if (place.fit == Fit::Behind) return set;
  const auto paused = [&] {
    return events.disconnected || !options_.live ? 0 : std::llround(arrivals_.pause_s(piece.arrival) / period_s_);
  };
  Verdict verdict{.reason = reason_of(events), .missing = place.missing, .skipped = place.missing};
  if (place.ahead_s > seconds(options_.longest_gap)) {
    verdict = set;
    if (!place.counted) verdict.missing = paused();
    return verdict;
  }
  if (place.clock_set) return set;
  if (!piece.stamped) {
    verdict.frames = events.disconnected || stays_late_.least_s() > 0 ? 1 : place.counted ? 2 : kStep;
    verdict.on_line = place.counted || !piece.timed;
    verdict.fill = place.counted && place.missing > 0 && place.missing <= max_fill_;  // arrivals tell no length to a sample
    if (!events.disconnected) verdict.turns = place.turns;
    return verdict;
  }
  if (!events.disconnected && !place.counted && piece.timed) {
    const auto flowed = options_.live ? arrivals_.flowed(piece.arrival, piece.time, place.ahead_s) : std::nullopt;
    const bool locked_now = kind_ == TimeKind::Device && piece.kind == TimeKind::Gps && !events.bad_data;
    if (flowed.value_or(locked_now)) {
      verdict = set;
      verdict.missing = paused();
      return verdict;
    }
  }
  if (place.missing == 0) {  // the grid moved
    verdict = set;
    verdict.frames = 2;
    return verdict;
  }
  const double off = std::abs(place.ahead_s - static_cast<double>(place.missing) * clock_.seconds_per_sample());
  // The line is not drawn on further than it is known: behind a long silence the new times are right.
  const double beyond = std::min(1e-6 * place.ahead_s, kept_s(options_.sample_rate));
  // Where the counter says the same as a time that is cut, the line knows better than that where its first sample lies.
  const double cut = place.counted ? locator_.cut_late_s() : 0;
  verdict.on_line = !piece.timed || off <= 4 * clock_.scatter_s() + beyond + cut + 1e-6;
  verdict.fill = place.missing <= max_fill_ && place.on_grid;
  const auto taken = memory_.taken_s(clock_.utc(clock_.position()), piece.time);
  verdict.missing = std::max<std::int64_t>(0, place.missing - std::llround(taken / clock_.seconds_per_sample()));
  return verdict;
}

// ---- What follows from it ----

void Timeline::push(const decode::Frame& frame, const double* values) {
  if (frame.n_samples == 0) return;
  counters_.decoded += frame.n_samples;
  if (frame.after_skip) events_.bad_data = true;
  Piece piece = read(frame, values);
  if (!piece.stamped && std::exchange(host_set_, false) && run_ && !clock_.stamped()) {
    if (!waiting_.empty() && chain_verdict_.turns > 0) believe_turns();
    take_waiting_by_count();  // it came before
    return begin_run(piece, std::exchange(events_, {}), {.reason = GapReason::ClockStep});
  }
  if (piece.stamped) take_rate();
  if (repeat_ && go_on_with_repeat(piece)) return;
  if (piece.stamped && !piece.counter && stamps_.within_step(piece.n)) {
    // Behind a disconnect what has the same cut time may have been sent before, or much of it may be missing.
    const bool anew = events_.disconnected && run_ && !piece.timed && waiting_.empty();
    piece.vague |= may_be_repeat(piece) || anew;
  }
  if (jumps_within_step(piece)) {
    piece.timed = false;
    piece.vague = true;
  }
  const auto follows = [&] {
    const Place place = place_behind_run(piece, events_);
    return place.fit == Fit::Fits && !may_change_places(place, piece);
  };
  if (run_ && waiting_.empty() && !piece.vague && follows() &&
      (!piece.stamped || !piece.timed ||
       plus_seconds(piece.time, locator_.exact_tolerance_s()) >= std::max(memory_.front(), end_of_run().time)))
    return append(piece, true);
  consider(piece);
}

void Timeline::consider(Piece piece) {
  give_out();  // what is stored must be known
  if (const auto known = known_rows(piece); known > 0) {
    drop(Drop::Duplicate, known);
    if (known == piece.n) return;
    piece = behind(piece, known);
  }
  if (!waiting_.empty()) return consider_with_waiting(piece);
  if (!run_) {
    if (piece.stamped) return wait(piece, false, false);
    return begin_run(piece, std::exchange(events_, {}), {});
  }
  const Place place = place_behind_run(piece, events_);
  if (place.fit == Fit::Fits && !piece.vague && !may_change_places(place, piece)) return append(piece, true);
  if (stands_still(piece)) piece.timed = false;
  const Verdict verdict = judge(piece, place, events_);
  if (verdict.frames == 1 && !piece.vague) return begin_run(piece, std::exchange(events_, {}), verdict);
  wait(piece, false, false);
}

// ---- Giving out ----

void Timeline::follow(const Piece& piece, bool believe_time) {
  const bool timed = believe_time && piece.timed;
  if (timed && !piece.stamped && !piece.counter)
    stays_late_.add(seconds_between(clock_.utc(clock_.position()), piece.time), clock_.scatter_s(), piece.arrival);
  if (timed && slips(piece)) slips_.add(clock_.position(), clock_.beyond_axis(clock_.position(), piece.time));
  clock_.add(piece.n, timed ? std::optional{piece.time} : std::nullopt);
  if (timed && piece.stamped) arrivals_.add(piece.arrival, piece.time, static_cast<double>(piece.n) * period_s_);
  if (!piece.stamped) locator_.widen_arrivals(clock_.scatter_s());
  if (piece.stamped && options_.reanchor_after.count() > 0) {
    // A step that would move the axis so far is one at once, and no line that is pulled over eight frames.
    constexpr double kNoJitter = 6;  // standard deviations
    locator_.narrow_stamps(clock_.settled() ? std::max(seconds(options_.reanchor_after), kNoJitter * clock_.scatter_s())
                                            : locator_.exact_tolerance_s());
  }
  next_counter_ = locator_.next_counter(piece.counter, piece.n);
  last_n_ = piece.n;
  repeat_.reset();
  looks_repeated_ = false;
  kind_ = piece.kind;
  events_ = {};
}

void Timeline::append(const Piece& piece, bool believe_time) {
  if (options_.reanchor_after.count() > 0) reanchor();
  if (block_.n != 0 && block_.values + static_cast<std::size_t>(block_.n) * n_channels_ == piece.values) {
    block_.n += piece.n;
  } else {
    const bool cut = block_.n == 0 && block_.new_run;  // by reanchor()
    if (!cut) {
      give_out();
      if (lost_) anchors_.end_of_run();
      block_ = {.start = lost_ ? clock_.utc(clock_.position()) : axis(run_->n), .new_run = lost_};
      if (lost_) block_.gap = gap(reason_of(events_), 0);
    }
    block_.values = piece.values;
    block_.n = piece.n;
    block_position_ = clock_.position();
  }
  run_->n += piece.n;
  follow(piece, believe_time);
  // Not only when the block goes out, which may be an hour of a recording: by then the line is another.
  const auto passed = clock_.position() - noted_;
  if (passed < 0 || passed >= std::min<std::int64_t>(8 * piece.n, 1 + static_cast<std::int64_t>(options_.sample_rate)))
    note_anchors();
}

void Timeline::reanchor() {
  if (lost_ || !clock_.settled() || clock_.in_doubt()) return;
  const auto now = clock_.utc(clock_.position());
  if (std::abs(seconds_between(axis(run_->n), now)) <= seconds(options_.reanchor_after)) return;
  give_out();
  if (lost_) return;
  anchors_.end_of_run();
  block_ = {.start = now, .new_run = true, .gap = gap(GapReason::ClockDrift, 0)};
  run_ = Run{now, 0, clock_.position()};
}

void Timeline::begin_run(const Piece& piece, const Events& events, const Verdict& verdict) {
  give_out();
  const bool goes_on = run_ && !lost_ && !block_.new_run;  // else a run of its own was stored meanwhile
  if (goes_on && verdict.fill) return fill_and_append(piece, verdict);
  anchors_.end_of_run();
  block_ = {.values = piece.values, .n = piece.n, .new_run = true};
  // Where all that lies between is stored already there is no gap.
  const bool elsewhere = verdict.reason == GapReason::ClockStep || verdict.reason == GapReason::OutOfOrder;
  const bool told = verdict.missing > 0 || lost_ || elsewhere || events.disconnected;
  if (stored_end_ && run_ && told) block_.gap = gap(verdict.reason, verdict.missing);
  if (stored_end_ && !run_) {
    const double between = seconds_between(*stored_end_, piece.time) / period_s_;
    block_.gap = gap(reason_of(events), std::max<std::int64_t>(0, std::llround(between)));
  }
  if (run_ && verdict.on_line) {
    clock_.skip(verdict.skipped);
  } else {
    clock_.restart(piece.time, piece.stamped);
    slips_.restart();
    stays_late_.restart();
    if (elsewhere) arrivals_.restart();
  }
  block_.start = piece.timed && piece.stamped ? piece.time : clock_.utc(clock_.position());
  block_position_ = clock_.position();
  run_ = Run{block_.start, piece.n, block_position_};
  follow(piece, true);
}

void Timeline::fill_and_append(const Piece& piece, const Verdict& verdict) {
  const auto fill = static_cast<std::size_t>(verdict.skipped) * n_channels_;
  const auto own = static_cast<std::size_t>(piece.n) * n_channels_;
  fill_values_.assign(fill, std::numeric_limits<double>::quiet_NaN());
  fill_values_.insert(fill_values_.end(), piece.values, piece.values + own);
  block_ = {.start = axis(run_->n),
            .values = fill_values_.data(),
            .n = verdict.skipped + piece.n,
            .n_filled = verdict.skipped,
            .gap = gap(verdict.reason, verdict.skipped)};
  block_.gap->filled = true;
  run_->n += block_.n;
  if (verdict.on_line) {
    clock_.skip(verdict.skipped);
  } else {
    anchors_.end_of_line(run_->n - piece.n);
    clock_.restart(piece.time, piece.stamped);
    slips_.restart();
    run_->position = piece.n - run_->n;  // where its sample 0 would be by the clock that begins with this frame
  }
  block_position_ = clock_.position() - verdict.skipped;
  follow(piece, true);
}

void Timeline::note_anchors() {
  const auto first = block_.new_run ? block_position_ : run_->position;
  anchors_.note(clock_, first, clock_.position() - 1 - first, kind_);
  noted_ = clock_.position();
}

void Timeline::give_out() {
  if (block_.n == 0) return;
  note_anchors();
  const Block block = std::exchange(block_, {});
  const auto end = clock_.utc(block_position_ + block.n);
  if (!stored_end_) stored_end_ = block.start;
  if (!store(block, {clock_.utc(block_position_ + block.n_filled), end})) return;
  if (block.new_run) run_ = Run{block.start, block.n, block_position_};
  stored_end_ = end;
}

bool Timeline::store(const Block& block, Interval own) {
  const std::int64_t n_own = block.n - block.n_filled;
  if (!sink_.samples(block)) {
    drop(Drop::RingFull, n_own);
    owed_ = (block.gap ? block.gap->n_samples : owed_) + n_own;
    lost_ = true;
    anchors_.refused();
    return false;
  }
  if (block.gap) count_gap(*block.gap);
  counters_.passed += static_cast<std::uint64_t>(n_own);
  counters_.filled += static_cast<std::uint64_t>(block.n_filled);
  lost_ = false;
  owed_ = 0;
  memory_.add(own.start, own.end, block.values + static_cast<std::size_t>(block.n_filled) * n_channels_, n_own, period_s_ / 8);
  anchors_.stored();
  return true;
}

void Timeline::count_gap(const Gap& gap) {
  ++counters_.gaps;
  counters_.missing += static_cast<std::uint64_t>(gap.n_samples);
}

Gap Timeline::gap(GapReason reason, std::int64_t missing) const {
  return {*stored_end_, owed_ + missing, lost_ ? GapReason::RingFull : reason, false};
}

mth5::UtcNanos Timeline::axis(std::int64_t index) const { return mth5::sample_time(run_->start, options_.sample_rate, index); }

}  // namespace daq::timing
