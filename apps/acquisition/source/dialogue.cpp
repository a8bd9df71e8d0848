#include "acquisition/source/dialogue.hpp"

#include <algorithm>
#include <utility>

#include "mth5/duration.hpp"

namespace daq::source {

namespace {

using Time = Dialogue::Time;

Time later(Time time, std::chrono::nanoseconds by) { return time + std::chrono::duration_cast<Time::duration>(by); }

}  // namespace

void Dialogue::connected(Time now) {
  at_ = 0;
  unanswered_ = 0;
  free_at_ = now;
  if (commands_.start.empty())
    begin_periodic(now);
  else
    state_ = State::Start;
}

void Dialogue::begin_periodic(Time now) {
  state_ = State::Every;
  periodic_at_.assign(commands_.every.size(), std::max(now, free_at_));
}

void Dialogue::received(std::span<const char> bytes, Time now) {
  if (state_ != State::Answer) return;
  const auto answer = commands_.start[at_].answer.fill({}).value_or("");
  tail_.append(bytes.data(), bytes.size());
  if (tail_.find(answer) == std::string::npos) {
    tail_.erase(0, tail_.size() - std::min(tail_.size(), answer.size() - 1));
    return;
  }
  tail_.clear();
  free_at_ = std::max(free_at_, later(now, commands_.start[at_].pause));
  ++at_;
  state_ = State::Start;
}

Dialogue::Step Dialogue::sent(std::string bytes, Time now) {
  free_at_ = later(now, commands_.spacing);
  return {.bytes = std::move(bytes), .problem = {}};
}

std::optional<Dialogue::Step> Dialogue::due(Time now, const config::CommandValues& values) {
  if (state_ == State::Answer) {
    if (now < deadline_) return std::nullopt;
    const auto& command = commands_.start[at_];
    Step step{.bytes = {},
              .problem =
                  "no answer '" + command.answer.text() + "' to '" + sent_ + "' within " + mth5::format_duration(command.timeout),
              .reconnect = commands_.no_answer == "reconnect"};
    if (++unanswered_ > 1 && !step.reconnect) step.problem.clear();
    free_at_ = std::max(free_at_, later(now, command.pause));
    ++at_;
    state_ = step.reconnect ? State::Off : State::Start;
    return step;
  }
  while (state_ == State::Start && at_ < commands_.start.size()) {
    if (now < free_at_) return std::nullopt;
    const auto& command = commands_.start[at_];
    auto bytes = command.send.fill(values);
    if (!bytes) {  // it asks for what nobody knows yet
      ++at_;
      continue;
    }
    auto step = sent(std::move(*bytes), now);
    if (command.answer.empty()) {
      free_at_ = std::max(free_at_, later(now, command.pause));
      ++at_;
    } else {
      tail_.clear();
      sent_ = command.send.shown(values);
      deadline_ = later(now, command.timeout);
      state_ = State::Answer;
    }
    return step;
  }
  if (state_ == State::Start) {
    begin_periodic(now);
    if (unanswered_ > 1)
      return Step{.bytes = {},
                  .problem = "no answer to " + std::to_string(unanswered_ - 1) + " more of " +
                             std::to_string(commands_.start.size()) + " start-up commands"};
  }
  if (state_ != State::Every || now < free_at_) return std::nullopt;
  // Whose turn came first; so a short interval does not keep the others waiting for ever.
  for (;;) {
    const auto first = std::min_element(periodic_at_.begin(), periodic_at_.end());
    if (first == periodic_at_.end() || now < *first) return std::nullopt;
    const auto& command = commands_.every[static_cast<std::size_t>(first - periodic_at_.begin())];
    // What was missed is not made up for, nor is the instrument asked again while it works: a command that comes late by more
    // than a tenth of its interval begins the grid anew.
    const bool late = now > later(*first, command.interval / 10);
    *first = later(late ? now : *first, command.interval);
    if (auto bytes = command.send.fill(values)) return sent(std::move(*bytes), now);
  }
}

Dialogue::Time Dialogue::next() const {
  switch (state_) {
    case State::Off:
      break;
    case State::Start:
      return free_at_;
    case State::Answer:
      return deadline_;
    case State::Every:
      if (!periodic_at_.empty()) return std::max(free_at_, *std::min_element(periodic_at_.begin(), periodic_at_.end()));
      break;
  }
  return Time::max();
}

}  // namespace daq::source
