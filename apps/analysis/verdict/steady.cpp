#include "analysis/verdict/steady.hpp"

#include <algorithm>

namespace analysis {

namespace {

constexpr std::chrono::seconds kFoundFor{10}, kGoneFor{25};

bool waits(const Rule& rule) {
  if (rule.name == "completeness") return true;
  return (rule.scope == Scope::Field || rule.scope == Scope::Electric) && rule.name != "open" && rule.name != "stuck";
}

}  // namespace

Verdict SteadyVerdict::of(Verdict found, mth5::UtcNanos now) {
  if (!began_ || now < *before_) {
    known_.clear();
    began_ = now;
  }
  before_ = now;
  const bool beginning = now - *began_ < kFoundFor;
  const auto note = [&](const Finding& finding, Severity as) {
    const Key key{finding.station, finding.name, finding.stream, std::string{finding.rule->name}, as};
    auto& known = known_.try_emplace(key, Known{finding, now, now, beginning}).first->second;
    if (finding.severity == as || known.finding.severity != as) known.finding = finding;
    known.last = now;
    known.counts |= now - known.first >= kFoundFor;
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
      const bool same = other.station == known.finding.station && other.name == known.finding.name &&
                        other.stream == known.finding.stream;
      return same && (other.rule == known.finding.rule || !waits(*other.rule));  // there already, or explained by that
    };
    if (shown(known.finding) == &known && std::none_of(found.begin(), found.end(), is_it)) found.push_back(known.finding);
  }
  worst_first(found);
  return found;
}

}  // namespace analysis
