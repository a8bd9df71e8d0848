#include "acquisition/simulate/faults.hpp"

#include <algorithm>
#include <charconv>

#include "acquisition/config/config.hpp"

namespace daq::simulate {

namespace {

using Problem = std::string;  // "" = good

Problem probability(std::string_view value, double& out) {
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
  if (error != std::errc{} || end != value.data() + value.size() || !(out >= 0 && out <= 1))
    return "'" + std::string{value} + "' is not a probability (0 ... 1)";
  return {};
}

/// Of the kinds that are probabilities; nullptr: it is none.
double* probability_of(FaultPlan& plan, std::string_view kind) {
  const std::pair<std::string_view, double*> kinds[] = {
      {"drop", &plan.drop},         {"garbage", &plan.garbage}, {"duplicate", &plan.duplicate}, {"bitflip", &plan.bitflip},
      {"truncate", &plan.truncate}, {"shorten", &plan.shorten}, {"answer", &plan.answer},       {"late", &plan.late}};
  for (const auto& [name, value] : kinds)
    if (name == kind) return value;
  return nullptr;
}

/// "FIRST@AT", split.
Problem at_time(std::string_view value, std::string_view& first, mth5::Nanos& at) {
  const auto sign = value.find('@');
  if (sign == std::string_view::npos) return "'" + std::string{value} + "' does not say when; write it as in 30s@5m";
  first = value.substr(0, sign);
  const auto when = parse_time_span(value.substr(sign + 1));
  if (!when) return "'" + std::string{value.substr(sign + 1)} + "' is not a time since the start (as 90s, 5m, 1h)";
  at = *when;
  return {};
}

Problem pause(std::string_view value, std::optional<mth5::Nanos> usual, std::vector<FaultPlan::Pause>& out) {
  FaultPlan::Pause pause{};
  std::string_view first;
  if (auto problem = at_time(value, first, pause.at); !problem.empty()) return problem;
  const auto length = first.empty() ? usual : parse_time_span(first);
  if (!length || *length <= mth5::Nanos{0}) return "'" + std::string{first} + "' is not a duration above 0 (as 500ms, 30s, 5m)";
  pause.length = *length;
  out.push_back(pause);
  return {};
}

Problem clock_step(std::string_view value, std::vector<FaultPlan::ClockStep>& out) {
  FaultPlan::ClockStep step{};
  std::string_view first;
  if (auto problem = at_time(value, first, step.at); !problem.empty()) return problem;
  const bool back = first.starts_with('-');
  const auto length = first.starts_with('+') || back ? parse_time_span(first.substr(1)) : std::nullopt;
  if (!length) return "'" + std::string{first} + "' is not a step with its sign (as +2s, -1s)";
  step.by = back ? -*length : *length;
  out.push_back(step);
  return {};
}

constexpr std::string_view kServed[] = {"new-run", "shrink", "ignore-range", "slow-range"};  // in the order of their kinds

/// Of the kinds that a server of files has.
Problem served(std::string_view name, std::string_view value, std::vector<FaultPlan::Served>& out) {
  const auto kind = static_cast<FaultPlan::Served::Kind>(std::find(std::begin(kServed), std::end(kServed), name) - kServed);
  FaultPlan::Served one{kind, {}, {}};
  std::string_view first;
  if (auto problem = at_time(value, first, one.at); !problem.empty()) return problem;
  if (kind == FaultPlan::Served::Kind::SlowRange) {
    const auto length = parse_time_span(first);
    if (!length || *length <= mth5::Nanos{0}) return "'" + std::string{first} + "' is not a duration above 0 (as 500ms, 30s, 5m)";
    one.length = *length;
  } else if (!first.empty()) {
    return "'" + std::string{first} + "' stands where nothing does; write @ and the time";
  }
  out.push_back(one);
  return {};
}

}  // namespace

std::string name_of(FaultPlan::Served::Kind kind) { return std::string{kServed[static_cast<std::size_t>(kind)]}; }

std::optional<mth5::Nanos> parse_time_span(std::string_view text) {
  std::string spelt{text};
  if (spelt.ends_with('m')) spelt += "in";  // the config knows `min` only, where `m` could be read as metre or month
  const auto span = config::parse_duration(spelt);
  return span && *span >= mth5::Nanos{0} ? span : std::nullopt;
}

ParsedFaults parse_faults(std::string_view text) {
  ParsedFaults parsed;
  auto& plan = parsed.plan;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto item = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    const auto equals = item.find('=');
    const std::string kind{item.substr(0, equals)};
    const auto value = equals == std::string_view::npos ? std::string_view{} : item.substr(equals + 1);
    Problem problem;
    if (const auto of = probability_of(plan, kind); of != nullptr)
      problem = probability(value, *of);
    else if (kind == "stall")
      problem = pause(value, std::nullopt, plan.stalls);
    else if (kind == "disconnect")
      problem = pause(value, std::chrono::seconds{1}, plan.disconnects);
    else if (kind == "clock-step")
      problem = clock_step(value, plan.clock_steps);
    else if (kind == "lose-lock")
      problem = pause(value, std::nullopt, plan.unlocked);
    else if (std::find(std::begin(kServed), std::end(kServed), kind) != std::end(kServed))
      problem = served(kind, value, plan.served);
    else
      problem =
          "is not one of drop, garbage, duplicate, bitflip, truncate, shorten, answer, late, stall, disconnect, lose-lock, "
          "clock-step, "
          "new-run, shrink, ignore-range, slow-range";
    if (!problem.empty()) {
      parsed.problem = (kind.empty() ? "'" + std::string{item} + "'" : kind) + ": " + problem;
      return parsed;
    }
  }
  std::stable_sort(plan.served.begin(), plan.served.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  for (auto* pauses : {&plan.disconnects, &plan.stalls})
    std::sort(pauses->begin(), pauses->end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  return parsed;
}

FaultMaker::FaultMaker(FaultPlan plan, std::uint64_t seed, std::string line_end)
    : plan_{std::move(plan)},
      line_end_{std::move(line_end)},
      drop_{seed, 11},
      garbage_{seed, 12},
      duplicate_{seed, 13},
      bitflip_{seed, 14},
      truncate_{seed, 15},
      shorten_{seed, 16},
      answer_{seed, 17},
      late_{seed, 18} {}

std::size_t FaultMaker::append_garbage(std::string& out) {
  if (!garbage_.chance(plan_.garbage)) return 0;
  const std::size_t before = out.size();
  for (auto n = 1 + garbage_.below(63); n > 0; --n) out.push_back(static_cast<char>(garbage_.below(256)));
  if (garbage_.below(2) == 0) out += line_end_;
  return out.size() - before;
}

std::optional<std::size_t> FaultMaker::answers(std::size_t n) {
  return answer_.chance(plan_.answer) && n > 0 ? std::optional{answer_.below(n)} : std::nullopt;
}

FaultMaker::Fate FaultMaker::append_record(std::string_view record, std::string& out) {
  Fate fate;
  // Each kind draws for every record, whatever the others do to it.
  fate.dropped = drop_.chance(plan_.drop);
  fate.truncated = truncate_.chance(plan_.truncate) && !fate.dropped;
  const bool cut = !fate.dropped && !fate.truncated && record.size() > line_end_.size();
  fate.shortened = shorten_.chance(plan_.shorten) && cut;
  fate.duplicated = duplicate_.chance(plan_.duplicate) && !fate.dropped;
  fate.late = late_.chance(plan_.late) && !fate.dropped;
  const std::size_t begin = out.size();
  const std::size_t kept = fate.dropped     ? 0
                           : fate.truncated ? record.size() / 2
                           : fate.shortened ? shorten_.below(record.size() - line_end_.size())
                                            : record.size();
  out.append(record);
  if (plan_.bitflip > 0) {
    for (std::size_t i = 0; i < record.size(); ++i) {
      if (!bitflip_.chance(plan_.bitflip)) continue;
      const auto flipped = static_cast<unsigned char>(record[i]) ^ (1u << bitflip_.below(8));
      out[begin + i] = static_cast<char>(flipped);
      fate.flipped_bits += i < kept ? 1 : 0;
    }
  }
  out.resize(begin + kept);
  if (fate.shortened) out += line_end_;
  if (fate.duplicated) out.append(std::string{out, begin});
  return fate;
}

mth5::Nanos FaultMaker::clock_offset(mth5::Nanos at) const {
  mth5::Nanos offset{0};
  for (const auto& step : plan_.clock_steps)
    if (step.at <= at) offset += step.by;
  return offset;
}

bool FaultMaker::unlocked(mth5::Nanos at) const {
  return std::any_of(plan_.unlocked.begin(), plan_.unlocked.end(),
                     [&](const auto& pause) { return at >= pause.at && at < pause.at + pause.length; });
}

mth5::Nanos FaultMaker::leaves(mth5::Nanos at) const {
  mth5::Nanos when = at;
  for (const auto& stall : plan_.stalls)  // in order, so that one may run into the next
    if (when >= stall.at && when < stall.at + stall.length) when = stall.at + stall.length;
  return when;
}

}  // namespace daq::simulate
