#pragma once

#include <string>
#include <string_view>
#include <variant>

namespace mth5::meta {

/// The unit as MTH5 spells it, in ASCII: `mV/km` becomes `milliVolt per kilometer`. Parts are joined by '/', " per " or a blank.
/// "" and "unknown" are units too. Thread: pure. Source: mth5-format, section 7.4.
struct UnitName {
  std::string text;
};
/// Why it is none: "'mv' is not a unit MTH5 knows; did you mean 'milliVolt' (mV)?"
struct UnitProblem {
  std::string what;
};
[[nodiscard]] std::variant<UnitName, UnitProblem> normalised_unit(std::string_view text);

}  // namespace mth5::meta
