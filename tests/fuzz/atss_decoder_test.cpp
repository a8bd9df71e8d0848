#include <gtest/gtest.h>

#include <random>

#include "atss_decoder_check.hpp"
#include "support/support.hpp"

namespace {

std::vector<std::string> corpus() {
  std::vector<std::string> texts;
  for (const auto& entry : std::filesystem::directory_iterator{support::data().parent_path() / "fuzz/corpus/atss_decoder"})
    texts.push_back(support::read_text(entry.path()));
  std::sort(texts.begin(), texts.end());
  return texts;
}

TEST(AtssDecoderFuzz, KeepsItsPromisesOnTheCorpus) {
  std::uint64_t frames = 0;
  for (const auto& text : corpus()) frames += fuzz::check_atss_decoder(text);
  EXPECT_EQ(frames, 5u) << "three of dav, two of chunked";
}

TEST(AtssDecoderFuzz, KeepsItsPromisesOnMutations) {
  std::mt19937_64 random{443};
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>{0, n - 1}(random); };
  const auto texts = corpus();
  std::uint64_t frames = 0;
  for (int round = 0; round < 1500; ++round) {
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
    frames += fuzz::check_atss_decoder(text);
  }
  EXPECT_GT(frames, 100u);
}

}  // namespace
