#pragma once

#include <span>
#include <string_view>

/// What is wrong with a recording: one table, from which the verdict and its test of the manual take names, limits and words.
/// Thread: constant.
namespace analysis {

enum class Scope {
  File,
  Station,
  Stream,    ///< what a station records at one sample rate
  Source,    ///< what sends its bytes
  Electric,  ///< a channel of this kind
  Field      ///< an electric or a magnetic channel
};

struct Rule {
  std::string_view name;    ///< as in JSON
  std::string_view figure;  ///< of Subject::figures
  std::string_view unit;    ///< "" for a ratio or a state
  Scope scope;
  bool above;                 ///< wrong is what is above the limit; else what is below
  double warning, critical;   ///< NaN: there is no such limit, unless a site sets one
  std::string_view sentence;  ///< after the subject's name; {value} is the figure with its unit
  std::string_view advice;
  std::string_view since = " since ";  ///< between the sentence and a time, where it is known

  /// It is so or not: there is no limit that could be another.
  [[nodiscard]] constexpr bool is_state() const { return unit.empty() && (critical == 0.5 || warning == 0.5); }
  /// Whether a value is on the wrong side of a limit; NaN, as either, never is.
  [[nodiscard]] constexpr bool is_beyond(double value, double limit) const { return above ? value > limit : value < limit; }
};

/// Whether a rule looks at subjects of that scope.
[[nodiscard]] constexpr bool concerns(const Rule& rule, Scope scope) {
  return rule.scope == scope || (rule.scope == Scope::Field && scope == Scope::Electric);
}

/// The worst first: the order of findings of the same severity.
[[nodiscard]] std::span<const Rule> rules();

}  // namespace analysis
