#include "analysis/csv.hpp"

#include "analysis/json.hpp"
#include "mth5/printable.hpp"

namespace analysis::csv {

std::string text(const std::string& value) {
  std::string cell = mth5::printable(value);
  // Behind blanks too: spreadsheets cut them off.
  const auto first = cell.find_first_not_of(' ');
  const bool tab = !value.empty() && (value.front() == '\t' || value.front() == '\r');
  if (tab || (first != std::string::npos && std::string_view{"=+-@"}.find(cell[first]) != std::string_view::npos))
    cell.insert(0, 1, '\'');
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) quoted += c == '"' ? std::string{"\"\""} : std::string{c};
  return quoted + "\"";
}

std::string number(double value) { return std::isfinite(value) ? json::number(value).dump() : ""; }

}  // namespace analysis::csv
