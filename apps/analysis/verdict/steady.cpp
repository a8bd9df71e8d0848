#include "analysis/verdict/steady.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace analysis {

namespace {

constexpr std::chrono::seconds kFoundFor{10}, kGoneFor{25};

bool waits(const Rule& rule) {
  if (rule.name == "completeness") return true;
  return (rule.scope == Scope::Field || rule.scope == Scope::Electric) && rule.name != "open" && rule.name != "off" &&
         rule.name != "stuck";
}

/// Of what is so now, and leaves no trace once it is over.
bool is_of_now(const Rule& rule) {
  constexpr std::array<std::string_view, 13> kNames{"silent", "disk",  "battery", "temperature", "open", "off", "stuck",
                                                    "empty",  "mains", "clipped", "noise",       "dc",   "gps"};
  return std::find(kNames.begin(), kNames.end(), rule.name) != kNames.end();
}

}  // namespace

Verdict SteadyVerdict::of(Verdict found, mth5::UtcNanos now, Pace pace) {
  if (!began_ || now < *before_) {
    known_.clear();
    shown_.clear();
    past_.clear();
    began_ = now;
  }
  const bool at_once = pace == Pace::Ended || (pace == Pace::Replay && before_ && now - *before_ >= kFoundFor);
  before_ = now;
  const bool beginning = now - *began_ < kFoundFor;
  const auto note = [&](const Finding& finding, Severity as) {
    const Key key{finding.station, finding.name, finding.stream, std::string{finding.rule->name}, as};
    auto& known = known_.try_emplace(key, Known{finding, now, now, beginning}).first->second;
    if (finding.severity == as || known.finding.severity != as) known.finding = finding;
    known.last = now;
    known.counts |= at_once || now - known.first >= kFoundFor;
  };
  for (const auto& finding : found) {
    if (!waits(*finding.rule)) continue;
    note(finding, Severity::Warning);
    if (finding.severity == Severity::Critical) note(finding, Severity::Critical);
  }
  std::erase_if(known_, [&](const auto& one) {
    const auto& known = one.second;
    return known.last < now && (beginning || !known.counts || now - known.last >= kGoneFor);
  });
  if (pace == Pace::Ended) {
    worst_first(found);
    remember(found, now);
    return found;
  }
  // What is shown of each: the worst that counts, as it was found last.
  const auto shown = [&](const Finding& of) -> const Known* {
    for (const auto severity : {Severity::Critical, Severity::Warning})
      if (const auto at = known_.find({of.station, of.name, of.stream, std::string{of.rule->name}, severity});
          at != known_.end() && at->second.counts)
        return &at->second;
    return nullptr;
  };
  std::erase_if(found, [&](const Finding& one) { return waits(*one.rule) && shown(one) == nullptr; });
  for (auto& one : found)
    if (waits(*one.rule)) one = shown(one)->finding;
  for (const auto& [key, known] : known_) {
    const auto is_it = [&](const Finding& other) {
      return other.same_subject(known.finding) &&
             (other.rule == known.finding.rule || !waits(*other.rule));  // there already, or explained by that
    };
    if (shown(known.finding) == &known && std::none_of(found.begin(), found.end(), is_it)) found.push_back(known.finding);
  }
  worst_first(found);
  remember(found, now);
  return found;
}

void SteadyVerdict::remember(const Verdict& shown, mth5::UtcNanos now) {
  for (const auto& finding : shown) {
    if (!is_of_now(*finding.rule)) continue;
    const Key key{finding.station, finding.name, finding.stream, std::string{finding.rule->name}, Severity::Warning};
    const auto known = known_.find(key);  // what is held for a while was found last then
    const auto from = finding.since.value_or(known != known_.end() ? known->second.first : now);
    auto& one = shown_.try_emplace(key, Past{finding, from, now}).first->second;
    one.finding = finding;
    one.from = std::min(one.from, from);
    one.to = known != known_.end() ? known->second.last : now;
  }
  const auto is_shown = [&](const Past& one) {
    return std::any_of(shown.begin(), shown.end(), [&](const Finding& finding) {
      return finding.rule == one.finding.rule && finding.same_subject(one.finding);
    });
  };
  for (auto one = shown_.begin(); one != shown_.end();) {
    if (is_shown(one->second)) {
      ++one;
      continue;
    }
    if (one->second.to - one->second.from >= kFoundFor) past_.push_back(std::move(one->second));
    one = shown_.erase(one);
  }
  std::erase_if(past_, [&](const Past& one) { return one.to + std::chrono::hours{1} <= now; });
}

std::vector<Past> SteadyVerdict::past(std::vector<Past> others) const {
  auto all = past_;
  const auto same = [](const Past& a, const Past& b) {
    const bool touch = a.from <= b.to + kGoneFor && b.from <= a.to + kGoneFor;
    return touch && a.finding.rule == b.finding.rule && a.finding.same_subject(b.finding);
  };
  for (auto& one : others) {
    const bool is_now = std::any_of(shown_.begin(), shown_.end(), [&](const auto& now) { return same(now.second, one); });
    const auto known = std::find_if(all.begin(), all.end(), [&](const Past& other) { return same(one, other); });
    if (known != all.end())  // the samples tell its ends better than looks do
      known->from = one.from, known->to = one.to, known->finding.value = one.finding.value;
    else if (!is_now)
      all.push_back(std::move(one));
  }
  std::stable_sort(all.begin(), all.end(), [](const Past& a, const Past& b) { return a.to > b.to; });
  return all;
}

}  // namespace analysis
