#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace analysis {

/// Columns for people: texts to the left, numbers to the right, two blanks between. Thread: a value.
class TextTable {
 public:
  enum class Align { Left, Right };
  struct Heading {
    std::string text;
    Align align = Align::Right;
  };
  explicit TextTable(std::vector<Heading> headings) : headings_{std::move(headings)} {}

  /// One text per heading; missing ones are blank. Cells may be text of a file: they are made printable.
  void add(std::vector<std::string> row);
  /// Each line after `indent`, without blanks at its end.
  [[nodiscard]] std::string text(const std::string& indent = "  ") const;

 private:
  std::vector<Heading> headings_;
  std::vector<std::vector<std::string>> rows_;
};

/// Text of a file for a page or a line: mth5::printable().
[[nodiscard]] std::string shown(std::string_view text);
/// To a centimetre, 1e-7 degrees, as the mean of a GPS has more digits than it knows: "40.5", "-115.1234568".
[[nodiscard]] std::string degrees_text(double degrees);
/// Seven significant digits, 0 without a sign; "-" for NaN.
[[nodiscard]] std::string number_text(double value);
/// "23h 58min 1s", seconds with decimals only where there are any; "-" for NaN.
[[nodiscard]] std::string duration_text(double seconds);
/// "12.99", in all places to a hundredth.
[[nodiscard]] std::string volts_text(double volts);
/// A quantity of the state of health, by its name as newest_soh() has it: volts as volts_text(), all else as number_text().
[[nodiscard]] std::string soh_text(std::string_view name, double value);
/// Of a sample of so many seconds ago: "3 min old", "30 min in the future", "of unknown age" for NaN.
[[nodiscard]] std::string old_text(double seconds);
/// "12.3 GiB", "800 MiB".
[[nodiscard]] std::string bytes_text(double bytes);
/// "256 Hz"; "? Hz" if it is not known.
[[nodiscard]] std::string rate_text(double hz);
/// "99.98 %", never rounded up to 100; "-" for NaN.
[[nodiscard]] std::string percent_text(double percent);

}  // namespace analysis
