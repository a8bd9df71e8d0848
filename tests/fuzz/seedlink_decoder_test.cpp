#include <gtest/gtest.h>

#include <random>

#include "mutations.hpp"
#include "seedlink_decoder_check.hpp"

namespace {

/// The corpus in each form.
std::vector<std::string> seedlink_corpus() {
  std::vector<std::string> all;
  for (const auto& text : fuzz::corpus("seedlink_decoder"))
    for (char form = 0; form < 4; ++form) all.push_back(form + text);
  return all;
}

TEST(SeedLinkDecoderFuzz, KeepsItsPromisesOnTheCorpus) {
  std::uint64_t packets = 0;
  for (const auto& text : seedlink_corpus()) packets += fuzz::check_seedlink_decoder(text);
  EXPECT_EQ(packets, 10u);
}

TEST(SeedLinkDecoderFuzz, KeepsItsPromisesOnMutations) {
  std::mt19937_64 random{18500};
  const auto texts = seedlink_corpus();
  std::uint64_t packets = 0;
  for (int round = 0; round < 1500; ++round) packets += fuzz::check_seedlink_decoder(fuzz::mutated(texts, random));
  EXPECT_GT(packets, 100u);
}

}  // namespace
