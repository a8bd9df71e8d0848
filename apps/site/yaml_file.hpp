#pragma once

#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <yaml-cpp/yaml.h>

#include "cli/cli.hpp"
#include "mth5/filesystem.hpp"

/// Small files in YAML that a site gives to a program. Thread: one.
namespace site {

/// What is wrong with such a file, a line each, with its place.
class YamlProblems {
 public:
  explicit YamlProblems(std::string name) : name_{std::move(name)} {}

  void add(const YAML::Mark& at, const std::string& key, const std::string& what) {  // marks count from 0
    text_ += (text_.empty() ? "" : "\n") + name_ + ":" + std::to_string(at.line + 1) + ":" + std::to_string(at.column + 1) +
             ": " + key + (key.empty() ? "" : ": ") + what;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string name_, text_;
};

/// The whole of a text as a finite number.
[[nodiscard]] inline std::optional<double> number_of(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

/// What `read` makes of the root of the file and of the problems that it adds to.
/// @param wanted  what the file is to hold: "limits"
/// @throws ConfigError with all problems; mth5::FileError if it cannot be read
template <class Read>
auto read_yaml_file(const std::filesystem::path& path, std::string_view wanted, Read&& read) {
  constexpr std::size_t kMostBytes = 1 << 20;
  const auto text = mth5::read_regular(path, kMostBytes + 1);
  if (text.size() > kMostBytes)
    throw cli::ConfigError{path.string() + ": is larger than 1 MiB: these are no " + std::string{wanted}};
  YamlProblems problems{path.string()};
  try {
    auto made = read(YAML::Load(text), problems);
    if (problems.text().empty()) return made;
  } catch (const YAML::Exception& e) {
    YamlProblems broken{path.string()};
    broken.add(e.mark, "", e.msg);
    throw cli::ConfigError{broken.text()};
  }
  throw cli::ConfigError{problems.text()};
}

}  // namespace site
