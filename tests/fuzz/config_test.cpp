#include "acquisition/config/config.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "support/support.hpp"

/// Whatever a config file holds, load() returns soon, with a config or with findings that can be shown on a terminal.
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class ConfigFuzz : public testing::Test {
 protected:
  void check(const std::string& text, const std::string& name) {
    const auto start = std::chrono::steady_clock::now();
    for (const auto* file : {"mth5d.yaml", "instruments/lemi424.yaml"}) {
      support::write_text(folder_ / file, text);
      const bool profile = file != std::string{"mth5d.yaml"};
      if (profile) support::write_text(folder_ / "mth5d.yaml", kGood);
      const auto loaded = daq::config::load(folder_ / "mth5d.yaml", {{"ring=60s"}, {}}, {folder_ / "instruments"});
      ASSERT_EQ(loaded.config.has_value(), loaded.findings.empty()) << name;
      for (const auto& finding : loaded.findings) {
        const auto line = finding.text();
        ASSERT_FALSE(finding.where.empty() || finding.problem.empty()) << name << ": " << line;
        ASSERT_LT(line.size(), 2000U) << name << ": " << line;
        ASSERT_TRUE(std::none_of(line.begin(), line.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; })) << name;
      }
    }
    ASSERT_LT(std::chrono::steady_clock::now() - start, 20s) << name;
  }

  void SetUp() override { fs::create_directory(folder_ / "instruments"); }

  static constexpr const char* kGood =
      "survey: {id: A}\nstation: {id: B}\noutput: {directory: c}\nsources: [{name: d, file: {path: e}, instrument: lemi424}]\n";
  support::TempDir folder_;
};

fs::path source() { return support::source(); }

std::vector<fs::path> good_files() { return {source() / "config/mth5d.yaml", source() / "config/instruments/lemi424.yaml"}; }

TEST_F(ConfigFuzz, TheCorpusNeitherCrashesNorHangs) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator{source() / "tests/fuzz/corpus/config"}) {
    check(support::read_text(entry.path()), entry.path().filename().string());
    ++files;
  }
  EXPECT_GT(files, 10);
}

TEST_F(ConfigFuzz, TextsTooLargeForTheTreeAreRefused) {
  const auto times = [](std::size_t n, const std::string& text) {
    std::string all;
    for (std::size_t i = 0; i < n; ++i) all += text;
    return all;
  };
  check(times(100'000, "["), "open lists");
  check(times(500'000, "{"), "open maps");
  check(times(300'000, "- "), "lists in lists");
  check(times(100'000, "? "), "keys of keys");
  check(times(100'000, "a: "), "values of values");
  check(times(100'000, "&a "), "anchors");
  check(times(100'000, "!t "), "tags");
  check(times(1'000'000, "\""), "quotes");
  check("survey: " + times(1'000'000, "x"), "a long word");
  check(times(1'000'000, "x") + ": 1", "a long key");
  check(times(900'000, "\n"), "lines");
  check(times(900'000, " "), "blanks");
  check(times(2'000'000, "#"), "more than fits");
  std::string keys, same;
  for (int i = 0; i < 20'000; ++i) keys += "key_number_" + std::to_string(i) + ": 1\n";
  check(keys, "many keys");
  check(keys.substr(0, 40'000), "many unknown keys");
  check("survey:\n  " + times(3000, "id: x\n  "), "one key many times");
}

TEST_F(ConfigFuzz, EveryBeginningOfAGoodFileIsJudged) {
  for (const auto& path : good_files()) {
    const auto text = support::read_text(path);
    for (std::size_t n = 0; n < text.size(); n += 37)
      check(text.substr(0, n), path.filename().string() + " cut at " + std::to_string(n));
  }
}

TEST_F(ConfigFuzz, DamagedFilesAreJudged) {
  const char* given = std::getenv("MTH5_SEED");
  const auto seed = given != nullptr ? std::stoul(given) : 20260501UL;
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random{seed};
  const std::string marks = "{}[]:,-?&*!|>'\"%@#\n\t \\~<0aA.\x01\xff";
  auto files = good_files();
  files.push_back(source() / "config/instruments/mth5-frame.yaml");
  for (int round = 0; round < 200; ++round) {
    auto text = support::read_text(files[random() % files.size()]);
    for (auto n = random() % 6 + 1; n > 0; --n) {
      const auto at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = marks[random() % marks.size()];
          break;
        case 1:
          text.insert(at, 1, marks[random() % marks.size()]);
          break;
        default:
          text.erase(at, random() % 20);
          break;
      }
    }
    check(text, "seed " + std::to_string(seed) + " round " + std::to_string(round));
    if (HasFatalFailure()) return;
  }
}

}  // namespace
