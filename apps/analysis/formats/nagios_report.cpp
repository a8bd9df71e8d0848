#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "analysis/formats/formats.hpp"
#include "analysis/table_text.hpp"
#include "mth5/duration.hpp"

namespace analysis {

namespace {

constexpr std::size_t kLine = 80;    ///< bytes before the `|`: what a pager shows
constexpr std::size_t kMost = 4096;  ///< of all of it
constexpr std::size_t kLabel = 19;   ///< of old round-robin databases

enum Code { kOk, kWarning, kCritical, kUnknown };
constexpr std::array kWords{"OK", "WARNING", "CRITICAL", "UNKNOWN"};

/// On one line, and without the sign that ends a text.
std::string plain(std::string_view text) {
  std::string out = shown(text);
  std::replace(out.begin(), out.end(), '|', '/');
  return out;
}

/// At most so many bytes, and no half character.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

/// Without an exponent; "U" = not known.
std::string number(double value) {
  if (!std::isfinite(value)) return "U";
  char text[400];
  std::snprintf(text, sizeof text, "%.6f", value);
  std::string out = text;
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out == "-0" ? "0" : out;
}

/// What is right, as plugins write it.
std::string range(const Rule& rule, double limit) {
  if (std::isnan(limit)) return "";
  if (!rule.above) return number(limit) + ":";
  return (rule.unit == "dB" || rule.unit == "°C" ? "~:" : "") + number(limit);  // these may be below 0, all others begin there
}

std::string letters(const std::string& text) {
  std::string out = text;
  for (auto& c : out)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '-') c = '_';
  return out;
}

/// Four letters that are others for another text.
std::string mark_of(const std::string& text) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::uint64_t sum = 14'695'981'039'346'656'037U;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  std::string mark;
  for (; mark.size() < 4; sum /= kDigits.size()) mark += kDigits[sum % kDigits.size()];
  return mark;
}

/// What a figure is called, whatever else is reported: old databases take 19 letters of a few kinds, and know a figure by them.
/// What does not fit has a mark of all of it in place of what is cut off.
/// @param of  station, or "" where there is only one    @param what  it is
std::string label_of(const std::string& of, const std::string& what) {
  const std::string text = of.empty() ? what : of + "_" + what;
  const auto plain = letters(text);
  if (plain == text && plain.size() <= kLabel) return plain;
  const auto mark = "_" + mark_of(text);
  const auto end = letters(what);
  const auto room = static_cast<std::ptrdiff_t>(kLabel) - std::ssize(mark) - std::ssize(end) - 1;
  if (!of.empty() && room > 0) return letters(of).substr(0, static_cast<std::size_t>(room)) + mark + "_" + end;
  return plain.substr(0, kLabel - mark.size()) + mark;
}

/// A figure and the limits it is held to.
struct Item {
  const Rule* rule;
  std::string label;
  double value;
  Limits limits;

  /// 0: critical, 1: a warning, 2: well.
  [[nodiscard]] int order() const {
    return rule->is_beyond(value, limits.critical.value) ? 0 : rule->is_beyond(value, limits.warning.value) ? 1 : 2;
  }
  [[nodiscard]] int kind() const {
    const bool channel = rule->scope == Scope::Electric || rule->scope == Scope::Field;
    return rule->name == "age" ? 0 : rule->name == "gaps" ? 1 : rule->scope == Scope::File ? 3 : channel ? 4 : 2;
  }
  [[nodiscard]] std::string text() const {
    const std::string unit = rule->unit == "s" || rule->unit == "%" ? std::string{rule->unit} : "";
    const bool none = std::isnan(limits.warning.value) && std::isnan(limits.critical.value);
    return label + "=" + number(value) + unit +
           (none ? "" : ";" + range(*rule, limits.warning.value) + ";" + range(*rule, limits.critical.value));
  }
};

/// What a figure is, within its station. @param rates  the station has more than one
std::string what_of(const Rule& rule, const Subject& subject, bool rates) {
  std::string what{rule.name == "age" ? rule.name : rule.figure};
  const bool channel = subject.scope == Scope::Electric || subject.scope == Scope::Field;
  if (!subject.stream.empty()) what = subject.stream + "_" + what;
  if (channel || (subject.scope == Scope::Source && !subject.name.empty())) what = subject.name + "_" + what;
  auto rate = rate_text(subject.rate);
  std::erase(rate, ' ');
  return rates && (channel || subject.scope == Scope::Stream) ? rate + "_" + what : what;
}

/// All figures that have a unit, and how many gaps.
std::vector<Item> performance(const Summary& summary) {
  std::vector<Item> items;
  std::map<std::string, std::set<double>> rates;
  for (const auto& stream : summary.streams) rates[stream.station].insert(stream.sample_rate);
  const bool many = summary.stations.size() > 1;
  for (const auto& subject : summary.subjects)
    for (const auto& rule : rules()) {
      const auto figure = subject.figures.find(rule.figure);
      if (!concerns(rule, subject.scope) || figure == subject.figures.end()) continue;
      if (rule.unit.empty() && rule.name != "gaps") continue;
      const bool of_file = rule.scope == Scope::File;  // of several disks the one that is full first
      const auto label =
          label_of(many && !of_file ? subject.station : "", what_of(rule, subject, rates[subject.station].size() > 1));
      const Item item{&rule, label, figure->second.value, summary.limits(rule, subject)};
      const auto known = std::find_if(items.begin(), items.end(), [&](const Item& one) { return one.label == label; });
      if (known == items.end())
        items.push_back(item);
      else if (rule.is_beyond(item.value, known->value))  // of one source in several files the worst
        *known = item;
    }
  return items;
}

/// As much of that as a line has room for, in an order that is the same whatever is wrong: there are databases that know a figure
/// by its place. What is wrong is the last to be left out. @param room  bytes
std::vector<Item> fitting(std::vector<Item> items, std::size_t room) {
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return std::tuple{a.order(), a.kind(), a.label} < std::tuple{b.order(), b.kind(), b.label};
  });
  std::size_t n = 0;
  for (std::size_t bytes = 2; n < items.size(); ++n) {  // " | "
    bytes += 1 + items[n].text().size();
    if (bytes > room) break;
  }
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(n), items.end());
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return std::tuple{a.kind(), a.label} < std::tuple{b.kind(), b.label};
  });
  return items;
}

std::string all_well(const Summary& summary) {
  if (summary.stations.size() == 1) {
    const auto& station = summary.stations.front();
    return plain(station.station.id) + ": newest sample " + old_text(station.age_s(summary.now));
  }
  return std::to_string(summary.stations.size()) + " stations";
}

}  // namespace

Plugin nagios_unknown(std::string_view why) { return {kUnknown, "MTH5 UNKNOWN - " + cut(plain(why), kMost - 64) + "\n"}; }

Plugin to_nagios(const Summary& summary) {
  Code code = kOk;
  std::string first, all;
  std::size_t more = 0;
  // Worst first; but what cannot be read is not known, and stands behind what is.
  std::vector<const Finding*> findings;
  if (summary.verdict)
    for (const auto& finding : *summary.verdict) findings.push_back(&finding);
  const auto unknown = [](const Finding* finding) { return finding->rule->name == "unreadable"; };
  std::stable_partition(findings.begin(), findings.end(), [&](const Finding* f) { return !unknown(f); });
  for (const auto* finding : findings) {
    const Code of = unknown(finding) ? kUnknown : finding->severity == Severity::Critical ? kCritical : kWarning;
    if (code == kOk) code = of;
    const auto sentence = plain(finding->sentence(summary.now));
    if (first.empty())
      first = sentence;
    else
      ++more;
    all += std::string{kWords.at(static_cast<std::size_t>(of))} + " " + sentence + ": " + plain(finding->rule->advice) + "\n";
  }
  if (first.empty() && summary.stations.empty()) code = kUnknown;  // no rule says it, and well it is not
  if (first.empty()) first = all_well(summary);
  const std::string head = std::string{"MTH5 "} + kWords.at(static_cast<std::size_t>(code)) + " - ";
  const std::string tail = more > 0 ? " (and " + std::to_string(more) + " more)" : "";
  std::string text = head + cut(first, kLine - head.size() - tail.size() - 1) + tail;
  std::string separator = " | ";
  const auto figures = performance(summary);
  const auto chosen = fitting(figures, kMost / 2 - text.size());
  for (const auto& figure : chosen) {
    text += separator + figure.text();
    separator = " ";
  }
  const std::size_t left_out = figures.size() - chosen.size();
  text += "\n";
  if (left_out > 0) all += std::to_string(left_out) + " more figures are left out: ask for fewer stations at once\n";
  if (text.size() + all.size() > kMost) {
    constexpr std::string_view kRest = "(and more)\n";
    all.resize(all.rfind('\n', kMost - text.size() - kRest.size() - 1) + 1);
    all += kRest;
  }
  return {code, text + all};
}

}  // namespace analysis
