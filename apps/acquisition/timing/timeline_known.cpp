#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "acquisition/timing/timeline.hpp"

/// What is sent again.
namespace daq::timing {

namespace {

constexpr double kByOrder = 1.5;  ///< tolerances: those of the times, and of the clock when they were stored

}  // namespace

std::int64_t Timeline::rows_waiting(const Piece& piece) const {
  for (const auto& w : waiting_) {
    if (piece.counter && piece.counter == w.piece.counter && piece.n == w.piece.n &&
        std::memcmp(w.piece.values, piece.values, static_cast<std::size_t>(piece.n) * n_channels_ * sizeof(double)) == 0)
      return piece.n;
    if (!piece.stamped || !piece.timed || !w.piece.timed) continue;
    const double ahead = seconds_between(w.piece.time, piece.time) / clock_.seconds_per_sample();
    const double row = std::round(ahead);
    if (row < 0 || row >= static_cast<double>(w.piece.n) || std::abs(ahead - row) * period_s_ > locator_.tolerance_s(piece))
      continue;
    const auto first = static_cast<std::int64_t>(row);
    const auto n = std::min(w.piece.n - first, piece.n);
    if (std::memcmp(w.piece.values + static_cast<std::size_t>(first) * n_channels_, piece.values,
                    static_cast<std::size_t>(n) * n_channels_ * sizeof(double)) == 0)
      return n;
  }
  return 0;
}

std::int64_t Timeline::known_rows(const Piece& piece) {
  if (const auto waits = rows_waiting(piece); waits > 0) return waits;
  if (run_ && piece.counter && next_counter_) {
    const auto back = -static_cast<std::int64_t>(locator_.counter_ahead(end_of_run(), *piece.counter));
    if (back == 0 && locator_.place(end_of_run(), piece).fit == Fit::Fits) return 0;
    if (back > 0 && back <= memory_.rows() && (piece.stamped || back <= last_n_ * kLate))
      if (const auto known = rows_from(memory_.rows() - back, piece); known > 0) return known;
  }
  if (!piece.stamped || !piece.timed) return 0;
  if (times_are_vague(piece)) return rows_by_order(piece);
  std::int64_t known = 0;
  const double spacing = clock_.seconds_per_sample();
  const auto row_is_known = [&] {
    return memory_.has(plus_seconds(piece.time, static_cast<double>(known) * spacing),
                       piece.values + static_cast<std::size_t>(known) * n_channels_, locator_.tolerance_s(piece));
  };
  while (known < piece.n && row_is_known()) ++known;
  return known;
}

std::int64_t Timeline::rows_from(std::int64_t row, const Piece& piece) const {
  const bool in_step = stamps_.within_step(piece.n) && !piece.timed;
  const double slack = (times_are_vague(piece) ? kByOrder : 1) * locator_.tolerance_s(piece) + memory_.unsure_s(piece.time);
  std::int64_t n = 0;
  for (; n < piece.n && memory_.is(row + n, piece.values + static_cast<std::size_t>(n) * n_channels_); ++n) {
    const auto time = memory_.time_of(row + n);
    if (!time) break;
    const double late = seconds_between(piece.time, *time) - static_cast<double>(n) * clock_.seconds_per_sample();
    if (piece.stamped && (late < -slack || late > slack + (in_step ? stamps_.step_s() : 0))) break;
  }
  return n;
}

bool Timeline::times_are_vague(const Piece& piece) const {
  constexpr double kHalf = 0.5 + 1e-6;  // samples
  return locator_.tolerance_s(piece) + memory_.unsure_s(piece.time) > kHalf * period_s_;
}

std::int64_t Timeline::rows_by_order(const Piece& piece) {
  const double spacing = clock_.seconds_per_sample(), tolerance = locator_.tolerance_s(piece);
  const bool within_step = stamps_.within_step(piece.n);
  std::vector<Memory::Row> rows;
  const auto add_rows = [&](const Piece& of) {
    for (std::int64_t i = 0; i < of.n; ++i)
      rows.push_back(
          {plus_seconds(of.time, static_cast<double>(i) * spacing), of.values + static_cast<std::size_t>(i) * n_channels_});
  };
  // Behind the last one that waits and has a time of its own, where this one follows it.
  std::size_t from = waiting_.size();
  if (!waiting_.empty() && !piece.still) {
    time_vague_ones(piece);
    while (from > chain_ && !waiting_[--from].piece.timed) continue;
    const auto& first = waiting_[from].piece;
    if (!first.stamped || !first.timed || locator_.place(end_of(waiting_.back().piece), piece).fit != Fit::Fits)
      from = waiting_.size();
  }
  for (auto i = from; i < waiting_.size(); ++i) add_rows(waiting_[i].piece);
  add_rows(piece);
  if (rows.size() > 1) {
    const auto found = memory_.find_all(rows, kByOrder * tolerance);
    if (found.n > 0) {
      const auto next = found.first + static_cast<std::int64_t>(found.n);
      const auto known = drop_known_waiting(from, static_cast<std::int64_t>(found.n), next);
      if (found.n == rows.size()) repeat_ = next;
      return known;
    }
  }
  if (piece.n > 1 || within_step) return 0;
  const auto last = memory_.rows() - 1;
  constexpr double kSure = 0.05;  // samples
  const auto first = piece.still && waiting_.empty() && memory_.is(last, piece.values)
                         ? std::optional{last}
                         : memory_.find_one_of(piece.time, piece.values, tolerance, kSure * period_s_);
  if (!first) return 0;
  repeat_ = *first + 1;
  return 1;
}

std::int64_t Timeline::drop_known_waiting(std::size_t from, std::int64_t n, std::int64_t next) {
  alike_ -= std::exchange(looks_repeated_, false) ? 1 : 0;
  if (from == waiting_.size()) return n;
  auto behind_known = from;
  for (; behind_known < waiting_.size() && n > 0; ++behind_known) {
    auto& w = waiting_[behind_known];
    const auto known = std::min(n, w.piece.n);
    n -= known;
    counters_.pending -= static_cast<std::uint64_t>(known);
    drop(Drop::Duplicate, known);
    if (known < w.piece.n) {
      w.piece = behind(w.piece, known);
      break;
    }
    const auto before = std::exchange(w.events, {});
    auto& after = behind_known + 1 < waiting_.size() ? waiting_[behind_known + 1].events : events_;
    after.disconnected |= before.disconnected;
    after.bad_data |= before.bad_data;
  }
  const bool rest = behind_known < waiting_.size();
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(from),
                 waiting_.begin() + static_cast<std::ptrdiff_t>(behind_known));
  if (rest && from == 0 && run_ && next == memory_.rows()) {
    take_waiting_by_count();
    return n;
  }
  if (rest) waiting_[from].head = true;
  chain_ = 0;
  for (std::size_t i = 0; i < waiting_.size(); ++i)
    if (waiting_[i].head) chain_ = i;
  if (run_ && !waiting_.empty()) {
    const auto& head = waiting_[chain_];
    chain_verdict_ = judge(head.piece, place_behind_run(head.piece, head.events), head.events);
  }
  const auto tells = [](const Waiting& w) { return w.piece.timed || w.piece.counter || w.piece.vague; };
  agreeing_ = static_cast<int>(std::count_if(waiting_.begin() + static_cast<std::ptrdiff_t>(chain_), waiting_.end(), tells));
  return n;
}

bool Timeline::may_be_repeat(const Piece& piece) {
  constexpr std::size_t kMost = 4096;  // frames
  constexpr int kMostAlike = 4;
  if (piece.timed) step_hashes_.clear();
  const auto hash = memory_.hash(piece.values);
  const bool before = std::find(step_hashes_.begin(), step_hashes_.end(), hash) != step_hashes_.end();
  if (step_hashes_.size() < kMost) step_hashes_.push_back(hash);
  if (!before || !run_ || !waiting_.empty() || piece.timed || piece.vague || alike_ >= kMostAlike) return false;
  ++alike_;
  return looks_repeated_ = true;
}

bool Timeline::go_on_with_repeat(Piece& piece) {
  if (!piece.stamped) return repeat_.reset(), false;
  const auto known = rows_from(*repeat_, piece);
  *repeat_ += known;
  drop(Drop::Duplicate, known);
  if (known == piece.n) return true;
  if (known > 0) piece = behind(piece, known);
  const bool at_end = run_ && repeat_ == memory_.rows();
  repeat_.reset();
  if (!stamps_.within_step(piece.n) || piece.timed) return false;
  if (!at_end) {  // it lies where the next time that is exact says
    piece.vague = true;
  } else if (!waiting_.empty()) {  // behind the run
    settle_waiting(piece);
    return true;
  }
  return false;
}

}  // namespace daq::timing
