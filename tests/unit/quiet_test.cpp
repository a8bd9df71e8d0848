#include "acquisition/log/quiet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "support/host_clock.hpp"

namespace {

using daq::log::Quiet;
using testing::MatchesRegex;
using testing::StartsWith;
using namespace std::chrono_literals;

class QuietTest : public testing::Test {
 protected:
  QuietTest() { log_->set_pattern("%v"); }
  /// What was written since the last call.
  std::string written() {
    auto text = text_.str();
    text_.str({});
    return text;
  }
  void say(const std::string& kind, const std::string& text) { quiet_.say(spdlog::level::warn, kind, text); }

  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> log_ =
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(text_));
  support::ClockByHand clock_;
  Quiet quiet_{log_};
};

TEST_F(QuietTest, SaysTheFirstAtOnceAndTheNewestOfTheOthersAfterAMinute) {
  for (int i = 0; i < 590; ++i, clock_.pass(100ms)) say("reset", "reset " + std::to_string(i));
  EXPECT_EQ(written(), "reset 0\n");
  clock_.pass(1s);
  quiet_.tick();
  EXPECT_THAT(written(), MatchesRegex("reset 589 repeated=589 last=[0-9T:.-]+Z\n"));
  say("reset", "reset 590");
  EXPECT_EQ(written(), "") << "the next minute has begun";
  clock_.pass(60s);
  quiet_.tick();
  EXPECT_THAT(written(), MatchesRegex("reset 590 repeated=1 last=[0-9T:.-]+Z\n"));
}

TEST_F(QuietTest, TellsWhenWhatItHeldBackWasSaid) {
  say("outage", "not writable");
  clock_.pass(5s);
  const auto before = mth5::host_now();
  say("outage", "not writable");
  const auto after = mth5::host_now();
  clock_.pass(20s);
  (void)written();
  quiet_.flush();
  const auto text = written();
  const auto last = mth5::parse_time(text.substr(text.find("last=") + 5, text.find('\n') - text.find("last=") - 5));
  ASSERT_TRUE(last) << text;
  EXPECT_GE(*last, before);
  EXPECT_LE(*last, after);
}

TEST_F(QuietTest, TellsKindsApart) {
  say("waiting a", "a waits");
  say("waiting b", "b waits");
  say("waiting a", "a waits");
  EXPECT_EQ(written(), "a waits\nb waits\n");
}

TEST_F(QuietTest, TakesItForNewsAfterAQuietMinute) {
  say("reset", "first");
  clock_.pass(60s);
  quiet_.tick();
  say("reset", "second");
  EXPECT_EQ(written(), "first\nsecond\n");
}

TEST_F(QuietTest, KeepsADayOfResetsBelowOneLineAMinute) {
  std::size_t lines = 0;
  for (; clock_.steady() < std::chrono::steady_clock::time_point{25h}; clock_.pass(100ms)) {
    say("reset", "reset");
    for (const char c : written()) lines += c == '\n' ? 1 : 0;
  }
  EXPECT_LE(lines, 24u * 60);
  EXPECT_GE(lines, 23u * 60);
}

TEST_F(QuietTest, HoldsNothingBackAtTheEndAndCountsAll) {
  say("reset", "first");
  say("reset", "second");
  say("reset", "third");
  quiet_.flush();
  EXPECT_THAT(written(), MatchesRegex("first\nthird repeated=2 last=[0-9T:.-]+Z\n"));
}

TEST_F(QuietTest, LetsOthersGatherByThemselves) {
  EXPECT_TRUE(quiet_.may_say("losses"));
  clock_.pass(59s);
  EXPECT_FALSE(quiet_.may_say("losses"));
  clock_.pass(1s);
  EXPECT_TRUE(quiet_.may_say("losses"));
  quiet_.flush();
  EXPECT_EQ(written(), "");
}

TEST_F(QuietTest, KeepsBoundedMemoryOfKindsThatAPeerInvents) {
  std::size_t said = 0;
  for (int i = 0; i < 10'000; ++i) say("kind " + std::to_string(i), "text");
  for (const char c : written()) said += c == '\n' ? 1 : 0;
  EXPECT_LE(said, Quiet::kMostKinds + 1);
  quiet_.flush();
  EXPECT_THAT(written(), StartsWith("text repeated=" + std::to_string(10'000 - said) + " last="));
}

}  // namespace
