#include "analysis/verdict/steady.hpp"

#include <algorithm>

namespace analysis {

namespace {

constexpr std::chrono::seconds kFoundFor{10}, kGoneFor{25};

bool waits(const Rule& rule) {
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
  const auto key_of = [](const Finding& one) { return Key{one.station, one.name, std::string{one.rule->name}}; };
  for (const auto& finding : found) {
    if (!waits(*finding.rule)) continue;
    auto& known = known_.try_emplace(key_of(finding), Known{finding, now, now, beginning}).first->second;
    known.finding = finding;
    known.last = now;
    known.counts |= now - known.first >= kFoundFor;
  }
  std::erase_if(known_, [&](const auto& one) {
    const auto& known = one.second;
    return known.last < now && (beginning || !known.counts || now - known.last >= kGoneFor);
  });
  std::erase_if(found, [&](const Finding& one) { return waits(*one.rule) && !known_.at(key_of(one)).counts; });
  for (const auto& [key, known] : known_) {
    const auto explains = [&](const Finding& other) {
      return !waits(*other.rule) && other.station == known.finding.station && other.name == known.finding.name;
    };
    if (known.last < now && std::none_of(found.begin(), found.end(), explains)) found.push_back(known.finding);
  }
  worst_first(found);
  return found;
}

}  // namespace analysis
