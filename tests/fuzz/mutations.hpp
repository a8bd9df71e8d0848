#pragma once

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "support/support.hpp"

/// What fuzz targets are given in CI, where no libFuzzer makes it up.
namespace fuzz {

/// Files of tests/fuzz/corpus/NAME, in order.
[[nodiscard]] inline std::vector<std::string> corpus(const std::string& name) {
  std::vector<std::string> texts;
  for (const auto& entry : std::filesystem::directory_iterator{support::data().parent_path() / "fuzz/corpus" / name})
    texts.push_back(support::read_text(entry.path()));
  std::sort(texts.begin(), texts.end());
  return texts;
}

/// One of the texts, binary, with up to six changes: bytes put in, taken out, changed, and pieces of others put in.
[[nodiscard]] inline std::string mutated(const std::vector<std::string>& texts, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>{0, n - 1}(random); };
  auto text = texts[below(texts.size())];
  for (auto n = 1 + below(6); n > 0; --n) {
    const auto at = below(text.size() + 1);
    const auto& other = texts[below(texts.size())];
    switch (below(4)) {
      case 0:
        text.insert(at, 1, static_cast<char>(below(256)));
        break;
      case 1:
        text.erase(at, below(20));
        break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(below(2) == 0 ? below(256) : 1u << below(8));
        break;
      default:
        text.insert(at, other.substr(below(other.size()), below(300)));
        break;
    }
  }
  return text;
}

}  // namespace fuzz
