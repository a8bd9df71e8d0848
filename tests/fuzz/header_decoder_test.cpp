#include <gtest/gtest.h>

#include <random>

#include "header_decoder_check.hpp"
#include "mutations.hpp"

namespace {

TEST(HeaderDecoderFuzz, KeepsItsPromisesOnTheCorpus) {
  std::uint64_t headers = 0;
  for (const auto& text : fuzz::corpus("header_decoder")) headers += fuzz::check_header_decoder(text);
  EXPECT_EQ(headers, 3u) << "all but the one that is cut off";
}

TEST(HeaderDecoderFuzz, KeepsItsPromisesOnMutations) {
  std::mt19937_64 random{203};
  const auto texts = fuzz::corpus("header_decoder");
  std::uint64_t headers = 0;
  for (int round = 0; round < 3000; ++round) headers += fuzz::check_header_decoder(fuzz::mutated(texts, random));
  EXPECT_GT(headers, 40u);
}

}  // namespace
