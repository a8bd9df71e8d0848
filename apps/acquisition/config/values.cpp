#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

#include "acquisition/config/config.hpp"
#include "acquisition/config/report.hpp"

/// Values with units, patterns of names, and how values are shown.
namespace daq::config {

namespace {

/// As Python's collections write rates: "1", "256", "24k" for 24000; decimals as "0p5", because ids have no dot.
std::string rate_text(double rate) {
  std::string suffix;
  if (rate >= 1000 && std::fmod(rate, 1000) == 0) {
    rate /= 1000;
    suffix = "k";
  }
  char buffer[64];
  std::string text{buffer, std::to_chars(std::begin(buffer), std::end(buffer), rate, std::chars_format::fixed, 6).ptr};
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  if (const auto dot = text.find('.'); dot != std::string::npos) text[dot] = 'p';
  return text + suffix;
}

/// The part of strftime that is the same in every language and fits a name.
Expansion format_time(std::string_view format, mth5::UtcNanos time) {
  constexpr std::string_view kAllowed = "YymdjHMSFT%";
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') continue;
    if (++i == format.size() || kAllowed.find(format[i]) == std::string_view::npos)
      return {"", "'%" + std::string{format.substr(i, 1)} + "' is not one of %Y %y %m %d %j %H %M %S %F %T %%"};
  }
  if (format.empty()) return {"", "{start} needs a form, e.g. {start:%Y%m%dT%H%M%SZ}"};
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm calendar{};
  gmtime_r(&seconds, &calendar);
  std::array<char, 512> text{};
  const auto length = std::strftime(text.data(), text.size(), std::string{format}.c_str(), &calendar);
  if (length == 0) return {"", "the form of {start} is too long"};
  return {std::string{text.data(), length}, ""};
}

Expansion format_index(std::string_view width, int index) {
  const auto digits = std::to_string(index);
  if (width.empty()) return {digits, ""};
  if (width.size() != 2 || width[0] != '0' || width[1] < '1' || width[1] > '9')
    return {"", "'" + std::string{width} + "' is not a width; {index:04} gives 0001"};
  const auto wanted = std::size_t(width[1] - '0');
  return {std::string(digits.size() < wanted ? wanted - digits.size() : 0, '0') + digits, ""};
}

Expansion expand_key(std::string_view key, std::string_view form, const PatternValues& values) {
  if (key == "start") return format_time(form, values.start);
  if (key == "index") return format_index(form, values.index);
  Expansion plain;
  if (key == "station")
    plain.text = values.station;
  else if (key == "survey")
    plain.text = values.survey;
  else if (key == "rate")
    plain.text = rate_text(values.sample_rate);
  else
    return {"", "{" + std::string{key} + "} is not one of {station} {survey} {start:%Y...} {rate} {index:04}"};
  if (!form.empty()) plain.problem = "{" + std::string{key} + "} takes no form ('" + std::string{form} + "')";
  return plain;
}

constexpr std::array<std::string_view, 6> kSizes{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};

}  // namespace

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  double number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view unit{stop, static_cast<std::size_t>(text.data() + text.size() - stop)};
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    if (kSizes.at(i) != unit) continue;
    const double bytes = std::ldexp(number, static_cast<int>(10 * i));
    if (bytes >= 9e18) return std::nullopt;
    return std::llround(bytes);
  }
  return std::nullopt;
}

std::string format_bytes(std::int64_t bytes) {
  std::size_t i = 0;
  for (; i + 1 < kSizes.size() && bytes != 0 && bytes % 1024 == 0; ++i) bytes /= 1024;
  return std::to_string(bytes) + std::string{kSizes.at(i)};
}

std::optional<double> parse_volts(std::string_view text) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  double volts = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, volts, std::chars_format::fixed);
  if (error != std::errc{} || std::string_view{stop, static_cast<std::size_t>(end - stop)} != "V") return std::nullopt;
  return volts;
}

std::string format_volts(double volts) {
  std::array<char, 32> buffer{};
  return std::string{buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), volts).ptr} + "V";
}

Expansion expand(std::string_view pattern, const PatternValues& values) {
  Expansion all;
  while (!pattern.empty()) {
    const auto brace = pattern.find_first_of("{}");
    all.text += pattern.substr(0, brace);
    if (brace == std::string_view::npos) break;
    pattern.remove_prefix(brace);
    const auto end = pattern.find_first_of("{}", 1);
    if (pattern[0] == '}' || end == std::string_view::npos || pattern[end] == '{') return {"", "has a brace without its partner"};
    const auto inside = pattern.substr(1, end - 1);
    const auto colon = inside.find(':');
    const auto part =
        expand_key(inside.substr(0, colon), colon == std::string_view::npos ? "" : inside.substr(colon + 1), values);
    if (!part.problem.empty()) return {"", part.problem};
    all.text += part.text;
    pattern.remove_prefix(end + 1);
  }
  return all;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShown = 60;
  if (text.size() <= kShown) return "'" + std::string{text} + "'";
  auto end = kShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;  // not inside a UTF-8 character
  return "'" + std::string{text.substr(0, end)} + "...'";
}

std::string key_text(std::string_view key) { return key.size() > kMaxWord ? in_quotes(key) : std::string{key}; }

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
