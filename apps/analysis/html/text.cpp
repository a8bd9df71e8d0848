#include "analysis/html/text.hpp"

#include <chrono>
#include <cmath>

#include "analysis/html/style.hpp"
#include "analysis/json.hpp"
#include "analysis/table_text.hpp"

namespace analysis::html {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : shown(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string page_head(std::string_view title, std::string_view more) {
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
      "dark\">\n"
      "<meta name=\"generator\" content=\"mth5-summary\">\n<link rel=\"icon\" href=\"data:,\">\n";
  return out + std::string{more} + element("title", "", title) + "\n" + element("style", "", kStyle) + "\n</head>\n";
}

std::string element(std::string_view name, std::string_view attributes, std::string_view content) {
  std::string out = "<" + std::string{name};
  if (!attributes.empty()) out += " " + std::string{attributes};
  return out + ">" + std::string{content} + "</" + std::string{name} + ">";
}

std::string figure(double value, std::string_view shown) {
  if (!std::isfinite(value)) return "-";
  return element("data", "value=\"" + json::number(value).dump() + "\"", shown);
}
std::string figure(std::int64_t value) {
  const auto text = std::to_string(value);
  return element("data", "value=\"" + text + "\"", text);
}
std::string figure(double value) { return figure(value, number_text(value)); }

std::string time(std::optional<mth5::UtcNanos> value) {
  if (!value) return "-";
  auto seconds = mth5::to_iso(std::chrono::floor<std::chrono::seconds>(*value));
  seconds[10] = ' ';
  seconds.pop_back();
  return element("time", "datetime=\"" + mth5::to_iso(*value) + "\"", seconds);
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned three = 0;
    for (std::size_t k = 0; k < 3; ++k)
      three = three << 8U | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : kDigits[three >> (18 - 6 * k) & 63U];
  }
  return out;
}

}  // namespace analysis::html
