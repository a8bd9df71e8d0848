#include "acquisition/config/report.hpp"

#include <algorithm>
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

}  // namespace daq::config
