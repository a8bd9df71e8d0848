#include "analysis/cache.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/measures/state.hpp"
#include "analysis/part_reader.hpp"
#include "support/acquisition_file.hpp"
#include "support/support.hpp"

// What the cache of mth5-summary finds again, and what not. That whole reports are the same to the byte with it and without it:
// tests/integration/reports_test.cpp.
namespace {

namespace fs = std::filesystem;
using namespace analysis;
using support::AcquisitionFile;
using What = PartReader::What;

constexpr double kRate = 256;
constexpr std::int64_t kSamples = 20 * 256;  ///< from ten seconds before an hour to ten after it: two pieces

class CacheTest : public testing::Test {
 protected:
  /// A channel with noise, the power line, a spike, a row of equal samples and some at limits.
  void write(const std::string& name) const {
    AcquisitionFile file{dir_ / name, {{0, "s", "S1", kRate}}};
    const auto run = file.add_run(0, "r0", std::chrono::minutes{59} + std::chrono::seconds{50});
    std::mt19937 random{7};
    std::normal_distribution<double> noise;
    std::vector<double> frames;
    for (std::int64_t i = 0; i < kSamples; ++i) {
      const double line = 20 * std::sin(2 * std::numbers::pi * 50 / kRate * static_cast<double>(i));
      const double value = i == 700 ? 900 : i >= 3000 && i < 3100 ? 5 : std::clamp(line + noise(random), -20.5, 20.5);
      frames.insert(frames.end(), 2, std::round(16 * value) / 16);
    }
    file.file().append_interleaved<double>(file.id_of(run), frames);
    file.commit(0, AcquisitionFile::start(), {{.in = 1, .decoded = 1}}, {{.decoded = kSamples, .stored = kSamples}});
    file.file().close();
  }

  struct How {
    std::string program = "1.0";
    std::size_t channel = 0;
    ClipLimits limits{-1000, 20};
    std::optional<double> fill = {};
    Ranges filled{{4000, 4010}};
    double rate = kRate;
    std::chrono::nanoseconds late{0};  ///< what the clock of the run has moved by
    std::int64_t end = kSamples;
    std::function<void()> between = {};  ///< called behind each piece
  };
  struct Measured {
    std::vector<std::uint8_t> piece;
    Cache::Counts counts;
    std::vector<std::string> said;
  };
  /// A channel of a file, with the cache or without one.
  [[nodiscard]] Measured measure(const std::string& name, const How& how, bool cached = true) const {
    std::vector<std::unique_ptr<mth5::Reader>> files;
    files.push_back(std::make_unique<mth5::Reader>(dir_ / name));
    auto part = find_series(files).at(0).parts.at(0);
    if (how.late.count() > 0) part.clock = {part.start + how.late, kRate, kSamples, {}};
    Measured out;
    Cache cache{cached ? dir_ / "cache" : fs::path{}, how.program, [&](const std::string& line) { out.said.push_back(line); }};
    Buffers buffers;
    Workers workers;
    Piece whole{how.rate, true};
    const Passed passed = [&](std::int64_t) { how.between ? how.between() : void(); };
    PartReader{{*files[0], part, how.channel, how.filled, how.fill, how.limits, how.rate, true},
               {cache, buffers, workers, passed},
               whole,
               nullptr}
        .read(0, how.end);
    out.piece = state::Json::to_cbor(whole.save());
    out.counts = cache.counts();
    cache.say_of_damaged();
    cache.say_of_damaged();  // once
    return out;
  }
  /// Files of the cache.
  [[nodiscard]] std::vector<fs::path> kept() const {
    std::vector<fs::path> all;
    for (const auto& entry : fs::recursive_directory_iterator{dir_ / "cache"})
      if (entry.is_regular_file()) all.push_back(entry.path());
    return all;
  }

  support::TempDir dir_;
};

TEST_F(CacheTest, FindsPiecesAgainWithAllThatIsMeasuredOfThem) {
  write("a.h5");
  const auto without = measure("a.h5", {}, false);
  const auto first = measure("a.h5", {}), again = measure("a.h5", {});
  EXPECT_EQ(first.counts.read, kSamples);
  EXPECT_EQ(again.counts.read, 0);
  EXPECT_EQ(again.counts.known, kSamples);
  EXPECT_EQ(first.piece, without.piece);
  EXPECT_EQ(again.piece, without.piece);
  EXPECT_THAT(again.said, testing::IsEmpty());
  const auto found = state::Json::from_cbor(again.piece);
  EXPECT_TRUE(found.contains("spectrum")) << "of the power line";
}

TEST_F(CacheTest, FindsNothingOfWhatIsNotTheSame) {
  write("a.h5");
  write("b.h5");  // the same samples and commits, and another uuid
  struct Case {
    std::string name;
    How how;
    std::string file = "a.h5";
    std::int64_t known = 0;
  };
  constexpr std::int64_t kFirst = kSamples / 2;  ///< of the first piece
  const std::vector<Case> cases{
      {"the same", {}, "a.h5", kSamples},
      {"another build of the program", {.program = "1.1"}},
      {"another file", {}, "b.h5"},
      {"another channel", {.channel = 1}},
      {"other limits", {.limits = {-1000, 20.5}}},
      {"no limits", {.limits = {}}},
      {"a fill value", {.fill = 5}},
      {"filled otherwise in the second piece", {.filled = {{4000, 4011}}}, "a.h5", kFirst},
      {"filled otherwise in the first piece", {.filled = {{0, 1}, {4000, 4010}}}, "a.h5", kSamples - kFirst},
      {"another rate", {.rate = 255}},
      {"another time", {.late = std::chrono::milliseconds{1}}},
      {"a part of the second piece", {.end = kSamples - 1}, "a.h5", kFirst},
  };
  for (const auto& [name, how, file, known] : cases) {
    fs::remove_all(dir_ / "cache");
    (void)measure("a.h5", {});
    const auto got = measure(file, how);
    EXPECT_EQ(got.counts.known, known) << name;
    EXPECT_EQ(got.counts.read + got.counts.known, how.end) << name;
    EXPECT_EQ(got.piece, measure(file, how, false).piece) << name;
    EXPECT_THAT(got.said, testing::IsEmpty()) << name;
  }
  EXPECT_EQ(measure("a.h5", {}).counts.known, kSamples) << "a part takes the place of no whole piece";
}

TEST_F(CacheTest, MeasuresAnewWhatIsCutOffOrOfAnotherVersion) {
  write("a.h5");
  const auto good = measure("a.h5", {});
  ASSERT_EQ(kept().size(), 1u) << "of a channel, a run and a day";
  const auto path = kept()[0];
  const auto bytes = support::read_text(path);
  auto other_version = bytes;
  other_version.replace(0, bytes.find('\n'), "mth5-summary cache 2");
  for (const auto& content : {std::string{}, bytes.substr(0, 5), bytes.substr(0, 25), bytes.substr(0, 50),
                              bytes.substr(0, bytes.size() - 1), bytes + "x", other_version, std::string(3 << 20, 'x')}) {
    support::write_text(path, content);
    const auto got = measure("a.h5", {});
    EXPECT_EQ(got.counts.read, kSamples) << content.size();
    EXPECT_EQ(got.piece, good.piece) << content.size();
    EXPECT_THAT(got.said, testing::ElementsAre("cache: " + path.string() + ": damaged, or no file of this cache; measured anew"))
        << content.size();
    EXPECT_EQ(support::read_text(path), bytes) << "and kept again";
  }
}

TEST_F(CacheTest, MayGoOrBeWrittenByAnotherWhileItIsUsed) {
  write("a.h5");
  const auto good = measure("a.h5", {}, false);
  const auto gone = measure("a.h5", {.between = [&] { fs::remove_all(dir_ / "cache"); }});
  EXPECT_EQ(gone.piece, good.piece);
  EXPECT_THAT(gone.said, testing::IsEmpty());
  fs::remove_all(dir_ / "cache");
  Measured other;
  const auto one = measure("a.h5", {.between = [&] { other = measure("a.h5", {}); }});
  EXPECT_EQ(one.piece, good.piece);
  EXPECT_EQ(other.piece, good.piece);
  EXPECT_EQ(measure("a.h5", {}).counts.known, kSamples);
  EXPECT_EQ(kept().size(), 1u) << "none is left of what was written";
}

}  // namespace
