#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <set>
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

/// Labels that are unique, however many stations there are: old databases take 19 letters of a few kinds.
class Labels {
 public:
  std::string make(const std::string& text) {
    std::string label;
    for (const char c : text) label += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' ? c : '_';
    if (label.size() > kLabel) label.erase(0, label.size() - kLabel);  // what it is stands at the end
    for (int i = 2; !known_.insert(label).second; ++i) {
      const auto more = "_" + std::to_string(i);
      label = label.substr(0, kLabel - more.size()) + more;
    }
    return label;
  }

 private:
  std::set<std::string> known_;
};

std::vector<std::string> performance(const Summary& summary) {
  Labels labels;
  std::vector<std::string> items;
  const bool many = summary.stations.size() > 1;
  const auto name = [&](const std::string& station, const std::string& what) { return many ? station + "_" + what : what; };
  std::vector<std::string> gaps, of_stations, of_channels;
  double disk_days = std::numeric_limits<double>::quiet_NaN();
  const Rule* disk = nullptr;
  Limits of_disk;
  for (const auto& subject : summary.subjects) {
    for (const auto& rule : rules()) {
      const auto figure = subject.figures.find(rule.figure);
      if (!concerns(rule, subject.scope) || figure == subject.figures.end()) continue;
      if (rule.unit.empty() && rule.name != "gaps") continue;
      const auto [warning, critical] = summary.limits(rule, subject);
      if (rule.scope == Scope::File) {  // of several disks the one that is full first
        disk_days = std::fmin(disk_days, figure->second.value);
        disk = &rule;
        of_disk = {warning, critical};
        continue;
      }
      const bool channel = subject.scope == Scope::Electric || subject.scope == Scope::Field;
      std::string what{rule.name == "age" ? rule.name : rule.figure};
      if (channel || (subject.scope == Scope::Source && !subject.name.empty())) what = subject.name + "_" + what;
      if (subject.scope == Scope::Stream && summary.streams.size() > summary.stations.size()) what = subject.name + "_" + what;
      const std::string unit = rule.unit == "s" || rule.unit == "%" ? std::string{rule.unit} : "";
      const std::string limits =
          std::isnan(warning) && std::isnan(critical) ? "" : ";" + range(rule, warning) + ";" + range(rule, critical);
      (rule.name == "age"    ? items
       : rule.name == "gaps" ? gaps
       : channel             ? of_channels
                             : of_stations)
          .push_back(labels.make(name(subject.station, what)) + "=" + number(figure->second.value) + unit + limits);
    }
  }
  items.insert(items.end(), gaps.begin(), gaps.end());
  items.insert(items.end(), of_stations.begin(), of_stations.end());
  if (disk != nullptr)
    items.push_back(labels.make("disk_days") + "=" + number(disk_days) + ";" + range(*disk, of_disk.warning) + ";" +
                    range(*disk, of_disk.critical));
  items.insert(items.end(), of_channels.begin(), of_channels.end());
  return items;
}

std::string all_well(const Summary& summary) {
  if (summary.stations.size() == 1) {
    const auto& station = summary.stations.front();
    return plain(station.station.id) + ": newest sample " + mth5::rough_duration(station.age_s(summary.now)) + " old";
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
  if (first.empty()) first = all_well(summary);
  const std::string head = std::string{"MTH5 "} + kWords.at(static_cast<std::size_t>(code)) + " - ";
  const std::string tail = more > 0 ? " (and " + std::to_string(more) + " more)" : "";
  std::string text = head + cut(first, kLine - head.size() - tail.size() - 1) + tail;
  std::string separator = " | ";
  std::size_t left_out = 0;
  for (const auto& item : performance(summary)) {
    if (left_out > 0 || text.size() + separator.size() + item.size() > kMost / 2) {
      ++left_out;
      continue;
    }
    text += separator + item;
    separator = " ";
  }
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
