#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "analysis/verdict/verdict.hpp"

/// Limits that a site sets in place of those of the table. Thread: values, and pure functions of them.
namespace analysis {

struct Limit {
  double value = std::numeric_limits<double>::quiet_NaN();   ///< NaN: there is no such limit
  double median = std::numeric_limits<double>::quiet_NaN();  ///< of past days, that it follows from; NaN: it does not
};
struct Limits {
  Limit warning, critical;
};
/// Those of a rule for a subject.
using LimitsOf = std::function<Limits(const Rule& rule, const Subject& subject)>;
/// Those of the table.
[[nodiscard]] Limits usual_limits(const Rule& rule, const Subject& subject);

/// judge() by other limits than those of the table.
[[nodiscard]] Verdict judge(std::span<const Subject> subjects, const LimitsOf& limits);

/// A limit: a value, or against the median of past days.
struct OwnLimit {
  enum class Kind { Value, Times, More };
  Kind kind = Kind::Value;
  double number = std::numeric_limits<double>::quiet_NaN();  ///< NaN: no limit

  /// @param median  of past days; NaN = not known, then a limit against it is none
  [[nodiscard]] Limit of(double median) const;
};
struct OwnLimits {
  OwnLimit warning, critical;
  int past_days = 0;  ///< 0: against no median
};

/// The limits of a site: its own of the rules it names, those of the table of all others.
class SiteLimits {
 public:
  static constexpr std::size_t kLeastDays = 3;  ///< with a figure, before there is a median of it

  void set(const std::string& rule, const OwnLimits& limits) { own_[rule] = limits; }
  /// How many days before the time of the report are to be added; 0: none.
  [[nodiscard]] int past_days() const;
  /// The figures of a day. @param back  1 is the day just before the time of the report
  void add_past(int back, std::span<const Subject> subjects);
  [[nodiscard]] Limits of(const Rule& rule, const Subject& subject) const;

 private:
  using Key = std::tuple<Scope, std::string, std::string, double, std::string>;  ///< with station, name, rate, figure
  [[nodiscard]] double median(const Key& key, int days) const;

  std::map<std::string, OwnLimits, std::less<>> own_;
  std::map<Key, std::map<int, double>> past_;  ///< by days back
};

}  // namespace analysis
