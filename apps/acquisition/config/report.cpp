#include "acquisition/config/report.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <tuple>

namespace daq::config {

namespace {

/// Findings and values are lines of a log or a terminal.
std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  return text;
}

}  // namespace

void Report::problem(const Place& place, std::string_view key, std::string text) {
  findings_.push_back({place, {one_line(place.where()), one_line(std::string{key}), one_line(std::move(text))}});
}

void Report::value(std::string key, std::string text, std::string origin) {
  effective_.push_back({one_line(std::move(key)), one_line(std::move(text)), one_line(std::move(origin))});
}

std::vector<Finding> Report::findings() const {
  auto sorted = findings_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Item& a, const Item& b) {
    const auto order = [](const Item& i) {
      return std::tie(i.place.origin->rank, i.place.origin->name, i.place.line, i.place.column);
    };
    return order(a) < order(b);
  });
  std::vector<Finding> findings;
  for (auto& item : sorted) findings.push_back(std::move(item.finding));
  return findings;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShown = 60;
  if (text.size() <= kShown) return "'" + std::string{text} + "'";
  auto end = kShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;  // not inside a UTF-8 character
  return "'" + std::string{text.substr(0, end)} + "...'";
}

std::string key_text(std::string_view key) { return key.size() > kMaxWord ? in_quotes(key) : std::string{key}; }

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  if (word.size() > kMaxWord) return "";
  const std::vector<std::string_view> candidates{known.begin(), known.end()};
  const auto near = mth5::nearest(word, candidates);
  return near.empty() ? "" : "; did you mean '" + std::string{near} + "'?";
}

std::string near_or_all(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t kShown = 8;
  if (auto near = did_you_mean(word, known); !near.empty()) return near;
  if (known.empty()) return "; there is none";
  std::string all;
  for (std::size_t i = 0; i < std::min(kShown, known.size()); ++i) all += (i == 0 ? "" : ", ") + in_quotes(known[i]);
  return "; there " + std::string{known.size() == 1 ? "is " : "are "} + all + (known.size() > kShown ? ", ..." : "");
}

std::string format_number(double value) {
  char text[32];
  const bool plain = value == 0 || (std::abs(value) >= 1e-4 && std::abs(value) < 1e12);  // 1000000 rather than 1e+06
  const auto form = plain ? std::chars_format::fixed : std::chars_format::general;
  return {text, std::to_chars(std::begin(text), std::end(text), value, form).ptr};
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace daq::config
