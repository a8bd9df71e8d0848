#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/config/map_reader.hpp"

/// A key is declared once: what the parser, the environment, --print-config, the manual and the check of the sample file know of
/// it is one row of its section's table.
namespace daq::config {

/// What people read of a key.
struct KeyText {
  std::string section;   ///< "output", "sources[].serial"; "" = the top of the file
  std::string name;      ///< "baud"
  std::string type;      ///< "time", "size", "whole number", …
  std::string limits;    ///< "10ms to 1h"; "" = none but those of the type
  std::string fallback;  ///< the default; "" = there is none
  std::string meaning;
  bool required = false;
  bool live = false;  ///< a recorder that runs takes another value

  [[nodiscard]] std::string path() const { return section.empty() ? name : section + "." + name; }
};

/// One key of the section that fills a T.
template <class T>
struct Key {
  std::string_view name;
  std::string_view type;
  std::string limits;
  std::string_view meaning;
  bool required;
  std::function<void(MapReader&, T&)> read;      ///< checks the value and puts it into T; absent: T keeps what it has
  std::function<std::string(const T&)> shown;    ///< the value as in the file; of T{} it is the default
  void (*take)(T& to, const T& from) = nullptr;  ///< to a recorder that runs; nullptr: it keeps what it has
};

/// A key of which a recorder that runs takes another value (see reload.hpp).
template <auto at, class T>
Key<T> live(Key<T> key) {
  key.take = [](T& to, const T& from) { to.*at = from.*at; };
  return key;
}

template <class T>
struct Section {
  std::string_view path;
  std::vector<Key<T>> keys;

  void read(MapReader& map, T& value) const {
    for (const auto& key : keys) key.read(map, value);
  }
  void describe(std::vector<KeyText>& out) const {
    const T defaults{};
    for (const auto& key : keys)
      out.push_back({std::string{path}, std::string{key.name}, std::string{key.type}, key.limits,
                     key.required ? "" : key.shown(defaults), std::string{key.meaning}, key.required, key.take != nullptr});
  }
};

using Check = std::function<std::string(std::string_view)>;

template <class T>
Key<T> time_key(std::string_view name, std::chrono::nanoseconds T::*at, std::chrono::nanoseconds low,
                std::chrono::nanoseconds high, std::string_view meaning) {
  return {name,
          "time",
          format_duration(low) + " to " + format_duration(high),
          meaning,
          false,
          [=](MapReader& map, T& t) { t.*at = map.duration(name, t.*at, low, high); },
          [=](const T& t) { return format_duration(t.*at); }};
}

template <class T>
Key<T> size_key(std::string_view name, std::int64_t T::*at, std::int64_t low, std::int64_t high, std::string_view meaning) {
  return {name,
          "size",
          format_bytes(low) + " to " + format_bytes(high),
          meaning,
          false,
          [=](MapReader& map, T& t) { t.*at = map.bytes(name, t.*at, low, high); },
          [=](const T& t) { return format_bytes(t.*at); }};
}

template <class T, class Whole>
Key<T> whole_key(std::string_view name, Whole T::*at, std::int64_t low, std::int64_t high, std::string_view unit,
                 std::string_view meaning, bool required = false) {
  const auto read = [=](MapReader& map, T& t) {
    t.*at = static_cast<Whole>(required ? map.require_whole(name, low, high, unit)
                                        : map.whole(name, static_cast<std::int64_t>(t.*at), low, high, unit));
  };
  return {name,
          "whole number",
          std::to_string(low) + " to " + std::to_string(high) + (unit.empty() ? "" : " " + std::string{unit}),
          meaning,
          required,
          read,
          [=](const T& t) { return std::to_string(t.*at); }};
}

/// A text, or a path. @param limits  what `check` asks, in words
template <class T, class Text>
Key<T> text_key(std::string_view name, Text T::*at, std::string limits, Check check, std::string_view meaning,
                bool required = false) {
  const auto read = [=](MapReader& map, T& t) {
    t.*at = required ? map.require_text(name, check) : map.text(name, std::string{t.*at}, check);
  };
  return {name, "text", std::move(limits), meaning, required, read, [=](const T& t) { return std::string{t.*at}; }};
}

template <class T>
Key<T> choice_key(std::string_view name, std::string T::*at, const std::vector<std::string>& options, std::string_view meaning) {
  return {name,
          "word",
          alternatives(options),
          meaning,
          false,
          [=](MapReader& map, T& t) { t.*at = map.choice(name, t.*at, options); },
          [=](const T& t) { return t.*at; }};
}

template <class T>
Key<T> flag_key(std::string_view name, bool T::*at, std::string_view meaning) {
  return {name,
          "word",
          "true or false",
          meaning,
          false,
          [=](MapReader& map, T& t) { t.*at = map.flag(name, t.*at); },
          [=](const T& t) { return std::string{t.*at ? "true" : "false"}; }};
}

[[nodiscard]] inline std::string check_not_empty(std::string_view text) { return text.empty() ? "is an empty text" : ""; }
/// Whether `key` is absent or this one word; it is taken then.
[[nodiscard]] bool is_word(MapReader& map, std::string_view key, std::string_view word, const std::string& otherwise);

/// Every key of every section, in the order of the manual.
[[nodiscard]] std::vector<KeyText> all_keys();
/// mth5d.yaml(5): the manual of the configuration, made from all_keys().
[[nodiscard]] std::string manual_page();

}  // namespace daq::config
