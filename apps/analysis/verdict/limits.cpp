#include "analysis/verdict/limits.hpp"

#include <algorithm>
#include <cmath>

namespace analysis {

Limits usual_limits(const Rule& rule, const Subject&) { return {{rule.warning}, {rule.critical}}; }

Limit OwnLimit::of(double median) const {
  if (kind == Kind::Value) return {number};
  return {kind == Kind::Times ? number * median : median + number, median};
}

int SiteLimits::past_days() const {
  int most = 0;
  for (const auto& [rule, own] : own_) most = std::max(most, own.past_days);
  return most;
}

void SiteLimits::add_past(int back, std::span<const Subject> subjects) {
  for (const auto& subject : subjects)
    for (const auto& [name, figure] : subject.figures)
      if (std::isfinite(figure.value))
        past_[{subject.scope, subject.station, subject.full_name(), subject.rate, name}][back] = figure.value;
}

double SiteLimits::median(const Key& key, int days) const {
  std::vector<double> values;
  if (const auto known = past_.find(key); known != past_.end())
    for (const auto& [back, value] : known->second)
      if (back <= days) values.push_back(value);
  if (values.size() < kLeastDays) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  return 0.5 * (values[(values.size() - 1) / 2] + values[values.size() / 2]);
}

Limits SiteLimits::of(const Rule& rule, const Subject& subject) const {
  const auto own = own_.find(rule.name);
  if (own == own_.end()) return usual_limits(rule, subject);
  const auto& [warning, critical, days] = own->second;
  const double past =
      days > 0 ? median({subject.scope, subject.station, subject.full_name(), subject.rate, std::string{rule.figure}}, days)
               : std::numeric_limits<double>::quiet_NaN();
  return {warning.of(past), critical.of(past)};
}

}  // namespace analysis
