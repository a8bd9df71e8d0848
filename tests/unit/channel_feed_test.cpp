#include "analysis/channel_feed.hpp"

#include <cmath>
#include <filesystem>
#include <map>
#include <memory>

#include <gtest/gtest.h>

#include "support/acquisition_file.hpp"
#include "support/support.hpp"

namespace {

namespace fs = std::filesystem;
using analysis::Block;
using analysis::ChannelFeed;
using std::chrono::seconds;
using support::AcquisitionFile;

class Feed : public testing::Test {
 protected:
  struct Run {
    int after, n;
    int filled_from = 0, filled = 0;
  };
  void write(const std::string& name, const std::vector<Run>& runs) const {
    AcquisitionFile file{dir_ / name, {{0, "lemi", "S1", 1}}};
    int number = 0;
    for (const auto& run : runs) {
      const std::string id = "sr1_000" + std::to_string(++number);
      file.append(file.add_run(0, id, seconds{run.after}), run.n);
      if (run.filled > 0) file.gap(0, "", seconds{run.after + run.filled_from}, run.filled, "no-data", id, id, true);
    }
    file.file().close();
  }
  /// One look at a file. @returns how many samples were read
  std::int64_t look(const std::string& name, const std::string& current = "") {
    std::vector<std::unique_ptr<mth5::Reader>> files;
    files.push_back(std::make_unique<mth5::Reader>(dir_ / name));
    const auto all = analysis::find_series(files);
    const auto& parts = all.at(0).parts;
    const auto* of = &parts.back();
    for (const auto& part : parts)
      if (files.front()->runs()[part.run].id == current) of = &part;
    const auto before = feed_.samples_read();
    feed_.update(*files.front(), all.at(0), *of, [&](const Block& block) {
      for (std::size_t i = 0; i < block.values.size(); ++i) {
        const auto time = mth5::sample_time(block.start, block.rate, static_cast<std::int64_t>(i));
        const auto s = std::chrono::round<seconds>(time - AcquisitionFile::start()).count();
        EXPECT_TRUE(got_.empty() || s > last_) << "in order of time, and none twice: " << s;
        got_[last_ = s] = block.values[i];
      }
    });
    return feed_.samples_read() - before;
  }

  /// Older samples of a file, up to so many, each before all so far. @returns whether they were joined to those; nullopt: none
  std::optional<bool> older(const std::string& name, std::int64_t most) {
    std::vector<std::unique_ptr<mth5::Reader>> files;
    files.push_back(std::make_unique<mth5::Reader>(dir_ / name));
    std::vector<double> values;
    const auto found = feed_.older(*files.front(), analysis::find_series(files).at(0), most, values);
    if (!found) return std::nullopt;
    EXPECT_LE(std::ssize(found->block.values), most);
    for (std::size_t i = found->block.values.size(); i-- > 0;) {
      const auto time = mth5::sample_time(found->block.start, found->block.rate, static_cast<std::int64_t>(i));
      const auto s = std::chrono::round<seconds>(time - AcquisitionFile::start()).count();
      EXPECT_LT(s, got_.begin()->first);
      got_[s] = found->block.values[i];
    }
    return found->joined;
  }

  support::TempDir dir_;
  ChannelFeed feed_{"ex", seconds{100}, 1 << 20};
  std::map<std::int64_t, double> got_;  ///< by second since the start
  std::int64_t last_ = 0;
};

TEST_F(Feed, ReadsNoMoreThanItMayTheFirstTimeAndEverySampleOnce) {
  write("a.h5", {{0, 1000}});
  EXPECT_EQ(look("a.h5"), 100);
  EXPECT_EQ(look("a.h5"), 0);
  ASSERT_EQ(got_.size(), 100U);
  EXPECT_EQ(got_.begin()->first, 900);
  EXPECT_EQ(got_[900], 901);
  EXPECT_EQ(got_[999], 1000);
  feed_ = ChannelFeed{"ex", std::chrono::hours{24}, 10};
  last_ = 0;
  EXPECT_EQ(look("a.h5"), 10);
  feed_ = ChannelFeed{"no such", seconds{100}, 1 << 20};
  EXPECT_EQ(look("a.h5"), 0);
}

TEST_F(Feed, HasNoSampleInGapsBetweenRunsAndNoValueWhereTheyAreFilled) {
  write("a.h5", {{0, 500}, {510, 50, 20, 5}});
  look("a.h5");
  ASSERT_EQ(got_.size(), 90U);
  for (int second = 460; second < 560; ++second) {
    if (second >= 500 && second < 510) {
      EXPECT_FALSE(got_.contains(second));
    } else if (second >= 530 && second < 535) {
      EXPECT_TRUE(std::isnan(got_.at(second))) << second;
    } else {
      EXPECT_EQ(got_.at(second), second < 500 ? second + 1 : second - 510 + 1);
    }
  }
}

TEST_F(Feed, ReadsTheNewestFirstAndOlderOnesInPartsBackOverGaps) {
  feed_ = ChannelFeed{"ex", seconds{1000}, 100, 20};
  write("a.h5", {{0, 500}, {510, 50, 20, 5}});
  EXPECT_EQ(look("a.h5"), 20);
  EXPECT_EQ(got_.begin()->first, 540);
  EXPECT_FALSE(feed_.is_whole());
  EXPECT_EQ(older("a.h5", 25), true);
  EXPECT_EQ(got_.begin()->first, 515);
  EXPECT_EQ(older("a.h5", 25), true) << "the five that are left of the run";
  EXPECT_EQ(got_.begin()->first, 510);
  EXPECT_EQ(older("a.h5", 25), false) << "behind a gap";
  EXPECT_EQ(older("a.h5", 1000), true);
  EXPECT_EQ(older("a.h5", 1000), std::nullopt);
  EXPECT_TRUE(feed_.is_whole());
  ASSERT_EQ(got_.size(), 90U) << "as far back as it may";
  EXPECT_EQ(got_.begin()->first, 460);
  for (const auto& [second, value] : got_) {
    if (second >= 530 && second < 535)
      EXPECT_TRUE(std::isnan(value)) << second;
    else
      EXPECT_EQ(value, second < 500 ? second + 1 : second - 510 + 1);
  }
  EXPECT_EQ(look("a.h5"), 0) << "nothing is new";
}

TEST_F(Feed, ReadsNothingOlderThanItsTimeNorOfAFileBefore) {
  feed_ = ChannelFeed{"ex", seconds{100}, 1 << 20, 20};
  write("a.h5", {{0, 1000}});
  EXPECT_EQ(older("a.h5", 10), std::nullopt) << "nothing was read yet";
  look("a.h5");
  EXPECT_EQ(older("a.h5", 1000), true);
  EXPECT_EQ(got_.begin()->first, 900);
  EXPECT_EQ(older("a.h5", 1000), std::nullopt);
  feed_ = ChannelFeed{"ex", seconds{100}, 1 << 20, 20};
  got_.clear();
  look("a.h5");
  write("b.h5", {{1000, 20}});
  EXPECT_EQ(look("b.h5"), 20);
  EXPECT_EQ(older("b.h5", 1000), std::nullopt);
  EXPECT_TRUE(feed_.is_whole());
  EXPECT_EQ(got_.size(), 40U);
}

TEST_F(Feed, ComesToTheNewestSampleBySteps) {
  write("a.h5", {{0, 500}, {510, 50}});
  std::vector<std::unique_ptr<mth5::Reader>> files;
  files.push_back(std::make_unique<mth5::Reader>(dir_ / "a.h5"));
  const auto all = analysis::find_series(files);
  std::int64_t steps = 1, n = 0;
  const auto step = [&] {
    return feed_.update(
        *files.front(), all.at(0), all.at(0).parts.back(), [&](const Block& block) { n += std::ssize(block.values); }, 8);
  };
  for (; !step(); ++steps) EXPECT_LE(n, steps * 8);
  EXPECT_EQ(n, 90);
  EXPECT_EQ(steps, 12);
  EXPECT_TRUE(step());
  EXPECT_EQ(n, 90);
}

TEST_F(Feed, GoesOnInTheNextFileAndReadsNothingTwice) {
  write("a.h5", {{0, 300}});
  write("b.h5", {{300, 20}});
  write("c.h5", {{300, 20}, {330, 10}});
  EXPECT_EQ(look("a.h5"), 100);
  EXPECT_EQ(look("b.h5"), 20);
  look("c.h5");
  ASSERT_EQ(got_.size(), 130U) << "what another file had at the same times is known";
  EXPECT_EQ(got_.at(299), 300);
  EXPECT_EQ(got_.at(300), 1);
  EXPECT_EQ(got_.at(339), 10);
}

TEST_F(Feed, GoesOnInAFileThatLostItsLastSamplesInACrash) {
  {
    AcquisitionFile file{dir_ / "a.h5", {{0, "lemi", "S1", 1}}};
    const auto run = file.add_run(0, "sr1_0001", seconds{0});
    file.append(run, 50);
    file.file().flush();
    fs::copy_file(dir_ / "a.h5", dir_ / "crashed.h5");
    file.append(run, 30);
    file.file().close();
  }
  EXPECT_EQ(look("a.h5"), 80);
  EXPECT_EQ(look("crashed.h5"), 0);
  EXPECT_EQ(look("a.h5"), 30) << "others, as far as it knows";
  EXPECT_EQ(got_.size(), 80U) << "but of times that it has had";
}

TEST_F(Feed, ComesBackFromAClockOfTheFuture) {
  write("a.h5", {{1'000'000, 50}});
  write("b.h5", {{0, 60}});
  look("a.h5");
  got_.clear();
  EXPECT_EQ(look("b.h5"), 60);
  EXPECT_EQ(got_.size(), 60U);
  write("c.h5", {{100'000, 50}, {60, 40}});  // the second is the one that grows
  got_.clear();
  EXPECT_EQ(look("c.h5", "sr1_0002"), 40);
  EXPECT_EQ(got_.begin()->first, 60);
}

}  // namespace
