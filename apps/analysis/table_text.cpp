#include "analysis/table_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "mth5/duration.hpp"
#include "mth5/printable.hpp"

namespace analysis {

namespace {

std::string formatted(const char* format, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

/// Columns on the screen: UTF-8 continuation bytes take none.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

void TextTable::add(std::vector<std::string> row) {
  row.resize(headings_.size());
  for (auto& cell : row) cell = mth5::printable(cell);
  rows_.push_back(std::move(row));
}

std::string TextTable::text(const std::string& indent) const {
  std::vector<std::string> head;
  for (const auto& heading : headings_) head.push_back(heading.text);
  std::vector<std::size_t> widths(headings_.size());
  for (std::size_t i = 0; i < widths.size(); ++i) {
    widths[i] = width(head[i]);
    for (const auto& row : rows_) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string all;
  const auto line = [&](const std::vector<std::string>& row) {
    std::string text = indent;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string blanks(widths[i] - width(row[i]), ' ');
      if (i > 0) text += "  ";
      text += headings_[i].align == Align::Left ? row[i] + blanks : blanks + row[i];
    }
    text.erase(text.find_last_not_of(' ') + 1);
    all += text + "\n";
  };
  line(head);
  for (const auto& row : rows_) line(row);
  return all;
}

std::string shown(std::string_view text) { return mth5::printable(text); }

std::string degrees_text(double degrees) {
  auto text = formatted("%.7f", degrees);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string number_text(double value) { return std::isnan(value) ? "-" : formatted("%.7g", value == 0 ? 0.0 : value); }

std::string duration_text(double seconds) {
  if (!(std::abs(seconds) < 1e15)) return "-";
  const double size = std::abs(seconds);
  const auto whole = static_cast<std::int64_t>(size);
  std::string text = seconds < 0 ? "-" : "";
  if (whole >= 86'400) text += std::to_string(whole / 86'400) + "d ";
  if (whole >= 3'600) text += std::to_string(whole % 86'400 / 3'600) + "h ";
  if (whole >= 60) text += std::to_string(whole % 3'600 / 60) + "min ";
  return text + number_text(static_cast<double>(whole % 60) + (size - static_cast<double>(whole))) + "s";
}

std::string volts_text(double volts) { return std::isnan(volts) ? "-" : formatted("%.2f", volts); }

std::string soh_text(std::string_view name, double value) {
  return name.ends_with("_V") ? volts_text(value) : number_text(value);
}

std::string old_text(double seconds) {
  if (std::isnan(seconds)) return "of unknown age";
  return seconds <= -1 ? mth5::rough_duration(-seconds) + " in the future" : mth5::rough_duration(seconds) + " old";
}

std::string bytes_text(double bytes) {
  constexpr double kMiB = 1 << 20, kGiB = 1 << 30;
  return bytes < kGiB ? formatted("%.0f MiB", std::floor(bytes / kMiB)) : formatted("%.1f GiB", bytes / kGiB);
}

std::string rate_text(double hz) { return hz > 0 ? formatted("%.10g Hz", hz) : "? Hz"; }

std::string percent_text(double percent) {
  if (std::isnan(percent)) return "-";
  // A day at 24 kHz with one sample missing is not complete.
  return percent < 100.0 ? formatted("%.2f %%", std::min(percent, 99.99)) : "100 %";
}

}  // namespace analysis
