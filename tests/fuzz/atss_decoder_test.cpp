#include <gtest/gtest.h>

#include <random>

#include "atss_decoder_check.hpp"
#include "mutations.hpp"

namespace {

TEST(AtssDecoderFuzz, KeepsItsPromisesOnTheCorpus) {
  std::uint64_t frames = 0;
  for (const auto& text : fuzz::corpus("atss_decoder")) frames += fuzz::check_atss_decoder(text);
  EXPECT_EQ(frames, 5u) << "three of dav, two of chunked";
}

TEST(AtssDecoderFuzz, KeepsItsPromisesOnMutations) {
  std::mt19937_64 random{443};
  const auto texts = fuzz::corpus("atss_decoder");
  std::uint64_t frames = 0;
  for (int round = 0; round < 1500; ++round) frames += fuzz::check_atss_decoder(fuzz::mutated(texts, random));
  EXPECT_GT(frames, 100u);
}

}  // namespace
