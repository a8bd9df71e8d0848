#include "acquisition/source/atss_files.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include <nlohmann/json.hpp>

#include "mth5/printable.hpp"

namespace daq::source {

namespace {

constexpr std::size_t kLongestName = 200, kLongestText = 40;  // characters
constexpr double kNotSaid = std::numeric_limits<double>::quiet_NaN();

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// %2d and &amp; as what they stand for; others stay.
std::string plain(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 5> kEntities{
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};
  std::string all;
  while (!text.empty()) {
    const auto entity =
        std::find_if(kEntities.begin(), kEntities.end(), [text](const auto& one) { return text.starts_with(one.first); });
    unsigned code = 0;
    if (entity != kEntities.end()) {
      all += entity->second;
      text.remove_prefix(entity->first.size());
    } else if (text.size() >= 3 && text[0] == '%' &&
               std::from_chars(text.data() + 1, text.data() + 3, code, 16).ptr == text.data() + 3) {
      all += static_cast<char>(code);
      text.remove_prefix(3);
    } else {
      all += text.front();
      text.remove_prefix(1);
    }
  }
  return all;
}

/// Of a link in a directory: the name of what lies directly in it; "" = something else.
std::string child(std::string_view link, std::string_view directory) {
  if (link.size() > 4096) return "";
  auto path = plain(link);
  path.resize(std::min(path.find_first_of("?#"), path.size()));
  std::string_view rest{path};
  if (const auto scheme = rest.find("://"); scheme != rest.npos) {
    const auto slash = rest.find('/', scheme + 3);
    rest.remove_prefix(std::min(slash, rest.size()));
  }
  if (rest.starts_with('/')) {
    if (!rest.starts_with(directory)) return "";
    rest.remove_prefix(directory.size());
  } else if (rest.starts_with("./")) {
    rest.remove_prefix(2);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const bool good = !rest.empty() && rest.size() <= kLongestName && rest.front() != '.' &&
                    std::all_of(rest.begin(), rest.end(),
                                [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; });
  return good ? std::string{rest} : "";
}

/// The name of a tag without its namespace, in small letters: "href" of "D:href".
std::string local_name(std::string_view tag) {
  auto name = tag.substr(0, tag.find_first_of(" \t\r\n/"));
  if (const auto colon = name.find(':'); colon != name.npos) name.remove_prefix(colon + 1);
  std::string all{name.substr(0, 32)};
  std::transform(all.begin(), all.end(), all.begin(), lower);
  return all;
}

/// The value of href="…" in a tag; "" = none.
std::string_view link_of(std::string_view tag) {
  for (std::size_t at = 0; at + 5 < tag.size(); ++at) {
    if (lower(tag[at]) != 'h' || lower(tag[at + 1]) != 'r' || lower(tag[at + 2]) != 'e' || lower(tag[at + 3]) != 'f') continue;
    auto rest = tag.substr(at + 4);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    if (!rest.starts_with('=')) continue;
    rest.remove_prefix(1);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    if (rest.empty() || (rest.front() != '"' && rest.front() != '\'')) return rest.substr(0, rest.find_first_of(" \t\r\n"));
    const auto end = rest.find(rest.front(), 1);
    return end == rest.npos ? std::string_view{} : rest.substr(1, end - 1);
  }
  return {};
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  const auto last = text.find_last_not_of(" \t\r\n");
  return text.substr(0, last == text.npos ? 0 : last + 1);
}

double number_of(const nlohmann::json& map, const char* key) {
  const auto found = map.find(key);
  if (found == map.end() || !found->is_number()) return kNotSaid;
  const auto value = found->get<double>();
  return std::isfinite(value) ? value : kNotSaid;
}

std::string text_of(const nlohmann::json& map, const char* key) {
  const auto found = map.find(key);
  if (found == map.end() || !found->is_string()) return "";
  return mth5::printable(found->get_ref<const std::string&>().substr(0, kLongestText));
}

}  // namespace

std::vector<Listed> listed(std::string_view text, std::string_view path) {
  const auto directory = plain(path);
  std::vector<Listed> all;
  std::set<std::string> seen;
  bool of_child = false;  // the response that the tag stands in
  const auto add = [&](std::string_view link) {
    auto name = child(trimmed(link), directory);
    of_child = !name.empty() && all.size() < kMostListed && seen.insert(name).second;
    if (of_child) all.push_back({std::move(name)});
  };
  while (!text.empty()) {
    text.remove_prefix(std::min(text.find('<'), text.size()));
    if (text.empty()) break;
    text.remove_prefix(1);
    const auto end = text.find('>');
    if (end == text.npos) break;
    const auto tag = text.substr(0, end);
    text.remove_prefix(end + 1);
    const auto name = local_name(tag);
    const auto content = text.substr(0, std::min(text.find('<'), text.size()));
    if (name == "href") {
      add(content);
    } else if (name == "a") {
      add(link_of(tag));
    } else if (name == "getcontentlength" && of_child) {
      std::uint64_t size = 0;
      const auto digits = trimmed(content);
      if (std::from_chars(digits.data(), digits.data() + digits.size(), size).ptr == digits.data() + digits.size() &&
          !digits.empty())
        all.back().size = size;
    }
  }
  return all;
}

std::optional<std::uint32_t> run_number(std::string_view name) {
  if (!name.starts_with("run_")) return std::nullopt;
  name.remove_prefix(4);
  std::uint32_t number = 0;
  if (name.empty() || name.size() > 9 || !std::all_of(name.begin(), name.end(), is_digit)) return std::nullopt;
  std::from_chars(name.data(), name.data() + name.size(), number);
  return number;
}

std::optional<AtssName> parse_atss_name(std::string_view name) {
  constexpr std::string_view kEnd = ".atss";
  if (!name.ends_with(kEnd)) return std::nullopt;
  name.remove_suffix(kEnd.size());
  const auto at_rate = name.rfind('_');
  if (at_rate == name.npos) return std::nullopt;
  const auto at_type = name.substr(0, at_rate).rfind('_');
  if (at_type == name.npos || at_type + 2 >= at_rate || name[at_type + 1] != 'T') return std::nullopt;
  auto rate = name.substr(at_rate + 1);
  const bool period = rate.ends_with('s');
  if (!period && !rate.ends_with("Hz")) return std::nullopt;
  rate.remove_suffix(period ? 1 : 2);
  double value = 0;
  const auto [end, error] = std::from_chars(rate.data(), rate.data() + rate.size(), value);
  if (error != std::errc{} || end != rate.data() + rate.size() || !std::isfinite(value) || !(value > 0)) return std::nullopt;
  return AtssName{std::string{name}, std::string{name.substr(at_type + 2, at_rate - at_type - 2)}, period ? 1 / value : value};
}

std::optional<AtssHeader> parse_atss_header(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto said = json.find("datetime");
  if (said == json.end() || !said->is_string()) return std::nullopt;
  const auto start = mth5::parse_time(said->get_ref<const std::string&>());
  if (!start || *start < mth5::UtcNanos{}) return std::nullopt;
  AtssHeader header{.start = *start,
                    .latitude = number_of(json, "latitude"),
                    .longitude = number_of(json, "longitude"),
                    .elevation = number_of(json, "elevation"),
                    .contact_resistance = number_of(json, "resistance"),
                    .units = text_of(json, "units"),
                    .sensor = ""};
  if (!(std::abs(header.latitude) <= 90)) header.latitude = kNotSaid;
  if (!(std::abs(header.longitude) <= 180)) header.longitude = kNotSaid;
  if (!(header.contact_resistance > 0)) header.contact_resistance = kNotSaid;  // of a coil, or not measured
  const auto calibration = json.find("sensor_calibration");
  if (calibration == json.end() || !calibration->is_object()) return header;
  header.sensor = text_of(*calibration, "sensor");
  const auto serial = calibration->find("serial");
  if (header.sensor.empty() || serial == calibration->end()) return header;
  header.sensor += serial->is_number_integer() ? " " + std::to_string(serial->get<std::int64_t>())
                                               : std::string{} + " " + text_of(*calibration, "serial");
  return header;
}

}  // namespace daq::source
