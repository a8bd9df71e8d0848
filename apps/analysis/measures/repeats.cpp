#include "analysis/measures/repeats.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/nan.hpp"

namespace analysis {

namespace {

constexpr std::int64_t kRow = 3;  ///< equal samples that are no chance
constexpr double kSharp = 3;      ///< smallest steps
constexpr std::int64_t kLong = 10;
constexpr double kOneStep = 20;  ///< usual ones: what is entered by that was not come near to before

}  // namespace

void Repeats::note(Extreme& extreme, bool better, const Extreme& other) {
  if (!other.any) return;
  if (!extreme.any || better) {
    extreme = other;
  } else if (other.value == extreme.value) {
    extreme.n += other.n;
    extreme.jump = std::max(extreme.jump, other.jump);
    extreme.n_long += other.n_long;
    extreme.least = std::min(extreme.least, other.least);
  }
}

void Repeats::note(const Row& row) {
  const bool longer = row.n > longest_.n || (row.n == longest_.n && row.start < longest_.start);
  next_longest_ = std::max(next_longest_, longer ? longest_.n : row.n);
  if (longer) longest_ = row;
}

void Repeats::close(const Open& row) {
  note(row);
  Extreme seen{row.n >= kRow ? row.n : 0, row.value, row.n >= kRow ? row.jump : 0, true};
  if (is_long(row.n)) seen.n_long = row.n, seen.least = row.least;
  note(top_, row.value > top_.value, seen);
  note(bottom_, row.value < bottom_.value, seen);
}

void Repeats::end_last(double jump) {
  if (!last_) return;
  last_->jump = std::max(last_->jump, jump);
  if (jump > 0) last_->least = std::min(last_->least, jump);
  if (last_->from_first)
    first_ = last_;
  else
    close(*last_);
  last_.reset();
}

/// Of rows of one sample each, of which most are, only extremes and steps count: the last row is one of them, and `at` the sample
/// behind it. @returns the one behind the last of them that differs from the one before
std::size_t Repeats::behind_single(const Block& block, std::size_t at) {
  const auto& values = block.values;
  if (!last_ || last_->n != 1 || last_->from_first || longest_.n == 0) return at;
  const std::size_t begin = at;
  double before = last_->value;
  double into = 0;
  double steps = 0;
  for (; at < values.size(); ++at) {
    const double jump = std::abs(values[at] - before);
    if (!(jump > 0)) break;  // the same, or a NaN
    least_step_ = std::min(least_step_, jump);
    steps += jump;
    if (before > top_.value) top_ = {0, before, 0, true};
    if (before < bottom_.value) bottom_ = {0, before, 0, true};
    before = values[at];
    into = jump;
  }
  if (at == begin) return at;
  steps_ += steps;
  n_steps_ += static_cast<std::int64_t>(at - begin);
  next_longest_ = std::max<std::int64_t>(next_longest_, 1);
  last_->value = before;
  last_->start = mth5::sample_time(block.start, block.rate, static_cast<std::int64_t>(at - 1));
  last_->jump = last_->least = into;
  return at;
}

void Repeats::add(const Block& block) {
  if (block.values.empty()) return;
  rate_ = block.rate;
  if (any_ && !goes_on(end_, block.start, block.rate)) end_last(0);
  for (std::size_t i = 0; i < block.values.size(); ++i) {
    if (const auto next = behind_single(block, i); next > i) i = next;
    if (i == block.values.size()) break;
    const double value = block.values[i];
    if (last_ && value == last_->value) {
      ++last_->n;
      continue;
    }
    if (std::isnan(value)) {
      end_last(0);
      continue;
    }
    Open next;
    if (last_) {
      next.jump = next.least = std::abs(value - last_->value);
      least_step_ = std::min(least_step_, next.jump);
      steps_ += next.jump;
      ++n_steps_;
      end_last(next.jump);
    } else {
      next.from_first = !any_ && i == 0;
    }
    next.value = value;
    next.n = 1;
    next.start = mth5::sample_time(block.start, block.rate, static_cast<std::int64_t>(i));
    last_ = next;
  }
  if (!any_) start_ = block.start;
  any_ = true;
  end_ = block.end();
}

void Repeats::merge(const Repeats& later) {
  if (!later.any_) return;
  if (!any_) {
    *this = later;
    return;
  }
  least_step_ = std::min(least_step_, later.least_step_);
  steps_ += later.steps_;
  n_steps_ += later.n_steps_;
  auto right = later.first_;  // what may go on from here
  auto end = later.last_;
  const bool single = !right && end && end->from_first;
  if (single) right = end, end.reset();
  const bool joined = goes_on(end_, later.start_, rate_);
  if (!joined || !last_ || !right) {
    end_last(0);
    if (right) right->from_first = false;
    if (right && !single) close(*right);
  } else if (right->value == last_->value) {
    last_->n += right->n;
    if (!single) end_last(right->jump);
    if (single) right = last_;
  } else {
    const double jump = std::abs(right->value - last_->value);
    least_step_ = std::min(least_step_, jump);
    steps_ += jump;
    ++n_steps_;
    end_last(jump);
    right->from_first = false;
    right->jump = std::max(right->jump, jump);
    right->least = std::min(right->least, jump);
    if (!single) close(*right);
  }
  last_ = single ? right : end;
  note(later.longest_);
  next_longest_ = std::max(next_longest_, later.next_longest_);
  note(top_, later.top_.value > top_.value, later.top_);
  note(bottom_, later.bottom_.value < bottom_.value, later.bottom_);
  end_ = later.end_;
}

Repeats Repeats::settled() const {
  Repeats all = *this;
  if (all.last_) {
    all.last_->from_first = false;
    all.end_last(0);
  }
  if (all.first_) all.close(*all.first_);
  return all;
}

Repeats::Row Repeats::longest() const { return settled().longest_; }

std::int64_t Repeats::next_longest() const { return settled().next_longest_; }

Repeats::Row Repeats::last() const { return last_ ? Row{*last_} : Row{}; }

std::int64_t Repeats::clipped(double finest) const {
  const auto all = settled();
  std::int64_t n = 0;
  for (const auto& [extreme, other] : {std::pair{all.top_, all.bottom_}, {all.bottom_, all.top_}}) {
    if (!(extreme.jump > kSharp * std::min(least_step_, finest))) continue;
    const bool off = other.n == 0 && extreme.n_long > 0 && extreme.least > kOneStep * usual_step();
    n += extreme.n - (off ? extreme.n_long : 0);
  }
  return n;
}

bool Repeats::is_long(std::int64_t n) const { return n >= kLong && static_cast<double>(n) >= rate_; }

double Repeats::usual_step() const { return n_steps_ > 0 ? steps_ / static_cast<double>(n_steps_) : kNaN; }

std::optional<Repeats::Row> Repeats::off() const {
  if (!last_ || !is_long(last_->n) || !std::isfinite(last_->least) || !(last_->least > kOneStep * usual_step())) return {};
  const auto all = settled();
  const bool at_top = all.top_.any && last_->value == all.top_.value;
  const bool at_bottom = all.bottom_.any && last_->value == all.bottom_.value;
  const auto& other = at_top ? all.bottom_ : all.top_;
  return (at_top || at_bottom) && other.n == 0 ? std::optional<Row>{*last_} : std::nullopt;
}

double Repeats::least_step() const { return std::isfinite(least_step_) ? least_step_ : kNaN; }

namespace {

template <class Open>
state::Json save_row(const std::optional<Open>& row) {
  if (!row) return nullptr;
  return {row->value, row->n, state::time(row->start), row->jump, row->from_first, row->least};
}

template <class Open>
void load_row(std::optional<Open>& row, const state::Json& saved) {
  row.reset();
  if (saved.is_null()) return;
  row.emplace();
  row->value = saved.at(0);
  row->n = saved.at(1);
  row->start = state::time(saved.at(2));
  row->jump = saved.at(3);
  row->from_first = saved.at(4);
  row->least = saved.at(5);
}

}  // namespace

state::Json Repeats::save() const {
  const auto extreme = [](const Extreme& of) { return state::Json{of.n, of.value, of.jump, of.any, of.n_long, of.least}; };
  return {{"any", any_},
          {"start", state::time(start_)},
          {"end", state::time(end_)},
          {"rate", rate_},
          {"first", save_row(first_)},
          {"last", save_row(last_)},
          {"longest", {longest_.value, longest_.n, state::time(longest_.start)}},
          {"next_longest", next_longest_},
          {"top", extreme(top_)},
          {"bottom", extreme(bottom_)},
          {"least_step", least_step_},
          {"steps", steps_},
          {"n_steps", n_steps_}};
}

void Repeats::load(const state::Json& saved) {
  const auto extreme = [](Extreme& of, const state::Json& from) {
    of = {from.at(0).get<std::int64_t>(), from.at(1).get<double>(),       from.at(2).get<double>(),
          from.at(3).get<bool>(),         from.at(4).get<std::int64_t>(), from.at(5).get<double>()};
  };
  any_ = saved.at("any");
  start_ = state::time(saved.at("start"));
  end_ = state::time(saved.at("end"));
  rate_ = saved.at("rate");
  load_row(first_, saved.at("first"));
  load_row(last_, saved.at("last"));
  const auto& longest = saved.at("longest");
  longest_ = {longest.at(0).get<double>(), longest.at(1).get<std::int64_t>(), state::time(longest.at(2))};
  next_longest_ = saved.at("next_longest");
  extreme(top_, saved.at("top"));
  extreme(bottom_, saved.at("bottom"));
  least_step_ = saved.at("least_step");
  steps_ = saved.at("steps");
  n_steps_ = saved.at("n_steps");
}

}  // namespace analysis
