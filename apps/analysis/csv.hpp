#pragma once

#include <string>

/// Cells of a CSV report: RFC 4180, and harmless in a spreadsheet. Thread: pure.
namespace analysis::csv {

/// Text of a file, on one line and printable (mth5/printable.hpp). What a spreadsheet would take for a formula (= + - @ in front)
/// gets a ' in front, which it takes for "this is text".
[[nodiscard]] std::string text(const std::string& value);
/// Shortest form that reads back as the same number; empty if it is not known.
[[nodiscard]] std::string number(double value);

}  // namespace analysis::csv
