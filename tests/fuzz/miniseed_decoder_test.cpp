#include <gtest/gtest.h>

#include <random>

#include "miniseed_decoder_check.hpp"
#include "mutations.hpp"

namespace {

TEST(MiniSeedDecoderFuzz, KeepsItsPromisesOnTheCorpus) {
  std::uint64_t frames = 0;
  for (const auto& text : fuzz::corpus("miniseed_decoder")) frames += fuzz::check_miniseed_decoder(text);
  EXPECT_EQ(frames, 16u);
}

TEST(MiniSeedDecoderFuzz, KeepsItsPromisesOnMutations) {
  std::mt19937_64 random{18000};
  const auto texts = fuzz::corpus("miniseed_decoder");
  std::uint64_t frames = 0;
  for (int round = 0; round < 1500; ++round) frames += fuzz::check_miniseed_decoder(fuzz::mutated(texts, random));
  EXPECT_GT(frames, 400u);
}

}  // namespace
