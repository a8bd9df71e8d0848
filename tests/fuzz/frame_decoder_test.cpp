#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "frame_decoder_check.hpp"
#include "support/support.hpp"

namespace {

std::vector<std::string> corpus() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{support::data().parent_path() / "fuzz/corpus/frame_decoder"})
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> texts;
  for (const auto& file : files) texts.push_back(support::read_text(file));
  return texts;
}

TEST(FrameDecoderFuzz, KeepsItsPromisesOnTheCorpus) {
  const auto texts = corpus();
  ASSERT_GE(texts.size(), 10u);
  std::uint64_t frames = 0;
  for (const auto& text : texts) frames += fuzz::check_frame_decoders(text);
  EXPECT_GE(frames, 100u) << "the corpus also holds good frames";
}

TEST(FrameDecoderFuzz, KeepsItsPromisesOnMutations) {
  const char* const given = std::getenv("MTH5_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 18;
  SCOPED_TRACE("MTH5_SEED=" + std::to_string(seed));
  std::mt19937_64 random{seed};
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>{0, n - 1}(random); };
  const auto texts = corpus();
  std::uint64_t frames = 0;
  for (int round = 0; round < 60; ++round)
    for (auto text : texts) {
      for (auto n = 1 + below(4); n > 0; --n) {
        if (text.empty()) text = "\xA5\x5A";
        const auto at = below(text.size());
        switch (below(5)) {
          case 0:
            text[at] = static_cast<char>(below(256));
            break;
          case 1:
            text.erase(at, 1 + below(40));
            break;
          case 2:
            text.insert(at, 1 + below(20), "\xA5\x5A\x3F\x37S\xA0\xC0%\0\xFF"[below(10)]);
            break;
          case 3:
            text.insert(at, text.substr(below(text.size()), below(200)));
            break;
          default:
            text.insert(at, texts[below(texts.size())].substr(0, 300));
            break;
        }
      }
      frames += fuzz::check_frame_decoders(text);
    }
  EXPECT_GT(frames, 1000u);
}

/// Bytes made so that as many places as possible look like the beginning of the longest frame.
TEST(FrameDecoderFuzz, TakesBoundedTimeForBytesMadeToSlowItDown) {
  for (const std::string& unit : {std::string{"\xA5\x5A\xF8\x00", 4}, std::string{"\xA5\x5A"}, std::string{"\xA0"},
                                  std::string{"S"}, std::string{"%"}, support::data_frame({})}) {
    std::string bytes;
    while (bytes.size() < 100'000) bytes += unit;
    const auto start = std::chrono::steady_clock::now();
    fuzz::check_frame_decoders(bytes);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{20}) << testing::PrintToString(unit);
  }
}

}  // namespace
