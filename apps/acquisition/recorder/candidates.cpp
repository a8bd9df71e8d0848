#include "acquisition/recorder/candidates.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>

namespace daq::recorder {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kAskEvery = 256;  ///< entries of a directory

std::string literally(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (std::string_view{"*?[]\\"}.find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

std::string digits(std::size_t n) {
  std::string pattern;
  while (n-- > 0) pattern += "[0-9]";
  return pattern;
}

/// The parts of output.file_name: texts as they stand, and "{keys}" between them.
template <class OnText, class OnKey>
void walk_name(std::string_view name, OnText on_text, OnKey on_key) {
  while (!name.empty()) {
    const auto brace = name.find('{');
    on_text(name.substr(0, brace));
    if (brace == std::string_view::npos) return;
    const auto end = name.find('}', brace);
    if (end == std::string_view::npos) return;  // the configuration was checked
    on_key(name.substr(brace, end - brace + 1));
    name.remove_prefix(end + 1);
  }
}

/// The form of a key "{start:…}"; nullopt: it is another.
std::optional<std::string_view> form_of(std::string_view key) {
  constexpr std::string_view kBegin = "{start:";
  if (!key.starts_with(kBegin)) return std::nullopt;
  return key.substr(kBegin.size(), key.size() - kBegin.size() - 1);
}

/// The parts of such a form, of those that a configuration may have (config/values.cpp): texts, and fields with their letter of
/// date(1) and how many digits they have.
template <class OnText, class OnField>
void walk_form(std::string_view form, OnText on_text, OnField on_field) {
  const auto several = [&](std::string_view letters, std::string_view between) {
    for (std::size_t i = 0; i < letters.size(); ++i) {
      if (i > 0) on_text(between);
      on_field(letters[i], letters[i] == 'Y' ? 4 : 2);
    }
  };
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '%' || i + 1 == form.size()) {
      on_text(form.substr(i, 1));
      continue;
    }
    switch (const char letter = form[++i]) {
      case 'F':
        several("Ymd", "-");
        break;
      case 'T':
        several("HMS", ":");
        break;
      case '%':
        on_text("%");
        break;
      default:
        on_field(letter, letter == 'Y' ? 4 : letter == 'j' ? 3 : 2);
    }
  }
}

std::string pattern_for(std::string_view name, const config::PatternValues& values, bool any_station) {
  std::string pattern;
  const auto add_text = [&](std::string_view text) { pattern += literally(text); };
  walk_name(name, add_text, [&](std::string_view key) {
    if (const auto form = form_of(key))
      walk_form(*form, add_text, [&](char, std::size_t n) { pattern += digits(n); });
    else if (key.starts_with("{index"))
      pattern += "[0-9]*";
    else if (any_station && key == "{station}")
      pattern += "*";
    else
      add_text(config::expand(key, values).text);
  });
  return pattern;
}

}  // namespace

std::vector<std::string> name_patterns(const config::Config& config, bool any_station) {
  std::set<std::string> all;
  const fs::path name = config.output.file_name;
  for (const auto& source : config.sources) {
    const config::PatternValues values{
        .survey = config.survey.text("id"), .station = source.station.text("id"), .sample_rate = source.instrument.sample_rate};
    const std::string stem = pattern_for(name.stem().string(), values, any_station);
    const std::string extension = literally(name.extension().string());
    all.insert(stem + extension);
    all.insert(stem + "_[0-9]*" + extension);
  }
  return {all.begin(), all.end()};
}

bool matches(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const auto& pattern) { return fnmatch(pattern.c_str(), name.c_str(), 0) == 0; });
}

bool is_own(const config::Config& config, const std::string& survey, const std::string& station) {
  return (survey.empty() || survey == config.survey.text("id")) &&
         std::any_of(config.sources.begin(), config.sources.end(),
                     [&](const auto& source) { return source.station.text("id") == station; });
}

namespace {

std::string literally_in_regex(std::string_view text) {
  std::string regex;
  for (const char c : text) {
    if (std::string_view{"^$\\.*+?()[]{}|"}.find(c) != std::string_view::npos) regex += '\\';
    regex += c;
  }
  return regex;
}

/// The times that names of output.file_name tell.
class NameTimes {
 public:
  explicit NameTimes(const fs::path& file_name);
  /// As Candidate::start; "" of a name that is none of these.
  [[nodiscard]] std::string of(const fs::path& path) const;

 private:
  std::string fields_;  ///< letters of date(1), one for each group of the expression
  std::regex regex_;
};

NameTimes::NameTimes(const fs::path& file_name) {
  std::string regex;
  const auto add_text = [&](std::string_view text) { regex += literally_in_regex(text); };
  walk_name(file_name.stem().string(), add_text, [&](std::string_view key) {
    const auto form = form_of(key);
    if (!form) {
      regex += ".*?";
      return;
    }
    walk_form(*form, add_text, [&](char letter, std::size_t n) {
      fields_ += letter;
      regex += "([0-9]{" + std::to_string(n) + "})";
    });
  });
  regex_ = std::regex{regex + "(?:_([0-9]+))?", std::regex::ECMAScript | std::regex::optimize};
}

std::string NameTimes::of(const fs::path& path) const {
  const auto stem = path.stem().string();
  std::smatch found;
  if (!std::regex_match(stem, found, regex_)) return {};
  std::string text;
  for (const char letter : std::string_view{"YmdjHMS"})
    if (const auto at = fields_.find(letter); at != std::string::npos) text += found[at + 1].str();
  const auto number = found[fields_.size() + 1].str();
  return text + std::string(number.size() < 10 ? 10 - number.size() : 0, '0') + number;
}

}  // namespace

std::vector<Candidate> candidates(const config::Config& config, const std::function<bool()>& go_on) {
  const auto ours = name_patterns(config), others = name_patterns(config, true);
  const NameTimes times{config.output.file_name};
  std::vector<Candidate> found;
  std::error_code error;
  std::size_t seen = 0;
  for (fs::directory_iterator entry{config.output.directory, error}; !error && entry != fs::directory_iterator{};
       entry.increment(error)) {
    if (++seen % kAskEvery == 0 && !go_on()) break;
    const std::string name = entry->path().filename().string();
    const bool of_others = !matches(ours, name);
    if (of_others && !matches(others, name)) continue;
    std::error_code gone;
    if (entry->symlink_status(gone).type() != fs::file_type::regular || gone) continue;
    const auto time = entry->last_write_time(gone);
    if (!gone) found.push_back({entry->path(), times.of(entry->path()), time, of_others});
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return std::tie(a.start, a.time, a.path) > std::tie(b.start, b.time, b.path); });
  return found;
}

}  // namespace daq::recorder
