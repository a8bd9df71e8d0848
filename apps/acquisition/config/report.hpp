#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/config/node.hpp"

namespace daq::config {

/// Collects what is wrong, and every value with where it came from.
class Report {
 public:
  void problem(const Place& place, std::string_view key, std::string text);
  void value(std::string key, std::string text, std::string origin);

  [[nodiscard]] bool good() const { return findings_.empty(); }
  [[nodiscard]] std::size_t count() const { return findings_.size(); }
  /// By file, line and column; overrides behind the files.
  [[nodiscard]] std::vector<Finding> findings() const;
  [[nodiscard]] std::vector<Effective>& effective() { return effective_; }

 private:
  struct Item {
    Place place;
    Finding finding;
  };
  std::vector<Item> findings_;
  std::vector<Effective> effective_;
};

/// `text` in quotes for a message, cut if it is long.
[[nodiscard]] std::string in_quotes(std::string_view text);
/// Longest misspelt word for which a near one is looked for; bounds the work on hostile files.
inline constexpr std::size_t kMaxWord = 64;
/// A key for a message: as it is, in quotes and cut if it is long.
[[nodiscard]] std::string key_text(std::string_view key);
/// Shortest text that reads back as the same number.
[[nodiscard]] std::string format_number(double value);
/// The whole of `text` as a finite number; no sign "+", no hexadecimal, no octal. nullopt = it is none.
[[nodiscard]] std::optional<double> parse_number(std::string_view text);
/// "; did you mean 'x'?" for the nearest of `known`, "" if none is near.
[[nodiscard]] std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);
/// The same, and where none is near what there is: "; there are 'a', 'b'".
[[nodiscard]] std::string near_or_all(std::string_view word, const std::vector<std::string>& known);

}  // namespace daq::config
