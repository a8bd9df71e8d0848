#include "meta/validate.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <regex>

#include "meta/json.hpp"
#include "meta/text.hpp"
#include "meta/units.hpp"
#include "mth5/error.hpp"
#include "mth5/filter.hpp"
#include "mth5/time.hpp"

namespace mth5::meta {
namespace {

constexpr std::size_t kMaxPatternBytes = 512;  // std::regex recurses per character
constexpr double kTwo63 = 9223372036854775808.0;

std::string print(double number) {
  std::array<char, 64> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return {digits.data(), end};
}

template <class T>
std::optional<T> parse(std::string_view text) {
  text = trimmed(text);
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// All patterns of the table, compiled once.
const std::regex& compiled(std::string_view pattern) {
  static const auto all = [] {
    std::map<std::string_view, std::regex> out;
    for (std::size_t kind = 0; kind < kKindCount; ++kind)
      for (const auto& row : attributes(static_cast<Kind>(kind)))
        if (!row.pattern.empty() && !out.contains(row.pattern)) out.emplace(row.pattern, std::regex{std::string{row.pattern}});
    return out;
  }();
  return all.at(pattern);
}

/// One value for one attribute.
class Checker {
 public:
  Checker(Kind kind, const Attribute& row) : kind_{kind}, row_{row} {}

  [[nodiscard]] Value check(const Value& value) const {
    if (const auto* text = std::get_if<std::string>(&value)) check_encoding(*text);
    switch (row_.type) {
      case Type::Text:
        return text(value);
      case Type::Float:
        return number(value);
      case Type::Int:
        return integer(value);
      case Type::Bool:
        return boolean(value);
      case Type::Time:
      case Type::Date:
        return time(value);
      case Type::List:
        return list(value);
    }
    refuse("has a type this library does not know");
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw MetadataError{std::string{to_string(kind_)}.append(".").append(row_.name).append(": ").append(problem)};
  }

  [[noreturn]] void refuse_type(const Value& value, const char* wanted) const {
    const bool is_text = std::holds_alternative<std::string>(value);
    const std::string unit = row_.units.empty() ? "" : " (" + std::string{row_.units} + ")";
    refuse((is_text ? quoted(std::get<std::string>(value)) : printed(value)) + " is not " + wanted + unit);
  }

  void check_encoding(const std::string& text) const {
    if (text.find('\0') != std::string::npos) refuse("has a NUL character, which no MTH5 text can hold");
    if (!is_utf8(text)) refuse("is not UTF-8");
  }

  void check_range(double number) const {
    if (!std::isfinite(number)) refuse(print(number) + " is not a finite number; leave out what is not known");
    if (number >= row_.minimum && number <= row_.maximum) return;
    const std::string unit = row_.units.empty() ? "" : " " + std::string{row_.units};
    const std::string allowed =
        std::isinf(row_.maximum) ? "at least " + print(row_.minimum) : print(row_.minimum) + " to " + print(row_.maximum);
    refuse(print(number) + " is out of range (" + allowed + unit + ")");
  }

  void check_pattern(const std::string& text) const {
    if (row_.pattern.empty()) return;
    if (text.size() > kMaxPatternBytes) refuse(quoted(text) + " is longer than 512 bytes");
    if (std::regex_match(text, compiled(row_.pattern))) return;
    if (text.empty()) refuse("is empty; leave it out instead");
    refuse(quoted(text) + " does not fit; wanted is: " + std::string{row_.description});
  }

  /// The option that `text` means, in its own spelling.
  std::optional<std::string> option(std::string_view text) const {
    const std::string wanted = folded(trimmed(text));
    for (const auto option : split(row_.options, '|')) {
      if (!option.ends_with('*')) {
        if (folded(option) == wanted) return std::string{option};
      } else if (const auto stem = option.substr(0, option.size() - 1); lower(trimmed(text)).starts_with(lower(stem))) {
        return std::string{stem}.append(trimmed(text).substr(stem.size()));
      }
    }
    return std::nullopt;
  }

  [[noreturn]] void refuse_option(const std::string& text) const {
    if (trimmed(text).empty()) refuse("is empty; leave it out instead");
    const auto options = split(row_.options, '|');
    std::string allowed;
    for (const auto option : options)
      if (!option.ends_with('*')) allowed += (allowed.empty() ? "" : ", ") + std::string{option};
    if (options.size() <= 20) refuse(quoted(text) + " is not one of " + allowed);
    const auto near = nearest(text, options);
    refuse(quoted(text) + " is not a name MTH5 knows here; " +
           (near.empty() ? "the usual one is '" + std::string{row_.default_value.empty() ? options[0] : row_.default_value} + "'"
                         : "did you mean '" + std::string{near} + "'?"));
  }

  std::string text(const Value& value) const {
    if (std::holds_alternative<bool>(value) || std::holds_alternative<std::vector<std::string>>(value))
      refuse_type(value, "a text");
    std::string text = printed(value);
    if (row_.name == "filters") return filters(text);
    if (row_.name == "units" || row_.name == "units_in" || row_.name == "units_out") return unit(text);
    if (row_.name == "name" && is_filter(kind_)) return filter_name(text);
    if (row_.name == "component") text = lower(text);
    if (row_.name == "id" || row_.name == "component") {
      if (const auto problem = text.empty() ? std::nullopt : check_id(kind_, text)) refuse(quoted(text) + " " + *problem);
    }
    if (!row_.options.empty()) {
      if (auto known = option(text)) return *std::move(known);
      refuse_option(text);
    }
    check_pattern(text);
    check_python(text);
    return text;
  }

  /// Texts that Python takes for something else, and then cannot read the whole object.
  void check_python(const std::string& text) const {
    if (text.size() > 1 && ((text[0] == '{' && text.back() == '}') || (text[0] == '[' && text.back() == ']')))
      refuse(quoted(text) + " would be read as JSON, as it is in brackets; add a word before or behind");
    if (row_.name != "comments" && !row_.name.ends_with(".comments")) return;
    const auto parts = split(text, '|');  // "time | author | remark" or "author | remark"
    if (parts.size() < 3 || (parts.size() == 3 && parse_time(parts[0]))) return;
    refuse(quoted(text) + " would be read as 'time | author | remark'; leave out the '|'");
  }

  std::string unit(const std::string& text) const {
    const auto unit = normalised_unit(text);
    if (const auto* problem = std::get_if<UnitProblem>(&unit)) refuse(problem->what);
    return std::get<UnitName>(unit).text;
  }

  std::string filters(const std::string& text) const {
    if (const auto plain = lower(trimmed(text)); plain.empty() || plain == "none") return "[]";
    if (!parse_applied_filters(text))
      refuse(quoted(text) + R"( is not a JSON list of filters; wanted is: [{"name": "…", "applied": false, "stage": 1}])");
    return text;
  }

  double number(const Value& value) const {
    double number = 0;
    if (const auto* real = std::get_if<double>(&value)) {
      number = *real;
    } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
      number = static_cast<double>(*whole);
    } else {
      const auto* text = std::get_if<std::string>(&value);
      const auto parsed = text != nullptr ? parse<double>(*text) : std::nullopt;
      if (!parsed) refuse_type(value, "a number");
      number = *parsed;
    }
    check_range(number);
    return number;
  }

  Value integer(const Value& value) const {
    std::optional<std::int64_t> number;
    if (const auto* whole = std::get_if<std::int64_t>(&value)) {
      number = *whole;
    } else if (const auto* real = std::get_if<double>(&value)) {
      if (*real >= -kTwo63 && *real < kTwo63 && *real == std::trunc(*real)) number = static_cast<std::int64_t>(*real);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      if (!row_.options.empty())
        if (auto known = option(*text)) return *std::move(known);
      number = parse<std::int64_t>(*text);
    }
    if (!number) refuse_type(value, "a whole number");
    check_range(static_cast<double>(*number));
    return *number;
  }

  bool boolean(const Value& value) const {
    if (const auto* flag = std::get_if<bool>(&value)) return *flag;
    const std::string word = lower(trimmed(printed(value)));
    if (word == "true" || word == "yes" || word == "1") return true;
    if (word == "false" || word == "no" || word == "0") return false;
    refuse_type(value, "true or false");
  }

  std::string time(const Value& value) const {
    const auto* text = std::get_if<std::string>(&value);
    const auto parsed = text != nullptr ? parse_time(trimmed(*text)) : std::nullopt;
    if (!parsed) refuse_type(value, "a time of the years 1678 to 2261 (YYYY-MM-DDThh:mm:ss, UTC if no zone is given)");
    const std::string full = to_mth5_time(*parsed);
    return row_.type == Type::Date ? full.substr(0, 10) : full;
  }

  std::vector<std::string> list(const Value& value) const {
    auto items = elements(value);
    for (auto& item : items) {
      check_encoding(item);
      item = trimmed(item);
      if (item.empty()) refuse("has an empty element");
      if (std::ranges::any_of(item, [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
        refuse(quoted(item) + " has a control character");
      if (row_.name.starts_with("channels_recorded")) item = lower(item);
      check_pattern(item);
    }
    return items;
  }

  std::vector<std::string> elements(const Value& value) const {
    if (const auto* items = std::get_if<std::vector<std::string>>(&value)) return *items;
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) refuse_type(value, "a list of texts");
    const auto plain = trimmed(*text);
    if (plain.empty() || lower(plain) == "none") return {};
    if (plain.front() == '[') {
      auto items = parse_json_texts(plain);
      if (!items) refuse_type(value, R"(a list of texts (["a", "b"] or a, b))");
      return *std::move(items);
    }
    const auto pieces = split(plain, ',');
    return {pieces.begin(), pieces.end()};
  }

  Kind kind_;
  const Attribute& row_;
};

struct Print {
  std::string operator()(const std::string& text) const { return text; }
  std::string operator()(double number) const { return print(number); }
  std::string operator()(std::int64_t number) const { return std::to_string(number); }
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  std::string operator()(const std::vector<std::string>& items) const {
    std::string out;
    for (const auto& item : items) out += (out.empty() ? "" : ", ") + item;
    return out;
  }
};

}  // namespace

Value normalised(Kind kind, const Attribute& attribute, const Value& value) { return Checker{kind, attribute}.check(value); }

Value default_value(const Attribute& attribute) {
  const std::string text{attribute.default_value};
  if (attribute.type == Type::List) return parse_json_texts(text).value_or(std::vector<std::string>{});
  if (attribute.type == Type::Float)
    if (const auto number = parse<double>(text)) return *number;
  if (attribute.type == Type::Int)
    if (const auto number = parse<std::int64_t>(text)) return *number;
  if (attribute.type == Type::Bool) return text == "true";
  return text;
}

std::string printed(const Value& value) { return std::visit(Print{}, value); }

}  // namespace mth5::meta
