#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/summary.hpp"

/// What changed since the time before. Thread: pure functions of values.
namespace analysis {

/// A figure over the time of the report and over the same time before.
struct Change {
  std::string station, name;  ///< as of the Subject
  std::string figure, unit;
  double now = 0, before = 0;                ///< NaN: not known; of one of the two it is
  bool is_wrong = false, was_wrong = false;  ///< by the limits of the report

  /// Whether people want to know it: it became wrong or right, or is another one: by 1 %, 6 dB, 10 °C, a standard
  /// deviation by a factor of three, all else by a factor of two and a tenth of its limit.
  bool notable = false;
};

struct Comparison {
  Window before;
  std::vector<Change> changes;  ///< in the order of the report; what is as it is now, be it then or today, is not in it
};

/// @param now, before  of Depth::Quality, with their subjects; judged by the limits of `now`
[[nodiscard]] Comparison compare(const Summary& now, const Summary& before);
/// The time just before a window, as long as it. @param window  with both ends
[[nodiscard]] Window window_before(const Window& window);

/// For people: what is notable, a line each.
[[nodiscard]] std::string to_text(const Comparison& comparison);
/// "new", "over", "still"; "missing": it was wrong, and is not known now; or "" if it was and is right.
[[nodiscard]] std::string_view change_word(const Change& change);
[[nodiscard]] nlohmann::ordered_json to_json(const Comparison& comparison);

}  // namespace analysis
