#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "support/support.hpp"
#include "text_decoder_check.hpp"

namespace {

std::vector<std::string> corpus() {
  std::vector<std::filesystem::path> files;
  for (const auto* folder : {"fuzz/corpus/text_decoder", "data/lemi424"})
    for (const auto& entry : std::filesystem::directory_iterator{support::data().parent_path() / folder})
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> texts;
  for (const auto& file : files) texts.push_back(support::read_text(file).substr(0, 4000));
  return texts;
}

std::string mutated(std::string text, const std::vector<std::string>& others, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>{0, n - 1}(random); };
  for (auto n = 1 + below(6); n > 0; --n) {
    if (text.empty()) text = "2";
    const auto at = below(text.size());
    switch (below(6)) {
      case 0:
        text[at] = static_cast<char>(below(256));
        break;
      case 1:
        text.erase(at, 1 + below(200));
        break;
      case 2:
        text.insert(at, 1 + below(20), "\0 \n\r,.-2eN"[below(10)]);
        break;
      case 3:
        text.insert(at, text.substr(below(text.size()), below(300)));
        break;
      case 4: {
        const auto& other = others[below(others.size())];
        if (!other.empty()) text.insert(at, other.substr(below(other.size()), below(300)));
        break;
      }
      default:
        text.resize(at);
        break;
    }
  }
  return text;
}

TEST(TextDecoderFuzz, KeepsItsPromisesOnTheCorpus) {
  std::uint64_t frames = 0;
  const auto texts = corpus();
  ASSERT_GE(texts.size(), 12u);
  for (const auto& text : texts) frames += fuzz::check_text_decoders(text);
  EXPECT_GE(frames, 50u) << "the corpus also holds good lines";
}

TEST(TextDecoderFuzz, KeepsItsPromisesOnMutations) {
  const char* const given = std::getenv("MTH5_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 424;
  SCOPED_TRACE("MTH5_SEED=" + std::to_string(seed));
  std::mt19937_64 random{seed};
  const auto texts = corpus();
  std::uint64_t frames = 0;
  for (int round = 0; round < 60; ++round)
    for (const auto& text : texts) frames += fuzz::check_text_decoders(mutated(text, texts, random));
  EXPECT_GT(frames, 1000u);
}

/// Lines made so that as many places as possible look like the beginning of a record. The bound is some hundred times what it
/// takes.
TEST(TextDecoderFuzz, TakesBoundedTimeForLinesMadeToSlowItDown) {
  const auto fill = [](const std::string& unit) {
    std::string text;
    while (text.size() < 200'000) {
      std::string line;
      while (line.size() + unit.size() < 1023) line += unit;
      text += line + "\n";
    }
    return text;
  };
  const std::string date = "2020 1 1 0 0 0 ";
  for (const auto& unit :
       {date, std::string{"2020 "}, std::string{"2020"}, date + "1 1 1 1 1 1 1 1 1 ", date + "1 1 1 1 1 1 1 1 1 1 1 1 X ",
        date + std::string(60, '9') + " ", std::string{"1 "}, std::string{"1,"}, std::string{"2020,1,1,0,0,0,"}}) {
    const auto start = std::chrono::steady_clock::now();
    fuzz::check_text_decoders(fill(unit));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{20}) << unit;
  }
}

}  // namespace
