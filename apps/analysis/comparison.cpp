#include "analysis/comparison.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

#include "analysis/json.hpp"
#include "analysis/nan.hpp"
#include "analysis/table_text.hpp"

namespace analysis {

namespace {

constexpr double kOtherStd = 3;  ///< times: the natural field is so lively from one day to another

/// Figures that are as they are now, whatever the time of the report.
bool is_of_now(const Rule& rule) {
  constexpr std::array<std::string_view, 5> kOfNow{"silent", "battery", "gps", "age", "future"};
  return rule.scope == Scope::File || rule.scope == Scope::Source ||
         std::find(kOfNow.begin(), kOfNow.end(), rule.name) != kOfNow.end();
}

bool is_wrong(const Rule& rule, const Limits& limits, double value) {
  return rule.is_beyond(value, limits.warning.value) || rule.is_beyond(value, limits.critical.value);
}

bool differs(const Rule& rule, const Limits& limits, double now, double before) {
  if (std::isnan(now) || std::isnan(before) || now == before) return false;
  if (rule.name == "nothing") return false;  // how many there were is said by completeness
  const double apart = std::abs(now - before);
  if (rule.unit == "%") return apart >= 1;
  if (rule.unit == "dB") return apart >= 6;
  if (rule.unit == "°C") return apart >= 10;
  const double limit = std::isnan(limits.warning.value) ? limits.critical.value : limits.warning.value;
  const double least = std::isnan(limit) ? 1 : std::abs(limit) / 10;
  return apart >= least && std::max(now, before) >= 2 * std::min(now, before);
}

using Key = std::tuple<Scope, std::string, std::string, double>;
Key key_of(const Subject& subject) { return {subject.scope, subject.station, subject.full_name(), subject.rate}; }

}  // namespace

Window window_before(const Window& window) { return {*window.from - (*window.to - *window.from), *window.from}; }

Comparison compare(const Summary& now, const Summary& before) {
  Comparison comparison{before.window, {}};
  std::map<Key, const Subject*> old;
  for (const auto& subject : before.subjects) old[key_of(subject)] = &subject;
  for (const auto& subject : now.subjects) {
    const auto was = old.find(key_of(subject));
    for (const auto& rule : rules()) {
      if (!concerns(rule, subject.scope) || is_of_now(rule)) continue;
      const auto value = [&](const Subject& of) {
        const auto figure = of.figures.find(rule.figure);
        return figure != of.figures.end() ? figure->second.value : kNaN;
      };
      const double is = value(subject);
      const double then = was != old.end() ? value(*was->second) : kNaN;
      if (std::isnan(is) && std::isnan(then)) continue;
      const auto limits = now.limits(rule, subject);
      Change change{subject.station,
                    subject.full_name(),
                    std::string{rule.figure},
                    std::string{rule.unit},
                    is,
                    then,
                    is_wrong(rule, limits, is),
                    is_wrong(rule, limits, then)};
      change.notable = change.is_wrong != change.was_wrong || differs(rule, limits, is, then);
      comparison.changes.push_back(std::move(change));
    }
  }
  for (const auto& channel : now.channels) {
    if (!channel.quality) continue;
    const auto was_channel = std::find_if(before.channels.begin(), before.channels.end(), [&](const ChannelSummary& one) {
      return std::tie(one.survey, one.station, one.component, one.sample_rate) ==
             std::tie(channel.survey, channel.station, channel.component, channel.sample_rate);
    });
    const double is = channel.values.std();
    const double then = was_channel != before.channels.end() ? was_channel->values.std() : kNaN;
    if (std::isnan(is) && std::isnan(then)) continue;
    const bool notable = std::max(is, then) >= kOtherStd * std::min(is, then) && is != then;
    comparison.changes.push_back({channel.station, channel.component, "std", std::string{mth5::unit_symbol(channel.units)}, is,
                                  then, false, false, notable});
  }
  return comparison;
}

std::string_view change_word(const Change& change) {
  if (change.is_wrong) return change.was_wrong ? "still" : "new";
  if (!change.was_wrong) return "";
  return std::isnan(change.now) ? "missing" : "over";
}

std::string to_text(const Comparison& comparison) {
  std::string text = "Compared with " + mth5::to_iso(*comparison.before.from) + " to " + mth5::to_iso(*comparison.before.to);
  using Align = TextTable::Align;
  TextTable table{
      {{"station", Align::Left}, {"of", Align::Left}, {"figure", Align::Left}, {"now"}, {"before"}, {"wrong", Align::Left}}};
  bool any = false;
  for (const auto& change : comparison.changes) {
    if (!change.notable) continue;
    table.add({change.station, change.name, change.figure, number_text(change.now), number_text(change.before),
               std::string{change_word(change)}});
    any = true;
  }
  return text + (any ? "\n" + table.text() : ": nothing to speak of changed\n");
}

json::Json to_json(const Comparison& comparison) {
  json::Json changes = json::Json::array();
  for (const auto& change : comparison.changes)
    changes.push_back({{"station", json::text(change.station)},
                       {"name", json::text(change.name)},
                       {"figure", change.figure},
                       {"unit", json::text(change.unit)},
                       {"now", json::number(change.now)},
                       {"before", json::number(change.before)},
                       {"wrong", json::text(std::string{change_word(change)})},
                       {"notable", change.notable}});
  return {{"from", json::time(comparison.before.from)}, {"to", json::time(comparison.before.to)}, {"changes", changes}};
}

}  // namespace analysis
