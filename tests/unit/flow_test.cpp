#include "acquisition/status/flow.hpp"

#include <gtest/gtest.h>

namespace {

using daq::status::Delivery;
using daq::status::Flow;
using namespace std::chrono_literals;

class FlowTest : public testing::Test {
 protected:
  Delivery at() const { return flow_.at(now_).delivery; }
  Flow::Steady::duration since() const { return now_ - flow_.at(now_).since; }

  Flow::Steady::time_point now_{1h};
  Flow flow_{1s, now_};  // a frame a second: silence is five seconds
};

TEST_F(FlowTest, WaitsUntilItIsConnectedHoweverLongThatTakes) {
  EXPECT_EQ(at(), Delivery::Waiting);
  now_ += 24h;
  EXPECT_EQ(at(), Delivery::Waiting);
  EXPECT_EQ(since(), 24h);
  flow_.disconnected(now_);  // another try that failed
  EXPECT_EQ(since(), 24h);
}

TEST_F(FlowTest, SaysThatNothingComesFromAConnectionThatIsSilentFromTheBeginning) {
  flow_.connected(now_);
  EXPECT_EQ(at(), Delivery::Waiting) << "a moment is no silence";
  now_ += 6s;
  EXPECT_EQ(at(), Delivery::NoData);
  EXPECT_EQ(since(), 6s);
  EXPECT_FALSE(flow_.stores(now_));
}

TEST_F(FlowTest, ReceivesWhileFramesComeAndSaysSinceWhenNoneDo) {
  flow_.connected(now_);
  for (std::uint64_t k = 1; k <= 100; ++k, now_ += 1s) {
    flow_.received(now_, k, k);
    ASSERT_EQ(at(), Delivery::Receiving);
  }
  EXPECT_EQ(since(), 100s);
  EXPECT_TRUE(flow_.stores(now_));
  now_ += 5s;
  EXPECT_EQ(at(), Delivery::NoData);
  EXPECT_EQ(since(), 6s) << "the last data came then";
  EXPECT_FALSE(flow_.stores(now_));
}

TEST_F(FlowTest, IsNotWaitingAgainBecauseOfAFirstByteBehindASilence) {
  flow_.connected(now_);
  now_ += 7s;
  flow_.received(now_, 0, 0);  // the first byte of all
  EXPECT_EQ(at(), Delivery::NoData);
  EXPECT_EQ(since(), 7s) << "since it is connected";
  now_ += 1s;
  EXPECT_EQ(at(), Delivery::NoData);
  flow_.received(now_, 1, 1);
  EXPECT_EQ(at(), Delivery::Receiving);
  now_ += 10s;
  EXPECT_EQ(at(), Delivery::NoData);
  flow_.received(now_, 1, 1);  // a byte behind data and a silence
  EXPECT_EQ(at(), Delivery::NoData);
  EXPECT_EQ(since(), 10s) << "since the last data";
  for (int k = 0; k < 6; ++k) flow_.received(now_ += 1s, 1, 1);
  EXPECT_EQ(at(), Delivery::Garbage);
  EXPECT_EQ(since(), 6s);
  flow_.disconnected(now_);
  flow_.connected(now_ += 10s);
  flow_.received(now_ += 1s, 1, 1);
  EXPECT_EQ(at(), Delivery::Waiting) << "only just connected";
}

TEST_F(FlowTest, KnowsBytesThatAreNoFrames) {
  flow_.connected(now_);
  flow_.received(now_, 1, 1);
  for (int k = 0; k < 10; ++k) flow_.received(now_ += 1s, 1, 1);
  EXPECT_EQ(at(), Delivery::Garbage);
  EXPECT_EQ(since(), 10s) << "since the last frame";
  EXPECT_FALSE(flow_.stores(now_));
  flow_.received(now_, 2, 2);
  EXPECT_EQ(at(), Delivery::Receiving);
  EXPECT_EQ(since(), 0s);
}

TEST_F(FlowTest, GivesAFirstPieceOfAFrameTime) {
  flow_.connected(now_);
  flow_.received(now_, 0, 0);
  EXPECT_EQ(at(), Delivery::Waiting);
  for (int k = 0; k < 6; ++k) flow_.received(now_ += 1s, 0, 0);
  EXPECT_EQ(at(), Delivery::Garbage);
}

TEST_F(FlowTest, OfAFrameWithoutAStoredSampleIsNotStored) {
  flow_.connected(now_);
  for (std::uint64_t k = 1; k < 10; ++k) flow_.received(now_ += 1s, k, 0);
  EXPECT_EQ(at(), Delivery::Receiving);
  EXPECT_FALSE(flow_.stores(now_)) << "what comes is of no use";
}

TEST_F(FlowTest, IsToldGoneAtOnceAndSilentAfterItCameBackWithoutAWord) {
  flow_.connected(now_);
  flow_.received(now_, 1, 1);
  flow_.disconnected(now_ += 1s);
  EXPECT_EQ(at(), Delivery::Waiting);
  flow_.connected(now_ += 60s);
  EXPECT_EQ(at(), Delivery::NoData);
  EXPECT_EQ(since(), 61s) << "a new connection is no data";
}

TEST_F(FlowTest, OfASlowInstrumentMayPause) {
  Flow slow{60s, now_};
  slow.connected(now_);
  slow.received(now_, 1, 1);
  EXPECT_EQ(slow.at(now_ + 299s).delivery, Delivery::Receiving);
  EXPECT_EQ(slow.at(now_ + 301s).delivery, Delivery::NoData);
}

TEST_F(FlowTest, EndsForGood) {
  flow_.connected(now_);
  flow_.received(now_, 1, 1);
  flow_.ended(now_);
  now_ += 1h;
  EXPECT_EQ(at(), Delivery::Ended);
}

}  // namespace
