#include "acquisition/log/events.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>

namespace {

using daq::log::Event;
using daq::log::Events;

struct EventsOfALog : testing::Test {
  std::shared_ptr<Events> events = std::make_shared<Events>();
  spdlog::logger log{"test", events};

  std::vector<std::string> texts() {
    std::vector<std::string> found;
    for (const auto& event : events->take()) found.push_back(event.level + ": " + event.text);
    return found;
  }
};

TEST_F(EventsOfALog, AreTakenOnceInTheirOrderAndPrintable) {
  EXPECT_FALSE(events->has_some());
  log.warn("gap");
  log.info("a\x1b[2Jb");
  EXPECT_TRUE(events->has_some());
  EXPECT_THAT(texts(), testing::ElementsAre("warning: gap", "info: a\\x1b[2Jb"));
  EXPECT_FALSE(events->has_some());
  EXPECT_THAT(texts(), testing::IsEmpty());
}

TEST_F(EventsOfALog, ComeBackInFrontOfWhatWasSaidMeanwhile) {
  log.info("one");
  log.info("two");
  auto taken = events->take();
  log.info("three");
  events->give_back(std::move(taken));
  EXPECT_TRUE(events->has_some());
  EXPECT_THAT(texts(), testing::ElementsAre("info: one", "info: two", "info: three"));
}

TEST_F(EventsOfALog, LoseTheOldestWhereNothingIsWrittenAndSaySo) {
  for (std::size_t i = 0; i < Events::kMost + 7; ++i) log.info("line {}", i);
  const auto kept = texts();
  ASSERT_EQ(kept.size(), Events::kMost + 1);
  EXPECT_EQ(kept[0], "warning: 7 lines before this one were in no file in time, and are left out here");
  EXPECT_EQ(kept[1], "info: line 7");
  EXPECT_EQ(kept.back(), "info: line 1006");
}

}  // namespace
