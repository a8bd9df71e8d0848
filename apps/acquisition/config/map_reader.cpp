#include "acquisition/config/map_reader.hpp"

#include <algorithm>
#include <charconv>

#include "mth5/time.hpp"

namespace daq::config {

namespace {

/// For one who writes a number with a decimal comma; else "".
std::string write_a_point(std::string_view text) {
  const auto comma = text.find(',');
  if (comma == std::string_view::npos) return "";
  auto number = std::string{text};
  number[comma] = '.';
  return parse_number(number) ? "; write " + number : "";
}

/// `{scale: 0,5}` has a key 5.
bool is_number(std::string_view key) { return !key.empty() && key.find_first_not_of("0123456789") == std::string_view::npos; }

std::string not_a(const Node& value, std::string_view what, std::string_view unit) {
  return in_quotes(value.text) + (value.quoted ? " in quotes is a text, not " : " is not ") + std::string{what} +
         (unit.empty() ? "" : " (" + std::string{unit} + ")") + write_a_point(value.text);
}

}  // namespace

std::string out_of_range(std::string_view value, std::string_view low, std::string_view high, std::string_view unit) {
  return std::string{value} + " is out of range (" + std::string{low} + " to " + std::string{high} +
         (unit.empty() ? "" : " " + std::string{unit}) + ")";
}

std::string check_time(std::string_view text, std::string_view example) {
  return mth5::parse_time(text)
             ? ""
             : in_quotes(text) + " is not a date or time from 1678-01-01 to 2261-12-31, e.g. " + std::string{example};
}

std::string alternatives(const std::vector<std::string>& options) {
  std::string all;
  for (std::size_t i = 0; i < options.size(); ++i) all += (i == 0 ? "" : i + 1 == options.size() ? " or " : ", ") + options[i];
  return all;
}

const Node* MapReader::take_any(std::string_view key, Need need) {
  known_.emplace_back(key);
  const Node* value = map_.find(key);
  if (value == nullptr) {
    if (need == Need::Required) report_.problem(map_.place, path(key), "is missing");
    return nullptr;
  }
  if (value->kind == Node::Kind::Null) {
    problem(*value, key, "has no value");
    return nullptr;
  }
  return value;
}

const Node* MapReader::take(std::string_view key, Node::Kind kind, Need need) {
  const Node* value = take_any(key, need);
  if (value == nullptr || value->kind == kind) return value;
  problem(*value, key, "must be " + std::string{to_string(kind)} + ", not " + std::string{to_string(value->kind)});
  return nullptr;
}

std::optional<std::string> MapReader::text(std::string_view key, Need need) {
  const Node* value = take(key, Node::Kind::Scalar, need);
  if (value == nullptr) return std::nullopt;
  if (value->text.empty()) {
    problem(*value, key, "is an empty text");
    return std::nullopt;
  }
  list(key, value->text, value);
  return value->text;
}

std::string MapReader::text(std::string_view key, std::string otherwise,
                            const std::function<std::string(std::string_view)>& check) {
  const Node* value = take(key, Node::Kind::Scalar);
  if (value == nullptr) {
    if (map_.find(key) == nullptr) list(key, otherwise, nullptr);
    return otherwise;
  }
  if (auto wrong = check(value->text); !wrong.empty()) {
    problem(*value, key, std::move(wrong));
    return otherwise;
  }
  list(key, value->text, value);
  return value->text;
}

std::string MapReader::require_text(std::string_view key, const std::function<std::string(std::string_view)>& check) {
  if (map_.find(key) != nullptr) return text(key, "", check);
  static_cast<void>(take_any(key, Need::Required));  // reports it
  return "";
}

std::string MapReader::choice(std::string_view key, std::string otherwise, const std::vector<std::string>& options) {
  return text(key, std::move(otherwise), [&](std::string_view given) -> std::string {
    if (std::find(options.begin(), options.end(), given) != options.end()) return "";
    return in_quotes(given) + " is not " + alternatives(options);
  });
}

bool MapReader::flag(std::string_view key, bool otherwise) {
  return choice(key, otherwise ? "true" : "false", {"true", "false"}) == "true";
}

std::optional<std::int64_t> MapReader::whole_of(const Node& value, std::string_view key, std::int64_t low, std::int64_t high,
                                                std::string_view unit) {
  std::int64_t result = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, result);
  if (value.quoted || error == std::errc::invalid_argument || stop != end) {
    problem(value, key, not_a(value, "a whole number", unit));
  } else if (error != std::errc{} || result < low || result > high) {
    problem(value, key, out_of_range(value.text, std::to_string(low), std::to_string(high), unit));
  } else {
    list(key, std::to_string(result), &value);
    return result;
  }
  return std::nullopt;
}

std::int64_t MapReader::whole(std::string_view key, std::int64_t otherwise, std::int64_t low, std::int64_t high,
                              std::string_view unit) {
  const Node* value = take(key, Node::Kind::Scalar);
  if (value != nullptr) return whole_of(*value, key, low, high, unit).value_or(otherwise);
  if (map_.find(key) == nullptr) list(key, std::to_string(otherwise), nullptr);
  return otherwise;
}

std::int64_t MapReader::require_whole(std::string_view key, std::int64_t low, std::int64_t high, std::string_view unit) {
  const Node* value = take(key, Node::Kind::Scalar, Need::Required);
  return value == nullptr ? 0 : whole_of(*value, key, low, high, unit).value_or(0);
}

std::optional<double> MapReader::number(std::string_view key, double low, double high, std::string_view unit, Need need) {
  const Node* value = take(key, Node::Kind::Scalar, need);
  if (value == nullptr) return std::nullopt;
  const auto result = parse_number(value->text);
  if (value->quoted || !result) {
    problem(*value, key, not_a(*value, "a number", unit));
  } else if (*result < low || *result > high) {
    problem(*value, key, out_of_range(value->text, format_number(low), format_number(high), unit));
  } else {
    list(key, format_number(*result), value);
    return result;
  }
  return std::nullopt;
}

std::chrono::nanoseconds MapReader::duration(std::string_view key, std::chrono::nanoseconds otherwise,
                                             std::chrono::nanoseconds low, std::chrono::nanoseconds high) {
  const Node* value = take(key, Node::Kind::Scalar);
  if (value == nullptr) {
    if (map_.find(key) == nullptr) list(key, format_duration(otherwise), nullptr);
    return otherwise;
  }
  const auto result = parse_duration(value->text);
  if (!result && parse_number(value->text)) {
    problem(*value, key, in_quotes(value->text) + " needs a unit, e.g. " + in_quotes(value->text + "s"));
  } else if (!result) {
    problem(*value, key, in_quotes(value->text) + " is not a duration, e.g. 250ms, 10s, 5min, 1h");
  } else if (*result < low || *result > high) {
    problem(*value, key, out_of_range(value->text, format_duration(low), format_duration(high), ""));
  } else {
    list(key, format_duration(*result), value);
    return *result;
  }
  return otherwise;
}

std::int64_t MapReader::bytes(std::string_view key, std::int64_t otherwise, std::int64_t low, std::int64_t high) {
  const Node* value = take(key, Node::Kind::Scalar);
  if (value == nullptr) {
    if (map_.find(key) == nullptr) list(key, format_bytes(otherwise), nullptr);
    return otherwise;
  }
  const auto result = parse_bytes(value->text);
  if (!result && parse_number(value->text)) {
    problem(*value, key, in_quotes(value->text) + " needs a unit, e.g. " + in_quotes(value->text + "MiB"));
  } else if (!result) {
    problem(*value, key, in_quotes(value->text) + " is not a size, e.g. 500KiB, 32MiB, 1GiB");
  } else if (*result < low || *result > high) {
    problem(*value, key, out_of_range(value->text, format_bytes(low), format_bytes(high), ""));
  } else {
    list(key, format_bytes(*result), value);
    return *result;
  }
  return otherwise;
}

void check_repeated(const Node& map, const std::string& path, Report& report) {
  std::map<std::string_view, const Node::Key*> first;
  for (const auto& key : map.keys) {
    const auto [seen, fresh] = first.emplace(key.text, &key);
    if (!fresh)
      report.problem(key.place, path.empty() ? key.text : path + "." + key.text,
                     "repeated key; it stands in line " + std::to_string(seen->second->place.line) + " already");
  }
}

void MapReader::finish() {
  check_repeated(map_, path_, report_);
  for (const auto& key : map_.keys)
    if (std::find(known_.begin(), known_.end(), key.text) == known_.end())
      report_.problem(key.place, path(key_text(key.text)),
                      "unknown key" + (is_number(key.text) ? "; write a number with a point, such as 0.5: a comma parts two keys"
                                                           : did_you_mean(key.text, known_)));
}

}  // namespace daq::config
