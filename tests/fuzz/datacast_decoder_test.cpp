#include <gtest/gtest.h>

#include <random>

#include "datacast_decoder_check.hpp"
#include "mutations.hpp"

namespace {

TEST(DatacastDecoderFuzz, KeepsItsPromisesOnTheCorpus) {
  std::uint64_t frames = 0;
  for (const auto& text : fuzz::corpus("datacast_decoder")) frames += fuzz::check_datacast_decoder(text);
  EXPECT_EQ(frames, 7u);
}

TEST(DatacastDecoderFuzz, KeepsItsPromisesOnMutations) {
  std::mt19937_64 random{8888};
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>{0, n - 1}(random); };
  const auto texts = fuzz::corpus("datacast_decoder");
  std::uint64_t frames = 0;
  for (int round = 0; round < 4000; ++round) {
    auto text = texts[below(texts.size())];
    for (auto n = 1 + below(6); n > 0; --n) {
      const auto at = below(text.size() + 1);
      const auto& other = texts[below(texts.size())];
      switch (below(3)) {
        case 0:
          text.insert(at, 1, "{}',.0 \n\0"[below(9)]);
          break;
        case 1:
          text.erase(at, below(20));
          break;
        default:
          text.insert(at, other.substr(below(other.size()), below(60)));
          break;
      }
    }
    frames += fuzz::check_datacast_decoder(text);
  }
  EXPECT_GT(frames, 1000u);
}

}  // namespace
