#include "acquisition/recorder/candidates.hpp"

#include <fnmatch.h>

#include <algorithm>
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

/// The forms of {start:…} that a configuration may have (config/values.cpp).
std::string time_pattern(std::string_view format) {
  std::string pattern;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      pattern += literally(format.substr(i, 1));
      continue;
    }
    switch (format[++i]) {
      case 'Y':
        pattern += digits(4);
        break;
      case 'j':
        pattern += digits(3);
        break;
      case 'F':
        pattern += digits(4) + "-" + digits(2) + "-" + digits(2);
        break;
      case 'T':
        pattern += digits(2) + ":" + digits(2) + ":" + digits(2);
        break;
      case '%':
        pattern += "%";
        break;
      default:
        pattern += digits(2);
    }
  }
  return pattern;
}

std::string pattern_for(std::string_view name, const config::PatternValues& values, bool any_station) {
  std::string pattern;
  while (!name.empty()) {
    const auto brace = name.find('{');
    pattern += literally(name.substr(0, brace));
    if (brace == std::string_view::npos) break;
    const auto end = name.find('}', brace);
    if (end == std::string_view::npos) break;  // the configuration was checked
    const auto key = name.substr(brace, end - brace + 1);
    if (key.starts_with("{start:"))
      pattern += time_pattern(key.substr(7, key.size() - 8));
    else if (key.starts_with("{index"))
      pattern += "[0-9]*";
    else if (any_station && key == "{station}")
      pattern += "*";
    else
      pattern += literally(config::expand(key, values).text);
    name.remove_prefix(end + 1);
  }
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
  void add_time(const std::string& format, std::string& regex);

  std::string fields_;  ///< letters of date(1), one for each group of the expression
  std::regex regex_;
};

NameTimes::NameTimes(const fs::path& file_name) {
  std::string rest = file_name.stem().string(), regex;
  while (!rest.empty()) {
    const auto brace = rest.find('{');
    regex += literally_in_regex(rest.substr(0, brace));
    const auto end = brace == std::string::npos ? brace : rest.find('}', brace);
    if (end == std::string::npos) break;
    const auto key = rest.substr(brace, end - brace + 1);
    if (key.starts_with("{start:"))
      add_time(key.substr(7, key.size() - 8), regex);
    else
      regex += ".*?";
    rest.erase(0, end + 1);
  }
  regex_ = std::regex{regex + "(?:_([0-9]+))?", std::regex::ECMAScript | std::regex::optimize};
}

void NameTimes::add_time(const std::string& format, std::string& regex) {
  const auto field = [&](char letter, const char* width) {
    fields_ += letter;
    regex += std::string{"([0-9]{"} + width + "})";
  };
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      regex += literally_in_regex(format.substr(i, 1));
      continue;
    }
    switch (const char letter = format[++i]) {
      case 'F':
        field('Y', "4");
        regex += "-";
        field('m', "2");
        regex += "-";
        field('d', "2");
        break;
      case 'T':
        field('H', "2");
        regex += ":";
        field('M', "2");
        regex += ":";
        field('S', "2");
        break;
      case '%':
        regex += "%";
        break;
      default:
        field(letter, letter == 'Y' ? "4" : letter == 'j' ? "3" : "2");
    }
  }
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
